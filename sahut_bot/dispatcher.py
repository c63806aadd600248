"""The outbox worker: claims what may go out now, has it performed, writes down what became of it. Knows no domain.

One reaction for each class of error (design 4.7); the decisions are `outbox_policy`'s. What it keeps in memory is a
cache: after a crash the leases tell what was being sent.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from sahut_bot import errors
from sahut_bot.errors import Busy
from sahut_bot.inbox.outbox import SIGNAL
from sahut_bot.inbox.outbox_claims import Claimed, Finished, Settle, claim, finish, next_due, recent, recover, renew
from sahut_bot.inbox.outbox_policy import MAX_AGE, Attempt, Done, Uncertain, Verdict, decide
from sahut_bot.inbox.outbox_sql import Ask
from sahut_bot.inbox.store import Store, Tx
from sahut_bot.types import Health, Instant, Resend, Sent

E = TypeVar("E")
log = structlog.get_logger(__name__)

LEASE = 60.0  # seconds until another process may take over what this one was sending
_SWEEP = 5.0  # the safety net: nothing waits longer than this for a wake-up that got lost
_LONGEST = 600.0  # an attempt that takes longer counts as cut off
_BUSY = 0.2  # how soon to try again when the database is away
_AUTH_RECHECK = 60.0
_SETTLE_TRIES = 3
_AWAY_AFTER = 8  # failures in a row, more than run at once
_LONGEST_REST = 15.0
_GRACE = 4.0  # seconds for what is under way when the program ends: supervisors kill after ten
_RECALLED = 61.0  # seconds: rate limits are counted by the minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where rows of one name go.

    `room`: how many may start now, and in how many seconds the next one may when that is 0. `health`: the adapter's;
    nothing is claimed while it is bad_credentials or stopped. `adapter`: targets with the same one stop together.
    `recall` is told once, on the start, how many seconds ago earlier runs sent something there.
    """

    name: str
    room: Callable[[], tuple[int, float]]
    concurrency: int
    resend: Resend
    health: Callable[[], Health]
    adapter: str = ""
    recall: Callable[[Sequence[float]], None] = lambda _ago: None


@dataclass(slots=True)
class _Stop:
    """An adapter whose credentials were refused at `at`."""

    reason: str
    at: Instant
    seen_bad: bool = False


@dataclass(slots=True)
class _Plan:
    """What one turn may ask for, and when the next turn is due at the latest."""

    asks: list[Ask] = field(default_factory=list)
    wait: float = _SWEEP

    def sooner(self, seconds: float) -> None:
        self.wait = min(self.wait, max(seconds, 0.0))


