"""Answers that wait in the outbox, as text and back."""

from __future__ import annotations

from typing import Any

import orjson

from sahut_bot.types import Answer, Button, Listing, Row


def dumps(answer: Answer) -> str:
    """An answer without its form (a form needs a fresh click, so it cannot wait)."""
    return orjson.dumps(
        {"text": answer.text, "buttons": answer.buttons, "listing": answer.listing, "ok": answer.ok}
    ).decode()


def loads(stored: str) -> Answer:
    data = orjson.loads(stored)
    return Answer(
        text=data["text"],
        buttons=_buttons(data["buttons"]),
        listing=_listing(data["listing"]) if data["listing"] else None,
        ok=data["ok"],
    )


def _buttons(data: list[dict[str, Any]]) -> tuple[Button, ...]:
    return tuple(Button(**button) for button in data)


def _listing(data: dict[str, Any]) -> Listing:
    rows = tuple(Row(**{**row, "buttons": _buttons(row["buttons"])}) for row in data["rows"])
    return Listing(**{**data, "rows": rows, "filters": _buttons(data["filters"]), "pages": _buttons(data["pages"])})
