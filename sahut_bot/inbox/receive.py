"""A customer's messages into conversations: load, decide, write, for a whole batch at once (design 4.5).

The number of statements does not grow with the batch. Locks are taken in one order: event keys, identities,
contacts, conversations, messages, lanes, outbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from sahut_bot.inbox import bodies, contacts, lanes, outbox, state, timers
from sahut_bot.inbox.activity import Change, record
from sahut_bot.inbox.models import attachments, conversations, events_seen, messages, threads
from sahut_bot.inbox.policy import ChannelPolicy, Policy
from sahut_bot.inbox.prepared import Prepared, inserting
from sahut_bot.inbox.store import Tx
from sahut_bot.text import tree
from sahut_bot.text.thanks import is_thanks
from sahut_bot.types import CustomerMessage, Instant, RemoteFile, Status, Wake

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
    snoozed: bool = False
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
    incoming: list[Incoming] = field(default_factory=list)


@dataclass(slots=True)
class Incoming:
    """One new message, decided. `resurfaced`: it woke or reopened the conversation."""

    event: CustomerMessage
    at: Instant
    talk: Talk
    resurfaced: bool = False
    id: int = 0


def receive(tx: Tx, items: Sequence[tuple[Policy, CustomerMessage, Instant]]) -> list[int | Exception | None]:
    """Stores what customers wrote. Returns each message's id, None for one that was seen before."""
    new = _unseen(tx, [(event, now) for _, event, now in items])
    todo = [(policy, event, now) for (policy, event, now), is_new in zip(items, new, strict=True) if is_new]
    if not todo:
        return [None] * len(items)
    people = contacts.meet(tx, [(event.channel, event.sender, now) for _, event, now in todo])
    talks = _load(tx, people)
    decided = [_decide(talks, people, *item) for item in todo]
    _write(tx, todo[0][0], decided)
    stored = iter(decided)
    return [next(stored).id if is_new else None for is_new in new]


def _unseen(tx: Tx, events: Sequence[tuple[CustomerMessage, Instant]]) -> list[bool]:
    rows = {(event.channel, event.key): now for event, now in events}
    left = tx.insert_new(_SEEN, [(*key, at) for key, at in sorted(rows.items())])
    answers = []
    for event, _ in events:
        answers.append((event.channel, event.key) in left)
        left.discard((event.channel, event.key))
    return answers


_SEEN = Prepared(
    lambda words: (
        words.insert(events_seen)
        .from_select(["source", "key", "at"], words.rows([events_seen.c.source, events_seen.c.key, events_seen.c.at]))
        .on_conflict_do_nothing()
        .returning(events_seen.c.source, events_seen.c.key)
    )
)


def _load(tx: Tx, people: contacts.People) -> dict[int, Talk]:
    """By identity: the live conversation, else the newest resolved one, locked."""
    wanted = [person.identity_id for person in people.values()]
    found = {talk.identity_id: talk for talk in _talks(tx, _LIVE, wanted)}
    rest = [identity for identity in wanted if identity not in found]
    old = [person.identity_id for person in people.values() if person.identity_id in rest and not person.fresh]
    if old:
        found |= {talk.identity_id: talk for talk in _talks(tx, _NEWEST, old)}
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


def _decide(
    talks: dict[int, Talk], people: contacts.People, policy: Policy, event: CustomerMessage, now: Instant
) -> Incoming:
    """Pure: which conversation the message belongs to and what it does to it; changes the values in memory alone."""
    channel = policy.channels[event.channel]
    person = people[event.channel, event.sender.external_id]
    talk = talks.get(person.identity_id)
    if talk is None or (not person.blocked and _begins_anew(talk, channel, now)):
        talk = talks[person.identity_id] = Talk(
            id=0,
            fresh=True,
            channel=event.channel,
            identity_id=person.identity_id,
            contact_id=person.contact_id,
            status=Status.RESOLVED if person.blocked else Status.OPEN,
            first_line=tree.first_line(event.body, 120) or (event.files[0].name if event.files else ""),
            previous_id=talk.id if talk else None,
            resolved_at=now if person.blocked else None,
        )
        talk.before = talk.status
    talk.blocked = person.blocked
    incoming = Incoming(event=event, at=now, talk=talk)
    talk.incoming.append(incoming)
    if not person.blocked and not event.automatic:
        _advance(talk, incoming, channel)
    return incoming


