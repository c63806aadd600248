"""What live chat reads and writes: a visitor's feed, their files, when they were last here.

The feed holds what the customer wrote and the replies that have been accepted, and nothing else: a note is not among
the kinds that it asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import bodies
from sahut_bot.inbox.models import agents, attachments, conversations, identities, messages, workspace
from sahut_bot.inbox.tx import Rx, Tx
from sahut_bot.text.markup import Markup
from sahut_bot.types import Delivery, Instant, MessageKind

PAGE = 200
ARRIVED = (Delivery.ACCEPTED, Delivery.DELIVERED, Delivery.READ)
"""A reply in one of these states can be seen by the customer."""


def topic(channel: str, external_id: str) -> str:
    """Signalled after each commit that changes what this visitor can see."""
    return f"feed:{channel}:{external_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    id: int
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedMessage:
    """A message as its customer may see it. A deleted one has neither text nor files left."""

    id: int
    external_id: str
    from_customer: bool
    author: str
    body: Markup
    at: Instant
    rev: int
    edited: bool
    deleted: bool
    read: bool
    files: list[FeedFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One page, in the order of the conversation; `cursor` is where the next begins."""

    messages: list[FeedMessage]
    cursor: int
    more: bool = False


def _theirs(rx: Rx, channel: str, external_ids: Collection[str]) -> list[sa.ColumnElement[bool]]:
    return [
        identities.c.channel == channel,
        rx.among(identities.c.external_id, external_ids),
        conversations.c.identity_id == identities.c.id,
        messages.c.conversation_id == conversations.c.id,
    ]


_VISIBLE = sa.or_(
    messages.c.kind == MessageKind.INCOMING.value,
    sa.and_(
        messages.c.kind == MessageKind.REPLY.value,
        messages.c.delivery.in_([state.value for state in ARRIVED]),
    ),
)


def feed(rx: Rx, channel: str, external_ids: Collection[str], after: int) -> Feed:
    """What changed for a visitor after the cursor `after` (0: from the beginning), at most `PAGE` messages."""
    author = sa.select(agents.c.name).where(agents.c.id == messages.c.agent_id).scalar_subquery()
    found = rx.execute(
        sa.select(messages, author.label("author"))
        .where(*_theirs(rx, channel, external_ids), messages.c.rev > after, _VISIBLE)
        .order_by(messages.c.rev)
        .limit(PAGE)
    ).all()
    files = _files(rx, [row.id for row in found if row.deleted_at is None])
    page = [_message(row, files.get(row.id, [])) for row in found]
    return Feed(
        messages=sorted(page, key=lambda message: message.id),
        cursor=found[-1].rev if found else after,
        more=len(found) == PAGE,
    )


def _message(row: Any, files: list[FeedFile]) -> FeedMessage:
    deleted = row.deleted_at is not None
    return FeedMessage(
        id=row.id,
        external_id=row.external_id or "",
        from_customer=row.kind == MessageKind.INCOMING,
        author=row.author or "",
        body=() if deleted else bodies.of(row),
        at=row.at,
        rev=row.rev,
        edited=row.edited_at is not None,
        deleted=deleted,
        read=row.delivery == Delivery.READ,
        files=files,
    )


def _files(rx: Rx, message_ids: Collection[int]) -> dict[int, list[FeedFile]]:
    if not message_ids:
        return {}
    found: dict[int, list[FeedFile]] = {}
    query = (
        sa.select(attachments)
        .where(rx.among(attachments.c.message_id, message_ids), attachments.c.state == "stored")
        .order_by(attachments.c.message_id, attachments.c.position, attachments.c.id)
    )
    for row in rx.execute(query):
        file = FeedFile(id=row.id, name=row.name, content_type=row.content_type, size=row.size)
        found.setdefault(row.message_id, []).append(file)
    return found


