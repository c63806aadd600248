"""A WebSocket that is turned away is no error of the program's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import structlog

from sahut_bot import logs
from tests.review.sparse import SparseSlack, running, served


async def test_refused_sockets_leave_no_errors_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], plain_logs: None
) -> None:
    async with served(SparseSlack()) as slack, running(slack, tmp_path), aiohttp.ClientSession() as browser:
        for channel, status in (("web", 403), ("nobody", 404)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await browser.ws_connect(
                    f"{slack.bot}/livechat/{channel}/ws", headers={"Origin": "https://evil.example"}
                )
            assert refused.value.status == status
    assert "handshake" not in capsys.readouterr().err


@pytest.fixture
def plain_logs() -> Iterator[None]:
    """Logs as the program writes them, for the length of a test."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.setup()
    try:
        yield
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        structlog.reset_defaults()
        logging.captureWarnings(False)
