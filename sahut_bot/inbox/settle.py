"""What follows from an attempt that ended: marks, states, lines in the thread. In the finishing transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import sqlalchemy as sa

from sahut_bot.inbox import (
    desk,
    lanes,
    marks,
    operations,
    outbox,
    people,
    receipts,
    replies,
    state,
    timers,
    views,
)
from sahut_bot.inbox import threads as thread_events
from sahut_bot.inbox.desk import Case
from sahut_bot.inbox.effects import (
    DeleteSent,
    EditSent,
    Fetch,
    OpenThread,
    Performed,
    Post,
    PostFile,
    Send,
    SetMark,
    TakeMark,
    Whisper,
)
from sahut_bot.inbox.models import attachments, messages, parts, posts, threads
from sahut_bot.inbox.outbox_claims import Claimed
from sahut_bot.inbox.outbox_policy import Done, Failed, Outcome, Retrying, Uncertain
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Delivery, Instant, Sent, Status, StoredFile, ThreadRef

NotDone: TypeAlias = Failed | Uncertain | Retrying
UNSEEN_AT_LEAST = 3.0  # seconds that a widget which is there has to say that it got the reply


def settle(tx: Tx, policy: Policy, batch: Sequence[tuple[Claimed, Outcome]], now: Instant) -> None:
    """Writes the consequences of `batch`; the conversations are locked already."""
    _place_posts(tx, batch)
    for row, outcome in sorted(batch, key=lambda one: one[0].conversation_id or 0):
        if row.conversation_id is None:
            continue
        if isinstance(outcome, Done):
            performed: Performed = outcome.sent
            handler = _DONE.get(type(performed.effect))
            if performed.lost:
                _lost(tx, policy, row, performed, now)
            elif performed.effect is None:
                _nothing_left(tx, policy, row, now)
            elif handler:
                handler(tx, policy, row, performed, now)
        elif row.kind in _NOT_DONE:
            _NOT_DONE[row.kind](tx, _case(tx, policy, row, now), row, outcome)


def _place_posts(tx: Tx, batch: Sequence[tuple[Claimed, Outcome]]) -> None:
    """Remembers which post in a thread shows which message; one statement for the hot path's mirrors."""
    rows = []
    for row, outcome in batch:
        performed = outcome.sent if isinstance(outcome, Done) else None
        if performed is None or not isinstance(performed.effect, Post | PostFile):
            continue
        if not isinstance(performed.result, Sent) or not performed.result.external_id:
            continue
        mirrored = row.kind == "mirror" and not performed.more
        thread = performed.effect.thread
        rows.append(
            {
                "teamchat": thread.teamchat,
                "place": thread.place,
                "external_id": performed.result.external_id,
                "conversation_id": row.conversation_id,
                "message_id": row.ref if mirrored else None,
                "origin": "mirror" if mirrored else "file",
            }
        )
    if rows:
        tx.insert_ignore(posts, rows)


def _case(tx: Tx, policy: Policy, row: Claimed, now: Instant) -> Case:
    return desk.take(tx, policy, row.conversation_id or 0, now)


# ---------------------------------------------------------------- the thread


