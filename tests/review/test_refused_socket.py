"""A WebSocket that is turned away is no error of the program's."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.review.sparse import SparseSlack, running, served


async def test_refused_sockets_leave_no_errors_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(SparseSlack()) as slack, running(slack, tmp_path), aiohttp.ClientSession() as browser:
        for channel, status in (("web", 403), ("nobody", 404)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await browser.ws_connect(
                    f"{slack.bot}/livechat/{channel}/ws", headers={"Origin": "https://evil.example"}
                )
            assert refused.value.status == status
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
