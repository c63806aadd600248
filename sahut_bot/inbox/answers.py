"""Answers that wait in the outbox, as text and back."""

from __future__ import annotations

from typing import Any

import orjson

from sahut_bot.types import Answer, Button, Fact, Listing, Row, ThreadRef


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
    buttons = {name: _buttons(data.get(name, [])) for name in ("filters", "statuses", "pages")}
    return Listing(**{**data, "rows": tuple(map(_row, data["rows"])), **buttons})


def _row(data: dict[str, Any]) -> Row:
    thread = data.get("thread")
    parts = {
        "times": tuple(Fact(**fact) for fact in data.get("times", [])),
        "thread": ThreadRef(**thread) if thread else None,
        "buttons": _buttons(data["buttons"]),
    }
    return Row(**{**data, **parts})
