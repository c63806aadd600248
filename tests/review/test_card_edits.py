"""Ten changes in a second are one edit of the card."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.review.sparse import Customer, SparseSlack, running, seen, served


async def test_many_changes_in_a_second_are_one_edit_that_shows_them_all(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack, running(slack, tmp_path):
        customer = await Customer(slack.bot).arrives()
        await customer.writes("Hello")
        await seen(lambda: [root for root in slack.roots() if slack.replies(root) == ["Hello"]])
        await asyncio.gather(*(slack.slash("/sahut", f"label #1 +tag{number}") for number in range(10)))
        edits = await seen(lambda: [told for method, told in slack.calls if method == "chat.update"])
        assert len(edits) == 1
        (labels,) = [
            field["text"]
            for block in edits[0]["blocks"]
            for field in block.get("fields", ())
            if "tag0" in field["text"]
        ]
        assert all(f"tag{number}" in labels for number in range(10))
