"""A database that is locked, full or away is `Busy` and loses nothing; one that is back is used again."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sahut_bot.errors import Busy, ConfigError
from sahut_bot.inbox.models import labels
from sahut_bot.inbox.store import EVERYTHING, Rx, Store, Tx
from tests.databases import Cluster, until


def add(tx: Tx, name: str) -> None:
    tx.execute(sa.insert(labels), [{"name": name}])


def names(rx: Rx) -> list[str]:
    return sorted(rx.execute(sa.select(labels.c.name)).scalars())


def file_of(url: str) -> str:
    return str(sa.make_url(url).database)


@pytest.fixture
async def impatient(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """Waits a tenth of a second for a lock."""
    store = Store.open(database_url, tmp_path, patience=0.1)
    await store.start()
    yield store
    await store.stop()


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


# ---------------------------------------------------------------- SQLite


@on_sqlite
async def test_locked_file_is_busy_until_it_is_free(impatient: Store, database_url: str) -> None:
    await impatient.write(add, "before")
    holder = sqlite3.connect(file_of(database_url), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(*(impatient.write(add, f"{n}") for n in range(20)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Busy] * 20
    assert await impatient.read(names) == ["before"]  # reading goes on
    assert not await impatient.healthy()
    holder.execute("ROLLBACK")
    holder.close()
    assert await impatient.healthy()
    await impatient.write(add, "after")
    assert await impatient.read(names) == ["after", "before"]


@on_sqlite
async def test_full_disk_is_busy_and_nothing_of_the_group_is_called_stored(store: Store) -> None:
    def fill(tx: Tx) -> None:
        pages = tx.execute(sa.text("PRAGMA page_count")).scalar_one()
        tx.execute(sa.text(f"PRAGMA max_page_count = {pages + 2}"))

    def make_room(tx: Tx) -> None:
        tx.execute(sa.text("PRAGMA max_page_count = 1000000"))

    await store.write(add, "before")
    await store.write(fill)
    answers = await asyncio.gather(
        *(store.write(add, f"{n}") for n in range(3)), store.write(add, "x" * 100_000), return_exceptions=True
    )
    stored = [f"{n}" for n in range(3) if answers[n] is None]
    assert isinstance(answers[3], Busy)
    assert await store.read(names) == sorted(["before", *stored])
    await store.write(make_room)
    await store.write(add, "after")
    assert await store.healthy()


@on_sqlite
async def test_work_that_swallows_a_full_disk_stores_nothing(store: Store) -> None:
    def careless(tx: Tx) -> None:
        pages = tx.execute(sa.text("PRAGMA page_count")).scalar_one()
        tx.execute(sa.text(f"PRAGMA max_page_count = {pages}"))
        add(tx, "lost")
        try:
            add(tx, "x" * 100_000)
        except DBAPIError:
            tx.execute(sa.text("PRAGMA max_page_count = 1000000"))

    with pytest.raises(RuntimeError, match="went on after a database error"):
        await store.write(careless)
    await store.write(add, "after")
    assert await store.read(names) == ["after"]


@on_sqlite
async def test_file_that_cannot_be_opened_is_busy(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "folder.db").mkdir()
    store = Store.open("sqlite+aiosqlite:///folder.db", tmp_path)
    await store.start()
    with pytest.raises(Busy):
        await store.write(add, "x")
    with pytest.raises(Busy):
        await store.read(names)
    assert not await store.healthy()
    await store.stop()


@on_sqlite
async def test_second_run_is_refused_and_the_command_line_works_beside_the_first(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    store.acquire_run_lock()
    beside = Store.open(database_url, tmp_path)
    await beside.start()
    with pytest.raises(ConfigError, match="another sahut-bot runs"):
        beside.acquire_run_lock()
    await beside.write(add, "by hand")
    assert await store.read(names) == ["by hand"]
    await store.stop()
    beside.acquire_run_lock()
    await beside.stop()


@on_sqlite
@pytest.mark.crash
async def test_run_lock_goes_with_the_process_that_is_killed(database_url: str, tmp_path: Path) -> None:
    script = f"""
        import os, signal
        from pathlib import Path
        from sahut_bot.inbox.store import Store
        Store.open({database_url!r}, Path({str(tmp_path)!r})).acquire_run_lock()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(script))
    assert await child.wait() == -9
    store = Store.open(database_url, tmp_path)
    store.acquire_run_lock()
    await store.stop()


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture
def kick(cluster: Cluster, postgres_database: str) -> Callable[[], None]:
    """Ends every connection, as a restart of the server does."""

    def kick_all() -> None:
        cluster.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{postgres_database}' AND pid <> pg_backend_pid()"
        )

    return kick_all


