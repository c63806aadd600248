"""What an operator does at the command line to a row that waits, failed or is uncertain, with all that follows from it.

The row alone is `outbox_admin`'s; here it is a reply with a mark in the thread, or a file that a reply goes without.
"""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import desk, operations, outbox_admin, replies
from sahut_bot.inbox.desk import Case
from sahut_bot.inbox.models import attachments, messages, outbox
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Delivery, Instant


def retry(tx: Tx, policy: Policy, row: int, now: Instant) -> bool:
    """Does a failed or uncertain row again, behind what waits in its lane. False if it is neither, any more.

    Raises `UserError` where it would come to nothing.
    """
    case = _case(tx, policy, row, now)
    entry = outbox_admin.requeue(tx, row, now)
    if entry is None:
        return False
    if entry.kind == "fetch":
        # The reply has gone without it, or the thread has been told already.
        raise UserError("retry.file")
    if case is not None and entry.kind == "reply" and entry.ref is not None:
        _reply_again(tx, case, entry.ref)
        desk.close(tx, case)
    return True


def _reply_again(tx: Tx, case: Case, message: int) -> None:
    delivery = tx.execute(sa.select(messages.c.delivery).where(messages.c.id == message)).scalar()
    if delivery not in (Delivery.FAILED, Delivery.UNCERTAIN):
        raise UserError("retry.nothing")
    if case.blocked:
        raise UserError("reply.blocked")
    if case.channel.removed:
        raise UserError("reply.no_channel", channel=case.channel.name)
    replies.recut(tx, message)
    replies.update(tx, message, delivery=Delivery.QUEUED.value, reason="")
    case.change("retried", operations.SYSTEM, name=case.policy.say("operator.name"))
    replies.show_mark(case, message)


def drop(tx: Tx, policy: Policy, row: int, now: Instant) -> bool:
    """Gives up a row that is pending, failed or uncertain. False for any other.

    A reply that had not ended yet ends as failed, which its author is told; a file is then shown as failed.
    """
    case = _case(tx, policy, row, now)
    waited = tx.execute(sa.select(outbox.c.state).where(outbox.c.id == row)).scalar() == "pending"
    entry = outbox_admin.drop(tx, row, now)
    if entry is None:
        return False
    if case is None or entry.ref is None or not waited:
        return True
    if entry.kind == "reply":
        replies.lose(tx, case, entry.ref, Delivery.FAILED, policy.say("operator.dropped"))
        desk.close(tx, case)
    elif entry.kind == "fetch":
        values = {"state": "failed", "reason": policy.say("operator.dropped")}
        tx.execute(sa.update(attachments).where(attachments.c.id == entry.ref).values(**values))
    return True


def _case(tx: Tx, policy: Policy, row: int, now: Instant) -> Case | None:
    """The row's conversation, locked before its lane."""
    conversation = tx.execute(sa.select(outbox.c.conversation_id).where(outbox.c.id == row)).scalar()
    return None if conversation is None else desk.take(tx, policy, conversation, now)
