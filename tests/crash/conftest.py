from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.crash.forked import Forked
from tests.rig import Office


@pytest.fixture
def office() -> Office:
    """Slack brings an event again soon."""
    made = Office()
    made.server.switches.ack_timeout = 1.0
    made.server.switches.retry_delays = (0.05, 0.2, 0.5, 1.0, 1.0)
    return made


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def program(office: Office, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Forked]:
    """Started; who kills it starts it again."""
    made = Forked(office, tmp_path, DATABASE_URL=sqlite_url)
    await office.server.start()
    await made.start()
    yield made
    await made.stop()
    await office.server.stop()
