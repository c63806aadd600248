"""The scheduler over a real store and the real clock: it wakes in time, after downtime too, and survives failures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from sahut_bot.inbox.models import contacts, conversations, identities
from sahut_bot.inbox.store import Store, Tx
from sahut_bot.inbox.timers import Timer, arm, due
from sahut_bot.scheduler import Scheduler
from tests.databases import Clock, until


def talk(tx: Tx) -> int:
    (contact,), (identity,), (new_id,) = (tx.new_ids(one, 1) for one in (contacts, identities, conversations))
    tx.execute(sa.insert(contacts), [{"id": contact, "created_at": 0, "seen_at": 0}])
    key = {"id": identity, "channel": "web", "external_id": f"v{identity}", "contact_id": contact, "seen_at": 0}
    tx.execute(sa.insert(identities), [key])
    row = {"id": new_id, "channel": "web", "identity_id": identity, "contact_id": contact, "status": "open"}
    tx.execute(sa.insert(conversations), [{**row, "created_at": 0, "updated_at": 0}])
    return new_id


class Alarm:
    """Schedulers of one store, and what their handlers were called with."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fired: list[tuple[int, float]] = []
        self.bad: set[int] = set()
        self.schedulers: list[Scheduler] = []

    def handle(self, _tx: Tx, timer: Timer) -> None:
        if timer.conversation_id in self.bad:
            raise KeyError("bug in a handler")
        self.fired.append((timer.conversation_id, time.time()))

    async def scheduler(self, now: Callable[[], float] = time.time, store: Store | None = None) -> Scheduler:
        made = Scheduler(store or self.store, {"snooze": self.handle}, now)
        self.schedulers.append(made)
        await made.start()
        return made

    async def arm(self, due_at: float) -> int:
        conversation = await self.store.write(talk)
        await self.store.write(arm, [{"conversation_id": conversation, "kind": "snooze", "due_at": due_at}])
        return conversation

    @property
    def talks(self) -> list[int]:
        return [conversation for conversation, _ in self.fired]


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged; nobody renders the tracebacks of the bugs that these tests play."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
async def alarm(store: Store) -> AsyncIterator[Alarm]:
    made = Alarm(store)
    yield made
    for scheduler in made.schedulers:
        await scheduler.stop()


async def test_timer_armed_while_it_runs_fires_within_a_second_of_its_time(alarm: Alarm) -> None:
    await alarm.scheduler()
    due_at = time.time() + 0.4
    conversation = await alarm.arm(due_at)
    await until(lambda: alarm.fired)
    assert alarm.talks == [conversation]
    assert 0 <= alarm.fired[0][1] - due_at < 1


async def test_earlier_timer_moves_the_wake_up_forward(alarm: Alarm) -> None:
    await alarm.arm(time.time() + 20)
    await alarm.scheduler()
    due_at = time.time() + 0.2
    conversation = await alarm.arm(due_at)
    await until(lambda: alarm.fired)
    assert alarm.talks == [conversation]
    assert alarm.fired[0][1] - due_at < 1


async def test_many_timers_armed_one_after_the_other_all_fire(alarm: Alarm) -> None:
    await alarm.scheduler()
    expected = [await alarm.arm(time.time() + n % 3 * 0.05) for n in range(30)]
    await until(lambda: len(alarm.fired) == 30)
    assert sorted(alarm.talks) == sorted(expected)


async def test_timer_whose_time_came_while_nobody_ran_fires_at_the_start(alarm: Alarm) -> None:
    conversation = await alarm.arm(time.time() - 3600)
    started = time.time()
    await alarm.scheduler()
    await until(lambda: alarm.fired)
    assert alarm.talks == [conversation]
    assert alarm.fired[0][1] - started < 1


async def test_handler_that_fails_keeps_no_other_timer_waiting(alarm: Alarm) -> None:
    bad = await alarm.arm(time.time() - 10)
    alarm.bad.add(bad)
    good = await alarm.arm(time.time() - 5)
    await alarm.scheduler()
    await until(lambda: alarm.fired)
    assert alarm.talks == [good]
    assert await alarm.store.read(due, time.time() + 3600, ["snooze"], 10) != []


async def test_stopped_scheduler_fires_nothing(alarm: Alarm) -> None:
    scheduler = await alarm.scheduler()
    await scheduler.stop()
    await alarm.arm(time.time() - 1)
    other = await alarm.scheduler(now=Clock(0.0))
    await other.stop()
    assert alarm.fired == []


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_stores_fire_each_timer_once_and_hear_of_each_others_commits(
    alarm: Alarm, database_url: str, tmp_path: Any
) -> None:
    other = Store.open(database_url, tmp_path)
    await other.start()
    scheduler = Scheduler(other, {"snooze": alarm.handle}, time.time)
    await scheduler.start()
    try:
        due_at = time.time() + 0.3
        conversation = await alarm.arm(due_at)  # by a process whose own scheduler does not run
        await until(lambda: alarm.fired)
        assert alarm.fired[0][1] - due_at < 1
        await alarm.scheduler()
        more = [await alarm.arm(time.time()) for _ in range(20)]
        await until(lambda: len(alarm.fired) >= 21)
        assert sorted(alarm.talks) == sorted([conversation, *more])
    finally:
        await scheduler.stop()
        await other.stop()


async def test_calendar_job_runs_again_after_it_failed(alarm: Alarm) -> None:
    runs = asyncio.Semaphore(0)

    async def job() -> None:
        runs.release()
        raise KeyError("bug in a job")

    scheduler = Scheduler(alarm.store, {}, time.time)
    alarm.schedulers.append(scheduler)
    scheduler.every(0.05, "job", job)
    scheduler.cron("0 3 * * *", "Asia/Jakarta", "nightly", job)
    await scheduler.start()
    async with asyncio.timeout(10):
        for _ in range(3):
            await runs.acquire()


async def test_stopping_lets_a_running_job_end(alarm: Alarm) -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def job() -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    scheduler = Scheduler(alarm.store, {}, time.time)
    scheduler.every(0.01, "job", job)
    await scheduler.start()
    await begun.wait()
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert ended.is_set()
