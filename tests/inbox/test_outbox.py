"""Lanes and their rows: order, merging, holds, outcomes and doubt, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from sahut_bot.inbox import outbox_admin
from sahut_bot.inbox.models import lanes, outbox
from sahut_bot.inbox.outbox import FAR, Draft, cancel, enqueue, lock_pending, release, reschedule
from sahut_bot.inbox.outbox_claims import Claimed, Finished, claim, finish, next_due, recover, renew
from sahut_bot.inbox.outbox_policy import Done, Failed, Outcome, Pause, Retry, Retrying, Uncertain, Verdict
from sahut_bot.inbox.store import Store, Tx, count_statements
from tests.databases import Clock

LEASE = 60.0
DONE = Done(None)


def draft(lane: str, ref: int = 0, **values: Any) -> Draft:
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


class Desk:
    """The outbox of one store, at the clock's time, with a record of what was settled."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.settled: list[tuple[int | None, Outcome]] = []

    async def put(self, *drafts: Draft) -> None:
        await self.store.write(enqueue, drafts, self.clock())

    async def claim(self, limit: int = 100, target: str = "slack") -> list[Claimed]:
        return await self.store.write(claim, [(target, limit)], self.clock(), self.clock() + LEASE)

    async def finish(self, *claimed: Claimed, verdict: Verdict = DONE) -> list[bool]:
        return await self.store.write(self._finish, [Finished(one, verdict, self.clock()) for one in claimed])

    def _finish(self, tx: Tx, items: Sequence[Finished]) -> list[bool]:
        collected: list[tuple[int | None, Outcome]] = []
        answers = finish(tx, items, lambda _tx, pairs, _now: collected.extend((c.ref, outcome) for c, outcome in pairs))
        self.settled += collected
        return answers

    async def refs(self) -> list[int | None]:
        """Claims and finishes everything that is due, one round after the other."""
        found = []
        while claimed := await self.claim():
            found += [one.ref for one in claimed]
            await self.finish(*claimed)
        return found

    async def states(self) -> list[str]:
        return await self.store.read(
            lambda rx: list(rx.execute(sa.select(outbox.c.state).order_by(outbox.c.id)).scalars())
        )

    async def lanes(self) -> list[str]:
        return await self.store.read(lambda rx: sorted(rx.execute(sa.select(lanes.c.lane)).scalars()))


@pytest.fixture
def desk(store: Store, clock: Clock) -> Desk:
    return Desk(store, clock)


async def test_lane_gives_one_row_at_a_time_in_the_order_they_came(desk: Desk) -> None:
    await desk.put(draft("t:1", 1), draft("t:1", 2), draft("t:2", 3))
    first = await desk.claim()
    assert [one.ref for one in first] == [1, 3]
    assert await desk.claim() == []
    await desk.finish(*first)
    assert [one.ref for one in await desk.claim()] == [2]


async def test_lane_goes_with_its_last_row(desk: Desk) -> None:
    await desk.put(draft("t:1", 1))
    await desk.finish(*await desk.claim())
    assert await desk.lanes() == []
    assert await desk.states() == ["done"]


async def test_lower_priority_number_is_claimed_first_however_late_it_came(desk: Desk) -> None:
    await desk.put(draft("a:1", 1, priority=3))
    desk.clock.advance(10)
    await desk.put(draft("t:1", 2, priority=0), draft("k:1", 3, priority=2))
    assert [one.ref for one in await desk.claim(limit=2)] == [2, 3]


async def test_each_target_gets_no_more_than_it_asked_for(desk: Desk) -> None:
    await desk.put(*(draft(f"t:{n}", n, priority=n % 5) for n in range(20)))
    await desk.put(*(draft(f"c:{n}", n, target="chat") for n in range(5)))
    asks = [("slack", 3), ("chat", 2), ("none", 4), ("full", 0)]
    claimed = await desk.store.write(claim, asks, desk.clock(), desk.clock() + LEASE)
    assert [one.target for one in claimed].count("slack") == 3
    assert [one.target for one in claimed].count("chat") == 2
    assert {one.priority for one in claimed if one.target == "slack"} == {0}


async def test_waiting_card_stands_for_all_that_follow_but_a_sending_one_does_not(desk: Desk) -> None:
    await desk.put(draft("k:1", 1, kind="card"), draft("k:1", 2, kind="card"))
    await desk.put(draft("k:1", 3, kind="card"), draft("k:2", 4, kind="card"))
    claimed = await desk.claim()
    assert [one.ref for one in claimed] == [1, 4]
    await desk.put(draft("k:1", 5, kind="card"), draft("k:1", 6, kind="card"))
    await desk.finish(*claimed)
    assert await desk.refs() == [5]


