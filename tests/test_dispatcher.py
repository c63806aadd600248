"""The dispatcher over a real store: what it claims, how it reacts to each class of error, how it starts and stops."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from sahut_bot import errors
from sahut_bot.dispatcher import Dispatcher, Target
from sahut_bot.inbox.models import lanes, outbox
from sahut_bot.inbox.outbox import SIGNAL, Draft, enqueue
from sahut_bot.inbox.outbox_claims import Claimed
from sahut_bot.inbox.outbox_policy import Done, Failed, Outcome, Retrying, Uncertain
from sahut_bot.inbox.store import Store, Tx
from sahut_bot.types import Health, Resend, Sent
from tests.databases import Clock, until


def draft(lane: str, ref: int, **values: Any) -> Draft:
    return Draft(
        **{
            "lane": lane,
            "target": "slack",
            "kind": "post",
            "priority": 0,
            "conversation_id": None,
            "ref": ref,
            **values,
        }
    )


class Platform:
    """A small platform: what reaches it, what it answers, how much room it has."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bool]] = []
        self.answers: dict[int, list[Exception]] = defaultdict(list)
        self.settled: list[tuple[int, Outcome]] = []
        self.alerts: list[tuple[str, str]] = []
        self.health = Health.CONNECTED
        self.room: tuple[int, float] = (100, 0.0)
        self.gate = asyncio.Event()
        self.gate.set()
        self.running = 0
        self.most = 0
        self.load_fails: set[int] = set()
        self.settle_fails = False

    @property
    def refs(self) -> list[int]:
        return [ref for ref, _ in self.calls]

    def load(self, _tx: Tx, claimed: Sequence[Claimed]) -> list[int]:
        refs = [one.ref or 0 for one in claimed]
        if self.load_fails.intersection(refs):
            raise KeyError("bug in load")
        return refs

    async def perform(self, ref: int, doubt: bool) -> Sent | None:
        self.calls.append((ref, doubt))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if self.answers[ref]:
            raise self.answers[ref].pop(0)
        return Sent(external_id=f"p{ref}")

    def settle(self, tx: Tx, pairs: Sequence[tuple[Claimed, Outcome]], _now: float) -> None:
        if self.settle_fails:
            raise KeyError("bug in settle")
        # A work may run again; what was settled counts once, as rows would.
        self.settled += [pair for one, outcome in pairs if (pair := (one.ref or 0, outcome)) not in self.settled]

    def target(self, name: str = "slack", **values: Any) -> Target:
        return Target(
            **{
                "name": name,
                "room": lambda: self.room,
                "concurrency": 10,
                "resend": Resend.LOOKUP,
                "health": lambda: self.health,
                "adapter": "slack",
                **values,
            }
        )


