"""The inbox on both databases.

A store compiles and prepares its statements when it first meets them, and on PostgreSQL each connection learns them
anew, which costs more than most tests. So the worlds of a worker share two stores, emptied between them. Tests of the
store itself have stores of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from sahut_bot.inbox.models import metadata
from sahut_bot.inbox.store import Store, Tx
from tests.databases import BOTH, Clock, Cluster, started
from tests.inbox.builders import World

_WITHOUT_ORDER = {
    "sqlite": "PRAGMA defer_foreign_keys = ON",
    "postgresql": "SET LOCAL session_replication_role = replica",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # In the first place: further back stands the mark that pytest-asyncio gives to every test.
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _emptied(tx: Tx) -> None:
    tx.execute(sa.text(_WITHOUT_ORDER[tx.dialect]))
    for table in metadata.sorted_tables:
        tx.execute(table.delete())


@pytest.fixture(scope="session")
def shared_url(cluster: Cluster, postgres_template: str) -> str:
    cluster.script(f"CREATE DATABASE sahut_worlds TEMPLATE {postgres_template}")
    return cluster.url("sahut_worlds")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def on_postgresql(shared_url: str) -> AsyncIterator[Store]:
    async with started(shared_url, Path()) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def on_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    path = tmp_path_factory.mktemp("worlds") / "sahut.db"
    shutil.copyfile(sqlite_template, path)
    async with started(f"sqlite+aiosqlite:///{path}", path.parent) as opened:
        yield opened


@pytest.fixture(params=BOTH)
def shared_store(request: pytest.FixtureRequest) -> Store:
    store: Store = request.getfixturevalue(f"on_{request.param}")
    return store


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared_store: Store, clock: Clock, tmp_path: Path) -> World:
    """A live-chat channel `web` that replies by default, a plain channel `sms`, and nobody yet."""
    await shared_store.write(_emptied)
    return World(shared_store, clock, tmp_path)
