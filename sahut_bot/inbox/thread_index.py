"""Which conversation a thread belongs to."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.errors import Busy, UserError
from sahut_bot.inbox import desk
from sahut_bot.inbox import lanes as lane_rules
from sahut_bot.inbox.desk import Case
from sahut_bot.inbox.models import lanes, outbox, threads
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Rx, Tx
from sahut_bot.types import Instant, ThreadRef


def conversation_of(tx: Tx, thread: ThreadRef) -> int | None:
    """A thread that was lost and rebuilt still leads to its conversation."""
    query = sa.select(threads.c.conversation_id).where(
        threads.c.teamchat == thread.teamchat,
        threads.c.place == thread.place,
        threads.c.external_id == thread.external_id,
    )
    found: int | None = tx.execute(query).scalar()
    return found


def wait_for_opening(tx: Tx, thread: ThreadRef) -> None:
    """Raises `Busy` while a thread is being opened in that place: an unknown one may be just that, and people answer in
    it before we have heard that it is there. The platform then tells it again.
    """
    target = lane_rules.post_target(thread.teamchat, thread.place)
    # Literals, as in the index.
    opening = sa.select(outbox.c.id).where(sa.text("kind = 'open' and state = 'sending'"), outbox.c.target == target)
    if tx.execute(opening.limit(1)).first() is not None:
        raise Busy("a thread is being opened")


def places(rx: Rx) -> set[tuple[str, str]]:
    """(team chat, place) of everything that lives or waits in one: the settings may have moved on since."""
    live = rx.execute(sa.select(threads.c.teamchat, threads.c.place).where(sa.text("live")).distinct())
    found = {(row.teamchat, row.place) for row in live}
    for target in rx.execute(sa.select(lanes.c.target).distinct()).scalars():
        teamchat, colon, place = target.removesuffix("/post").partition(":")
        if colon:
            found.add((teamchat, place))
    return found


def find_case(tx: Tx, policy: Policy, thread: ThreadRef, now: Instant) -> Case:
    """The conversation of a thread, locked. Raises `UserError` when the thread is none of ours."""
    conversation = conversation_of(tx, thread)
    if conversation is None:
        raise UserError("command.where_thread")
    return desk.take(tx, policy, conversation, now)