def _begins_anew(talk: Talk, channel: ChannelPolicy, now: Instant) -> bool:
    if talk.status is not Status.RESOLVED or not channel.new_after:
        return False
    return talk.resolved_at is not None and now - talk.resolved_at >= channel.new_after


def _advance(talk: Talk, incoming: Incoming, channel: ChannelPolicy) -> None:
    event = incoming.event
    thanks = not (event.files or event.stored_files) and is_thanks(tree.plain(event.body))
    status = state.customer_wrote(talk.status, thanks=thanks, wake=talk.wake, thanks_reopens=channel.thanks_reopens)
    incoming.resurfaced = status is not talk.status and talk.status in (Status.SNOOZED, Status.RESOLVED)
    talk.card = talk.card or status is not talk.status
    talk.status = status
    talk.last_at = incoming.at
    if status is not Status.RESOLVED and talk.waiting_since is None:
        talk.waiting_since = incoming.at
        talk.card = True


def _write(tx: Tx, policy: Policy, decided: list[Incoming]) -> None:
    talks = list({id(one.talk): one.talk for one in decided}.values())
    _write_talks(tx, talks, decided[0].at)
    for incoming, message_id in zip(decided, tx.new_ids(messages, len(decided)), strict=True):
        incoming.id = message_id
    tx.many(_MESSAGE, [_message(incoming) for incoming in decided])
    files = _write_files(tx, decided)
    drafts = [draft for one in decided for draft in _drafts(policy, one, files.get(one.id, ()))]
    drafts += [
        lanes.card(talk.id, policy.channels[talk.channel].teamchat)
        for talk in talks
        if talk.card and talk.place and not talk.blocked
    ]
    drafts += _changes(tx, policy, talks, decided[0].at)
    outbox.enqueue(tx, drafts, decided[0].at)
    for one in decided:
        tx.signal(f"feed:{one.event.channel}:{one.event.sender.external_id}")


def _write_talks(tx: Tx, talks: list[Talk], now: Instant) -> None:
    fresh = [talk for talk in talks if talk.fresh]
    if fresh:
        for talk, new_id in zip(fresh, tx.new_ids(conversations, len(fresh)), strict=True):
            talk.id = new_id
        tx.execute(sa.insert(conversations), [_conversation(talk, now) for talk in fresh])
    known = [talk for talk in talks if not talk.fresh and not talk.blocked and talk.last_at]
    same = [talk for talk in known if not talk.card and talk.status is talk.before]
    tx.many(_TOUCH, [(_stamp(talk, now), talk.last_at, talk.id) for talk in same])
    changed = [talk for talk in known if talk.card or talk.status is not talk.before]
    if changed:
        tx.execute(_UPDATE, [_touched(talk, now) for talk in changed])
    woken = [talk.id for talk in known if talk.before is Status.SNOOZED and talk.status is not Status.SNOOZED]
    if woken:
        timers.disarm(tx, woken, "snooze")


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


_MESSAGE = inserting(
    messages,
    *("id", "conversation_id", "kind", "body", "markup", "external_id", "automatic", "unknown_type", "at", "rev"),
)


def _message(one: Incoming) -> tuple[object, ...]:
    event = one.event
    body, markup = bodies.columns(event.body)
    return (
        *(one.id, one.talk.id, "incoming", body, markup),
        *(event.external_id, event.automatic, event.unknown_type, event.at, one.id),
    )


