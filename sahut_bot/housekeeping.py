"""What keeps the store quick and small: new rows become findable, what nobody needs any more goes, in short steps."""

from __future__ import annotations

from collections.abc import Callable

from sahut_bot.inbox import forgetting, search
from sahut_bot.inbox.outbox_admin import prune
from sahut_bot.inbox.store import Store
from sahut_bot.scheduler import Scheduler
from sahut_bot.types import Instant

INDEX_EVERY = 5.0
CLEAN_EVERY = 600.0
FORGET_AT = "30 3 * * *"
DAY = 86400.0
DONE_KEPT = 7 * DAY  # finished outbox rows
FAILED_KEPT = 90 * DAY
SEEN_KEPT = 60 * DAY  # event keys: no platform brings an event again after a week
STEP = 5000  # rows in one transaction


def register(scheduler: Scheduler, store: Store, now: Callable[[], Instant]) -> None:
    """Adds the jobs. Each transaction is short, so that a customer's message never waits for them."""

    async def index() -> None:
        await search.keep_indexed(store)

    async def clean() -> None:
        while await store.write(prune, now() - DONE_KEPT, now() - FAILED_KEPT, STEP) >= STEP:
            pass

    async def forget() -> None:
        while await store.write(forgetting.forget_events, now() - SEEN_KEPT, STEP) >= STEP:
            pass

    scheduler.every(INDEX_EVERY, "index", index)
    scheduler.every(CLEAN_EVERY, "clean", clean)
    scheduler.cron(FORGET_AT, "UTC", "forget", forget)
