"""A customer's messages into conversations: load, decide, write, for a whole batch at once (design 4.5).

The number of statements does not grow with the batch. Locks are taken in one order: event keys, identities,
contacts, conversations, messages, lanes, outbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sahut_bot.inbox import bodies, contacts, lanes, outbox, state, talks
from sahut_bot.inbox.activity import Change, record
from sahut_bot.inbox.models import attachments, events_seen, messages
from sahut_bot.inbox.policy import ChannelPolicy, Policy
from sahut_bot.inbox.prepared import Prepared, inserting
from sahut_bot.inbox.store import Tx
from sahut_bot.inbox.talks import Talk
from sahut_bot.text import tree
from sahut_bot.text.thanks import is_thanks
from sahut_bot.types import CustomerMessage, Instant, RemoteFile, Status


@dataclass(slots=True)
class Incoming:
    """One new message, decided. `first`: it opened the conversation. `resurfaced`: it woke or reopened it."""

    event: CustomerMessage
    at: Instant
    talk: Talk
    first: bool = False
    resurfaced: bool = False
    id: int = 0


def receive(tx: Tx, items: Sequence[tuple[Policy, CustomerMessage, Instant]]) -> list[int | Exception | None]:
    """Stores what customers wrote. Returns each message's id, None for one that was seen before."""
    new = _unseen(tx, [(event, now) for _, event, now in items])
    todo = [(policy, event, now) for (policy, event, now), is_new in zip(items, new, strict=True) if is_new]
    if not todo:
        return [None] * len(items)
    people = contacts.meet(tx, [(event.channel, event.sender, now) for _, event, now in todo])
    live = talks.load(tx, people)
    decided = [_decide(live, people, *item) for item in todo]
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


def _decide(
    live: dict[int, Talk], people: contacts.People, policy: Policy, event: CustomerMessage, now: Instant
) -> Incoming:
    """Pure: which conversation the message belongs to and what it does to it; changes the values in memory alone."""
    channel = policy.channels[event.channel]
    person = people[event.channel, event.sender.external_id]
    talk = live.get(person.identity_id)
    if talk is None or (not person.blocked and _begins_anew(talk, channel, event, now)):
        talk = live[person.identity_id] = _begin(person, event, now, previous=talk)
    talk.blocked = person.blocked
    incoming = Incoming(event=event, at=now, talk=talk, first=talk.fresh and not talk.messages)
    talk.messages += 1
    if not person.blocked and not event.automatic:
        _advance(talk, incoming, channel)
    return incoming


def _begin(person: contacts.Met, event: CustomerMessage, now: Instant, previous: Talk | None) -> Talk:
    """A new conversation; a blocked contact's is closed from the start."""
    status = Status.RESOLVED if person.blocked else Status.OPEN
    named = event.files[0].name if event.files else event.unknown_type
    return Talk(
        id=0,
        fresh=True,
        channel=event.channel,
        identity_id=person.identity_id,
        contact_id=person.contact_id,
        status=status,
        before=status,
        first_line=tree.first_line(event.body, 120) or tree.clean_name(named),
        previous_id=previous.id if previous else None,
        resolved_at=now if person.blocked else None,
    )


def _begins_anew(talk: Talk, channel: ChannelPolicy, event: CustomerMessage, now: Instant) -> bool:
    """Whether it would reopen what was resolved too long ago for that."""
    if talk.status is not Status.RESOLVED or talk.resolved_at is None or event.automatic or not channel.new_after:
        return False
    return now - talk.resolved_at >= channel.new_after and (channel.thanks_reopens or not _is_thanks(event))


def _is_thanks(event: CustomerMessage) -> bool:
    return not (event.files or event.stored_files) and is_thanks(tree.plain(event.body))


def _advance(talk: Talk, incoming: Incoming, channel: ChannelPolicy) -> None:
    thanks = _is_thanks(incoming.event)
    status = state.customer_wrote(talk.status, thanks=thanks, wake=talk.wake, thanks_reopens=channel.thanks_reopens)
    incoming.resurfaced = status is not talk.status and talk.status in (Status.SNOOZED, Status.RESOLVED)
    talk.card = talk.card or status is not talk.status
    talk.status = status
    talk.last_at = incoming.at
    if status is not Status.RESOLVED and talk.waiting_since is None:
        talk.waiting_since = incoming.at
        talk.card = True


def _write(tx: Tx, policy: Policy, decided: list[Incoming]) -> None:
    touched = list({id(one.talk): one.talk for one in decided}.values())
    talks.write(tx, touched, decided[0].at)
    for incoming, message_id in zip(decided, tx.new_ids(messages, len(decided)), strict=True):
        incoming.id = message_id
    tx.many(_MESSAGE, [_message(incoming) for incoming in decided])
    files = _write_files(tx, decided)
    drafts = [draft for one in decided for draft in _drafts(policy, one, files.get(one.id, ()))]
    drafts += [
        lanes.card(talk.id, policy.channels[talk.channel].teamchat, decided[0].at + policy.card_after)
        for talk in touched
        if talk.card and talk.place and not talk.blocked
    ]
    drafts += _changes(tx, policy, touched, decided[0].at)
    outbox.enqueue(tx, drafts, decided[0].at)
    for one in decided:
        tx.signal(f"feed:{one.event.channel}:{one.event.sender.external_id}")


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
    uploaded = [one for one in decided if one.event.stored_files]
    if uploaded:
        _adopt(tx, uploaded)
        taken = sa.select(attachments.c.id, attachments.c.message_id).where(
            tx.among(attachments.c.message_id, [one.id for one in uploaded])
        )
        for row in tx.execute(taken.order_by(attachments.c.position)):
            found.setdefault(row.message_id, []).append((row.id, False))
    return found


def _adopt(tx: Tx, uploaded: list[Incoming]) -> None:
    """Gives uploads to the messages that name them: only the uploader's own, and each to one message alone."""
    rows = [
        (one.id, place, file, one.event.sender.external_id, one.event.channel)
        for one in uploaded
        for place, file in enumerate(one.event.stored_files)
    ]
    tx.many(_ADOPT, rows)


_ADOPT = Prepared(
    lambda _words: (
        sa.update(attachments)
        .where(
            attachments.c.id == sa.bindparam("b_id"),
            attachments.c.owner == sa.bindparam("b_owner"),
            attachments.c.source == sa.bindparam("b_source"),
            attachments.c.message_id.is_(None),
        )
        .values(message_id=sa.bindparam("b_message"), position=sa.bindparam("b_position"))
    ),
    ("b_message", "b_position", "b_id", "b_owner", "b_source"),
)


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
    drafts = [lanes.opening(talk.id, target)] if one.first else []
    drafts.append(lanes.mirror(talk.id, target, one.id, resurfaced=one.resurfaced))
    for attachment, must_fetch in files:
        if must_fetch:
            drafts.append(lanes.fetch_for_thread(talk.id, target, attachment))
        drafts.append(lanes.file(talk.id, target, attachment))
    return drafts


def _changes(tx: Tx, policy: Policy, touched: list[Talk], now: Instant) -> list[outbox.Draft]:
    """What happened to the conversations, for the record; their threads tell it where it is news."""
    changes = []
    for talk in touched:
        if talk.fresh:
            changes.append(Change(talk.id, "created", "customer", now))
        elif talk.status is not talk.before:
            kind = {Status.SNOOZED: "woken", Status.RESOLVED: "reopened"}.get(talk.before, "answered")
            changes.append(Change(talk.id, kind, "customer", now))
    places = {talk.id: talk.place for talk in touched}
    return record(tx, policy, changes, places, {talk.id: talk.channel for talk in touched})
