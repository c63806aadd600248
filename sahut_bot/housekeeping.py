"""What keeps the store quick and small: new rows become findable, what nobody needs any more goes, in short steps."""

from __future__ import annotations

from collections.abc import Callable

from sahut_bot.inbox import search
from sahut_bot.inbox.housekeeping import tidy
from sahut_bot.inbox.store import Store
from sahut_bot.scheduler import Scheduler
from sahut_bot.types import Instant

INDEX_EVERY = 5.0
TIDY_AT = "30 3 * * *"  # daily


def register(scheduler: Scheduler, store: Store, now: Callable[[], Instant]) -> None:
    """Adds the jobs. Each transaction is short, so that a customer's message never waits for them."""

    async def index() -> None:
        await search.keep_indexed(store)

    async def clean() -> None:
        await tidy(store, now())

    scheduler.every(INDEX_EVERY, "index", index)
    scheduler.cron(TIDY_AT, "UTC", "tidy", clean)