def unconfirmed(
    rx: Rx, channel: str, external_ids: Collection[str], delivery: Delivery, upto: int, only: Collection[int] | None
) -> list[int]:
    """Replies to this visitor that are not yet as far as `delivery`: up to the cursor `upto`, or those of `only`.

    Ids of other visitors' messages find nothing, so nobody can confirm what was not theirs.
    """
    behind = {Delivery.ACCEPTED.value} | ({Delivery.DELIVERED.value} if delivery is Delivery.READ else set())
    wanted = messages.c.rev <= upto if only is None else rx.among(messages.c.id, only)
    query = sa.select(messages.c.id).where(
        *_theirs(rx, channel, external_ids),
        messages.c.kind == MessageKind.REPLY.value,
        messages.c.delivery.in_(behind),
        wanted,
    )
    return list(rx.execute(query.order_by(messages.c.id)).scalars())


# ---------------------------------------------------------------- files


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of a visitor that lies on our disk; `path` is relative to the data directory."""

    channel: str
    owner: str
    name: str
    content_type: str
    size: int
    path: str
    at: Instant


def add_upload(tx: Tx, upload: Upload) -> int:
    (new_id,) = tx.new_ids(attachments, 1)
    tx.execute(
        sa.insert(attachments).values(
            id=new_id,
            source=upload.channel,
            owner=upload.owner,
            name=upload.name,
            content_type=upload.content_type,
            size=upload.size,
            path=upload.path,
            state="stored",
            created_at=upload.at,
        )
    )
    return new_id


def owned(rx: Rx, channel: str, owners: Collection[str], ids: Sequence[int]) -> bool:
    """Whether all these files were uploaded by this visitor."""
    query = sa.select(sa.func.count()).where(
        rx.among(attachments.c.id, ids), attachments.c.source == channel, rx.among(attachments.c.owner, owners)
    )
    return bool(rx.execute(query).scalar_one() == len(ids))


def drop_unused(tx: Tx, before: Instant) -> list[str]:
    """Forgets uploads that no message took until now. Returns the paths of the files that may be removed."""
    unused = (attachments.c.message_id.is_(None), attachments.c.owner != "", attachments.c.created_at < before)
    some = sa.select(attachments.c.id).where(*unused).limit(1000)
    # The conditions again: a message may take a file between the two looks.
    gone = tx.execute(sa.delete(attachments).where(attachments.c.id.in_(some), *unused).returning(attachments.c.path))
    return list(gone.scalars())


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    name: str
    content_type: str
    path: str


def kept_file(rx: Rx, attachment: int) -> KeptFile | None:
    """A file that is on our disk; None where there is none (any more)."""
    query = sa.select(attachments.c.name, attachments.c.content_type, attachments.c.path).where(
        attachments.c.id == attachment, attachments.c.state == "stored", attachments.c.path != ""
    )
    row = rx.execute(query).first()
    return KeptFile(name=row.name, content_type=row.content_type, path=row.path) if row else None


# ---------------------------------------------------------------- presence, secret


def saw(tx: Tx, seen: Sequence[tuple[str, str, Instant]]) -> None:
    """Notes when visitors, as (channel, external id, time), were last here; an older time changes nothing."""
    rows = [{"b_channel": channel, "b_id": external_id, "b_at": at} for channel, external_id, at in sorted(seen)]
    if rows:
        tx.execute(_SAW, rows)


_SAW = (
    sa.update(identities)
    .where(
        identities.c.channel == sa.bindparam("b_channel"),
        identities.c.external_id == sa.bindparam("b_id"),
        identities.c.seen_at < sa.bindparam("b_at"),
    )
    .values(seen_at=sa.bindparam("b_at"))
)


def last_seen(rx: Rx, channel: str, external_id: str) -> Instant | None:
    """When a visitor was last here, at most a few seconds late; None for one that we never met."""
    query = sa.select(identities.c.seen_at).where(
        identities.c.channel == channel, identities.c.external_id == external_id
    )
    return rx.execute(query).scalar()


def secret(tx: Tx, fresh: str) -> str:
    """The server's own secret, which signs visitors' tokens and links to files: `fresh` on the first call ever."""
    tx.insert_ignore(workspace, [{"key": "secret", "value": fresh}])
    return str(tx.execute(sa.select(workspace.c.value).where(workspace.c.key == "secret")).scalar_one())