class Dispatcher(Generic[E]):
    """`load(tx, claimed)` makes one effect per row in the claim's transaction; `perform(effect, doubt)` is one attempt
    and raises a `PlatformError`, or answers a `Done` of its own where a row takes several; `settle` writes the domain's
    consequences with the outcome.

    `targets` may grow while it runs. `alert(adapter, reason)` is called once when an adapter's credentials fail.
    `observe` sees every verdict. Time and chance come in as `now` and `rng`.
    """

    def __init__(  # noqa: PLR0913 - the composition root names each
        self,
        store: Store,
        targets: Mapping[str, Target],
        load: Callable[[Tx, Sequence[Claimed]], Sequence[E]],
        perform: Callable[[E, bool], Awaitable[Sent | Done | None]],
        settle: Settle,
        now: Callable[[], Instant],
        rng: random.Random,
        *,
        alert: Callable[[str, str], None] = lambda _adapter, _reason: None,
        observe: Callable[[Claimed, Verdict], None] = lambda _claimed, _verdict: None,
        max_age: float = MAX_AGE,
    ) -> None:
        self._store = store
        self._targets = targets
        self._load = load
        self._perform = perform
        self._settle = settle
        self._now = now
        self._rng = rng
        self._alert = alert
        self._observe = observe
        self._max_age = max_age
        self._bell = store.listen(SIGNAL)
        self._active: Counter[str] = Counter()
        self._paused: dict[str, Instant] = {}
        self._failures: Counter[str] = Counter()  # of each target, one after the other
        self._stops: dict[str, _Stop] = {}
        self._alerted: set[str] = set()
        self._held: dict[int, tuple[str, Instant]] = {}  # being sent: lane and lease
        self._performing: set[asyncio.Task[None]] = set()
        self._recording: set[asyncio.Task[None]] = set()
        self._swept: Instant = float("-inf")
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def stopped(self) -> dict[str, str]:
        """Adapters that are not served since their credentials were refused, with the reason."""
        return {adapter: stop.reason for adapter, stop in self._stops.items()}

    async def start(self) -> None:
        if self._store.dialect == "sqlite":
            # One `run` at a time: whatever was being sent, its process is gone.
            await self._store.write(recover, self._now(), everything=True)
        now = self._now()
        for name, ago in (await self._store.read(recent, now, _RECALLED)).items():
            if target := self._targets.get(name):
                target.recall(ago)
        self._stopping = False
        self._loop = asyncio.create_task(self._run(), name="dispatcher")

    async def stop(self, grace: float = _GRACE) -> None:
        """Claims nothing more and lets what is being sent end. What takes over `grace` seconds stays in doubt."""
        self._stopping = True
        self._bell.set()
        if self._loop:
            await self._loop
        if self._performing:
            _, late = await asyncio.wait(self._performing, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._recording:
            _, unwritten = await asyncio.wait(self._recording, timeout=grace)
            for task in unwritten:
                task.cancel()
        self._bell.close()

    # ------------------------------------------------------------ claiming

    async def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            try:
                wait = await self._turn()
            except Busy:
                wait = _BUSY
            except Exception:
                log.exception("dispatcher.turn_failed")
                wait = _SWEEP
            if wait <= 0:
                continue
            try:
                async with asyncio.timeout(wait):
                    await self._bell.wait()
            except TimeoutError:
                pass

    async def _turn(self) -> float:
        """Claims and starts what may start; answers for how many seconds there is nothing to do unless it is woken."""
        now = self._now()
        plan = self._plan(now)
        sweep = not 0 <= now - self._swept < _SWEEP
        if sweep:
            self._swept = now
            await self._keep(now)
        if not plan.asks and not sweep:
            return plan.wait
        claimed, effects, due = await self._claimed(plan.asks, now, sweep)
        for one, effect in zip(claimed, effects, strict=True):
            self._start(one, effect)
        if claimed:
            # Their first steps take their share of the rate buckets, before anybody asks for room again.
            await asyncio.sleep(0)
        got = Counter(one.target for one in claimed)
        if any(got[target] >= limit for target, limit in plan.asks):
            return 0.0
        if due is not None:
            plan.sooner(due - self._now())
        return plan.wait

    def _plan(self, now: Instant) -> _Plan:
        plan = _Plan()
        for target in self._targets.values():
            if self._is_stopped(target, now):
                continue
            if (pause := self._paused.get(target.name, now) - now) > 0:
                plan.sooner(pause)
                continue
            room, seconds = target.room()
            free = min(room, target.concurrency - self._active[target.name])
            if free > 0:
                plan.asks.append((target.name, free))
            elif room <= 0:
                plan.sooner(max(seconds, 0.005))
        return plan

    async def _claimed(
        self, asks: Sequence[Ask], now: Instant, sweep: bool
    ) -> tuple[list[Claimed], Sequence[E | Exception], Instant | None]:
        try:
            return await self._store.write(self._claim, asks, now, sweep)
        except Busy:
            raise
        except Exception:
            log.exception("outbox.load_failed")
        # One row that cannot be loaded must not stop the others: each is loaded alone.
        claimed = await self._store.write(claim, asks, now, now + LEASE)
        effects: list[E | Exception] = []
        for one in claimed:
            try:
                effects += await self._store.write(self._load, [one])
            except Busy:
                effects.append(errors.Transient("database busy"))
            except Exception as error:
                log.exception("outbox.load_failed", row=one.id, kind=one.kind)
                effects.append(error)
        return claimed, effects, None

    def _claim(
        self, tx: Tx, asks: Sequence[Ask], now: Instant, sweep: bool
    ) -> tuple[list[Claimed], Sequence[E], Instant | None]:
        if sweep:
            recover(tx, now)
        claimed = claim(tx, asks, now, now + LEASE)
        effects = self._load(tx, claimed) if claimed else []
        if len(effects) != len(claimed):
            raise RuntimeError("load must make one effect per row")
        full = sum(limit for _, limit in asks) == len(claimed)
        due = None if full else next_due(tx, [target for target, _ in asks], now)
        return claimed, effects, due

    async def _keep(self, now: Instant) -> None:
        """Renews the leases of what has been going on for a while."""
        old = {row: held for row, held in self._held.items() if held[1] - now < LEASE * 2 / 3}
        if old:
            await self._store.write(renew, list(old.values()), now + LEASE)
            for row, (lane, _) in old.items():
                if row in self._held:
                    self._held[row] = (lane, now + LEASE)

    # ------------------------------------------------------------ performing

    def _start(self, claimed: Claimed, effect: E | Exception) -> None:
        self._active[claimed.target] += 1
        self._held[claimed.id] = (claimed.lane, claimed.lease)
        task = asyncio.create_task(self._handle(claimed, effect), name=f"outbox-{claimed.id}")
        self._performing.add(task)
        task.add_done_callback(self._performing.discard)

    async def _handle(self, claimed: Claimed, effect: E | Exception) -> None:
        try:
            verdict = await self._attempt(claimed, effect)
            # What a platform accepted is written down whoever cancels us, so a task of its own sees to it.
            finished = Finished(claimed, verdict, self._now())
            record = asyncio.create_task(self._record(*self._queued(finished)), name=f"outcome-{claimed.id}")
            self._recording.add(record)
            record.add_done_callback(self._recording.discard)
        finally:
            self._active[claimed.target] -= 1
            self._held.pop(claimed.id, None)
            self._bell.set()

    async def _attempt(self, claimed: Claimed, effect: E | Exception) -> Verdict:
        target = self._targets[claimed.target]
        try:
            if claimed.doubt and target.resend is Resend.NEVER:
                return Uncertain("interrupted while sending")
            if isinstance(effect, Exception):
                raise effect
            async with asyncio.timeout(_LONGEST):
                made = await self._perform(effect, claimed.doubt)
            verdict: Verdict = made if isinstance(made, Done) else Done(made)
            self._alerted.discard(_adapter(target))
            self._failures.pop(target.name, None)
        except TimeoutError:
            verdict = self._judged(claimed, target, errors.Uncertain("no answer in time"))
        except Exception as error:
            if not isinstance(error, errors.PlatformError):
                log.exception("outbox.effect_failed", row=claimed.id, kind=claimed.kind, target=claimed.target)
            verdict = self._judged(claimed, target, error)
        self._observe(claimed, verdict)
        return verdict

    def _judged(self, claimed: Claimed, target: Target, error: Exception) -> Verdict:
        now = self._now()
        if isinstance(error, errors.RateLimited):
            self._paused[target.name] = max(self._paused.get(target.name, 0.0), now + error.retry_after)
        elif isinstance(error, errors.AuthFailed):
            self._stop_adapter(_adapter(target), error.reason, now)
        elif isinstance(error, errors.Transient):
            self._rest(target, now)
        elif isinstance(error, errors.Permanent):
            self._failures.pop(target.name, None)  # a refusal is an answer: it is not away
        attempt = Attempt(
            attempts=claimed.attempts, age=now - claimed.run_at, resend=target.resend, doubt=claimed.doubt
        )
        return decide(error, attempt, jitter=self._rng.random(), max_age=self._max_age)

    def _queued(self, finished: Finished) -> tuple[Finished, asyncio.Future[bool] | None]:
        """Puts the outcome in front of the next claim: they share a commit, and the claim finds the lane moved on."""
        try:
            return finished, self._store.queue(self._finish, finished)
        except Busy:
            return finished, None

    def _rest(self, target: Target, now: Instant) -> None:
        """A target that fails again and again is away: one attempt now and then will find out when it is back."""
        self._failures[target.name] += 1
        beyond = self._failures[target.name] - _AWAY_AFTER
        if beyond >= 0:
            pause = min(2.0 ** min(beyond, 6), _LONGEST_REST)
            self._paused[target.name] = max(self._paused.get(target.name, 0.0), now + pause)

    async def _record(self, finished: Finished, queued: asyncio.Future[bool] | None) -> None:
        """Does not give up: an outcome that is forgotten becomes a doubt."""
        bugs, late = 0, queued is None
        while True:
            try:
                if queued is None:
                    queued = self._store.queue(self._finish if bugs < _SETTLE_TRIES else _finish_alone, finished)
                await queued
            except Busy:
                await asyncio.sleep(_BUSY)
            except Exception:
                log.exception("outbox.settle_failed", row=finished.claimed.id, kind=finished.claimed.kind)
                bugs += 1
                if bugs > _SETTLE_TRIES:
                    return
            else:
                if late:
                    self._bell.set()  # the claim that followed the first try found the lane still leased
                return
            queued, late = None, True

    def _finish(self, tx: Tx, items: Sequence[Finished]) -> Sequence[bool | Exception]:
        return finish(tx, items, self._settle)

    # ------------------------------------------------------------ credentials

    def _stop_adapter(self, adapter: str, reason: str, now: Instant) -> None:
        self._stops.setdefault(adapter, _Stop(reason, now))
        if adapter not in self._alerted:
            self._alerted.add(adapter)
            log.error("adapter.credentials_refused", adapter=adapter, reason=reason)
            self._alert(adapter, reason)

    def _is_stopped(self, target: Target, now: Instant) -> bool:
        """After a refusal, until the health has been seen bad and well again; where it stays well, for a minute."""
        bad = target.health() in (Health.BAD_CREDENTIALS, Health.STOPPED)
        stop = self._stops.get(_adapter(target))
        if stop is None:
            return bad
        stop.seen_bad |= bad
        if bad or not (stop.seen_bad or now - stop.at >= _AUTH_RECHECK):
            return True
        del self._stops[_adapter(target)]
        return False


def _adapter(target: Target) -> str:
    return target.adapter or target.name


def _finish_alone(tx: Tx, items: Sequence[Finished]) -> Sequence[bool | Exception]:
    """Without the domain, whose part fails: what was sent must at least not be sent again."""
    return finish(tx, items, _nothing)


def _nothing(_tx: Tx, _settled: Sequence[tuple[Claimed, Any]], _now: Instant) -> None:
    pass
