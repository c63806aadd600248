"""The store's promises, on both databases."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.inbox.models import labels
from sahut_bot.inbox.outbox import Draft, enqueue
from sahut_bot.inbox.store import Rx, Store, Tx


def add(tx: Tx, name: str) -> int:
    (new_id,) = tx.new_ids(labels, 1)
    tx.execute(sa.insert(labels), [{"id": new_id, "name": name}])
    return new_id


def names(rx: Rx) -> list[str]:
    return list(rx.execute(sa.select(labels.c.name).order_by(labels.c.id)).scalars())


async def test_result_of_a_work_is_read_after_its_commit(store: Store) -> None:
    first = await store.write(add, "vip")
    second = await store.write(add, "late")
    assert second > first
    assert await store.read(names) == ["vip", "late"]


async def test_enqueue_works(store: Store, clock) -> None:
    d = [
        Draft(lane=f"t:{i % 3}", target="x", kind="card" if i % 2 else "post", priority=0, conversation_id=None)
        for i in range(20)
    ]
    await store.write(enqueue, d, clock())
    await store.write(enqueue, d, clock())
