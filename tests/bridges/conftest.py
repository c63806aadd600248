from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.bridges.slack_desk import Desk, desk


@pytest.fixture(params=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """Listening, once over Socket Mode and once over signed HTTP."""
    async with desk(socket=request.param == "socket") as made:
        yield made


@pytest.fixture
async def socket() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made
