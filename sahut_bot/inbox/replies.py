"""An agent's words towards the customer: written, held, queued, sent again.

A reply is one outbox row behind the rows that fetch its files; it is cut into parts when it is sent. What becomes of
it when its author thinks again stands in `corrections`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import bodies, judge, lanes, operations, outbox_admin, state, timers
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.models import attachments, messages, parts, posts
from sahut_bot.inbox.receive import remote_attachment
from sahut_bot.inbox.store import Tx
from sahut_bot.text import tree
from sahut_bot.text.markup import Markup
from sahut_bot.types import Delivery, Instant, MessageKind, RemoteFile, Status, ThreadRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Something an agent wrote. `post` is its id in `thread`; empty when a command or form wrote it."""

    body: Markup
    at: Instant
    files: Sequence[RemoteFile] = ()
    post: str = ""
    thread: ThreadRef | None = None


def note(tx: Tx, case: Case, agent: Agent, written: Written) -> int:
    """Keeps a note. It has no way to a customer: nothing here touches the customer's lane."""
    message = _store(tx, case, agent, written, MessageKind.NOTE, Delivery.NONE)
    _show(case, message, written)
    return message


def reply(tx: Tx, case: Case, agent: Agent, written: Written, *, resolves: bool = False) -> bool:
    """Queues a reply after the channel's hold; nobody's conversation becomes the agent's. False when it is refused."""
    refusal, params = ("reply.empty", {}) if not (written.body or written.files) else _refusal(case)
    delivery = Delivery.FAILED if refusal else Delivery.QUEUED
    message = _store(tx, case, agent, written, MessageKind.REPLY, delivery, reason=refusal, resolves=resolves)
    if refusal:
        case.tell(refusal, agent=agent.id, message=message, **params)
    else:
        operations.take_ownership(case, agent, follows=bool(written.post))
        _queue(tx, case, message, case.now + case.channel.hold)
    _show(case, message, written)
    return not refusal


def hold_back(tx: Tx, case: Case, agent: Agent, written: Written, reason: str, *, resolves: bool = False) -> None:
    """Keeps something that may be a reply until its author has said what it is. It never sends itself."""
    message = _store(tx, case, agent, written, MessageKind.REPLY, Delivery.HELD, reason=reason, resolves=resolves)
    ask(tx, case, agent, message)
    _show(case, message, written)


def by_command(tx: Tx, case: Case, agent: Agent, written: Written, *, resolves: bool = False) -> str:
    """A reply that a command or form asks for. What looks like a note, or is in another agent's conversation, is held.

    Answers `queued` or `held`. Raises `UserError` where nothing can be sent, and for a text that names colleagues: no
    customer may see that.
    """
    refusal, params = _refusal(case)
    if refusal:
        raise UserError(refusal, **params)
    if tree.has_mention(written.body):
        raise UserError("reply.mention")
    if reason := _doubt(case, agent, written):
        hold_back(tx, case, agent, written, reason, resolves=resolves)
        return "held"
    reply(tx, case, agent, written, resolves=resolves)
    return "queued"


def _doubt(case: Case, agent: Agent, written: Written) -> str:
    """Why its author should be asked first; empty when there is no reason."""
    if judge.looks_like_note(tree.plain(written.body)):
        return "held.near_note"
    if case.owned_by_other(agent):
        return "held.other_owner"
    return "held.old" if case.now - written.at > case.policy.old_after else ""


def ask(tx: Tx, case: Case, agent: Agent, message: int) -> None:
    """Asks the author of a held message what it is, and once more after a while."""
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
        _store_files(tx, case, message, written.files, kind)
    if written.post and written.thread:
        thread = {"teamchat": written.thread.teamchat, "place": written.thread.place}
        row = {**thread, "external_id": written.post, "conversation_id": case.id, "message_id": message}
        tx.insert_ignore(posts, [{**row, "origin": "agent"}])
    return message


def _store_files(tx: Tx, case: Case, message: int, files: Sequence[RemoteFile], kind: MessageKind) -> None:
    """What the customer's channel does not take is shown as failed, and the text still goes. Notes go nowhere."""
    rows = []
    for position, (new_id, file) in enumerate(zip(tx.new_ids(attachments, len(files)), files, strict=True)):
        row = remote_attachment(new_id, file, source=case.teamchat, message=message, position=position, now=case.now)
        if kind is MessageKind.REPLY:
            reason = file.refusal or _file_refusal(case, file, position)
            if reason:
                row |= {"state": "failed", "reason": reason}
                case.tell("file.failed", name=row["name"], reason=reason)
        rows.append(row)
    tx.execute(sa.insert(attachments), rows)


def _file_refusal(case: Case, file: RemoteFile, position: int) -> str:
    allowed = case.channel.capabilities
    if file.size > allowed.file_limit:
        return "file.too_large"
    if file.content_type in allowed.refused_types:
        return "file.refused_type"
    return "file.too_many" if position >= allowed.files_per_message else ""


def _refusal(case: Case) -> tuple[str, dict[str, str]]:
    """The locale key of why nothing can be sent to this customer, and what fills it; empty when it can."""
    if case.blocked:
        return "reply.blocked", {}
    if case.channel.removed:
        return "reply.no_channel", {"channel": case.channel.name}
    window = case.channel.capabilities.reply_window
    if window and (case.last_customer_at is None or case.now > case.last_customer_at + window):
        return "reply.window", {"channel": case.channel.label}
    return "", {}


