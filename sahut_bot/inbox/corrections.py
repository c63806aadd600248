"""Second thoughts: an agent edits or deletes in the thread what was written there.

What has not left the team simply changes. What has left is changed at the customer's where the channel can, and where
it cannot the agent is told. A note never becomes a reply by editing, nor a sent reply a note.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import bodies, lanes, operations, outbox, replies, timers
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.judge import Fate, Verdict
from sahut_bot.inbox.models import parts
from sahut_bot.inbox.store import Tx
from sahut_bot.text.markup import Markup
from sahut_bot.types import Delivery, Instant, MessageKind


def edit_note(tx: Tx, case: Case, agent: Agent, row: Any, verdict: Verdict, body: Markup) -> None:
    """It stays a note, and who may think otherwise is told."""
    _rewrite(tx, row.id, body, edited_at=case.now)
    if verdict.fate is not Fate.NOTE:
        case.drafts.append(lanes.whisper(case.id, case.teamchat, agent.who, None, key="edit.stays_note"))


def edit_reply(tx: Tx, case: Case, agent: Agent, row: Any, verdict: Verdict, body: Markup) -> None:
    """Before it is sent, anything that no longer reads as a reply stops it; after it, such a text stays in the team."""
    delivery = Delivery(row.delivery)
    if delivery is Delivery.CANCELLED:
        return
    reads_as_reply = verdict.fate is Fate.REPLY
    if _is_unsent(tx, row):
        _rewrite(tx, row.id, body)
        replies.recut(tx, row.id)
        if not reads_as_reply:
            _stop(tx, case, agent, row, verdict)
    elif not reads_as_reply:
        _tell(case, agent, "edit.stays_reply")
    elif delivery is Delivery.UNCERTAIN:
        _tell(case, agent, "edit.uncertain")
    elif delivery is not Delivery.FAILED and case.channel.capabilities.edit and _is_one_piece(tx, case, row.id):
        _rewrite(tx, row.id, body, edited_at=case.now)
        case.drafts.append(lanes.to_customer("edit", case.id, case.channel.name, row.id))
    else:
        _tell(case, agent, "edit.too_late")


def _is_unsent(tx: Tx, row: Any) -> bool:
    """Nothing of it has left. A waiting one then waits until the commit, so that this stays true."""
    match Delivery(row.delivery):
        case Delivery.HELD:
            return True
        case Delivery.QUEUED:
            return outbox.lock_pending(tx, "reply", row.id) and not replies.begun(tx, row.id)
        case Delivery.FAILED:
            return not replies.begun(tx, row.id)
    return False


def _stop(tx: Tx, case: Case, agent: Agent, row: Any, verdict: Verdict) -> None:
    """What now reads as a note is one; anything else (a command, a near miss) waits for its author's word."""
    outbox.cancel(tx, "reply", row.id, case.now)
    if verdict.fate is Fate.NOTE:
        timers.disarm(tx, [case.id], "held", ref=row.id)
        replies.update(tx, row.id, kind=MessageKind.NOTE.value, delivery=Delivery.NONE.value, reason="")
    elif row.delivery != Delivery.HELD:
        reason = f"held.{verdict.reason or 'unknown_command'}"
        replies.update(tx, row.id, delivery=Delivery.HELD.value, reason=reason)
        replies.ask(tx, case, agent, row.id)
    replies.show_mark(case, row.id)


def _is_one_piece(tx: Tx, case: Case, message: int) -> bool:
    """A text that was sent in several pieces is not edited in one; where the customer reads our own copy, it is."""
    texts = sa.select(sa.func.count()).where(parts.c.message_id == message, parts.c.markup != "")
    return case.channel.capabilities.mailbox or bool(tx.execute(texts).scalar_one() <= 1)


def _tell(case: Case, agent: Agent, key: str) -> None:
    case.drafts.append(lanes.whisper(case.id, case.teamchat, agent.who, None, key=key))


def _rewrite(tx: Tx, message: int, body: Markup, *, edited_at: Instant | None = None) -> None:
    text, markup = bodies.columns(body)
    values: dict[str, object] = {"body": text, "markup": markup}
    replies.update(tx, message, **values, **({"edited_at": edited_at} if edited_at is not None else {}))


# ---------------------------------------------------------------- deleted


def take_back(tx: Tx, case: Case, row: Any) -> None:
    """The agent deleted it in the thread: before it is sent that cancels it, after it the customer's copy goes."""
    delivery = Delivery(row.delivery)
    if row.kind == MessageKind.NOTE or delivery is Delivery.CANCELLED:
        replies.update(tx, row.id, deleted_at=case.now)
    elif _is_unsent(tx, row):
        _cancel(tx, case, row)
    elif delivery is Delivery.UNCERTAIN and not replies.begun(tx, row.id):
        case.tell("delete.uncertain", agent=row.agent_id)
    elif case.channel.capabilities.delete:
        outbox.cancel(tx, "reply", row.id, case.now)  # of several parts, those that have not gone yet
        replies.update(tx, row.id, deleted_at=case.now)
        case.drafts.append(lanes.to_customer("delete", case.id, case.channel.name, row.id))
    else:
        case.tell("delete.too_late", agent=row.agent_id)


def _cancel(tx: Tx, case: Case, row: Any) -> None:
    timers.disarm(tx, [case.id], "held", ref=row.id)
    replies.update(tx, row.id, delivery=Delivery.CANCELLED.value, deleted_at=case.now)
    if outbox.cancel(tx, "reply", row.id, case.now):
        case.change("cancelled", f"agent:{row.agent_id}" if row.agent_id else operations.SYSTEM)
