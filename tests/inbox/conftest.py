"""The inbox on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from sahut_bot.inbox.store import Store
from tests.databases import Clock
from tests.inbox.builders import World


@pytest.fixture
def world(store: Store, clock: Clock, tmp_path: Path) -> World:
    """A live-chat channel `web` that replies by default, a plain channel `sms`, and nobody yet."""
    return World(store, clock, tmp_path)
