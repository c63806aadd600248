"""What else a channel tells: receipts, and a customer's edits, deletions and reactions. None of it changes a state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import bodies, desk, lanes, outbox
from sahut_bot.inbox.activity import Change, record
from sahut_bot.inbox.models import conversations, events_seen, identities, messages, parts, threads
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.types import (
    CustomerDelete,
    CustomerEdit,
    CustomerReaction,
    CustomerReceipt,
    Delivery,
    Instant,
    MessageKind,
)

_RANK = {
    Delivery.UNCERTAIN: 0,  # a receipt settles the doubt
    Delivery.ACCEPTED: 1,
    Delivery.DELIVERED: 2,
    Delivery.READ: 3,
}


def receipts(tx: Tx, items: Sequence[tuple[Policy, CustomerReceipt, Instant]]) -> list[Exception | None]:
    """A batch of receipts: the furthest state of each message stands, whatever order they come in."""
    policy, _, now = items[0]
    wanted = sorted({event.external_id for _, event, _ in items})
    query = (
        sa.select(parts.c.external_id, messages.c.id, messages.c.delivery, conversations.c.channel)
        .add_columns(messages.c.conversation_id)
        .select_from(
            parts.join(messages, messages.c.id == parts.c.message_id).join(
                conversations, conversations.c.id == messages.c.conversation_id
            )
        )
        .where(tx.among(parts.c.external_id, wanted), parts.c.external_id.is_not(None))
        .order_by(messages.c.id)
    )
    found = {(row.channel, row.external_id): row for row in tx.execute(query)}
    furthest: dict[int, tuple[Any, CustomerReceipt]] = {}
    for _, event, _ in items:
        row = found.get((event.channel, event.external_id))
        if row is None:
            continue
        before = furthest[row.id][1].delivery if row.id in furthest else Delivery(row.delivery)
        if _further(before, event.delivery):
            furthest[row.id] = (row, event)
    if furthest:
        _advance(tx, policy, furthest, now)
    return [None] * len(items)


def _further(before: Delivery, after: Delivery) -> bool:
    if after is Delivery.FAILED:
        return before in (Delivery.ACCEPTED, Delivery.UNCERTAIN, Delivery.QUEUED)
    return before in _RANK and after in _RANK and _RANK[after] > _RANK[before]


def _advance(tx: Tx, policy: Policy, furthest: dict[int, tuple[Any, CustomerReceipt]], now: Instant) -> None:
    tx.lock(conversations, {row.conversation_id for row, _ in furthest.values()})
    update = sa.update(messages).where(messages.c.id == sa.bindparam("b_id"))
    tx.execute(
        update.values(delivery=sa.bindparam("b_delivery"), reason=sa.bindparam("b_reason")),
        [
            {"b_id": message, "b_delivery": event.delivery.value, "b_reason": event.reason}
            for message, (_, event) in sorted(furthest.items())
        ],
    )
    drafts = [
        lanes.mark(row.conversation_id, policy.channels[row.channel].teamchat, message)
        for message, (row, _) in sorted(furthest.items())
        if row.channel in policy.channels
    ]
    outbox.enqueue(tx, drafts, now)
    for message, (row, event) in sorted(furthest.items()):
        if event.delivery is Delivery.FAILED and row.channel in policy.channels:
            case = desk.take(tx, policy, row.conversation_id, now)
            author = tx.execute(sa.select(messages.c.agent_id).where(messages.c.id == message)).scalar()
            case.tell("reply.failed", agent=author, message=message, reason=event.reason)
            desk.close(tx, case)


def change(tx: Tx, policy: Policy, event: CustomerEdit | CustomerDelete | CustomerReaction, now: Instant) -> None:
    """Once: the mirror in the thread changes; what the agents have seen is never silently gone."""
    seen = {"source": event.channel, "key": event.key, "at": now}
    if not tx.insert_ignore(events_seen, [seen], returning=[events_seen.c.key]):
        return
    row = _message(tx, event)
    if row is None:
        return
    tx.lock(conversations, [row.conversation_id])
    channel = policy.channels[event.channel]
    target = lanes.post_target(channel.teamchat, row.place or channel.place)
    if isinstance(event, CustomerReaction):
        _reacted(tx, policy, event, row, now)
        return
    if row.kind != MessageKind.INCOMING:
        return
    values: dict[str, Any] = {"rev": tx.new_ids(messages, 1)[0]}
    if isinstance(event, CustomerEdit):
        body, markup = bodies.columns(event.body)
        values |= {"body": body, "markup": markup, "edited_at": event.at}
    else:
        values["deleted_at"] = event.at
    tx.execute(sa.update(messages).where(messages.c.id == row.id).values(**values))
    outbox.enqueue(tx, [lanes.mirror_edit(row.conversation_id, target, row.id)], now)
    tx.signal(f"feed:{event.channel}:{event.sender.external_id}")


def _message(tx: Tx, event: CustomerEdit | CustomerDelete | CustomerReaction) -> Any:
    """Looked for among the sender's own conversations alone."""
    query = (
        sa.select(messages.c.id, messages.c.kind, messages.c.conversation_id, threads.c.place)
        .select_from(
            messages.join(conversations, conversations.c.id == messages.c.conversation_id)
            .join(identities, identities.c.id == conversations.c.identity_id)
            .outerjoin(threads, (threads.c.conversation_id == conversations.c.id) & sa.text("threads.live"))
        )
        .where(identities.c.channel == event.channel, identities.c.external_id == event.sender.external_id)
        .where(messages.c.external_id == event.external_id)
    )
    return tx.execute(query.order_by(messages.c.id.desc()).limit(1)).first()


def _reacted(tx: Tx, policy: Policy, event: CustomerReaction, row: Any, now: Instant) -> None:
    kind = "reacted" if event.emoji else "unreacted"
    entry = Change(row.conversation_id, kind, "customer", now, "", {"emoji": event.emoji})
    drafts = record(tx, policy, [entry], {row.conversation_id: row.place or ""}, {row.conversation_id: event.channel})
    outbox.enqueue(tx, drafts, now)
