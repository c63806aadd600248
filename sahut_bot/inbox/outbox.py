"""What goes out: rows in lanes (design 4.6). A lane keeps its order; `lanes` has a row per lane with unfinished work.

A lane's `run_at` and `priority` are its head's, the oldest unfinished row; `lease` is set while that is being sent.
A row's own `run_at` stays when it first was due; a retry moves the lane's. Lanes are locked before outbox rows, after
everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from sahut_bot.inbox.models import lanes, outbox
from sahut_bot.inbox.prepared import Prepared
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Instant

FAR: Instant = 32503680000.0  # the year 3000: until `release`
SIGNAL = "outbox"
PRIORITIES = range(5)  # customer message, error, new card, activity, bulk

# Literals, since only they match the predicates of partial indexes.
UNFINISHED = sa.text("outbox.state in ('pending','sending')")
MERGED = sa.text("kind = 'card' and state = 'pending'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One effect to come. Rows of one lane go out one after the other, in the order they were enqueued.

    `priority` is one of `PRIORITIES`, lower first. `ref` and `payload` (JSON) are for whoever loads it; references,
    not copies. `run_at`: not before then (None = at once, FAR = until its lane is released). Of kind `card`, one
    waits per lane at most; another one is the same.
    """

    lane: str
    target: str
    kind: str
    priority: int
    conversation_id: int | None
    ref: int | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    run_at: Instant | None = None

    def __post_init__(self) -> None:
        if self.priority not in PRIORITIES:
            raise ValueError(f"priority {self.priority} is never claimed")


def enqueue(tx: Tx, drafts: Sequence[Draft], now: Instant) -> None:
    """Adds them in order, in two statements however many they are, and wakes the dispatcher after the commit."""
    if not drafts:
        return
    heads: dict[str, Draft] = {}
    for draft in drafts:
        heads.setdefault(draft.lane, draft)
    # DO UPDATE and not DO NOTHING: it waits for an outcome that is about to delete the lane, and holds the lane
    # against one that comes after. With DO NOTHING these rows could stay behind without a lane, for ever.
    # On SQLite, with its one writer, neither can happen.
    tx.many(
        _KEEP_LANE if tx.dialect == "sqlite" else _HOLD_LANE,
        [(lane, heads[lane].target, heads[lane].priority, _run_at(heads[lane], now)) for lane in sorted(heads)],
    )
    tx.many(_ADD, [_row(draft, now) for draft in drafts])
    tx.signal(SIGNAL)


_LANE = ("lane", "target", "priority", "run_at")
_KEEP_LANE = Prepared(lambda words: words.insert(lanes).on_conflict_do_nothing(index_elements=["lane"]), _LANE)
_HOLD_LANE = Prepared(
    lambda words: words.insert(lanes).on_conflict_do_update(index_elements=["lane"], set_={"run_at": lanes.c.run_at}),
    _LANE,
)
_ADD = Prepared(
    lambda words: words.insert(outbox).on_conflict_do_nothing(index_elements=["lane"], index_where=MERGED),
    ("lane", "target", "kind", "priority", "conversation_id", "ref", "payload", "state", "run_at", "created_at"),
)


def _run_at(draft: Draft, now: Instant) -> Instant:
    return now if draft.run_at is None else draft.run_at


def _row(draft: Draft, now: Instant) -> tuple[Any, ...]:
    payload = orjson.dumps(draft.payload).decode() if draft.payload else "{}"
    talk, ref, due = draft.conversation_id, draft.ref, _run_at(draft, now)
    return (draft.lane, draft.target, draft.kind, draft.priority, talk, ref, payload, "pending", due, now)


# ---------------------------------------------------------------- before it goes out


