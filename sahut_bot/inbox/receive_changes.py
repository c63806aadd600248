"""What else customers do: they edit, delete and react. None of it changes a state."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import bodies, desk, lanes, outbox
from sahut_bot.inbox.activity import Change, record
from sahut_bot.inbox.models import contacts, conversations, events_seen, identities, messages, parts, threads
from sahut_bot.inbox.models import outbox as outbox_rows
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.text import tree
from sahut_bot.types import (
    CustomerDelete,
    CustomerEdit,
    CustomerReaction,
    Instant,
    MessageKind,
)


def change(tx: Tx, policy: Policy, event: CustomerEdit | CustomerDelete | CustomerReaction, now: Instant) -> None:
    """Once: the mirror in the thread changes; what the agents have seen is never silently gone."""
    seen = {"source": event.channel, "key": event.key, "at": now}
    if not tx.insert_ignore(events_seen, [seen], returning=[events_seen.c.key]):
        return
    row = _message(tx, event)
    if row is None:
        return
    tx.lock(conversations, [row.conversation_id])
    if isinstance(event, CustomerReaction):
        if row.blocked_at is None:
            _reacted(tx, policy, event, row, now)
        return
    late = isinstance(event, CustomerEdit) and (row.edited_at or 0.0) > event.at
    if row.kind != MessageKind.INCOMING or row.deleted_at is not None or late:
        return
    values: dict[str, Any] = {"rev": tx.new_ids(messages, 1)[0]}
    if isinstance(event, CustomerEdit):
        body, markup = bodies.columns(event.body)
        values |= {"body": body, "markup": markup, "edited_at": event.at}
    else:
        values["deleted_at"] = event.at
    tx.execute(sa.update(messages).where(messages.c.id == row.id).values(**values))
    _show(tx, policy, event.channel, row, now)
    first = sa.select(sa.func.min(messages.c.id)).where(messages.c.conversation_id == row.conversation_id)
    if tx.execute(first).scalar() == row.id:
        _retitle(tx, policy, event, row.conversation_id, now)
    tx.signal(f"feed:{event.channel}:{event.sender.external_id}")


def _show(tx: Tx, policy: Policy, channel: str, row: Any, now: Instant) -> None:
    """Changes the mirror behind its own row. What never had one (a blocked contact's) gets none by this either."""
    mirror = sa.select(outbox_rows.c.id).where(
        outbox_rows.c.ref == row.id, outbox_rows.c.kind == "mirror", outbox.UNFINISHED
    )
    if row.place or tx.execute(mirror).first() is not None:
        known = policy.channel(channel)
        target = lanes.post_target(known.teamchat, row.place or known.place)
        outbox.enqueue(tx, [lanes.mirror_edit(row.conversation_id, target, row.id)], now)


def _retitle(tx: Tx, policy: Policy, event: CustomerEdit | CustomerDelete, conversation: int, now: Instant) -> None:
    """The card shows the first line of the first message."""
    line = tree.first_line(event.body, 120) if isinstance(event, CustomerEdit) else policy.say("message.deleted")
    case = desk.take(tx, policy, conversation, now)
    case.set["first_line"] = line
    case.card = True
    desk.close(tx, case)


def _message(tx: Tx, event: CustomerEdit | CustomerDelete | CustomerReaction) -> Any:
    """Looked for among the sender's own conversations alone. A reply may be known by the id of any of its parts."""
    columns = (messages.c.id, messages.c.kind, messages.c.conversation_id, messages.c.edited_at, messages.c.deleted_at)
    theirs = (
        sa.select(*columns, threads.c.place, contacts.c.blocked_at)
        .select_from(
            messages.join(conversations, conversations.c.id == messages.c.conversation_id)
            .join(identities, identities.c.id == conversations.c.identity_id)
            .join(contacts, contacts.c.id == conversations.c.contact_id)
            .outerjoin(threads, (threads.c.conversation_id == conversations.c.id) & sa.text("threads.live"))
        )
        .where(identities.c.channel == event.channel, identities.c.external_id == event.sender.external_id)
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    found = tx.execute(theirs.where(messages.c.external_id == event.external_id)).first()
    if found is None and isinstance(event, CustomerReaction):
        part = sa.select(parts.c.message_id).where(
            parts.c.external_id == event.external_id, parts.c.external_id.is_not(None)
        )
        found = tx.execute(theirs.where(messages.c.id.in_(part))).first()
    return found


def _reacted(tx: Tx, policy: Policy, event: CustomerReaction, row: Any, now: Instant) -> None:
    kind = "reacted" if event.emoji else "unreacted"
    entry = Change(row.conversation_id, kind, "customer", now, "", {"emoji": event.emoji})
    drafts = record(tx, policy, [entry], {row.conversation_id: row.place or ""}, {row.conversation_id: event.channel})
    outbox.enqueue(tx, drafts, now)