def _opened(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    thread: ThreadRef = done.result
    conversation = row.conversation_id or 0
    before = tx.execute(sa.select(sa.func.count()).where(threads.c.conversation_id == conversation)).scalar_one()
    where = {"teamchat": thread.teamchat, "place": thread.place, "external_id": thread.external_id}
    row_values = {"conversation_id": conversation, "live": True, "recap": before > 0, "created_at": now}
    tx.insert_ignore(threads, [{**where, **row_values}])
    outbox.release(tx, [f"{lane}:{conversation}" for lane in desk.PARKED], now)
    # What changed while the card was on its way is drawn once more.
    if done.effect.card != views.cards(tx, policy, [conversation]).get(conversation):
        outbox.enqueue(tx, [lanes.card(conversation, thread.teamchat, now + policy.card_after)], now)


def _posted(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    if done.effect.recap:
        live = (threads.c.conversation_id == row.conversation_id) & sa.text("live")
        tx.execute(sa.update(threads).where(live).values(recap=False))
    elif row.kind == "mirror" and not done.effect.content.customer and row.ref is not None:
        # A reply or note by command: now there is something to put its mark on.
        outbox.enqueue(tx, [lanes.mark(row.conversation_id or 0, done.effect.thread.teamchat, row.ref)], now)


def _lost(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    """The thread is gone. Rows of its own lane wait for the new one, private words are said there; others have
    nothing left to change.
    """
    case = _case(tx, policy, row, now)
    if case.thread == done.effect.thread:
        thread_events.lose(tx, case)
        if not done.more:
            case.drafts.append(lanes.opening(case.id, case.target))
    if isinstance(done.effect, Whisper):
        words = {name: value for name, value in row.payload.items() if name != "to"}
        case.drafts.append(lanes.whisper(case.id, case.teamchat, done.effect.person, row.ref, **words))
    desk.close(tx, case)


def _marked(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    effect: SetMark = done.effect
    new = [*effect.left, effect.mark]
    _remark(tx, row, effect, now, lambda shown: [*(mark for mark in shown if mark not in new), *new])


def _unmarked(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    effect: TakeMark = done.effect
    _remark(tx, row, effect, now, lambda shown: [*(mark for mark in shown if mark != effect.mark), *effect.left])


def _remark(
    tx: Tx, row: Claimed, effect: SetMark | TakeMark, now: Instant, change: Callable[[list[str]], list[str]]
) -> None:
    """Writes down what the message shows now. What it should show may have changed meanwhile: the rest follows."""
    message = tx.execute(sa.select(messages).where(messages.c.id == effect.message_id)).one()
    shown = change(message.marks.split())
    tx.execute(sa.update(messages).where(messages.c.id == message.id).values(marks=" ".join(shown)))
    wanted = marks.wanted(message)
    where = (row.conversation_id or 0, effect.thread.teamchat, message.id)
    drafts = [lanes.unmark(*where)] if any(mark != wanted for mark in shown) else []
    drafts += [lanes.mark(*where)] if wanted and wanted not in shown else []
    outbox.enqueue(tx, drafts, now)


# ---------------------------------------------------------------- files


def _fetched(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    file: StoredFile = done.result
    values = {"state": "stored", "path": file.path, "size": file.size, "content_type": file.content_type, "reason": ""}
    tx.execute(sa.update(attachments).where(attachments.c.id == file.id).values(**values))


def _not_fetched(tx: Tx, case: Case, row: Claimed, outcome: NotDone) -> None:
    """The text still goes; in the thread the file's own row says why it is missing."""
    if isinstance(outcome, Retrying):
        return
    mine = attachments.c.id == row.ref
    tx.execute(sa.update(attachments).where(mine).values(state="failed", reason=outcome.reason))
    if row.lane[0] == "c":
        name = tx.execute(sa.select(attachments.c.name).where(mine)).scalar()
        case.tell("file.failed", name=name, reason=outcome.reason)
        desk.close(tx, case)


# ---------------------------------------------------------------- the customer's side


def _sent(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    effect: Send = done.effect
    sent: Sent = done.result
    values = {"external_id": sent.external_id, "delivery": Delivery.ACCEPTED.value}
    tx.execute(sa.update(parts).where(parts.c.id == effect.part_id).values(**values))
    if effect.last:
        _accepted(tx, _case(tx, policy, row, now), effect.outbound.message_id, sent)


def _accepted(tx: Tx, case: Case, message: int, sent: Sent) -> None:
    """✅. The customer's turn, unless they wrote again after the agent did."""
    (rev,) = tx.new_ids(messages, 1)
    mine = messages.c.id == message
    query = sa.select(parts.c.delivery, parts.c.external_id).where(parts.c.message_id == message)
    its = tx.execute(query.order_by(parts.c.position)).all()
    first = its[0].external_id if its else sent.external_id
    # Receipts of its first parts may have come already.
    whole = receipts.together([one.delivery for one in its]) or Delivery.ACCEPTED
    values = {"delivery": whole.value, "rev": rev, "external_id": first, "reason": ""}
    tx.execute(sa.update(messages).where(mine).values(**values))
    row = tx.execute(sa.select(messages.c.resolves, messages.c.agent_id).where(mine)).one()
    actor = f"agent:{row.agent_id}"
    wrote_since = _wrote_since(tx, case, message)
    if not wrote_since:
        moved = state.after(case.status, state.Event.REPLY_ACCEPTED)
        case.set["waiting_since"] = case.waiting_since = None
        case.card = True
        if moved is not case.status:
            case.move(tx, moved)
            case.change("replied", actor)
    if row.resolves and wrote_since:
        case.tell("reply.not_resolved", agent=row.agent_id)
    elif row.resolves and case.status is not Status.RESOLVED:
        author = people.by_id(tx, row.agent_id)
        operations.resolve(tx, case, actor, author.name if author else "?")
    if case.channel.capabilities.mailbox:
        due = max(case.seen_at + case.policy.unseen_after, case.now + UNSEEN_AT_LEAST)
        timers.arm(tx, [{"conversation_id": case.id, "kind": "unseen", "ref": message, "due_at": due}])
    replies.show_mark(case, message)
    desk.close(tx, case)
    tx.signal(f"feed:{case.channel.name}:{case.address}")


def _wrote_since(tx: Tx, case: Case, message: int) -> bool:
    newer = sa.select(messages.c.id).where(
        messages.c.conversation_id == case.id,
        messages.c.rev > message,
        messages.c.id > message,
        messages.c.kind == "incoming",
        messages.c.automatic.is_(False),
    )
    return tx.execute(newer.limit(1)).first() is not None


def _not_sent(tx: Tx, case: Case, row: Claimed, outcome: NotDone) -> None:
    if isinstance(outcome, Retrying):
        case.tell("reply.retrying", reason=outcome.reason)
        desk.close(tx, case)
    elif row.ref is not None:
        delivery = Delivery.FAILED if isinstance(outcome, Failed) else Delivery.UNCERTAIN
        replies.lose(tx, case, row.ref, delivery, outcome.reason)
        desk.close(tx, case)


def _nothing_left(tx: Tx, policy: Policy, row: Claimed, now: Instant) -> None:
    """A reply that came to nothing (its only file could not be had) must not stay ⏳."""
    if row.kind == "reply" and row.ref is not None:
        found = sa.select(messages.c.delivery).where(messages.c.id == row.ref)
        if tx.execute(found).scalar() == Delivery.QUEUED:
            case = _case(tx, policy, row, now)
            replies.lose(tx, case, row.ref, Delivery.FAILED, policy.say("reply.nothing"))
            desk.close(tx, case)


def _changed(tx: Tx, policy: Policy, row: Claimed, done: Performed, now: Instant) -> None:
    """An edit or a deletion has reached the customer."""
    effect: EditSent | DeleteSent = done.effect
    message = effect.outbound.message_id
    (rev,) = tx.new_ids(messages, 1)
    tx.execute(sa.update(messages).where(messages.c.id == message).values(rev=rev))
    if isinstance(effect, DeleteSent):
        gone = (parts.c.message_id == message) & (parts.c.external_id == effect.external_id)
        tx.execute(sa.update(parts).where(gone).values(delivery="deleted"))
    tx.signal(f"feed:{effect.outbound.channel}:{effect.outbound.address}")


def _not_shown(tx: Tx, case: Case, row: Claimed, outcome: NotDone) -> None:
    """The team chat does not take what a customer sent: at least that is said, with the reason."""
    if isinstance(outcome, Retrying):
        return
    case.tell("thread.not_shown", reason=outcome.reason)
    desk.close(tx, case)


def _not_changed(tx: Tx, case: Case, row: Claimed, outcome: NotDone) -> None:
    """The customer still sees the old text, and the agent must know."""
    if not isinstance(outcome, Failed | Uncertain):
        return
    author = tx.execute(sa.select(messages.c.agent_id).where(messages.c.id == row.ref)).scalar()
    case.tell(f"{row.kind}.failed", agent=author, reason=outcome.reason)
    desk.close(tx, case)


_DONE: dict[type, Callable[[Tx, Policy, Claimed, Performed, Instant], None]] = {
    OpenThread: _opened,
    Post: _posted,
    SetMark: _marked,
    TakeMark: _unmarked,
    Fetch: _fetched,
    Send: _sent,
    EditSent: _changed,
    DeleteSent: _changed,
}
# What is not here is over when it ends, whatever the end: the next change draws a card anew, a mark is only a mark.
_NOT_DONE: dict[str, Callable[[Tx, Case, Claimed, NotDone], None]] = {
    "mirror": _not_shown,
    "file": _not_shown,
    "mirror_edit": _not_shown,
    "fetch": _not_fetched,
    "reply": _not_sent,
    "edit": _not_changed,
    "delete": _not_changed,
}
