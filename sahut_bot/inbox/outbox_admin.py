"""What a person may see and do about rows that wait, failed or are uncertain; and throwing away what is finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from sahut_bot.inbox.models import lanes, outbox
from sahut_bot.inbox.outbox import UNFINISHED, Draft, change, enqueue
from sahut_bot.inbox.store import Rx, Tx
from sahut_bot.types import Instant

_OPEN = ("failed", "uncertain")
_ENDED = sa.text("outbox.state in ('failed','uncertain')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An outbox row as it stands."""

    id: int
    lane: str
    target: str
    kind: str
    conversation_id: int | None
    ref: int | None
    payload: dict[str, Any]
    state: str
    run_at: Instant
    attempts: int
    error: str
    created_at: Instant
    finished_at: Instant | None


_COLUMNS = [outbox.c[name] for name in Entry.__dataclass_fields__]


def _entry(row: Any) -> Entry:
    return Entry(**{**row._mapping, "payload": orjson.loads(row.payload)})


def listing(rx: Rx, state: str | None = None, limit: int = 100) -> list[Entry]:
    """The oldest rows of a state; without one, all that wait or need somebody."""
    rows = sa.select(*_COLUMNS)
    rows = rows.where(outbox.c.state == state) if state else rows.where(sa.or_(UNFINISHED, _ENDED))
    return [_entry(row) for row in rx.execute(rows.order_by(outbox.c.id).limit(limit))]


def requeue(tx: Tx, row_id: int, now: Instant) -> Entry | None:
    """Does a failed or uncertain row again, as a new row at the end of its lane. None if it is neither, any more."""
    ended = sa.update(outbox).where(outbox.c.id == row_id, outbox.c.state.in_(_OPEN)).values(state="cancelled")
    row = tx.execute(ended.returning(*_COLUMNS)).first()
    if row is None:
        return None
    entry = _entry(row)
    draft = Draft(
        lane=entry.lane,
        target=entry.target,
        kind=entry.kind,
        priority=tx.execute(sa.select(outbox.c.priority).where(outbox.c.id == row_id)).scalar_one(),
        conversation_id=entry.conversation_id,
        ref=entry.ref,
        payload=entry.payload,
    )
    enqueue(tx, [draft], now)
    return entry


def drop(tx: Tx, row_id: int, now: Instant) -> Entry | None:
    """Gives up a row that is pending, failed or uncertain. None for any other: what is being sent cannot be dropped."""
    lane = tx.execute(sa.select(outbox.c.lane).where(outbox.c.id == row_id)).scalar()
    if lane is None:
        return None
    tx.lock(lanes, [lane])
    row = tx.execute(sa.select(*_COLUMNS).where(outbox.c.id == row_id)).one()
    if row.state not in ("pending", *_OPEN):
        return None
    change(tx, [row], state="cancelled", finished_at=now)
    return _entry(row)


def settled(tx: Tx, kind: str, ref: int) -> None:
    """Somebody has seen to what failed or was uncertain: it is not listed any more."""
    mine = (outbox.c.kind == kind) & (outbox.c.ref == ref)
    tx.execute(sa.update(outbox).where(_ENDED, mine).values(state="cancelled"))


def prune(tx: Tx, done_before: Instant, failed_before: Instant, limit: int = 5000) -> int:
    """Deletes rows that ended long ago, `limit` at most; call again while it answers `limit`."""
    old = sa.select(outbox.c.id).where(
        sa.or_(
            outbox.c.state.in_(("done", "cancelled")) & (outbox.c.finished_at < done_before),
            outbox.c.state.in_(_OPEN) & (outbox.c.finished_at < failed_before),
        )
    )
    newest = max(done_before, failed_before)
    some = old.where(outbox.c.finished_at < newest).order_by(outbox.c.finished_at).limit(limit)
    return tx.execute(sa.delete(outbox).where(outbox.c.id.in_(some))).rowcount
