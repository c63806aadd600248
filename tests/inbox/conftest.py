"""The inbox on both databases.

A connection to PostgreSQL is made and learns its statements slowly, so the worlds of a worker share one store there,
which is emptied between them. Tests of the store itself have stores of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from sahut_bot.inbox.store import Store, Tx
from tests.databases import BOTH, EMPTY, Clock, Cluster
from tests.inbox.builders import World


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # In the first place: the last mark on a test is the one that pytest-asyncio set.
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _emptied(tx: Tx) -> None:
    tx.execute(sa.text(f"DO $$ BEGIN SET LOCAL session_replication_role = replica; {EMPTY}; END $$"))


@pytest.fixture(scope="session")
def shared_url(cluster: Cluster, postgres_template: str) -> str:
    cluster.script(f"CREATE DATABASE sahut_worlds TEMPLATE {postgres_template}")
    return cluster.url("sahut_worlds")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_store(shared_url: str) -> AsyncIterator[Store]:
    opened = Store.open(shared_url, Path())
    await opened.start()
    yield opened
    await opened.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def emptied_store(shared_store: Store) -> Store:
    await shared_store.write(_emptied)
    return shared_store


@pytest_asyncio.fixture(loop_scope="session")
async def file_store(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(sqlite_url, tmp_path)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture(params=BOTH)
def world(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> World:
    """A live-chat channel `web` that replies by default, a plain channel `sms`, and nobody yet."""
    store = request.getfixturevalue("emptied_store" if request.param == "postgresql" else "file_store")
    return World(store, clock, tmp_path)
