"""Throwing away what nobody needs any more, in short transactions beside the day's work."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox.models import events_seen
from sahut_bot.inbox.outbox_admin import prune
from sahut_bot.inbox.store import Rx, Store, Tx
from sahut_bot.types import Instant

_DAY = 24 * 3600.0
DONE_KEPT = 7 * _DAY  # outbox rows that went well
FAILED_KEPT = 90 * _DAY  # and those that may be done again by hand
SEEN_KEPT = 30 * _DAY  # keys of events; no platform delivers again after more than a week
_PAGE = 2000


async def tidy(store: Store, now: Instant) -> None:
    """To be run now and then; it does not matter when or how often, nor by how many processes."""
    while await store.write(prune, now - DONE_KEPT, now - FAILED_KEPT, _PAGE) == _PAGE:
        pass
    last: tuple[str, str] | None = ("", "")
    while last is not None:
        page = await store.read(_seen_after, last)
        old = [(row.source, row.key) for row in page if row.at < now - SEEN_KEPT]
        if old:
            await store.write(_forget, old)
        last = (page[-1].source, page[-1].key) if len(page) == _PAGE else None


def _seen_after(rx: Rx, last: tuple[str, str]) -> list[Any]:
    """A page in the order of the key. An index by time alone would cost the hot path more than reading them all."""
    key = (events_seen.c.source, events_seen.c.key)
    page = sa.select(events_seen).where(sa.tuple_(*key) > sa.tuple_(*last)).order_by(*key).limit(_PAGE)
    return list(rx.execute(page))


def _forget(tx: Tx, keys: list[tuple[str, str]]) -> None:
    one = (events_seen.c.source == sa.bindparam("b_source")) & (events_seen.c.key == sa.bindparam("b_key"))
    tx.execute(sa.delete(events_seen).where(one), [{"b_source": source, "b_key": key} for source, key in keys])