async def test_card_that_failed_for_now_gives_way_to_the_one_that_came_meanwhile(desk: Desk) -> None:
    await desk.put(draft("k:1", 1, kind="card"), draft("k:2", 2, kind="card"))
    claimed = await desk.claim()
    await desk.put(draft("k:1", 3, kind="card"))
    await desk.finish(*claimed, verdict=Retry(10, "away", doubt=False))
    assert await desk.claim() == []
    desk.clock.advance(10)
    assert await desk.refs() == [2, 3]


async def test_held_row_waits_and_holds_what_follows_in_its_lane_alone(desk: Desk) -> None:
    await desk.put(draft("c:1", 1, run_at=desk.clock() + 5), draft("c:1", 2), draft("c:2", 3))
    assert [one.ref for one in await desk.claim()] == [3]
    assert await desk.store.read(next_due, ["slack"], desk.clock()) == desk.clock() + 5
    desk.clock.advance(5)
    assert await desk.refs() == [1, 2]


async def test_lane_that_waits_for_its_thread_is_never_due_until_released(desk: Desk) -> None:
    await desk.put(draft("k:1", 1, run_at=FAR), draft("k:1", 2, run_at=FAR))
    desk.clock.advance(10**6)
    assert await desk.claim() == []
    assert await desk.store.read(next_due, ["slack"], desk.clock()) is None
    await desk.store.write(release, ["k:1", "k:none"], desk.clock())
    assert await desk.refs() == [1, 2]


async def test_cancelling_a_pending_row_frees_the_lane_and_a_sending_one_refuses(desk: Desk) -> None:
    await desk.put(draft("c:1", 1, run_at=desk.clock() + 5), draft("c:1", 2))
    assert await desk.store.write(cancel, "post", 1, desk.clock())
    (sending,) = await desk.claim()
    assert sending.ref == 2
    assert not await desk.store.write(cancel, "post", 2, desk.clock())
    assert not await desk.store.write(lock_pending, "post", 2)
    await desk.finish(sending)
    assert not await desk.store.write(cancel, "post", 1, desk.clock())
    assert await desk.states() == ["cancelled", "done"]
    assert await desk.lanes() == []


async def test_cancelling_behind_a_retry_does_not_bring_the_retry_forward(desk: Desk) -> None:
    await desk.put(draft("c:1", 1), draft("c:1", 2))
    await desk.finish(*await desk.claim(), verdict=Retry(30, "away", doubt=False))
    assert await desk.store.write(lock_pending, "post", 2)
    assert await desk.store.write(cancel, "post", 2, desk.clock())
    assert await desk.claim() == []
    desk.clock.advance(30)
    assert await desk.refs() == [1]


async def test_rescheduling_moves_the_head_of_a_lane(desk: Desk) -> None:
    await desk.put(draft("c:1", 1, run_at=desk.clock() + 5))
    assert await desk.store.write(reschedule, "post", 1, desk.clock() + 100)
    desk.clock.advance(50)
    assert await desk.claim() == []
    assert await desk.store.write(reschedule, "post", 1, desk.clock())
    assert await desk.refs() == [1]


async def test_retry_holds_its_lane_until_its_time(desk: Desk) -> None:
    await desk.put(draft("c:1", 1), draft("c:1", 2))
    await desk.finish(*await desk.claim(), verdict=Retry(7, "away", doubt=False))
    desk.clock.advance(6.9)
    assert await desk.claim() == []
    desk.clock.advance(0.1)
    (again,) = await desk.claim()
    assert (again.ref, again.attempts, again.doubt) == (1, 2, False)


async def test_pause_is_no_attempt(desk: Desk) -> None:
    await desk.put(draft("c:1", 1))
    await desk.finish(*await desk.claim(), verdict=Pause("slow down", doubt=False))
    assert [one.attempts for one in await desk.claim()] == [1]


@pytest.mark.parametrize(
    ("verdict", "state"), [(Failed("blocked", "no"), "failed"), (Uncertain("cut off"), "uncertain")]
)
async def test_row_that_ends_badly_frees_its_lane_and_is_settled(desk: Desk, verdict: Verdict, state: str) -> None:
    await desk.put(draft("c:1", 1), draft("c:1", 2))
    await desk.finish(*await desk.claim(), verdict=verdict)
    assert desk.settled == [(1, verdict)]
    assert await desk.states() == [state, "pending"]
    assert await desk.refs() == [2]


async def test_long_retry_is_told_once(desk: Desk) -> None:
    start = desk.clock()
    await desk.put(draft("c:1", 1))
    for _ in range(4):
        await desk.finish(*await desk.claim(), verdict=Retry(40, "away", doubt=False))
        desk.clock.advance(40)
    assert desk.settled == [(1, Retrying("away", start))]


