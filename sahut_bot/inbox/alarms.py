"""What happens when a timer is due."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from sahut_bot.inbox import desk, lanes, operations, people, timers
from sahut_bot.inbox.models import messages
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.inbox.timers import Handler, Timer
from sahut_bot.types import Delivery, Instant, MessageKind


def handlers(policy: Policy) -> Mapping[str, Handler]:
    """By kind of timer."""
    return {
        "snooze": lambda tx, timer: _snooze(tx, policy, timer, timer.now),
        "held": lambda tx, timer: _held(tx, policy, timer, timer.now),
        "unseen": lambda tx, timer: _unseen(tx, policy, timer, timer.now),
    }


def _snooze(tx: Tx, policy: Policy, row: Timer, now: Instant) -> None:
    case = desk.take(tx, policy, row.conversation_id, now)
    operations.time_up(tx, case)
    desk.close(tx, case)


def _held(tx: Tx, policy: Policy, row: Timer, now: Instant) -> None:
    """Reminds the author once; a held reply never sends itself."""
    message = tx.execute(sa.select(messages).where(messages.c.id == row.ref)).first()
    if message is None or message.delivery != Delivery.HELD:
        return
    case = desk.take(tx, policy, row.conversation_id, now)
    agent = people.by_id(tx, message.agent_id)
    if agent is not None:
        case.drafts.append(lanes.whisper(case.id, case.teamchat, agent.who, row.ref))
    desk.close(tx, case)


def _unseen(tx: Tx, policy: Policy, row: Timer, now: Instant) -> None:
    """The reply lies ready and its reader is away: the agent hears it, instead of believing in a tick."""
    message = tx.execute(sa.select(messages).where(messages.c.id == row.ref)).first()
    if message is None or message.delivery != Delivery.ACCEPTED or message.deleted_at is not None:
        return
    case = desk.take(tx, policy, row.conversation_id, now)
    away = now - case.seen_at
    if away < policy.unseen_after:
        due = case.seen_at + policy.unseen_after
        timers.arm(tx, [{"conversation_id": case.id, "kind": "unseen", "ref": row.ref, "due_at": due}])
        return
    newer = sa.select(messages.c.id).where(
        messages.c.conversation_id == case.id,
        messages.c.id > message.id,
        messages.c.kind == MessageKind.REPLY.value,
        messages.c.delivery == Delivery.ACCEPTED.value,
    )
    if tx.execute(newer.limit(1)).first() is not None:
        return  # its own timer says it once for all of them
    case.tell("reply.unseen", agent=message.agent_id, message=None, minutes=int(away // 60))
    desk.close(tx, case)
