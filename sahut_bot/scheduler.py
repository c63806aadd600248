"""APScheduler as an alarm clock (docs/adr/0007): it wakes the sweep of the timers and runs calendar jobs, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from sahut_bot.errors import Busy
from sahut_bot.inbox import timers
from sahut_bot.inbox.store import EVERYTHING, Store
from sahut_bot.inbox.timers import Handler
from sahut_bot.types import Instant

log = structlog.get_logger(__name__)

_SWEEP = "sweep"
_SAFETY = 30.0  # seconds between sweeps that nobody asked for
_BATCH = 200  # timers fired in one transaction
_ROUNDS = 20
_SOON = 0.25  # what other processes commit need not be looked at more often
_POSTPONE = 60.0
_GRACE = 5.0


class Scheduler:
    """Fires timers within a second of their time, also those whose time came while nobody ran.

    Any number of processes may run one: a timer is fired once. Calendar jobs run in each of them.
    """

    def __init__(self, store: Store, handlers: Mapping[str, Handler], now: Callable[[], Instant]) -> None:
        self._store = store
        self._handlers = handlers
        self._now = now
        self._clock: Any = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None})
        self._running: set[asyncio.Task[Any]] = set()
        self._sweeping = False
        self._again = False
        self._swept: Instant = float("-inf")
        self._open = False

    def every(self, seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
        """Runs `job` every so many seconds. What it raises is logged and does not stop the next run."""
        self._add(name, job, IntervalTrigger(seconds=seconds, timezone=UTC))

    def cron(self, expression: str, zone: str, name: str, job: Callable[[], Awaitable[object]]) -> None:
        """Runs `job` by a crontab line like "0 3 * * *" in the time zone `zone`."""
        self._add(name, job, CronTrigger.from_crontab(expression, timezone=zone))

    def _add(self, name: str, job: Callable[[], Awaitable[object]], trigger: object, most: int = 1) -> None:
        async def guarded() -> None:
            task = asyncio.current_task()
            assert task
            self._running.add(task)
            try:
                await job()
            except Busy:
                log.warning("job.database_busy", job=name)
            except Exception:
                log.exception("job.failed", job=name)
            finally:
                self._running.discard(task)

        self._clock.add_job(guarded, trigger, id=name, name=name, max_instances=most)

    async def start(self) -> None:
        """The first sweep follows at once."""
        self._open = True
        self._store.on_signal(self._heard)
        # It may be woken again before APScheduler has noticed that it ended; a run skipped for that would be lost.
        self._add(_SWEEP, self._sweep, IntervalTrigger(seconds=_SAFETY, timezone=UTC), most=3)
        self._clock.start()
        self._wake(0.0)

    async def stop(self) -> None:
        """Lets what is running end."""
        if not self._open:
            return
        self._open = False
        self._clock.pause()
        if self._running:
            await asyncio.wait(self._running, timeout=_GRACE)
        self._clock.shutdown(wait=False)
        await asyncio.sleep(0)  # it shuts down in the loop's next round

    # ------------------------------------------------------------ the sweep

    def _heard(self, topic: str) -> None:
        if not self._open or topic not in (timers.SIGNAL, EVERYTHING):
            return
        if self._sweeping:
            self._again = True
        else:
            self._wake(0.0 if topic == timers.SIGNAL else max(self._swept + _SOON - self._now(), 0.0))

    def _wake(self, seconds: float) -> None:
        """Moves the next sweep; the safety net stays where it would come sooner."""
        if self._open and seconds < _SAFETY:
            self._clock.modify_job(_SWEEP, next_run_time=datetime.now(UTC) + timedelta(seconds=max(seconds, 0.0)))

    async def _sweep(self) -> None:
        if self._sweeping:
            self._again = True
            return
        self._sweeping, self._again = True, False
        try:
            due = await self._fire_all()
        except Busy:
            self._wake(1.0)
            raise
        finally:
            self._sweeping = False
            self._swept = self._now()
        if self._again:
            self._wake(0.0)
        elif due is not None:
            self._wake(due - self._swept)

    async def _fire_all(self) -> Instant | None:
        """Fires what is due, in short transactions; answers when the next one is."""
        due: Instant | None = None
        for _ in range(_ROUNDS):
            now = self._now()
            due = await self._store.read(timers.next_due, self._handlers)
            if due is None or due > now:
                break
            try:
                await self._store.write(timers.fire_due, now, self._handlers, _BATCH)
            except Busy:
                raise
            except Exception:
                log.exception("timers.handler_failed")
                await self._fire_singly(now)
        return due

    async def _fire_singly(self, now: Instant) -> None:
        """A timer whose handler fails must not keep the others waiting."""
        for timer in await self._store.read(timers.due, now, self._handlers, _BATCH):
            try:
                await self._store.write(timers.fire, [timer], now, self._handlers)
            except Busy:
                raise
            except Exception:
                log.exception("timers.handler_failed", timer=timer)
                await self._store.write(timers.postpone, timer, now + _POSTPONE)
