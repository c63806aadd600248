"""The program ends within the ten seconds that supervisors give, also when Slack does not answer."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.review.sparse import Customer, SparseSlack, running, seen, served


class SilentSlack(SparseSlack):
    """Takes posts and never answers while `silent`."""

    silent = False

    async def api(self, request: Any) -> Any:
        if self.silent and request.match_info["method"] == "chat.postMessage":
            self.calls.append(("silence", {}))
            await asyncio.sleep(60)
        return await super().api(request)


@pytest.mark.slow
async def test_what_hangs_does_not_keep_the_program_and_is_not_lost(tmp_path: Path) -> None:
    slack = SilentSlack()
    async with served(slack):
        async with running(slack, tmp_path):
            customer = await Customer(slack.bot).arrives()
            slack.silent = True
            await customer.writes("Hello")
            await seen(lambda: ("silence", {}) in slack.calls)
            began = time.monotonic()
        assert time.monotonic() - began < 9
        slack.silent = False
        async with running(slack, tmp_path):
            await seen(lambda: [root for root in slack.roots() if slack.replies(root) == ["Hello"]])
            assert len(slack.roots()) == 1
