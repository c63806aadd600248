"""What follows from an attempt that ended: marks, states, lines in the thread. In the finishing transaction.

`settle` answers the ids of rows that are not over: what was done first (opening the thread, the part before) was not
yet all of the row, so it goes back to pending at once, at its place in the lane, and counts no attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import desk, lanes, operations, outbox, people, state, timers, views
from sahut_bot.inbox import threads as thread_events
from sahut_bot.inbox.desk import Case
from sahut_bot.inbox.effects import (
    DeleteSent,
    EditPost,
    EditSent,
    Fetch,
    OpenThread,
    Post,
    PostFile,
    RefreshCard,
    Send,
    SetMark,
    TakeMark,
)
from sahut_bot.inbox.models import attachments, messages, parts, posts, threads
from sahut_bot.inbox.outcomes import Done, Ended, Failed, Outcome, Retrying, Uncertain
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Delivery, Instant, Sent, Status, StoredFile, ThreadRef


def settle(tx: Tx, policy: Policy, now: Instant, batch: Sequence[Ended]) -> set[int]:
    """Writes the consequences of `batch`, locking conversations in order. The ids of rows that go on."""
    _place_posts(tx, policy, batch)
    again: set[int] = set()
    for ended in sorted(batch, key=lambda one: one.claimed.conversation_id or 0):
        if _one(tx, policy, now, ended):
            again.add(ended.claimed.id)
    return again


def _place_posts(tx: Tx, policy: Policy, batch: Sequence[Ended]) -> None:
    """Remembers which post in a thread shows which message; one statement for the hot path's mirrors."""
    rows = []
    for ended in batch:
        effect, outcome = ended.effect, ended.outcome
        if isinstance(effect, Post | PostFile) and isinstance(outcome, Done) and outcome.sent is not None:
            mirrored = ended.claimed.kind == "mirror" and not getattr(effect, "recap", False)
            rows.append(
                {
                    "teamchat": effect.thread.teamchat,
                    "place": effect.thread.place,
                    "external_id": outcome.sent.external_id,
                    "conversation_id": ended.claimed.conversation_id,
                    "message_id": ended.claimed.ref if mirrored else None,
                    "origin": "mirror" if mirrored else "file",
                }
            )
    if rows:
        tx.insert_ignore(posts, [row for row in rows if row["external_id"]])


