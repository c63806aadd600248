"""An agent's words towards the customer: written, held, queued, changed, taken back.

A reply is one outbox row behind the rows that fetch its files; it is cut into parts when it is sent, so until then an
edit is a change of the message alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import bodies, lanes, operations, outbox, timers
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.judge import Fate, Verdict
from sahut_bot.inbox.models import attachments, messages, posts
from sahut_bot.inbox.receive import remote_attachment
from sahut_bot.inbox.store import Tx
from sahut_bot.text.markup import Markup
from sahut_bot.types import Delivery, Instant, MessageKind, RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Something an agent wrote. `post` is its id in the thread; empty when a command or form wrote it."""

    body: Markup
    at: Instant
    files: Sequence[RemoteFile] = ()
    post: str = ""


def note(tx: Tx, case: Case, agent: Agent, written: Written) -> int:
    """Keeps a note. It has no way to a customer: nothing here touches the customer's lane."""
    message = _store(tx, case, agent, written, MessageKind.NOTE, Delivery.NONE)
    _show(case, message, written)
    return message


def reply(tx: Tx, case: Case, agent: Agent, written: Written, *, hold: bool, resolves: bool = False) -> int:
    """Queues a reply; nobody's conversation becomes the agent's. `hold`: it waits so that it can be taken back."""
    refusal = _refusal(case, written)
    state = Delivery.FAILED if refusal else Delivery.QUEUED
    message = _store(tx, case, agent, written, MessageKind.REPLY, state, reason=refusal, resolves=resolves)
    if refusal:
        case.tell(refusal, agent=agent.id, message=message)
    else:
        operations.take_ownership(case, agent)
        queue(tx, case, message, case.now + case.channel.hold if hold else None)
    _show(case, message, written)
    return message


def hold_back(tx: Tx, case: Case, agent: Agent, written: Written, reason: str, *, resolves: bool = False) -> int:
    """Keeps something that may be a reply until its author has said what it is. It never sends itself."""
    message = _store(tx, case, agent, written, MessageKind.REPLY, Delivery.HELD, reason=reason, resolves=resolves)
    _ask(tx, case, agent, message)
    _show(case, message, written)
    return message


def _ask(tx: Tx, case: Case, agent: Agent, message: int) -> None:
    case.drafts.append(lanes.whisper(case.id, case.teamchat, agent.who, message))
    due = case.now + case.policy.remind_after
    timers.arm(tx, [{"conversation_id": case.id, "kind": "held", "ref": message, "due_at": due}])


def _store(
    tx: Tx, case: Case, agent: Agent, written: Written, kind: MessageKind, delivery: Delivery, **more: object
) -> int:
    (message,) = tx.new_ids(messages, 1)
    body, markup = bodies.columns(written.body)
    tx.execute(
        sa.insert(messages).values(
            id=message,
            conversation_id=case.id,
            kind=kind.value,
            agent_id=agent.id,
            body=body,
            markup=markup,
            at=written.at,
            rev=message,
            delivery=delivery.value,
            **more,
        )
    )
    if written.files:
        _store_files(tx, case, message, written.files)
    if written.post and case.thread:
        thread = {"teamchat": case.thread.teamchat, "place": case.thread.place}
        row = {**thread, "external_id": written.post, "conversation_id": case.id, "message_id": message}
        tx.insert_ignore(posts, [{**row, "origin": "agent"}])
    return message


def _store_files(tx: Tx, case: Case, message: int, files: Sequence[RemoteFile]) -> None:
    """Too large or refused by the customer's channel: shown as failed, and the text still goes."""
    allowed = case.channel.capabilities
    rows = []
    for position, (new_id, file) in enumerate(zip(tx.new_ids(attachments, len(files)), files, strict=True)):
        row = remote_attachment(new_id, file, source=case.teamchat, message=message, position=position, now=case.now)
        reason = "file.too_large" if file.size > allowed.file_limit else ""
        reason = "file.refused_type" if file.content_type in allowed.refused_types else reason
        if reason and not file.refusal:
            row |= {"state": "failed", "reason": reason}
        if row["state"] == "failed":
            case.tell("file.failed", message=None, name=row["name"], reason=row["reason"])
        rows.append(row)
    tx.execute(sa.insert(attachments), rows)


def _refusal(case: Case, written: Written) -> str:
    """The locale key of why this cannot be sent at all; empty when it can."""
    if case.blocked:
        return "reply.blocked"
    if not written.body and not written.files:
        return "reply.empty"
    return ""


def queue(tx: Tx, case: Case, message: int, run_at: Instant | None) -> None:
    """Puts the reply into the customer's lane, behind the fetching of its files."""
    remote = sa.select(attachments.c.id).where(attachments.c.message_id == message, attachments.c.state == "remote")
    for attachment in tx.execute(remote.order_by(attachments.c.position)).scalars():
        case.drafts.append(lanes.to_customer("fetch", case.id, case.channel.name, attachment))
    case.drafts.append(lanes.to_customer("reply", case.id, case.channel.name, message, run_at))


def _show(case: Case, message: int, written: Written) -> None:
    """The mark on what was typed in the thread; what a command wrote is posted there first."""
    if not written.post:
        case.drafts.append(lanes.mirror(case.id, case.target, message))
    case.drafts.append(lanes.mark(case.id, case.teamchat, message))


# ---------------------------------------------------------------- answers to the question about a held one

ANSWERS = ("take", "send", "note", "drop")