def _write_files(tx: Tx, decided: list[Incoming]) -> dict[int, list[tuple[int, bool]]]:
    """By message: its attachments as (id, must be fetched), in the order the customer gave them."""
    found: dict[int, list[tuple[int, bool]]] = {}
    remote = [(one, place, file) for one in decided for place, file in enumerate(one.event.files)]
    if remote:
        ids = tx.new_ids(attachments, len(remote))
        rows = [
            remote_attachment(new_id, file, source=one.event.channel, message=one.id, position=place, now=one.at)
            for new_id, (one, place, file) in zip(ids, remote, strict=True)
        ]
        tx.execute(sa.insert(attachments), rows)
        for new_id, (one, _, file) in zip(ids, remote, strict=True):
            found.setdefault(one.id, []).append((new_id, not file.refusal))
    ours = [(one, place, file) for one in decided for place, file in enumerate(one.event.stored_files)]
    if ours:
        # Only the uploader's own files, and each for one message alone.
        adopt = (
            sa.update(attachments)
            .where(
                attachments.c.id == sa.bindparam("b_id"),
                attachments.c.owner == sa.bindparam("b_owner"),
                attachments.c.source == sa.bindparam("b_source"),
                attachments.c.message_id.is_(None),
            )
            .values(message_id=sa.bindparam("b_message"), position=sa.bindparam("b_position"))
        )
        tx.execute(
            adopt,
            [
                {
                    "b_id": file,
                    "b_owner": one.event.sender.external_id,
                    "b_source": one.event.channel,
                    "b_message": one.id,
                    "b_position": place,
                }
                for one, place, file in ours
            ],
        )
        asked = [one.id for one, _, _ in ours]
        taken = sa.select(attachments.c.id, attachments.c.message_id).where(attachments.c.message_id.in_(asked))
        for row in tx.execute(taken.order_by(attachments.c.position)):
            found.setdefault(row.message_id, []).append((row.id, False))
    return found


def remote_attachment(
    new_id: int, file: RemoteFile, *, source: str, message: int, position: int, now: Instant
) -> dict[str, object]:
    """The row of a file that still lies at a platform; one that its adapter refuses has failed already."""
    return {
        "id": new_id,
        "message_id": message,
        "position": position,
        "source": source,
        "remote": file.remote,
        "name": tree.clean_name(file.name) or "file",
        "content_type": file.content_type,
        "size": file.size,
        "state": "failed" if file.refusal else "remote",
        "reason": file.refusal,
        "created_at": now,
    }


def _drafts(policy: Policy, one: Incoming, files: Sequence[tuple[int, bool]]) -> list[outbox.Draft]:
    talk = one.talk
    if talk.blocked:
        return []
    channel = policy.channels[talk.channel]
    target = lanes.post_target(channel.teamchat, talk.place or channel.place)
    first = talk.fresh and talk.incoming[0] is one
    drafts = [lanes.opening(talk.id, target)] if first else []
    drafts.append(lanes.mirror(talk.id, target, one.id, resurfaced=one.resurfaced))
    for attachment, must_fetch in files:
        if must_fetch:
            drafts.append(lanes.fetch_for_thread(talk.id, target, attachment))
        drafts.append(lanes.file(talk.id, target, attachment))
    return drafts


def _changes(tx: Tx, policy: Policy, talks: list[Talk], now: Instant) -> list[outbox.Draft]:
    """What happened to the conversations, for the record; their threads tell it where it is news."""
    changes = []
    for talk in talks:
        if talk.fresh:
            changes.append(Change(talk.id, "created", "customer", now))
        elif talk.status is not talk.before:
            kind = {Status.SNOOZED: "woken", Status.RESOLVED: "reopened"}.get(talk.before, "answered")
            changes.append(Change(talk.id, kind, "customer", now))
    return record(tx, policy, changes, {talk.id: talk.place for talk in talks}, {t.id: t.channel for t in talks})
