"""Rows that have done their duty go, and no others."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.inbox.forgetting import forget_events
from sahut_bot.inbox.models import events_seen


async def test_old_event_keys_go_in_steps_and_young_ones_stay(store):
    def fill(tx):
        tx.insert_ignore(events_seen, [{"source": "web", "key": f"k{n}", "at": float(n)} for n in range(10)])

    await store.write(fill)
    assert await store.write(forget_events, 6.0, 4) == 4
    assert await store.write(forget_events, 6.0, 4) == 2
    left = await store.read(
        lambda rx: rx.execute(sa.select(events_seen.c.key).order_by(events_seen.c.key)).scalars().all()
    )
    assert left == ["k6", "k7", "k8", "k9"]
