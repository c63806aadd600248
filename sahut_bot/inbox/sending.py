"""A reply on its way to the customer: cut into parts when its turn comes, one part an attempt."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import bodies
from sahut_bot.inbox.effects import AnyEffect, DeleteSent, EditSent, Send
from sahut_bot.inbox.models import agents, attachments, parts
from sahut_bot.inbox.policy import ChannelPolicy
from sahut_bot.inbox.store import Tx
from sahut_bot.text import split, stored, tree
from sahut_bot.text.markup import Markup
from sahut_bot.types import Capabilities, Delivery, Outbound, StoredFile

_GONE = "deleted"


def effect(tx: Tx, channel: ChannelPolicy, kind: str, message: Any, address: str, data_dir: str) -> AnyEffect | None:
    """The next attempt for a row of the customer's lane; None when nothing is left to do."""
    if kind == "reply":
        return _next_part(tx, channel, message, address, data_dir)
    rows = [row for row in _parts(tx, message.id) if row.external_id and row.delivery != _GONE]
    if not rows:
        return None
    outbound = Outbound(
        channel=channel.name,
        address=address,
        key=f"msg_{message.id}:{kind}",
        message_id=message.id,
        body=bodies.of(message),
    )
    if kind == "edit":
        return EditSent(outbound=outbound, external_id=rows[0].external_id) if message.deleted_at is None else None
    return DeleteSent(outbound=outbound, external_id=rows[0].external_id)


def _parts(tx: Tx, message: int) -> list[Any]:
    return list(tx.execute(sa.select(parts).where(parts.c.message_id == message).order_by(parts.c.position)))


def _next_part(tx: Tx, channel: ChannelPolicy, message: Any, address: str, data_dir: str) -> AnyEffect | None:
    rows = _parts(tx, message.id) or _cut(tx, channel.capabilities, message)
    waiting = [row for row in rows if row.external_id is None]
    if not waiting or message.delivery != Delivery.QUEUED:
        return None
    part = waiting[0]
    author = tx.execute(sa.select(agents.c.name).where(agents.c.id == message.agent_id)).scalar() or ""
    outbound = Outbound(
        channel=channel.name,
        address=address,
        key=f"msg_{message.id}" if part.position == 0 else f"msg_{message.id}.{part.position}",
        message_id=message.id,
        body=stored.loads(part.markup) if part.markup else (),
        files=_files(tx, channel.capabilities, message.id, part, data_dir),
        author=author,
    )
    return Send(outbound=outbound, part_id=part.id, last=len(waiting) == 1)


def _files(tx: Tx, allowed: Capabilities, message: int, part: Any, data_dir: str) -> tuple[StoredFile, ...]:
    query = sa.select(attachments).where(attachments.c.message_id == message, attachments.c.state == "stored")
    if not allowed.files_with_text:
        query = query.where(attachments.c.id == part.attachment_id)
    elif part.position:
        return ()
    return tuple(
        StoredFile(
            id=row.id, name=row.name, content_type=row.content_type, size=row.size, path=f"{data_dir}/{row.path}"
        )
        for row in tx.execute(query.order_by(attachments.c.position))
    )


def _cut(tx: Tx, allowed: Capabilities, message: Any) -> list[Any]:
    """Cuts the text to what the channel takes, never silently short, and gives each file a part where it needs one."""
    pieces: list[tuple[Markup, int | None]] = []
    body = bodies.of(message)
    if body:
        pieces += [(piece, None) for piece in split.split(body, allowed.text_limit, allowed.text_unit, tree.plain)]
    files = sa.select(attachments.c.id).where(attachments.c.message_id == message.id, attachments.c.state == "stored")
    ids = list(tx.execute(files.order_by(attachments.c.position)).scalars())
    if not allowed.files_with_text:
        pieces += [((), attachment) for attachment in ids]
    elif ids and not pieces:
        pieces.append(((), None))
    if pieces:
        rows = [
            {
                "id": new_id,
                "message_id": message.id,
                "position": position,
                "markup": stored.dumps(piece) if piece else "",
                "attachment_id": attachment,
                "delivery": Delivery.QUEUED.value,
            }
            for position, (new_id, (piece, attachment)) in enumerate(
                zip(tx.new_ids(parts, len(pieces)), pieces, strict=True)
            )
        ]
        tx.execute(sa.insert(parts), rows)
    return _parts(tx, message.id)
