"""Replies that still waited when the program ended. Before they go, it is asked whether their authors deleted them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import outbox as queue
from sahut_bot.inbox.models import lanes, outbox, posts, threads
from sahut_bot.inbox.store import Rx, Tx
from sahut_bot.types import Instant, ThreadRef

PATIENCE = 20.0  # seconds: then they go unasked, since a customer waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Posts of one thread that are replies on their way, the oldest first."""

    thread: ThreadRef
    posts: tuple[str, ...]


_TYPED = (
    sa.select(posts, outbox.c.lane)
    .join(outbox, outbox.c.ref == posts.c.message_id)
    .where(sa.text("outbox.state = 'pending'"), outbox.c.kind == "reply", posts.c.origin == "agent")
)


def hold(tx: Tx, until: Instant) -> None:
    """Nothing that was typed in a thread goes before `until`, or before `let_go`."""
    names = {row.lane for row in tx.execute(_TYPED)}
    if names:
        tx.execute(
            sa.update(lanes)
            .where(tx.among(lanes.c.lane, names), lanes.c.lease.is_(None), lanes.c.run_at < until)
            .values(run_at=until)
        )


def let_go(tx: Tx) -> None:
    """What is still there goes when it was due."""
    queue.resume(tx, {row.lane for row in tx.execute(_TYPED)})


def waiting(rx: Rx, teamchat: str) -> list[Waiting]:
    """Threads with such replies. Where a thread was rebuilt, nobody can tell in which of both a post stood."""
    roots = (
        sa.select(threads.c.conversation_id, threads.c.place, sa.func.max(threads.c.external_id).label("root"))
        .where(threads.c.teamchat == teamchat)
        .group_by(threads.c.conversation_id, threads.c.place)
        .having(sa.func.count() == 1)
        .subquery()
    )
    typed = _TYPED.where(posts.c.teamchat == teamchat).subquery()
    query = sa.select(typed.c.place, typed.c.external_id, roots.c.root).join(
        roots, (roots.c.conversation_id == typed.c.conversation_id) & (roots.c.place == typed.c.place)
    )
    found: dict[tuple[str, str], list[str]] = {}
    rows: list[Any] = list(rx.execute(query.order_by(typed.c.id)))
    for row in rows:
        found.setdefault((row.place, row.root), []).append(row.external_id)
    return [
        Waiting(thread=ThreadRef(teamchat=teamchat, place=place, external_id=root), posts=tuple(ids))
        for (place, root), ids in found.items()
    ]
