"""The bot's marks on a message in the thread: which one it should carry, and what has to be put there and taken off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from sahut_bot.inbox.effects import SetMark, TakeMark
from sahut_bot.inbox.models import outbox
from sahut_bot.inbox.outbox_claims import Claimed
from sahut_bot.inbox.prepared import Prepared
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Delivery, Mark, MessageKind, ThreadRef

_MARKS = {
    Delivery.HELD: Mark.HELD,
    Delivery.QUEUED: Mark.QUEUED,
    Delivery.ACCEPTED: Mark.ACCEPTED,
    Delivery.DELIVERED: Mark.DELIVERED,
    Delivery.READ: Mark.READ,
    Delivery.FAILED: Mark.FAILED,
    Delivery.UNCERTAIN: Mark.UNCERTAIN,
}


def wanted(message: Any) -> str:
    """The one mark that a message should carry now; empty for none."""
    if message.deleted_at is not None:
        return ""
    if message.kind == MessageKind.NOTE:
        return Mark.NOTE.value
    mark = _MARKS.get(Delivery(message.delivery))
    return mark.value if mark else ""


def to_set(row: Claimed, message: Any, post: Any, thread: ThreadRef) -> SetMark | TakeMark | None:
    """Earlier attempts may have left other marks there, of whose end nobody heard: those come off again."""
    mark, shown = wanted(message), message.marks.split()
    left = tuple(one for one in _tried(row) if one not in (mark, *shown))
    place = ThreadRef(teamchat=post.teamchat, place=post.place, external_id=thread.external_id)
    where: dict[str, Any] = {"thread": place, "external_id": post.external_id, "message_id": message.id}
    if mark and mark not in shown:
        return SetMark(**where, mark=mark, left=left)
    return TakeMark(**where, mark=left[0], left=left[1:], last=True) if left and not _gone(message, post) else None


def to_take(message: Any, post: Any, thread: ThreadRef) -> TakeMark | None:
    extra = [mark for mark in message.marks.split() if mark != wanted(message)]
    if not extra or _gone(message, post):
        return None
    place = ThreadRef(teamchat=post.teamchat, place=post.place, external_id=thread.external_id)
    return TakeMark(
        thread=place, external_id=post.external_id, message_id=message.id, mark=extra[0], last=len(extra) == 1
    )


def _gone(message: Any, post: Any) -> bool:
    """With what an agent deleted, its marks went."""
    return message.deleted_at is not None and post.origin == "agent"


def _tried(row: Claimed) -> list[str]:
    return str(row.payload.get("marks", "")).split()


def note(tx: Tx, rows: Sequence[Claimed], effects: Sequence[object]) -> None:
    """Writes down which marks are about to be put, before they are: see `to_set`."""
    begun = [
        (orjson.dumps({**row.payload, "marks": " ".join([*_tried(row), effect.mark])}).decode(), row.id)
        for row, effect in zip(rows, effects, strict=True)
        if isinstance(effect, SetMark) and effect.mark not in _tried(row)
    ]
    if begun:
        tx.many(_NOTE, begun)


_NOTE = Prepared(
    lambda _words: (
        sa.update(outbox).where(outbox.c.id == sa.bindparam("b_id")).values(payload=sa.bindparam("b_payload"))
    ),
    ("b_payload", "b_id"),
)
