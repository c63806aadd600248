"""Threads that began in a channel which the settings no longer name still get what is for them."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.inbox import lanes, outbox, thread_index
from sahut_bot.inbox.models import contacts, conversations, identities, threads


async def test_places_of_live_threads_and_of_waiting_posts_are_known(store):
    def fill(tx):
        tx.execute(sa.insert(contacts).values(id=1, created_at=0.0, seen_at=0.0))
        tx.execute(sa.insert(identities).values(id=1, channel="web", external_id="v", contact_id=1, seen_at=0.0))
        values = {"channel": "web", "identity_id": 1, "contact_id": 1, "created_at": 0.0, "updated_at": 0.0}
        tx.execute(sa.insert(conversations).values(id=1, status="resolved", **values))
        tx.execute(sa.insert(conversations).values(id=2, status="open", **values))
        for conversation, place, live in ((1, "C0LD", True), (2, "CG0NE", False)):
            row = {"conversation_id": conversation, "place": place, "external_id": "1.0", "live": live}
            tx.execute(sa.insert(threads).values(teamchat="slack", created_at=0.0, **row))
        outbox.enqueue(tx, [lanes.opening(2, lanes.post_target("slack", "CWAITS")), lanes.card(1, "slack")], 0.0)

    await store.write(fill)
    assert await store.read(thread_index.places) == {("slack", "C0LD"), ("slack", "CWAITS")}