def release(tx: Tx, names: Collection[str], now: Instant) -> None:
    """Makes everything in these lanes that waits with run_at = FAR due now."""
    if not names:
        return
    tx.lock(lanes, names)
    tx.execute(sa.update(lanes).where(tx.among(lanes.c.lane, names), lanes.c.run_at >= FAR).values(run_at=now))
    held = tx.among(outbox.c.lane, names) & (outbox.c.run_at >= FAR)
    tx.execute(sa.update(outbox).where(UNFINISHED, held).values(run_at=now))
    tx.signal(SIGNAL)


def resume(tx: Tx, names: Collection[str]) -> None:
    """Gives these lanes the time of their heads back."""
    if names:
        tx.lock(lanes, names)
        _advance(tx, names)


def lock_pending(tx: Tx, kind: str, ref: int) -> bool:
    """Is it still all pending? Then it stays so until the commit, and what it refers to may be changed."""
    rows = _locked(tx, kind, ref)
    return bool(rows) and all(row.state == "pending" for row in rows)


def cancel(tx: Tx, kind: str, ref: int, now: Instant) -> bool:
    """Takes back rows that are still pending. False, and nothing changed, if one of them has begun or none is left."""
    rows = _locked(tx, kind, ref)
    if not rows or any(row.state != "pending" for row in rows):
        return False
    change(tx, rows, state="cancelled", finished_at=now)
    return True


def reschedule(tx: Tx, kind: str, ref: int, run_at: Instant) -> bool:
    """Moves pending rows to another time; a lane follows if its head moved. False if one of them has begun."""
    rows = _locked(tx, kind, ref)
    if not rows or any(row.state != "pending" for row in rows):
        return False
    change(tx, rows, run_at=run_at)
    return True


def _locked(tx: Tx, kind: str, ref: int) -> Sequence[sa.Row[Any]]:
    """The unfinished rows of that kind and ref, with their lanes locked, so that no claim takes them meanwhile."""
    wanted = sa.select(outbox.c.id, outbox.c.lane, outbox.c.state)
    wanted = wanted.where(UNFINISHED, outbox.c.ref == ref, outbox.c.kind == kind).order_by(outbox.c.id)
    rows = tx.execute(wanted).all()
    if tx.dialect == "sqlite" or not rows:
        return rows
    tx.lock(lanes, {row.lane for row in rows})
    return tx.execute(wanted).all()


def change(tx: Tx, rows: Sequence[Any], **values: object) -> None:
    """Changes pending rows (`id`, `lane`) whose lanes are locked. A lane moves only if its head is among them:
    otherwise its time may be that of a retry, which a change behind it must not bring forward.
    """
    ids = {row.id for row in rows}
    moved = {head.lane for head in heads_of(tx, {row.lane for row in rows}) if head.id in ids}
    tx.execute(sa.update(outbox).where(tx.among(outbox.c.id, ids)).values(**values))
    if moved:
        _advance(tx, moved)


def _advance(tx: Tx, names: Collection[str]) -> None:
    heads = heads_of(tx, names)
    if heads:
        move = sa.update(lanes).where(lanes.c.lane == sa.bindparam("b_lane"), lanes.c.lease.is_(None))
        tx.execute(
            move.values(**{name: sa.bindparam(f"b_{name}") for name in ("target", "priority", "run_at")}),
            [
                {"b_lane": head.lane, "b_target": head.target, "b_priority": head.priority, "b_run_at": head.run_at}
                for head in heads
            ],
        )
        tx.signal(SIGNAL)
    empty = set(names) - {head.lane for head in heads}
    if empty:
        tx.execute(sa.delete(lanes).where(tx.among(lanes.c.lane, empty)))


def heads_of(tx: Tx, names: Collection[str]) -> Sequence[sa.Row[Any]]:
    """The oldest unfinished row of each lane, whole."""
    return tx.ask(_HEADS, names=list(names))


_HEADS = Prepared(
    lambda words: sa.select(outbox).where(
        outbox.c.id.in_(
            sa.select(sa.func.min(outbox.c.id))
            .where(UNFINISHED, words.among(outbox.c.lane, "names"))
            .group_by(outbox.c.lane)
        )
    )
)