def settle_held(tx: Tx, case: Case, agent: Agent, message: int, answer: str) -> None:
    """The author says what a held message is. Raises `UserError` when that is settled, or asked of somebody else."""
    row = tx.execute(sa.select(messages).where(messages.c.id == message, messages.c.conversation_id == case.id)).first()
    if row is None or row.delivery != Delivery.HELD:
        raise UserError("held.settled")
    if row.agent_id != agent.id:
        raise UserError("held.not_yours")
    timers.disarm(tx, [case.id], "held", ref=message)
    if answer == "drop":
        _set(tx, message, delivery=Delivery.CANCELLED.value)
    elif answer == "note":
        _set(tx, message, delivery=Delivery.NONE.value, kind=MessageKind.NOTE.value)
    elif case.blocked:
        raise UserError("reply.blocked")
    else:
        if answer == "take" and case.assignee_id != agent.id:
            operations.claim(tx, case, agent)
        operations.take_ownership(case, agent)
        _set(tx, message, delivery=Delivery.QUEUED.value, reason="")
        queue(tx, case, message, None)
    case.drafts.append(lanes.mark(case.id, case.teamchat, message))


def retry(tx: Tx, case: Case, agent: Agent, message: int) -> None:
    """Sends a failed or doubtful reply again, behind what waits now. Parts that arrived do not go twice."""
    row = tx.execute(sa.select(messages).where(messages.c.id == message, messages.c.conversation_id == case.id)).first()
    if row is None or row.kind != MessageKind.REPLY or row.delivery not in (Delivery.FAILED, Delivery.UNCERTAIN):
        raise UserError("retry.nothing")
    if case.blocked:
        raise UserError("reply.blocked")
    _set(tx, message, delivery=Delivery.QUEUED.value, reason="")
    queue(tx, case, message, None)
    case.change("retried", agent.actor, name=agent.name)
    case.drafts.append(lanes.mark(case.id, case.teamchat, message))


def rewrite(tx: Tx, message: int, body: Markup, *, edited_at: Instant | None = None) -> None:
    """Another text for a message that has not left the team."""
    text, markup = bodies.columns(body)
    values: dict[str, object] = {"body": text, "markup": markup}
    _set(tx, message, **values, **({"edited_at": edited_at} if edited_at is not None else {}))


def stop(tx: Tx, case: Case, agent: Agent, message: int, verdict: Verdict, body: Markup) -> bool:
    """An edit made a waiting reply something else: it does not go out. False when it has left already.

    What now reads as a note is one; anything else (a command, a near miss) waits for its author's word.
    """
    held = tx.execute(sa.select(messages.c.delivery).where(messages.c.id == message)).scalar() == Delivery.HELD
    if not held and not outbox.cancel(tx, "reply", message, case.now):
        return False
    rewrite(tx, message, body)
    if verdict.fate is Fate.NOTE:
        timers.disarm(tx, [case.id], "held", ref=message)
        _set(tx, message, kind=MessageKind.NOTE.value, delivery=Delivery.NONE.value, reason="")
    elif not held:
        _set(tx, message, delivery=Delivery.HELD.value, reason=f"held.{verdict.reason or 'unknown_command'}")
        _ask(tx, case, agent, message)
    case.drafts.append(lanes.mark(case.id, case.teamchat, message))
    return True


def _set(tx: Tx, message: int, **values: object) -> None:
    tx.execute(sa.update(messages).where(messages.c.id == message).values(**values))


# ---------------------------------------------------------------- changed or deleted in the thread


def edit(tx: Tx, case: Case, agent: Agent, message: int, body: Markup) -> None:
    """The agent changed the text of a reply: before it is sent the text changes, after it the customer's copy does."""
    row = tx.execute(sa.select(messages).where(messages.c.id == message)).one()
    text, markup = bodies.columns(body)
    if row.body == text and row.markup == markup:
        return
    delivery = Delivery(row.delivery)
    if delivery in (Delivery.CANCELLED, Delivery.FAILED, Delivery.UNCERTAIN):
        return
    if delivery is Delivery.HELD or outbox.lock_pending(tx, "reply", message):
        rewrite(tx, message, body)
    elif case.channel.capabilities.edit:
        _set(tx, message, body=text, markup=markup, edited_at=case.now)
        case.drafts.append(lanes.to_customer("edit", case.id, case.channel.name, message))
    else:
        case.drafts.append(lanes.whisper(case.id, case.teamchat, agent.who, None, key="edit.too_late"))


def take_back(tx: Tx, case: Case, message: int) -> None:
    """The agent deleted a reply in the thread: before it is sent that cancels it, after it the customer's copy goes."""
    row = tx.execute(sa.select(messages).where(messages.c.id == message)).one()
    delivery = Delivery(row.delivery)
    if row.kind == MessageKind.NOTE or delivery in (Delivery.CANCELLED, Delivery.FAILED):
        _set(tx, message, deleted_at=case.now)
    elif delivery is Delivery.HELD:
        timers.disarm(tx, [case.id], "held", ref=message)
        _set(tx, message, delivery=Delivery.CANCELLED.value, deleted_at=case.now)
    elif outbox.cancel(tx, "reply", message, case.now):
        _set(tx, message, delivery=Delivery.CANCELLED.value, deleted_at=case.now)
        case.change("cancelled", "system" if row.agent_id is None else f"agent:{row.agent_id}")
    elif case.channel.capabilities.delete:
        _set(tx, message, deleted_at=case.now)
        case.drafts.append(lanes.to_customer("delete", case.id, case.channel.name, message))
    else:
        case.tell("delete.too_late", agent=row.agent_id, message=None)
