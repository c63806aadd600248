"""What is old goes, what is young or unfinished stays."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.inbox.housekeeping import DONE_KEPT, SEEN_KEPT, tidy
from sahut_bot.inbox.models import events_seen, outbox
from sahut_bot.inbox.store import Rx, Store, Tx
from tests.databases import Clock


async def test_old_keys_and_finished_rows_go_and_the_rest_stays(store: Store, clock: Clock) -> None:
    def fill(tx: Tx, now: float) -> None:
        rows = [
            {"source": f"s{n % 3}", "key": f"{n:05}", "at": now - (SEEN_KEPT + 1 if n % 2 else 5)} for n in range(5000)
        ]
        tx.insert_ignore(events_seen, rows)
        row = {"target": "x", "kind": "post", "priority": 0, "run_at": 0.0, "created_at": 0.0}
        ended = [("done", DONE_KEPT + 1), ("done", 5.0), ("failed", DONE_KEPT + 1), ("pending", None)]
        tx.execute(
            sa.insert(outbox),
            [
                {**row, "lane": f"t:{n}", "state": state, "finished_at": None if age is None else now - age}
                for n, (state, age) in enumerate(ended)
            ],
        )

    def left(rx: Rx) -> tuple[int, int, list[str]]:
        seen = rx.execute(sa.select(sa.func.count()).select_from(events_seen)).scalar_one()
        old = rx.execute(sa.select(sa.func.count()).where(events_seen.c.at < clock() - SEEN_KEPT)).scalar_one()
        return seen, old, sorted(rx.execute(sa.select(outbox.c.state)).scalars())

    await store.write(fill, clock())
    await tidy(store, clock())
    assert await store.read(left) == (2500, 0, ["done", "failed", "pending"])
    await tidy(store, clock())
    assert await store.read(left) == (2500, 0, ["done", "failed", "pending"])