def _one(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    effect, outcome = ended.effect, ended.outcome
    if isinstance(outcome, Failed) and outcome.code == "thread_lost" and hasattr(effect, "thread"):
        return _lost(tx, policy, now, ended)
    if effect is None:
        return _nothing_left(tx, policy, now, ended)
    handler = _HANDLERS.get(type(effect))
    return handler(tx, policy, now, ended) if handler else False


def _case(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> Case:
    assert ended.claimed.conversation_id is not None
    return desk.take(tx, policy, ended.claimed.conversation_id, now)


# ---------------------------------------------------------------- the thread


def _opened(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    if not isinstance(ended.outcome, Done):
        return False
    thread: ThreadRef = ended.outcome.result
    conversation = ended.claimed.conversation_id
    before = tx.execute(sa.select(sa.func.count()).where(threads.c.conversation_id == conversation)).scalar_one()
    row = {"teamchat": thread.teamchat, "place": thread.place, "external_id": thread.external_id}
    tx.insert_ignore(
        threads,
        [{**row, "conversation_id": conversation, "live": True, "recap": before > 0, "created_at": now}],
    )
    outbox.release(tx, [f"a:{conversation}"], now)
    # What changed while the card was on its way is drawn once more; unchanged, that costs one edit in a quiet bucket.
    case = _case(tx, policy, now, ended)
    case.card = ended.effect.card != _card_now(tx, policy, case.id)
    desk.close(tx, case)
    return True


def _card_now(tx: Tx, policy: Policy, conversation: int) -> Any:
    return views.cards(tx, policy, [conversation]).get(conversation)


def _posted(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    effect, row = ended.effect, ended.claimed
    if not isinstance(ended.outcome, Done):
        return False
    if getattr(effect, "recap", False):
        live = (threads.c.conversation_id == row.conversation_id) & sa.text("live")
        tx.execute(sa.update(threads).where(live).values(recap=False))
        return True
    if row.kind == "mirror" and not effect.content.customer and row.ref is not None:
        # A reply or note by command: now there is something to put its mark on.
        outbox.enqueue(tx, [lanes.mark(row.conversation_id or 0, effect.thread.teamchat, row.ref)], now)
    return False


def _lost(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    """The thread is gone. Rows of its own lane wait for the new one; others have nothing left to change."""
    case = _case(tx, policy, now, ended)
    if case.thread == ended.effect.thread:
        thread_events.lose(tx, case)
        if ended.claimed.lane[0] != "t":
            case.drafts.append(lanes.opening(case.id, case.target))
    desk.close(tx, case)
    return ended.claimed.lane[0] == "t"


def _marked(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    effect: SetMark = ended.effect
    if not isinstance(ended.outcome, Done):
        return False
    shown = _marks(tx, effect.message_id)
    if effect.mark not in shown:
        _set_marks(tx, effect.message_id, [*shown, effect.mark])
    if shown:
        draft = lanes.unmark(ended.claimed.conversation_id or 0, effect.thread.teamchat, effect.message_id)
        outbox.enqueue(tx, [draft], now)
    return False


def _unmarked(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    effect: TakeMark = ended.effect
    if not isinstance(ended.outcome, Done):
        return False
    _set_marks(tx, effect.message_id, [mark for mark in _marks(tx, effect.message_id) if mark != effect.mark])
    return not effect.last


def _marks(tx: Tx, message: int) -> list[str]:
    return str(tx.execute(sa.select(messages.c.marks).where(messages.c.id == message)).scalar() or "").split()


def _set_marks(tx: Tx, message: int, marks: list[str]) -> None:
    tx.execute(sa.update(messages).where(messages.c.id == message).values(marks=" ".join(marks)))


# ---------------------------------------------------------------- files


def _fetched(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    effect: Fetch = ended.effect
    where = attachments.c.id == effect.attachment_id
    if isinstance(ended.outcome, Done):
        file: StoredFile = ended.outcome.result
        values = {"state": "stored", "path": file.path, "size": file.size, "content_type": file.content_type}
        tx.execute(sa.update(attachments).where(where).values(**values, reason=""))
    elif isinstance(ended.outcome, Failed | Uncertain):
        tx.execute(sa.update(attachments).where(where).values(state="failed", reason=ended.outcome.reason))
        if ended.claimed.lane[0] == "c":
            case = _case(tx, policy, now, ended)
            case.tell("file.failed", name=effect.file.name, reason=ended.outcome.reason)
            desk.close(tx, case)
    return False


# ---------------------------------------------------------------- the customer's side


def _sent(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    effect: Send = ended.effect
    outcome = ended.outcome
    message = effect.outbound.message_id
    if isinstance(outcome, Done):
        sent: Sent = outcome.result
        values = {"external_id": sent.external_id, "delivery": Delivery.ACCEPTED.value}
        tx.execute(sa.update(parts).where(parts.c.id == effect.part_id).values(**values))
        if not effect.last:
            return True
        _accepted(tx, policy, now, ended, message, sent)
    elif isinstance(outcome, Failed):
        _not_sent(tx, _case(tx, policy, now, ended), message, Delivery.FAILED, outcome.reason)
    elif isinstance(outcome, Uncertain):
        _not_sent(tx, _case(tx, policy, now, ended), message, Delivery.UNCERTAIN, outcome.reason)
    else:
        _still_trying(tx, policy, now, ended, outcome)
    return False


def _accepted(tx: Tx, policy: Policy, now: Instant, ended: Ended, message: int, sent: Sent) -> None:
    """✅. The customer's turn, unless they wrote again after the agent did."""
    case = _case(tx, policy, now, ended)
    (rev,) = tx.new_ids(messages, 1)
    mine = messages.c.id == message
    first = sa.func.coalesce(messages.c.external_id, sent.external_id)
    values = {"delivery": Delivery.ACCEPTED.value, "rev": rev, "external_id": first, "reason": ""}
    tx.execute(sa.update(messages).where(mine).values(**values))
    row = tx.execute(sa.select(messages.c.resolves, messages.c.agent_id).where(mine)).one()
    newer = sa.select(messages.c.id).where(
        messages.c.conversation_id == case.id,
        messages.c.id > message,
        messages.c.kind == "incoming",
        messages.c.automatic.is_(False),
    )
    if tx.execute(newer.limit(1)).first() is None:
        moved = state.after(case.status, state.Event.REPLY_ACCEPTED)
        case.set["waiting_since"] = None
        case.card = True
        if moved is not case.status:
            case.move(moved)
            case.change("replied", f"agent:{row.agent_id}")
        if row.resolves and case.status is not Status.RESOLVED:
            operations.resolve(tx, case, f"agent:{row.agent_id}", _agent_name(tx, row.agent_id))
    if case.channel.capabilities.mailbox:
        due = max(case.seen_at + case.policy.unseen_after, now + 3)
        timers.arm(tx, [{"conversation_id": case.id, "kind": "unseen", "ref": message, "due_at": due}])
    case.drafts.append(lanes.mark(case.id, case.teamchat, message))
    desk.close(tx, case)
    tx.signal(f"feed:{case.channel.name}:{case.address}")


def _agent_name(tx: Tx, agent_id: int | None) -> str:
    agent = people.by_id(tx, agent_id)
    return agent.name if agent else "?"


def _not_sent(tx: Tx, case: Case, message: int, delivery: Delivery, reason: str) -> None:
    """❌ or ❓: back to open, and its author hears why and what can be done."""
    mine = messages.c.id == message
    tx.execute(sa.update(messages).where(mine).values(delivery=delivery.value, reason=reason))
    author = tx.execute(sa.select(messages.c.agent_id).where(mine)).scalar()
    back = state.after(case.status, state.Event.REPLY_LOST)
    if back is not case.status:
        case.move(back)
    case.change("delivery", operations.SYSTEM, reason)
    case.tell(f"reply.{delivery}", agent=author, message=message, reason=reason)
    case.drafts.append(lanes.mark(case.id, case.teamchat, message))
    desk.close(tx, case)


def _still_trying(tx: Tx, policy: Policy, now: Instant, ended: Ended, outcome: Outcome) -> None:
    assert isinstance(outcome, Retrying)
    case = _case(tx, policy, now, ended)
    case.tell("reply.retrying", message=None, reason=outcome.reason)
    desk.close(tx, case)


def _changed(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    """An edit or a deletion of something the customer has: done, or the agent hears that the old text stands."""
    effect = ended.effect
    message = effect.outbound.message_id
    case = _case(tx, policy, now, ended)
    if isinstance(ended.outcome, Done):
        (rev,) = tx.new_ids(messages, 1)
        tx.execute(sa.update(messages).where(messages.c.id == message).values(rev=rev))
        if isinstance(effect, DeleteSent):
            gone = (parts.c.message_id == message) & (parts.c.external_id == effect.external_id)
            tx.execute(sa.update(parts).where(gone).values(delivery="deleted"))
        tx.signal(f"feed:{case.channel.name}:{case.address}")
    elif not isinstance(ended.outcome, Retrying):
        author = tx.execute(sa.select(messages.c.agent_id).where(messages.c.id == message)).scalar()
        key = "edit.failed" if isinstance(effect, EditSent) else "delete.failed"
        case.tell(key, agent=author, message=None, reason=ended.outcome.reason)
    desk.close(tx, case)
    return isinstance(effect, DeleteSent) and isinstance(ended.outcome, Done)


def _nothing_left(tx: Tx, policy: Policy, now: Instant, ended: Ended) -> bool:
    """A reply that came to nothing (its only file could not be had) must not stay ⏳."""
    if ended.claimed.kind == "reply" and ended.claimed.ref is not None:
        found = sa.select(messages.c.delivery).where(messages.c.id == ended.claimed.ref)
        if tx.execute(found).scalar() == Delivery.QUEUED:
            _not_sent(tx, _case(tx, policy, now, ended), ended.claimed.ref, Delivery.FAILED, policy.say("reply.nothing"))
    return False


_HANDLERS: dict[type, Callable[[Tx, Policy, Instant, Ended], bool]] = {
    OpenThread: _opened,
    Post: _posted,
    SetMark: _marked,
    TakeMark: _unmarked,
    Fetch: _fetched,
    Send: _sent,
    EditSent: _changed,
    DeleteSent: _changed,
}
# Over when they end, whatever the end: the next change draws the card anew, an edited mirror is only a mirror.
assert not {PostFile, EditPost, RefreshCard} & set(_HANDLERS)
