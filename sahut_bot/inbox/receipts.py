"""What a platform says of the replies it accepted: delivered, read, or failed after all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import desk, lanes, outbox, replies
from sahut_bot.inbox.models import conversations, messages, parts
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.types import CustomerReceipt, Delivery, Instant

# What reached somebody did not fail, whatever order the words come in.
_RANK = {Delivery.ACCEPTED: 1, Delivery.FAILED: 2, Delivery.DELIVERED: 3, Delivery.READ: 4}


def receipts(tx: Tx, items: Sequence[tuple[Policy, CustomerReceipt, Instant]]) -> list[Exception | None]:
    """A batch of receipts: the furthest state of each part stands, and a reply is as far as its last part."""
    policy, _, now = items[0]
    told: dict[tuple[str, str], CustomerReceipt] = {}
    for _, event, _ in items:
        key = (event.channel, event.external_id)
        if event.delivery in _RANK and (key not in told or _RANK[event.delivery] > _RANK[told[key].delivery]):
            told[key] = event
    rows = _load(tx, sorted({external_id for _, external_id in told}))
    about = [(row, told.get((row.channel, row.external_id))) for row in rows]
    moved = [(row, event) for row, event in about if event and _further(row, event)]
    if moved:
        _write(tx, policy, rows, moved, now)
    return [None] * len(items)


def _load(tx: Tx, external_ids: list[str]) -> Sequence[Any]:
    """All parts of the replies that have one of these parts, their conversations locked."""
    named = sa.select(parts.c.message_id, messages.c.conversation_id).join(
        messages, messages.c.id == parts.c.message_id
    )
    found = tx.execute(named.where(tx.among(parts.c.external_id, external_ids), parts.c.external_id.is_not(None))).all()
    tx.lock(conversations, {row.conversation_id for row in found})
    query = (
        sa.select(parts, messages.c.delivery.label("whole"), messages.c.conversation_id, conversations.c.channel)
        .join(messages, messages.c.id == parts.c.message_id)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(tx.among(parts.c.message_id, sorted({row.message_id for row in found})))
    )
    return tx.execute(query.order_by(parts.c.message_id, parts.c.position)).all()


def _further(row: Any, event: CustomerReceipt) -> bool:
    """A part that was deleted since is of no interest."""
    return row.delivery in _RANK and _RANK[event.delivery] > _RANK[Delivery(row.delivery)]


def _write(
    tx: Tx, policy: Policy, rows: Sequence[Any], moved: Sequence[tuple[Any, CustomerReceipt]], now: Instant
) -> None:
    now_is = {row.id: event.delivery for row, event in moved}
    tx.execute(
        sa.update(parts).where(parts.c.id == sa.bindparam("b_id")).values(delivery=sa.bindparam("b_delivery")),
        [{"b_id": part, "b_delivery": delivery.value} for part, delivery in sorted(now_is.items())],
    )
    of: dict[int, list[Any]] = {}
    for row in rows:
        of.setdefault(row.message_id, []).append(row)
    changed = {}
    for message, its in of.items():
        whole = together([now_is.get(row.id, row.delivery) for row in its], any(r.external_id is None for r in its))
        if whole is not None and whole != its[0].whole and its[0].whole != Delivery.QUEUED:
            changed[message] = whole
    _write_messages(tx, policy, changed, {message: its[0] for message, its in of.items()}, now)
    reasons = {row.message_id: event.reason for row, event in moved if event.delivery is Delivery.FAILED}
    for message in sorted(message for message, whole in changed.items() if whole is Delivery.FAILED):
        case = desk.take(tx, policy, of[message][0].conversation_id, now)
        replies.lose(tx, case, message, Delivery.FAILED, reasons.get(message, ""))
        desk.close(tx, case)


def _write_messages(tx: Tx, policy: Policy, changed: dict[int, Delivery], about: dict[int, Any], now: Instant) -> None:
    came = {message: whole for message, whole in changed.items() if whole is not Delivery.FAILED}
    if not came:
        return
    update = sa.update(messages).where(messages.c.id == sa.bindparam("b_id"))
    tx.execute(
        update.values(delivery=sa.bindparam("b_delivery"), reason=""),
        [{"b_id": message, "b_delivery": whole.value} for message, whole in sorted(came.items())],
    )
    drafts = [
        lanes.mark(about[message].conversation_id, policy.channel(about[message].channel).teamchat, message)
        for message in sorted(came)
    ]
    outbox.enqueue(tx, drafts, now)


def together(of_parts: Sequence[str], some_unsent: bool = False) -> Delivery | None:
    """How far a reply is whose parts are so far; None where that is not the platform's to say."""
    known = [Delivery(one) for one in of_parts if one in _RANK]
    if not known or some_unsent:
        return None
    if Delivery.FAILED in known:
        return Delivery.FAILED
    return min(known, key=_RANK.__getitem__)
