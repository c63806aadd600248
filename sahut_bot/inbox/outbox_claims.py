"""Claiming the heads of due lanes, and writing down what became of them (design 4.6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
import sqlalchemy as sa

from sahut_bot.inbox.models import conversations, lanes, outbox
from sahut_bot.inbox.outbox import FAR, MERGED, SIGNAL, UNFINISHED, heads_of
from sahut_bot.inbox.outbox_policy import TOLD_AFTER, Done, Failed, Outcome, Pause, Retry, Retrying, Uncertain, Verdict
from sahut_bot.inbox.outbox_sql import Ask, statement_for
from sahut_bot.inbox.prepared import Prepared
from sahut_bot.inbox.store import Rx, Tx
from sahut_bot.types import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A row that is ours to send until `lease`. `attempts` counts the coming one; `run_at`: due since then.

    `doubt`: an earlier attempt may have got through, so look before sending.
    """

    id: int
    lane: str
    target: str
    kind: str
    conversation_id: int | None
    ref: int | None
    payload: dict[str, Any]
    priority: int
    attempts: int
    run_at: Instant
    created_at: Instant
    doubt: bool
    lease: Instant


@dataclass(frozen=True, slots=True)
class Finished:
    claimed: Claimed
    verdict: Verdict
    now: Instant


# Domain consequences, inside the transaction that finishes the rows. Their conversations are locked.
Settle: TypeAlias = Callable[[Tx, "Sequence[tuple[Claimed, Outcome]]", Instant], None]


def claim(tx: Tx, asks: Sequence[Ask], now: Instant, lease: Instant) -> list[Claimed]:
    """Leases due lanes, by priority and then by how long they are due, and marks their heads `sending`.

    Three statements for any number of targets. Lanes that another process holds are skipped.
    """
    asks = [(target, limit) for target, limit in asks if limit > 0]
    if not asks:
        return []
    statement, params = statement_for(tx.dialect, "claim", asks)
    names = list(tx.execute(statement, {**params, "now": now, "lease": lease}).scalars())
    if not names:
        return []
    heads = heads_of(tx, names)
    if len(heads) < len(names):
        # Rows were deleted by hand: a lane without any would be claimed again for ever.
        tx.run(_DELETE_LANES, names=set(names) - {head.lane for head in heads})
    tx.run(_BEGIN, ids=[head.id for head in heads])
    claimed = [_claimed(head, lease) for head in heads]
    return sorted(claimed, key=lambda one: (one.priority, one.run_at, one.id))


_BEGIN = Prepared(
    lambda words: (
        sa.update(outbox)
        .where(words.among(outbox.c.id, "ids"))
        .values(state=sa.text("'sending'"), attempts=outbox.c.attempts + sa.text("1"))
    )
)
_DELETE_LANES = Prepared(lambda words: sa.delete(lanes).where(words.among(lanes.c.lane, "names")))


def _claimed(head: Any, lease: Instant) -> Claimed:
    return Claimed(
        id=head.id,
        lane=head.lane,
        target=head.target,
        kind=head.kind,
        conversation_id=head.conversation_id,
        ref=head.ref,
        payload=orjson.loads(head.payload),
        priority=head.priority,
        attempts=head.attempts + 1,
        run_at=head.run_at,
        created_at=head.created_at,
        doubt=head.state == "sending",
        lease=lease,
    )


def next_due(rx: Rx, targets: Collection[str], now: Instant) -> Instant | None:
    """When the next lane of these targets falls due after `now`; None when nothing but FAR ones wait."""
    if not targets:
        return None
    statement, params = statement_for(rx.dialect, "next", [(target, 1) for target in targets])
    found = rx.execute(statement, {**params, "now": now}).scalar()
    return None if found is None or found >= FAR else float(found)


def recent(rx: Rx, now: Instant, span: float, limit: int = 2000) -> dict[str, list[float]]:
    """By target: how many seconds ago rows were sent, in the last `span` seconds; what may be under way counts as now.

    At most the newest `limit`, which is more than any team chat takes in a minute.
    """
    ended = sa.select(outbox.c.target, outbox.c.finished_at).where(
        outbox.c.finished_at > now - span, outbox.c.state != "cancelled"
    )
    begun = sa.select(outbox.c.target).where(UNFINISHED, outbox.c.state == "sending")
    found: dict[str, list[float]] = {}
    for row in rx.execute(ended.order_by(outbox.c.finished_at.desc()).limit(limit)):
        found.setdefault(row.target, []).append(max(0.0, now - row.finished_at))
    for target in rx.execute(begun.limit(limit)).scalars():
        found.setdefault(target, []).append(0.0)
    return found


# ---------------------------------------------------------------- what became of them


def finish(tx: Tx, items: Sequence[Finished], settle: Settle) -> list[bool]:
    """Writes verdicts down and moves their lanes on; a constant number of statements beside `settle`'s.

    False for an item whose claim was no longer ours: its lease had run out and the row was taken again.
    """
    tx.lock(conversations, {item.claimed.conversation_id for item in items} - {None})
    tx.lock(lanes, {item.claimed.lane for item in items})
    mine = {item.claimed.id: item for item in items}
    held = {
        row.id: row
        for row in tx.ask(_STANDING, ids=list(mine))
        if row.state == "sending" and row.attempts == mine[row.id].claimed.attempts
    }
    ours = [item for item in items if item.claimed.id in held]
    if ours:
        told = {item.claimed.id for item in ours if held[item.claimed.id].told}
        outcomes = [(item, _outcome(item, told)) for item in ours]
        settled = [(item.claimed, outcome) for item, outcome in outcomes if outcome]
        if settled:
            settle(tx, settled, ours[0].now)
        told |= {item.claimed.id for item, outcome in outcomes if isinstance(outcome, Retrying)}
        rows = _superseded(tx, [_written(item, item.claimed.id in told) for item in ours], ours)
        tx.many(_WRITE, [tuple(row[name] for name in _WRITE.names) for row in rows])
        _move_on(tx, ours)
    return [item.claimed.id in held for item in items]