class Bench:
    """A dispatcher at work for one platform. Its clock stands still unless a test moves it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.platform = Platform()
        self.targets = {"slack": self.platform.target()}
        self.dispatchers: list[Dispatcher[int]] = []

    async def start(self, now: Callable[[], float] | None = None) -> Dispatcher[int]:
        dispatcher = Dispatcher(
            self.store,
            self.targets,
            self.platform.load,
            self.platform.perform,
            self.platform.settle,
            now or self.clock,
            random.Random(1),
            alert=lambda adapter, reason: self.platform.alerts.append((adapter, reason)),
        )
        await dispatcher.start()
        self.dispatchers.append(dispatcher)
        return dispatcher

    async def put(self, *drafts: Draft) -> None:
        await self.store.write(enqueue, drafts, self.clock())

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.store.ring(SIGNAL)

    async def settled(self, *refs: int) -> None:
        await until(lambda: {ref for ref, _ in self.platform.settled} >= set(refs))

    async def idle(self) -> None:
        """Waits until no lane is left."""
        async with asyncio.timeout(10):
            while await self.store.read(lambda rx: rx.execute(sa.select(lanes.c.lane).limit(1)).first()):
                pass

    async def row(self, ref: int) -> Any:
        return await self.store.read(lambda rx: rx.execute(sa.select(outbox).where(outbox.c.ref == ref)).one())

    async def waits(self, ref: int, attempts: int = 1) -> Any:
        """The row, once it has ended `attempts` attempts and waits for the next one."""
        free = sa.select(lanes.c.lease, outbox).where(lanes.c.lane == outbox.c.lane, outbox.c.ref == ref)
        async with asyncio.timeout(10):
            while True:
                row = await self.store.read(lambda rx: rx.execute(free).first())
                if row and row.error and row.attempts == attempts and row.lease is None:
                    return row


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged; nobody renders the tracebacks of the bugs that these tests play."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
async def bench(store: Store, clock: Clock) -> AsyncIterator[Bench]:
    made = Bench(store, clock)
    yield made
    made.platform.gate.set()
    for dispatcher in made.dispatchers:
        await dispatcher.stop()


async def test_each_row_is_performed_and_settled_once_in_the_order_of_its_lane(bench: Bench) -> None:
    await bench.start()
    await bench.put(*(draft(f"t:{n % 3}", n) for n in range(30)))
    await bench.settled(*range(30))
    assert sorted(bench.platform.refs) == list(range(30))
    for lane in range(3):
        assert [ref for ref in bench.platform.refs if ref % 3 == lane] == list(range(lane, 30, 3))
    assert dict(bench.platform.settled)[7] == Done(Sent(external_id="p7"))
    await bench.idle()


async def test_no_more_run_at_once_than_the_target_allows(bench: Bench) -> None:
    bench.targets["slack"] = bench.platform.target(concurrency=3)
    bench.platform.gate.clear()
    await bench.put(*(draft(f"t:{n}", n) for n in range(8)))
    await bench.start()
    await until(lambda: bench.platform.running == 3)
    bench.platform.gate.set()
    await bench.settled(*range(8))
    assert bench.platform.most == 3


async def test_nothing_is_claimed_without_room_and_it_goes_on_when_there_is(bench: Bench) -> None:
    bench.platform.room = (0, 0.01)
    await bench.put(draft("t:1", 1))
    await bench.start()
    await bench.put(draft("t:2", 2))
    assert (await bench.row(1)).attempts == 0
    bench.platform.room = (1, 0.0)
    await bench.settled(1, 2)


async def test_what_may_work_later_is_tried_again_after_a_pause(bench: Bench) -> None:
    bench.platform.answers[1] = [errors.Transient("away"), errors.Transient("away")]
    await bench.start()
    await bench.put(draft("t:1", 1), draft("t:1", 2), draft("t:2", 3))
    await bench.settled(3)
    for attempts in (1, 2):
        await bench.waits(1, attempts)
        bench.advance(5)
    await bench.settled(1, 2)
    assert [call for call in bench.platform.calls if call[0] == 1] == [(1, False)] * 3
    assert bench.platform.refs.index(2) > 3


async def test_rate_limit_pauses_its_target_alone_and_is_no_attempt(bench: Bench) -> None:
    bench.targets["other"] = bench.platform.target("other")
    bench.platform.answers[1] = [errors.RateLimited("slow down", 30.0)]
    await bench.start()
    await bench.put(draft("t:1", 1))
    await bench.waits(1, 0)
    await bench.put(draft("t:2", 2), draft("x:1", 3, target="other"))
    await bench.settled(3)
    assert bench.platform.refs == [1, 3]
    bench.advance(30)
    await bench.settled(1, 2)


async def test_refused_credentials_stop_all_targets_of_the_adapter_until_its_health_recovers(bench: Bench) -> None:
    bench.targets["slack/react"] = bench.platform.target("slack/react")
    bench.targets["chat"] = bench.platform.target("chat", adapter="chat", health=lambda: Health.CONNECTED)
    bench.platform.answers[1] = [errors.AuthFailed("invalid_auth")]
    dispatcher = await bench.start()
    await bench.put(draft("t:1", 1))
    await bench.waits(1, 0)
    bench.platform.health = Health.BAD_CREDENTIALS
    await bench.put(draft("t:2", 2), draft("m:1", 3, target="slack/react"), draft("c:1", 4, target="chat"))
    await bench.settled(4)
    assert bench.platform.refs == [1, 4]
    assert dispatcher.stopped == {"slack": "invalid_auth"}
    assert bench.platform.alerts == [("slack", "invalid_auth")]
    bench.platform.health = Health.CONNECTED
    bench.advance(1)
    await bench.settled(1, 2, 3)
    assert dispatcher.stopped == {}
    assert bench.platform.alerts == [("slack", "invalid_auth")]


async def test_credentials_refused_again_and_again_are_told_once(bench: Bench) -> None:
    bench.platform.answers[1] = [errors.AuthFailed("invalid_auth"), errors.AuthFailed("invalid_auth")]
    await bench.start()
    await bench.put(draft("t:1", 1))
    await bench.waits(1, 0)
    bench.advance(59)
    await bench.store.write(lambda _tx: None)
    assert bench.platform.refs == [1]
    bench.advance(1)
    await until(lambda: bench.platform.refs == [1, 1])
    await bench.waits(1, 0)
    bench.advance(61)
    await bench.settled(1)
    assert bench.platform.alerts == [("slack", "invalid_auth")]


async def test_refusal_for_good_is_settled_with_its_code_and_frees_the_lane(bench: Bench) -> None:
    bench.platform.answers[1] = [errors.Permanent("thread is gone", code="thread_lost")]
    await bench.start()
    await bench.put(draft("t:1", 1), draft("t:1", 2))
    await bench.settled(1, 2)
    assert bench.platform.settled == [
        (1, Failed("thread is gone", "thread_lost")),
        (2, Done(Sent(external_id="p2"))),
    ]


async def test_uncertain_send_is_looked_up_where_that_is_possible(bench: Bench) -> None:
    bench.platform.answers[1] = [errors.Uncertain("cut off"), errors.Transient("away")]
    await bench.start()
    await bench.put(draft("t:1", 1))
    for attempts in (1, 2):
        assert (await bench.waits(1, attempts)).state == "sending"
        bench.advance(10)
    await bench.settled(1)
    # Still in doubt after an attempt that certainly did nothing.
    assert bench.platform.calls == [(1, False), (1, True), (1, True)]


async def test_uncertain_send_ends_as_uncertain_where_it_cannot_be_looked_up(bench: Bench) -> None:
    bench.targets["slack"] = bench.platform.target(resend=Resend.NEVER)
    bench.platform.answers[1] = [errors.Uncertain("cut off")]
    await bench.start()
    await bench.put(draft("t:1", 1), draft("t:1", 2))
    await bench.settled(1, 2)
    assert bench.platform.settled[0] == (1, Uncertain("cut off"))
    assert bench.platform.refs == [1, 2]


async def test_bug_is_tried_a_few_times_and_then_failed(bench: Bench) -> None:
    bench.platform.answers[1] = [KeyError("bug")] * 9
    await bench.start()
    await bench.put(draft("t:1", 1), draft("t:1", 2))
    for attempts in (1, 2, 3):
        await bench.waits(1, attempts)
        bench.advance(10)
    await bench.settled(2)
    assert bench.platform.settled[0] == (1, Failed("internal error", "bug"))
    assert bench.platform.refs.count(1) == 4


async def test_row_that_cannot_be_loaded_fails_alone(bench: Bench) -> None:
    bench.platform.load_fails = {2}
    await bench.put(draft("t:1", 1), draft("t:2", 2), draft("t:3", 3))
    await bench.start()
    await bench.settled(1, 3)
    for attempts in (1, 2, 3):
        await bench.waits(2, attempts)
        bench.advance(10)
    await bench.settled(2)
    assert dict(bench.platform.settled)[2] == Failed("internal error", "bug")
    assert 2 not in bench.platform.refs


async def test_bug_in_settle_does_not_send_twice(bench: Bench) -> None:
    bench.platform.settle_fails = True
    await bench.start()
    await bench.put(draft("t:1", 1), draft("t:1", 2))
    await bench.idle()
    assert bench.platform.refs == [1, 2]
    assert (await bench.row(1)).state == "done"


async def test_long_retry_is_told_once(bench: Bench) -> None:
    bench.platform.answers[1] = [errors.Transient("away")] * 5
    start = bench.clock()
    await bench.start()
    await bench.put(draft("t:1", 1))
    for attempts in range(1, 6):
        await bench.waits(1, attempts)
        bench.advance(31)
    await until(lambda: (1, Done(Sent(external_id="p1"))) in bench.platform.settled)
    told = [outcome for _, outcome in bench.platform.settled if isinstance(outcome, Retrying)]
    assert told == [Retrying("away", start)]


async def test_hold_ends_at_its_time_without_any_signal(bench: Bench) -> None:
    await bench.start(now=time.time)
    due = time.time() + 0.15
    await bench.put(draft("c:1", 1, run_at=due))
    await bench.settled(1)
    assert due <= time.time() < due + 0.5


async def test_stopping_waits_for_what_is_being_sent(bench: Bench) -> None:
    bench.platform.gate.clear()
    dispatcher = await bench.start()
    await bench.put(draft("t:1", 1), draft("t:1", 2))
    await until(lambda: bench.platform.running == 1)
    stopping = asyncio.create_task(dispatcher.stop())
    await asyncio.sleep(0)
    bench.platform.gate.set()
    await stopping
    assert bench.platform.settled == [(1, Done(Sent(external_id="p1")))]
    assert bench.platform.refs == [1]


@pytest.mark.parametrize(("resend", "again"), [(Resend.LOOKUP, [(1, False), (1, True)]), (Resend.NEVER, [(1, False)])])
async def test_what_was_being_sent_when_the_program_died_is_in_doubt(
    bench: Bench, resend: Resend, again: list[tuple[int, bool]]
) -> None:
    bench.targets["slack"] = bench.platform.target(resend=resend)
    bench.platform.gate.clear()
    dispatcher = await bench.start()
    await bench.put(draft("t:1", 1))
    await until(lambda: bench.platform.running == 1)
    await dispatcher.stop(grace=0)
    assert bench.platform.settled == []
    bench.platform.gate.set()
    bench.clock.advance(61)
    await bench.start()
    await bench.settled(1)
    assert bench.platform.calls == again
    expected = Done(Sent(external_id="p1")) if resend is Resend.LOOKUP else Uncertain("interrupted while sending")
    assert bench.platform.settled == [(1, expected)]


async def test_long_send_keeps_its_lease(bench: Bench) -> None:
    bench.platform.gate.clear()
    await bench.start()
    await bench.put(draft("t:1", 1))
    await until(lambda: bench.platform.running == 1)
    for _ in range(10):
        before = (await bench.store.read(lambda rx: rx.execute(sa.select(lanes.c.lease)).scalar_one())) or 0
        bench.advance(25)
        async with asyncio.timeout(10):
            while (await bench.store.read(lambda rx: rx.execute(sa.select(lanes.c.lease)).scalar_one()) or 0) <= before:
                pass
    bench.platform.gate.set()
    await bench.settled(1)
    assert bench.platform.calls == [(1, False)]


async def test_adapter_that_is_down_costs_others_nothing_and_its_rows_wait(bench: Bench) -> None:
    bench.platform.health = Health.STOPPED
    bench.targets["chat"] = bench.platform.target("chat", adapter="chat", health=lambda: Health.CONNECTED)
    await bench.start()
    await bench.put(draft("t:1", 1), draft("c:1", 2, target="chat"))
    await bench.settled(2)
    assert bench.platform.refs == [2]
    bench.platform.health = Health.CONNECTED
    bench.store.ring(SIGNAL)
    await bench.settled(1)


async def test_target_that_fails_again_and_again_rests_and_others_go_on(bench: Bench) -> None:
    bench.targets["chat"] = bench.platform.target("chat", concurrency=1)
    for ref in range(20):
        bench.platform.answers[ref] = [errors.Transient("away")]
    await bench.start()
    await bench.put(*(draft(f"c:{ref}", ref, target="chat") for ref in range(20)), draft("t:1", 100))
    await until(lambda: len(bench.platform.calls) == 9)
    await bench.settled(100)
    for ref in set(bench.platform.refs) - {100}:
        await bench.waits(ref)
    assert len(bench.platform.calls) == 9
    calls, settled = bench.platform.calls, bench.platform.settled
    while len(settled) < 21:
        before = len(calls)
        bench.advance(16)
        await until(lambda before=before: len(calls) > before or len(settled) == 21)  # type: ignore[misc]