async def test_expired_lease_leaves_a_row_in_doubt_that_nothing_merges_into_or_cancels(desk: Desk) -> None:
    await desk.put(draft("k:1", 1, kind="card"), draft("k:1", 2))
    (lost,) = await desk.claim()
    desk.clock.advance(LEASE + 1)
    assert await desk.store.write(recover, desk.clock()) == 1
    assert not await desk.store.write(cancel, "card", 1, desk.clock())
    await desk.put(draft("k:1", 3, kind="card"))
    (again,) = await desk.claim()
    assert (again.id, again.doubt, again.attempts) == (lost.id, True, 2)
    # What the first claim comes to say now is no longer about its own attempt.
    assert await desk.finish(lost, verdict=Failed("late")) == [False]
    assert await desk.finish(again) == [True]
    assert await desk.refs() == [2, 3]
    assert [outcome for _, outcome in desk.settled] == [Done(None)] * 3


async def test_renewed_lease_is_not_recovered(desk: Desk) -> None:
    await desk.put(draft("k:1", 1))
    (mine,) = await desk.claim()
    desk.clock.advance(LEASE - 1)
    await desk.store.write(renew, [(mine.lane, mine.lease)], desk.clock() + LEASE)
    desk.clock.advance(2)
    assert await desk.store.write(recover, desk.clock()) == 0
    assert await desk.store.write(recover, desk.clock(), everything=True) == 1


async def test_doubt_survives_a_pause_and_a_retry(desk: Desk) -> None:
    await desk.put(draft("k:1", 1))
    await desk.finish(*await desk.claim(), verdict=Retry(0, "cut off", doubt=True))
    await desk.finish(*await desk.claim(), verdict=Pause("slow down", doubt=True))
    (again,) = await desk.claim()
    assert again.doubt


async def test_failed_row_done_again_is_a_new_row_at_the_end_of_its_lane(desk: Desk) -> None:
    await desk.put(draft("c:1", 1, payload={"a": 1}))
    (bad,) = await desk.claim()
    await desk.finish(bad, verdict=Failed("blocked"))
    await desk.put(draft("c:1", 2))
    assert [one.id for one in await desk.store.read(outbox_admin.listing, "failed")] == [bad.id]
    old = await desk.store.write(outbox_admin.requeue, bad.id, desk.clock())
    assert old is not None
    assert (old.ref, old.payload) == (1, {"a": 1})
    assert await desk.store.write(outbox_admin.requeue, bad.id, desk.clock()) is None
    assert await desk.refs() == [2, 1]


async def test_dropping_frees_the_lane_unless_the_row_is_being_sent(desk: Desk) -> None:
    await desk.put(draft("c:1", 1, run_at=FAR), draft("c:1", 2))
    first, second = await desk.store.read(outbox_admin.listing)
    assert await desk.store.write(outbox_admin.drop, first.id, desk.clock()) is not None
    (sending,) = await desk.claim()
    assert sending.id == second.id
    assert await desk.store.write(outbox_admin.drop, second.id, desk.clock()) is None
    assert await desk.store.write(outbox_admin.drop, 10**6, desk.clock()) is None


async def test_pruning_deletes_what_ended_long_ago_and_nothing_else(desk: Desk) -> None:
    await desk.put(draft("c:1", 1), draft("c:2", 2), draft("c:3", 3))
    good, bad, _ = await desk.claim()
    await desk.finish(good)
    await desk.finish(bad, verdict=Failed("no"))
    later = desk.clock.advance(1000)
    assert await desk.store.write(outbox_admin.prune, later - 10, later - 2000) == 1
    assert await desk.states() == ["failed", "sending"]
    assert await desk.store.write(outbox_admin.prune, later - 10, later - 10) == 1


async def test_unknown_priority_is_refused_since_nothing_would_claim_it() -> None:
    with pytest.raises(ValueError, match="never claimed"):
        draft("c:1", priority=7)


async def test_lane_without_rows_is_cleared_away(desk: Desk) -> None:
    await desk.put(draft("c:1", 1))
    await desk.store.write(lambda tx: tx.execute(sa.delete(outbox)).rowcount)
    assert await desk.claim() == []
    assert await desk.lanes() == []


@pytest.mark.parametrize("doing", ["enqueue", "claim", "finish"])
async def test_number_of_statements_does_not_grow_with_the_batch(desk: Desk, doing: str) -> None:
    counts = []
    for size in (1, 10, 100):
        drafts = [draft(f"{doing}{size}:{n % 50}", n, kind="card" if n % 3 else "post") for n in range(size)]
        with count_statements(desk.store) as seen:
            await desk.put(*drafts)
            put = len(seen)
            claimed = await desk.claim(limit=size)
            taken = len(seen) - put
            await desk.finish(*claimed)
            ended = len(seen) - put - taken
        counts.append({"enqueue": put, "claim": taken, "finish": ended}[doing])
        await desk.refs()
    assert max(counts) <= {"enqueue": 2, "claim": 3, "finish": 6}[doing], counts
