"""Rows that have done their duty."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.inbox.models import events_seen
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Instant


def forget_events(tx: Tx, before: Instant, limit: int) -> int:
    """Deletes up to `limit` event keys from before that time, answers how many: call again while it is `limit`.

    Keys are found by a scan of the whole table; it has no index on the time, which each message would have to keep.
    """
    key = sa.tuple_(events_seen.c.source, events_seen.c.key)
    old = sa.select(events_seen.c.source, events_seen.c.key).where(events_seen.c.at < before).limit(limit)
    return tx.execute(sa.delete(events_seen).where(key.in_(old))).rowcount