@pytest.fixture
def closed(cluster: Cluster, postgres_database: str) -> Iterator[Callable[[bool], None]]:
    def close(yes: bool) -> None:
        cluster.script(f"ALTER DATABASE {postgres_database} ALLOW_CONNECTIONS {not yes}")

    yield close
    close(False)


@on_postgres
async def test_restart_of_the_server_is_not_noticed(store: Store, kick: Callable[[], None]) -> None:
    await store.write(add, "before")
    await store.read(names)
    await asyncio.to_thread(kick)
    await store.write(add, "after")
    assert await store.read(names) == ["after", "before"]


@on_postgres
async def test_server_that_is_away_is_busy_and_its_listener_comes_back(
    store: Store, kick: Callable[[], None], closed: Callable[[bool], None]
) -> None:
    await store.write(add, "before")
    await asyncio.to_thread(closed, True)
    await asyncio.to_thread(kick)
    with pytest.raises(Busy):
        await store.write(add, "away")
    with pytest.raises(Busy):
        await store.read(names)
    assert not await store.healthy()
    heard: list[str] = []
    store.on_signal(heard.append)
    await asyncio.to_thread(closed, False)
    await until(lambda: EVERYTHING in heard)  # what was missed meanwhile counts as signalled
    assert await store.healthy()
    await store.write(add, "after")
    assert await store.read(names) == ["after", "before"]


@on_postgres
async def test_row_that_stays_locked_is_busy(impatient: Store, cluster: Cluster, postgres_database: str) -> None:
    await impatient.write(add, "one")
    holder = await asyncpg.connect(host=cluster.folder, user="postgres", database=postgres_database)
    lock = holder.transaction()
    await lock.start()
    await holder.execute("UPDATE labels SET name = 'held'")

    def change(tx: Tx) -> int:
        return tx.execute(sa.update(labels).values(name="changed")).rowcount

    with pytest.raises(Busy):
        await impatient.write(change)
    await lock.rollback()
    await holder.close()
    assert await impatient.write(change) == 1


@on_postgres
async def test_deadlocked_work_runs_again(store: Store, database_url: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        await store.write(add, name)
    other = Store.open(database_url, tmp_path)
    await other.start()

    def cross(tx: Tx, first: str, second: str) -> None:
        for name in (first, second):
            tx.execute(sa.update(labels).where(labels.c.name == name).values(name=labels.c.name))
            tx.execute(sa.text("SELECT pg_sleep(0.2)"))

    answers = await asyncio.gather(store.write(cross, "a", "b"), other.write(cross, "b", "a"), return_exceptions=True)
    await other.stop()
    assert list(answers) == [None, None]


@on_postgres
async def test_locks_are_taken_in_one_order_whatever_order_they_are_asked_in(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    await store.write(lambda tx: tx.execute(sa.insert(labels), [{"name": f"{n}"} for n in range(30)]).rowcount)
    ids = await store.read(lambda rx: list(rx.execute(sa.select(labels.c.id)).scalars()))
    other = Store.open(database_url, tmp_path)
    await other.start()
    runs = []

    def work(tx: Tx, wanted: list[int]) -> None:
        runs.append(1)
        tx.lock(labels, wanted)
        tx.execute(sa.text("SELECT pg_sleep(0.001)"))
        tx.execute(sa.update(labels).where(tx.among(labels.c.id, wanted)).values(name=labels.c.name))

    for _ in range(20):
        await asyncio.gather(store.write(work, ids), other.write(work, ids[::-1]))
    await other.stop()
    assert len(runs) == 40  # none had to run twice
