"""The two statements that look for due lanes, written by hand: they must be index seeks at any number of lanes."""
# ruff: noqa: S608 - nothing but numbers is ever filled in

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sahut_bot.inbox.outbox import PRIORITIES

# A target and how many of its lanes may start now.
Ask: TypeAlias = tuple[str, int]


def statement_for(dialect: str, name: str, asks: Sequence[Ask]) -> tuple[sa.TextClause, dict[str, Any]]:
    """`claim` leases due lanes and returns them, `next` finds when the next one falls due. Bind `now` (and `lease`)."""
    if dialect == "postgresql":
        targets, limits = [target for target, _ in asks], [limit for _, limit in asks]
        return _POSTGRES[name], {"targets": targets, "limits": limits}
    params: dict[str, Any] = {}
    for number, (target, limit) in enumerate(asks):
        params |= {f"t{number}": target, f"n{number}": limit}
    if name == "next":
        params = {key: value for key, value in params.items() if key[0] == "t"}
    return _sqlite(name, len(asks)), params


# One index seek per target and priority: a query over several priorities would walk all delayed lanes of the first.
_ASKS = f"""
    SELECT a.target, p.priority, a.n FROM unnest(:targets, :limits) AS a(target, n)
    CROSS JOIN generate_series(0, {PRIORITIES[-1]}) AS p(priority)"""
_ARRAYS = (
    sa.bindparam("targets", type_=postgresql.ARRAY(sa.Text)),
    sa.bindparam("limits", type_=postgresql.ARRAY(sa.Integer)),
)
_POSTGRES = {
    "claim": sa.text(f"""
WITH asks AS ({_ASKS}),
found AS MATERIALIZED (
    SELECT l.lane, a.target, a.priority, l.run_at, a.n FROM asks a CROSS JOIN LATERAL (
        SELECT lane, run_at FROM lanes
        WHERE target = a.target AND priority = a.priority AND lease IS NULL AND run_at <= :now
        ORDER BY run_at, lane LIMIT a.n FOR UPDATE SKIP LOCKED) l),
ranked AS (SELECT lane, n, row_number() OVER (PARTITION BY target ORDER BY priority, run_at, lane) AS place FROM found)
UPDATE lanes SET lease = :lease WHERE lane IN (SELECT lane FROM ranked WHERE place <= n) RETURNING lane""").bindparams(
        *_ARRAYS, sa.bindparam("now", type_=sa.Float), sa.bindparam("lease", type_=sa.Float)
    ),
    "next": sa.text(f"""
SELECT min(l.run_at) FROM ({_ASKS}) a CROSS JOIN LATERAL (
    SELECT run_at FROM lanes
    WHERE target = a.target AND priority = a.priority AND lease IS NULL AND run_at > :now
    ORDER BY run_at LIMIT 1) l""").bindparams(*_ARRAYS, sa.bindparam("now", type_=sa.Float)),
}


@lru_cache(maxsize=64)
def _sqlite(name: str, count: int) -> sa.TextClause:
    """The same for SQLite, which has no LATERAL: every seek is written out."""
    if name == "next":
        seeks = [
            f"""SELECT * FROM (SELECT run_at FROM lanes
            WHERE target = :t{number} AND priority = {priority} AND lease IS NULL AND run_at > :now
            ORDER BY run_at LIMIT 1)"""
            for number in range(count)
            for priority in PRIORITIES
        ]
        return sa.text(f"SELECT min(run_at) FROM ({' UNION ALL '.join(seeks)})")
    picks = []
    for number in range(count):
        seeks = [
            f"""SELECT * FROM (SELECT lane, priority, run_at FROM lanes
            WHERE target = :t{number} AND priority = {priority} AND lease IS NULL AND run_at <= :now
            ORDER BY run_at, lane LIMIT :n{number})"""
            for priority in PRIORITIES
        ]
        some = " UNION ALL ".join(seeks)
        picks.append(f"SELECT lane FROM (SELECT * FROM ({some}) ORDER BY priority, run_at, lane LIMIT :n{number})")
    return sa.text(f"UPDATE lanes SET lease = :lease WHERE lane IN ({' UNION ALL '.join(picks)}) RETURNING lane")
