from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sahut_bot.inbox.store import Store
from tests.databases import Clock
from tests.livechat.rig import Rig


@pytest.fixture
async def store(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """SQLite alone: what live chat asks of the store is tried on both databases in `test_visitors`."""
    opened = Store.open(sqlite_url, tmp_path)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def rig(store: Store, tmp_path: Path, clock: Clock) -> AsyncIterator[Rig]:
    running = await Rig(store, tmp_path, clock).start()
    yield running
    await running.stop()
