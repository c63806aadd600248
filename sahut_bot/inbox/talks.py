"""Conversations in memory while a batch of customers' messages is decided: loaded, locked, written back.

The number of statements does not grow with the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sahut_bot.inbox import contacts, timers
from sahut_bot.inbox.models import agents, conversations, threads
from sahut_bot.inbox.prepared import Prepared
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Instant, Status, Wake

UPDATED_EVERY = 30.0


@dataclass(slots=True)
class Talk:
    """A conversation in memory while a batch is decided; a `fresh` one gets its id when written."""

    id: int
    channel: str
    identity_id: int
    contact_id: int
    status: Status
    assignee_id: int | None = None
    waiting_since: Instant | None = None
    wake: Wake = Wake.ANY
    resolved_at: Instant | None = None
    place: str = ""  # the team channel of its open thread; empty: none yet
    first_line: str = ""
    previous_id: int | None = None
    last_at: Instant = 0.0
    updated_at: Instant = 0.0
    blocked: bool = False
    before: Status = Status.OPEN
    fresh: bool = False
    card: bool = False
    messages: int = 0  # how many of the batch are its

    @property
    def changed(self) -> bool:
        return self.card or self.status is not self.before


def load(tx: Tx, people: contacts.People) -> dict[int, Talk]:
    """By identity: the live conversation, else the newest resolved one, locked."""
    wanted = [person.identity_id for person in people.values()]
    found = {talk.identity_id: talk for talk in _talks(tx, _LIVE, wanted)}
    rest = [identity for identity in wanted if identity not in found]
    old = [person.identity_id for person in people.values() if person.identity_id in rest and not person.fresh]
    if old:
        found |= {talk.identity_id: talk for talk in _talks(tx, _NEWEST, old)}
        if tx.dialect == "postgresql":
            # While we waited for the old one's lock, another process may have begun a new one.
            found |= {talk.identity_id: talk for talk in _talks(tx, _LIVE, old)}
    return found


_COLUMNS = sa.select(
    conversations.c.id,
    conversations.c.channel,
    conversations.c.identity_id,
    conversations.c.contact_id,
    conversations.c.status,
    conversations.c.assignee_id,
    conversations.c.waiting_since,
    conversations.c.snooze_wake,
    conversations.c.resolved_at,
    conversations.c.updated_at,
    threads.c.place,
).select_from(
    conversations.outerjoin(threads, (threads.c.conversation_id == conversations.c.id) & sa.text("threads.live"))
)
_LIVE = Prepared(
    lambda words: (
        _COLUMNS.where(
            words.among(conversations.c.identity_id, "identities"), sa.text("conversations.status <> 'resolved'")
        )
        .order_by(conversations.c.id)
        .with_for_update(of=conversations, key_share=True)
    )
)
_NEWEST = Prepared(
    lambda words: (
        _COLUMNS.where(
            conversations.c.id.in_(
                sa.select(sa.func.max(conversations.c.id))
                .where(words.among(conversations.c.identity_id, "identities"))
                .group_by(conversations.c.identity_id)
            )
        )
        .order_by(conversations.c.id)
        .with_for_update(of=conversations, key_share=True)
    )
)


def _talks(tx: Tx, query: Prepared, identities: list[int]) -> list[Talk]:
    return [
        Talk(
            id=row.id,
            channel=row.channel,
            identity_id=row.identity_id,
            contact_id=row.contact_id,
            status=Status(row.status),
            before=Status(row.status),
            assignee_id=row.assignee_id,
            waiting_since=row.waiting_since,
            wake=Wake(row.snooze_wake),
            resolved_at=row.resolved_at,
            updated_at=row.updated_at,
            place=row.place or "",
        )
        for row in tx.ask(query, identities=identities)
    ]


def write(tx: Tx, talks: list[Talk], now: Instant) -> None:
    fresh = [talk for talk in talks if talk.fresh]
    if fresh:
        for talk, new_id in zip(fresh, tx.new_ids(conversations, len(fresh)), strict=True):
            talk.id = new_id
        tx.execute(sa.insert(conversations), [_conversation(talk, now) for talk in fresh])
    known = [talk for talk in talks if not talk.fresh and not talk.blocked and talk.last_at]
    tx.many(_TOUCH, [(_stamp(talk, now), talk.last_at, talk.id) for talk in known if not talk.changed])
    changed = [talk for talk in known if talk.changed]
    if changed:
        _drop_gone_owners(tx, changed)
        tx.execute(_UPDATE, [_touched(talk, now) for talk in changed])
    woken = [talk.id for talk in known if talk.before is Status.SNOOZED and talk.status is not Status.SNOOZED]
    if woken:
        timers.disarm(tx, woken, "snooze")


def _drop_gone_owners(tx: Tx, talks: list[Talk]) -> None:
    """Who comes back keeps team and owner, save an owner who is gone."""
    back = {talk.assignee_id for talk in talks if talk.before in (Status.SNOOZED, Status.RESOLVED)} - {None}
    if back:
        gone = sa.select(agents.c.id).where(tx.among(agents.c.id, back), agents.c.active.is_(False))
        ids = set(tx.execute(gone).scalars())
        for talk in talks:
            talk.assignee_id = None if talk.assignee_id in ids else talk.assignee_id


def _stamp(talk: Talk, now: Instant) -> Instant:
    """When it changed, to the half minute: the inbox is sorted by it, and each step moves it in an index."""
    return now if now - talk.updated_at >= UPDATED_EVERY else talk.updated_at


_TOUCH = Prepared(
    lambda _words: (
        sa.update(conversations)
        .where(conversations.c.id == sa.bindparam("b_id"))
        .values(updated_at=sa.bindparam("updated_at"), last_customer_at=sa.bindparam("last_customer_at"))
    ),
    ("updated_at", "last_customer_at", "b_id"),
)
_UPDATE = (
    sa.update(conversations)
    .where(conversations.c.id == sa.bindparam("b_id"))
    .values(
        status=sa.bindparam("b_status"),
        assignee_id=sa.bindparam("b_assignee"),
        updated_at=sa.bindparam("b_now"),
        last_customer_at=sa.bindparam("b_last"),
        waiting_since=sa.bindparam("b_waiting"),
        resolved_at=sa.bindparam("b_resolved"),
        snoozed_until=sa.case(
            (sa.bindparam("b_status") == Status.SNOOZED.value, conversations.c.snoozed_until), else_=sa.null()
        ),
    )
)


def _touched(talk: Talk, now: Instant) -> dict[str, object]:
    return {
        "b_id": talk.id,
        "b_status": talk.status.value,
        "b_assignee": talk.assignee_id,
        "b_now": now,
        "b_last": talk.last_at,
        "b_waiting": talk.waiting_since,
        "b_resolved": talk.resolved_at if talk.status is Status.RESOLVED else None,
    }


def _conversation(talk: Talk, now: Instant) -> dict[str, object]:
    return {
        "id": talk.id,
        "channel": talk.channel,
        "identity_id": talk.identity_id,
        "contact_id": talk.contact_id,
        "status": talk.status.value,
        "first_line": talk.first_line,
        "created_at": now,
        "updated_at": now,
        "last_customer_at": talk.last_at or now,
        "waiting_since": talk.waiting_since,
        "resolved_at": talk.resolved_at,
        "previous_id": talk.previous_id,
    }
