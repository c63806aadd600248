"""Rows that say when something is due (design 4.8). The scheduler only wakes the sweep; these rows are the truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from sahut_bot.inbox.models import conversations, timers
from sahut_bot.inbox.store import Rows, Rx, Tx
from sahut_bot.types import Instant

SIGNAL = "timers"
KEY = ("conversation_id", "kind", "ref")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    id: int
    conversation_id: int
    kind: str
    ref: int
    due_at: Instant
    now: Instant  # when it was fired, which may be long after


Handler: TypeAlias = Callable[[Tx, Timer], None]


def arm(tx: Tx, rows: Rows) -> None:
    """Rows of `conversation_id`, `kind`, `due_at` and, where a conversation may have several of a kind, `ref`.

    One that is armed already moves to the new time.
    """
    if not rows:
        return
    full = {(row["conversation_id"], row["kind"], row.get("ref", 0)): row["due_at"] for row in rows}
    tx.upsert(
        timers,
        [dict(zip(KEY, key, strict=True), due_at=due_at) for key, due_at in full.items()],
        key=KEY,
        update=lambda new: {"due_at": new.due_at},
    )
    tx.signal(SIGNAL)


def disarm(tx: Tx, conversation_ids: Collection[int], kind: str, ref: int | None = None) -> None:
    """Those of that kind, or the one with that `ref`; none left is fine."""
    if not conversation_ids:
        return
    gone = sa.delete(timers).where(tx.among(timers.c.conversation_id, conversation_ids), timers.c.kind == kind)
    tx.execute(gone if ref is None else gone.where(timers.c.ref == ref))


def next_due(rx: Rx, kinds: Collection[str]) -> Instant | None:
    """When the earliest timer of these kinds is due, be it past or to come."""
    earliest = sa.select(timers.c.due_at).where(timers.c.kind.in_(sorted(kinds)))
    return rx.execute(earliest.order_by(timers.c.due_at, timers.c.id).limit(1)).scalar()


def due(rx: Rx, now: Instant, kinds: Collection[str], limit: int) -> list[int]:
    """Ids of timers whose time has come, the oldest first."""
    found = sa.select(timers.c.id).where(timers.c.due_at <= now, timers.c.kind.in_(sorted(kinds)))
    return list(rx.execute(found.order_by(timers.c.due_at, timers.c.id).limit(limit)).scalars())


def fire_due(tx: Tx, now: Instant, handlers: Mapping[str, Handler], limit: int) -> Instant | None:
    """Fires up to `limit` timers whose time has come, each once; answers when the next one is due.

    A timer is gone before its handler runs, so the handler may arm it again. Kinds without a handler stay.
    """
    fire(tx, due(tx, now, handlers, limit), now, handlers)
    return next_due(tx, handlers)


def fire(tx: Tx, ids: Sequence[int], now: Instant, handlers: Mapping[str, Handler]) -> None:
    """Fires those of `ids` that are still due."""
    if not ids:
        return
    mine = tx.among(timers.c.id, ids) & (timers.c.due_at <= now)
    # Conversations before timers: the one lock order.
    tx.lock(conversations, set(tx.execute(sa.select(timers.c.conversation_id).where(mine)).scalars()))
    gone: list[Any] = list(tx.execute(sa.delete(timers).where(mine).returning(*timers.c)))
    for row in sorted(gone, key=lambda row: (row.due_at, row.id)):
        timer = Timer(
            id=row.id, conversation_id=row.conversation_id, kind=row.kind, ref=row.ref, due_at=row.due_at, now=now
        )
        handlers[row.kind](tx, timer)


def postpone(tx: Tx, timer_id: int, until: Instant) -> None:
    """Keeps a timer whose handler fails from being tried without end."""
    tx.execute(sa.update(timers).where(timers.c.id == timer_id).values(due_at=until))
