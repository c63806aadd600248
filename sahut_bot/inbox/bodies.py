"""A text in two columns: `body`, plain, for people and search; `markup` only where marks say more than that."""

from __future__ import annotations

from typing import Any

from sahut_bot.text import stored, tree
from sahut_bot.text.markup import Markup


def columns(markup: Markup) -> tuple[str, str]:
    """(body, markup) as the tables keep them."""
    body = tree.plain(markup)
    return body, "" if stored.lines(body) == markup else stored.dumps(markup)


def of(row: Any) -> Markup:
    """The tree that `columns` took apart; `row` has both columns."""
    return stored.loads(row.markup) if row.markup else stored.lines(row.body)