def _outcome(item: Finished, told: set[int]) -> Outcome | None:
    verdict = item.verdict
    if not isinstance(verdict, (Retry, Pause)):
        return verdict
    late = item.now - item.claimed.run_at >= TOLD_AFTER
    return Retrying(verdict.reason, item.claimed.run_at) if late and item.claimed.id not in told else None


_STANDING = Prepared(
    lambda words: sa.select(outbox.c.id, outbox.c.state, outbox.c.attempts, outbox.c.told).where(
        words.among(outbox.c.id, "ids")
    )
)
_WRITE = Prepared(
    lambda _words: (
        sa.update(outbox)
        .where(outbox.c.id == sa.bindparam("b_id"))
        .values({name: sa.bindparam(f"b_{name}") for name in ("state", "attempts", "error", "told", "finished_at")})
    ),
    ("b_state", "b_attempts", "b_error", "b_told", "b_finished_at", "b_id"),
)


def _written(item: Finished, told: bool) -> dict[str, Any]:
    """A row in doubt stays `sending`, without a lease: nothing merges into it, nothing cancels it."""
    state, error, attempts = "done", "", item.claimed.attempts
    match item.verdict:
        case Failed(reason=error):
            state = "failed"
        case Uncertain(reason=error):
            state = "uncertain"
        case Retry(reason=error, doubt=doubt):
            state = "sending" if doubt else "pending"
        case Pause(reason=error, doubt=doubt):
            state, attempts = ("sending" if doubt else "pending"), attempts - 1
        case Done(more=True):
            state, attempts = "pending", attempts - 1
        case Done():
            pass
    ended = state in ("done", "failed", "uncertain")
    values = {"id": item.claimed.id, "state": state, "error": error, "attempts": attempts, "told": told}
    return {f"b_{name}": value for name, value in {**values, "finished_at": item.now if ended else None}.items()}


def _superseded(tx: Tx, rows: list[dict[str, Any]], items: Sequence[Finished]) -> list[dict[str, Any]]:
    """A card that would wait again ends where a newer one waits already: it shows the same."""
    cards = {item.claimed.id: item for item in items if item.claimed.kind == "card"}
    back = {cards[row["b_id"]].claimed.lane for row in rows if row["b_id"] in cards and row["b_state"] == "pending"}
    if not back:
        return rows
    newer = sa.select(outbox.c.lane).where(tx.among(outbox.c.lane, back), MERGED)
    taken = set(tx.execute(newer).scalars())
    for row in rows:
        if row["b_state"] == "pending" and row["b_id"] in cards and cards[row["b_id"]].claimed.lane in taken:
            row |= {"b_state": "cancelled", "b_finished_at": cards[row["b_id"]].now}
    return rows


_MOVE = Prepared(
    lambda _words: (
        sa.update(lanes)
        .where(lanes.c.lane == sa.bindparam("b_lane"))
        .values(lease=sa.null(), **{name: sa.bindparam(f"b_{name}") for name in ("target", "priority", "run_at")})
    ),
    ("b_target", "b_priority", "b_run_at", "b_lane"),
)


def _move_on(tx: Tx, items: Sequence[Finished]) -> None:
    again = {item.claimed.lane: item.now + item.verdict.after for item in items if isinstance(item.verdict, Retry)}
    names = {item.claimed.lane for item in items}
    heads = heads_of(tx, names)
    tx.many(
        _MOVE,
        [(head.target, head.priority, again.get(head.lane, head.run_at), head.lane) for head in heads],
    )
    if empty := names - {head.lane for head in heads}:
        tx.run(_DELETE_LANES, names=empty)


# ---------------------------------------------------------------- leases


def renew(tx: Tx, held: Sequence[tuple[str, Instant]], lease: Instant) -> None:
    """Keeps lanes that are still being sent; `held` are lanes with the leases that they had."""
    if held:
        mine = (lanes.c.lane == sa.bindparam("b_lane")) & (lanes.c.lease == sa.bindparam("b_lease"))
        tx.execute(
            sa.update(lanes).where(mine).values(lease=lease),
            [{"b_lane": lane, "b_lease": old} for lane, old in sorted(held)],
        )


def recover(tx: Tx, now: Instant, *, everything: bool = False) -> int:
    """Frees lanes whose lease ran out; `everything`: all of them, when nobody else can be sending.

    Their heads stay `sending`: the next claim has them in doubt.
    """
    dead = sa.select(lanes.c.lane).where(sa.text("lanes.lease is not null"))
    if not everything:
        dead = dead.where(lanes.c.lease < now)
    if tx.dialect == "postgresql":
        dead = dead.with_for_update(skip_locked=True, key_share=True)
    freed = tx.execute(sa.update(lanes).where(lanes.c.lane.in_(dead)).values(lease=None, run_at=now))
    if freed.rowcount:
        tx.signal(SIGNAL)
    return freed.rowcount
