"""Several processes share one outbox on PostgreSQL: each row once, in the order of its lane, whoever dies."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from sahut_bot.inbox.models import lanes
from sahut_bot.inbox.outbox import Draft, enqueue
from sahut_bot.inbox.outbox_claims import Finished, claim, finish
from sahut_bot.inbox.outbox_policy import Done
from sahut_bot.inbox.store import Rx, Store
from tests.databases import Cluster, until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


@asynccontextmanager
async def processes(url: str, record: Path, count: int, speed: float = 1.0) -> AsyncIterator[list[Any]]:
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.dispatcher_child", url, str(record), str(speed), stdin=asyncio.subprocess.PIPE
        )
        for _ in range(count)
    ]
    try:
        yield children
    finally:
        for child in children:
            assert child.stdin
            child.stdin.close()
        codes = [await child.wait() for child in children]
    assert set(codes) <= {0, -9}


def drafts(count: int, **values: Any) -> list[Draft]:
    return [
        Draft(
            **{
                "lane": f"t:{n % 25}",
                "target": "chat",
                "kind": "flaky" if n % 40 == 0 else "post",
                "priority": 0,
                "conversation_id": None,
                "ref": n,
                **values,
            }
        )
        for n in range(count)
    ]


def performed(record: Path) -> list[tuple[int, str, int, bool]]:
    lines = [line.split() for line in record.read_text().splitlines()] if record.exists() else []
    return [(int(pid), lane, int(ref), doubt == "1") for pid, lane, ref, doubt in lines]


def left(rx: Rx) -> int:
    return int(rx.execute(sa.select(sa.func.count()).select_from(lanes)).scalar_one())


async def test_each_row_goes_out_once_and_in_order_while_processes_race(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    rows = drafts(300)
    await store.write(enqueue, rows[:100], time.time())
    async with processes(database_url, record, 2) as children:
        await until(lambda: len({pid for pid, *_ in performed(record)}) == 2 or len(performed(record)) > 90)
        for start in range(100, 300, 7):
            await store.write(enqueue, rows[start : start + 7], time.time())
        await until(lambda: len(performed(record)) >= 300, 60)
        pids = {child.pid for child in children}
    seen = performed(record)
    assert Counter(ref for _, _, ref, _ in seen) == Counter(range(300))
    for lane in {lane for _, lane, _, _ in seen}:
        refs = [ref for _, there, ref, _ in seen if there == lane]
        assert refs == sorted(refs)
    assert {pid for pid, *_ in seen} == pids
    assert not any(doubt for *_, doubt in seen)
    assert await store.read(left) == 0


@pytest.mark.crash
async def test_lane_of_a_killed_process_goes_on_in_another_one_in_doubt(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    speed = 100.0
    start = time.time()
    async with processes(database_url, record, 2, speed) as children:
        await store.write(enqueue, drafts(1, kind="hang", lane="t:hang"), start)
        await store.write(enqueue, drafts(1, lane="t:hang", kind="post"), start)
        await until(lambda: performed(record))
        ((owner, *_),) = performed(record)
        next(child for child in children if child.pid == owner).kill()
        others = 0
        while len(hung := [seen for seen in performed(record) if seen[1] == "t:hang"]) < 3:
            # Rows of other lanes keep the survivor awake, as they would.
            others += 1
            await store.write(enqueue, drafts(1, lane="t:other", kind="post"), start)
            await until(lambda others=others: len(performed(record)) > others, 20)  # type: ignore[misc]
    assert [(pid != owner, doubt) for pid, _, _, doubt in hung] == [(False, False), (True, True), (True, False)]


async def test_row_added_while_the_last_one_ends_does_not_stay_behind(
    store: Store, cluster: Cluster, postgres_database: str
) -> None:
    """The one interleaving that a DO NOTHING would stall: the insert has seen the lane that the outcome deletes."""
    now = time.time()
    first, second = drafts(2, lane="t:1", kind="post")
    await store.write(enqueue, [first], now)
    (sending,) = await store.write(claim, [("chat", 1)], now, now + 60)
    # The same statements as `enqueue`, held open in the middle.
    adding = await asyncpg.connect(host=cluster.folder, user="postgres", database=postgres_database)
    transaction = adding.transaction()
    await transaction.start()
    await adding.execute(
        "INSERT INTO lanes (lane, target, priority, run_at) VALUES ('t:1', 'chat', 0, $1)"
        " ON CONFLICT (lane) DO UPDATE SET run_at = lanes.run_at",
        now,
    )

    async def end() -> None:
        await store.write(finish, [Finished(sending, Done(None), now)], lambda _tx, _pairs, _now: None)

    ending = asyncio.create_task(end())
    async with asyncio.timeout(10):
        while not await adding.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            pass
    await adding.execute(
        "INSERT INTO outbox (lane, target, kind, priority, ref, state, run_at, created_at)"
        " VALUES ('t:1', 'chat', 'post', 0, $1, 'pending', $2, $2)",
        second.ref,
        now,
    )
    await transaction.commit()
    await adding.close()
    await ending
    assert [one.ref for one in await store.write(claim, [("chat", 9)], now, now + 60)] == [second.ref]


async def test_row_added_after_the_lane_was_deleted_gets_a_new_lane(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    """The same race through the real functions, many times."""
    other = Store.open(database_url, tmp_path)
    await other.start()
    now = time.time()
    for number in range(60):
        row = drafts(1, lane="t:1", kind="post", ref=number)
        await store.write(enqueue, row, now)
        claimed = await store.write(claim, [("chat", 1)], now, now + 60)
        items = [Finished(one, Done(None), now) for one in claimed]
        await asyncio.gather(
            other.write(enqueue, drafts(1, lane="t:1", kind="post", ref=1000 + number), now),
            store.write(finish, items, lambda _tx, _pairs, _now: None),
        )
        (added,) = await other.write(claim, [("chat", 9)], now, now + 60)
        assert added.ref == 1000 + number
        await other.write(finish, [Finished(added, Done(None), now)], lambda _tx, _pairs, _now: None)
    await other.stop()
    assert await store.read(left) == 0
