"""Authentic bodies that nobody could read: kept raw, so that a fixed program can read them later."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sahut_bot.inbox.models import events_raw
from sahut_bot.inbox.store import Rx, Tx
from sahut_bot.types import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    id: int
    source: str
    at: Instant
    size: int
    error: str


def keep(tx: Tx, source: str, body: bytes, error: str, now: Instant) -> None:
    """`source` is the team chat or channel that it came from; `error` says what stood in the way, without its text."""
    tx.execute(sa.insert(events_raw).values(source=source, body=body, error=error[:500], at=now))


def listing(rx: Rx, limit: int) -> list[Entry]:
    """Those not yet replayed, the newest first."""
    size = sa.func.length(events_raw.c.body).label("size")
    query = sa.select(events_raw.c.id, events_raw.c.source, events_raw.c.at, size, events_raw.c.error)
    query = query.where(events_raw.c.replayed_at.is_(None)).order_by(events_raw.c.id.desc()).limit(limit)
    return [Entry(id=r.id, source=r.source, at=r.at, size=r.size, error=r.error) for r in rx.execute(query)]


def body_of(rx: Rx, entry: int) -> tuple[str, bytes] | None:
    """(source, raw body) of an entry that was not replayed yet."""
    query = sa.select(events_raw.c.source, events_raw.c.body).where(
        events_raw.c.id == entry, events_raw.c.replayed_at.is_(None)
    )
    row = rx.execute(query).first()
    return (row.source, bytes(row.body)) if row else None


def replayed(tx: Tx, entry: int, now: Instant) -> None:
    tx.execute(sa.update(events_raw).where(events_raw.c.id == entry).values(replayed_at=now))
