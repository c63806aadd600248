"""What the command line does with the database, beside a `run` that goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sahut_bot import builders
from sahut_bot.app import App
from sahut_bot.bridges.base import CanReplay
from sahut_bot.errors import NotUnderstood, PlatformError, UserError
from sahut_bot.inbox import migrations, operators, outbox_admin, unreadable
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Store, Tx
from sahut_bot.settings import Settings
from sahut_bot.types import Instant

T = TypeVar("T")


class Refused(Exception):
    """It cannot be done; the text says why."""


def migrate(settings: Settings) -> None:
    migrations.migrate(settings.database_url, settings.data_dir)


def _with(settings: Settings, ask: Callable[[Store], Awaitable[T]]) -> T:
    """Asks a store that is brought up to date first, and closed after."""

    async def asking() -> T:
        store = Store.open(settings.database_url, settings.data_dir)
        await store.start()
        try:
            return await ask(store)
        finally:
            await store.stop()

    migrate(settings)
    return asyncio.run(asking())


def outbox(settings: Settings, state: str | None, limit: int) -> list[outbox_admin.Entry]:
    return _with(settings, lambda store: store.read(outbox_admin.listing, state, limit))


def retry(settings: Settings, row: int) -> bool:
    return _operate(settings, operators.retry, row)


def drop(settings: Settings, row: int) -> bool:
    return _operate(settings, operators.drop, row)


def _operate(settings: Settings, work: Callable[[Tx, Policy, int, Instant], bool], row: int) -> bool:
    """Raises `Refused` with what stands in the way."""
    policy = builders.policy(settings)
    try:
        return _with(settings, lambda store: store.write(work, policy, row, time.time()))
    except UserError as error:
        raise Refused(policy.say(error.key, **error.params)) from None


def events(settings: Settings, limit: int) -> list[unreadable.Entry]:
    return _with(settings, lambda store: store.read(unreadable.listing, limit))


async def replay(settings: Settings, event: int) -> str:
    """Reads a kept event again; answers what stood in the way, empty when it was understood."""
    await asyncio.to_thread(migrate, settings)
    app = App(settings)
    await app.store.start()
    try:
        found = await app.store.read(unreadable.body_of, event)
        if found is None:
            return f"There is no event {event} to replay. See: sahut-bot events list"
        source, body = found
        adapter: object = app.adapter(source)
        if not isinstance(adapter, CanReplay):
            return f"Event {event} came from {source}, which is not set up."
        try:
            await adapter.replay(body, app.intake)
        except NotUnderstood as error:
            return f"Event {event} is still not understood: {error}"
        except PlatformError as error:
            return f"Event {event} cannot be read now: {error.reason}"
        await app.store.write(unreadable.replayed, event, time.time())
        return ""
    finally:
        await app.store.stop()
