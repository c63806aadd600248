"""Two scenes: `fresh` for one test alone, `shared` by a file's tests, each with its own customer and thread."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.rig import Scene, scene

SLOW_HOLD = 60.0


@pytest.fixture
async def fresh(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, DATABASE_URL=sqlite_url) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Its channels: `web` sends at once, `held` after `SLOW_HOLD`; in `quiet` what is written is a note."""
    folder = tmp_path_factory.mktemp("flows")
    shutil.copyfile(sqlite_template, folder / "sahut.db")
    more = {
        "CHANNELS__HELD__KIND": "livechat",
        "CHANNELS__HELD__REPLY_HOLD_SECONDS": str(SLOW_HOLD),
        "CHANNELS__QUIET__KIND": "livechat",
        "CHANNELS__QUIET__THREAD_MODE": "note",
        "CHANNELS__QUIET__REPLY_HOLD_SECONDS": "0",
    }
    async with scene(folder, office=None, **more) as made:
        yield made