def _queue(tx: Tx, case: Case, message: int, run_at: Instant | None) -> None:
    """Puts the reply into the customer's lane, behind the fetching of its files."""
    remote = sa.select(attachments.c.id).where(attachments.c.message_id == message, attachments.c.state == "remote")
    for attachment in tx.execute(remote.order_by(attachments.c.position)).scalars():
        case.drafts.append(lanes.to_customer("fetch", case.id, case.channel.name, attachment))
    case.drafts.append(lanes.to_customer("reply", case.id, case.channel.name, message, run_at))


def _show(case: Case, message: int, written: Written) -> None:
    """The mark on what was typed in the thread; what a command wrote is posted there first."""
    if not written.post:
        case.drafts.append(lanes.mirror(case.id, case.target, message))
    show_mark(case, message)


def show_mark(case: Case, message: int) -> None:
    """The message gets the mark that it should carry by then; the one before comes off after it."""
    case.drafts.append(lanes.mark(case.id, case.teamchat, message))


def update(tx: Tx, message: int, **values: object) -> None:
    tx.execute(sa.update(messages).where(messages.c.id == message).values(**values))


# ---------------------------------------------------------------- answers to the question about a held one

ANSWERS = ("take", "send", "note", "drop")


def settle_held(tx: Tx, case: Case, agent: Agent, message: int, answer: str) -> None:
    """The author says what a held message is. Raises `UserError` when that is settled, or asked of somebody else."""
    row = _of(tx, case, message)
    if row is None or row.delivery != Delivery.HELD:
        raise UserError("held.settled")
    if row.agent_id != agent.id:
        raise UserError("held.not_yours")
    if answer in ("take", "send"):
        _release(tx, case, agent, row, takes=answer == "take")
    elif answer == "note":
        update(tx, message, delivery=Delivery.NONE.value, kind=MessageKind.NOTE.value, reason="")
    else:
        update(tx, message, delivery=Delivery.CANCELLED.value)
        case.drafts.append(lanes.unmark(case.id, case.teamchat, message))
    timers.disarm(tx, [case.id], "held", ref=message)
    show_mark(case, message)


def _release(tx: Tx, case: Case, agent: Agent, row: Any, *, takes: bool) -> None:
    """Sends a held message after all."""
    refusal, params = _refusal(case)
    if refusal:
        raise UserError(refusal, **params)
    if tree.has_mention(bodies.of(row)):
        raise UserError("reply.mention")
    if takes and case.assignee_id != agent.id:
        operations.claim(tx, case, agent)
    operations.take_ownership(case, agent, follows=False)
    update(tx, row.id, delivery=Delivery.QUEUED.value, reason="")
    _queue(tx, case, row.id, None)


def _of(tx: Tx, case: Case, message: int) -> Any:
    query = sa.select(messages).where(messages.c.id == message, messages.c.conversation_id == case.id)
    return tx.execute(query).first()


# ---------------------------------------------------------------- when it did not get through


def lose(tx: Tx, case: Case, message: int, delivery: Delivery, reason: str) -> None:
    """❌ or ❓: back to open, and its author hears why and what can be done."""
    update(tx, message, delivery=delivery.value, reason=reason)
    author = tx.execute(sa.select(messages.c.agent_id).where(messages.c.id == message)).scalar()
    back = state.after(case.status, state.Event.REPLY_LOST)
    # A newer conversation of the same customer is the open one then.
    if case.status is Status.RESOLVED and operations.live_conversation(tx, case.identity_id) is not None:
        back = case.status
    if back is not case.status:
        case.move(tx, back)
    if back is Status.OPEN and case.waiting_since is None:
        case.waiting_since = case.set["waiting_since"] = case.last_customer_at
    case.change("delivery", operations.SYSTEM, reason)
    case.tell(f"reply.{delivery}", agent=author, message=message, reason=reason)
    show_mark(case, message)


def retry(tx: Tx, case: Case, agent: Agent, message: int) -> None:
    """Sends a failed or doubtful reply again, behind what waits now. Parts that arrived do not go twice."""
    row = _of(tx, case, message)
    if row is None or row.kind != MessageKind.REPLY or row.delivery not in (Delivery.FAILED, Delivery.UNCERTAIN):
        raise UserError("retry.nothing")
    refusal, params = _refusal(case)
    if refusal:
        raise UserError(refusal, **params)
    outbox_admin.settled(tx, "reply", message)
    recut(tx, message)
    update(tx, message, delivery=Delivery.QUEUED.value, reason="")
    _queue(tx, case, message, None)
    case.change("retried", agent.actor, name=agent.name)
    show_mark(case, message)


def recut(tx: Tx, message: int) -> None:
    """Forgets how the reply was cut, so that it is cut from its text of then; what has arrived stays as it is."""
    if begun(tx, message):
        failed = (parts.c.message_id == message) & (parts.c.delivery == Delivery.FAILED.value)
        tx.execute(sa.update(parts).where(failed).values(external_id=None, delivery=Delivery.QUEUED.value))
        return
    tx.execute(sa.delete(parts).where(parts.c.message_id == message))


def begun(tx: Tx, message: int) -> bool:
    """Whether a part of it has arrived at the customer's."""
    arrived = sa.select(parts.c.id).where(
        parts.c.message_id == message, parts.c.external_id.is_not(None), parts.c.delivery != Delivery.FAILED.value
    )
    return tx.execute(arrived.limit(1)).first() is not None
