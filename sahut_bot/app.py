"""The composition root: builds everything from the settings, starts and stops it in order."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from starlette.routing import BaseRoute

from sahut_bot import builders, housekeeping
from sahut_bot.bridges.base import Channel, TeamChat
from sahut_bot.bridges.channels.livechat import LiveChat
from sahut_bot.dispatcher import Dispatcher
from sahut_bot.errors import AuthFailed, PlatformError
from sahut_bot.inbox import alarms, effects_load, heard, settle, visitors
from sahut_bot.inbox.effects import AnyEffect
from sahut_bot.inbox.migrations import migrate
from sahut_bot.inbox.outbox_claims import Claimed
from sahut_bot.inbox.outbox_policy import Verdict
from sahut_bot.inbox.store import Store
from sahut_bot.intake import Intake
from sahut_bot.performer import Performer
from sahut_bot.scheduler import Scheduler
from sahut_bot.settings import Settings
from sahut_bot.types import Health, Instant
from sahut_bot.web import livechat, operations, slack
from sahut_bot.web.livechat_http import Lobby
from sahut_bot.web.metrics import Metrics
from sahut_bot.web.site import Server, Site

log = structlog.get_logger(__name__)

HEARD_EVERY = 30.0
HEARD_MARGIN = 120.0  # what is caught up twice has one effect
START_AGAIN = 5.0  # seconds, doubled up to a minute, until an adapter that could not start is tried again


class App:
    """One running inbox. `extra_routes` come first (the sandbox's pages)."""

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], Instant] = time.time,
        extra_routes: Sequence[BaseRoute] = (),
    ) -> None:
        self.settings = settings
        self.policy = builders.policy(settings)
        self.store = Store.open(settings.database_url, settings.data_dir)
        self.metrics = Metrics()
        self.channels: dict[str, Channel] = {}
        self.teamchats: dict[str, TeamChat] = {}
        self.intake = Intake(self.store, self.policy, now, lambda: self.channels)
        self._now = now
        self._extra_routes = extra_routes
        self._tasks: list[asyncio.Task[None]] = []
        self._caught_up: set[str] = set()
        self.broken: asyncio.Future[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where the web server listens."""
        return self._server.address

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Database, dispatcher, clock, team chats, channels, web: in this order. Raises `ConfigError`."""
        self.broken = asyncio.get_running_loop().create_future()
        self.store.acquire_run_lock()
        await asyncio.to_thread(migrate, self.settings.database_url, self.settings.data_dir)
        await self.store.start()
        secret = (await self.store.write(visitors.secret, secrets.token_hex(32))).encode()
        self._build(secret)
        await self.dispatcher.start()
        await self.scheduler.start()
        for chat in self.teamchats.values():
            self._spawn(self._run_team_chat(chat), f"teamchat-{chat.kind}")
        for channel in self.channels.values():
            await channel.start()
            self._spawn(channel.run(self.intake), f"channel-{channel.name}")
        self._spawn(livechat.run(self.lobby), "livechat")
        self._server = Server(Site(self._routes(), livechat.MESSAGES), self.settings.http.host, self.settings.http.port)
        await self._server.start()
        log.info("app.started", port=self.address[1])

    async def stop(self) -> None:
        """The reverse: nothing new comes in, what is being sent ends, then the database closes."""
        await livechat.stop(self.lobby)
        await self._server.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._note_heard()
        await self.scheduler.stop()
        await self.dispatcher.stop()  # what is being sent ends, so the adapters are still needed
        for adapter in self._adapters().values():
            await adapter.stop()
        await self.store.stop()
        log.info("app.stopped")

    def _build_adapters(self, secret: bytes) -> None:
        settings, now = self.settings, self._now
        places = tuple(dict.fromkeys(channel.place for channel in self.policy.channels.values()))
        chat = builders.slack(settings, places, now)
        if chat is not None:
            self.teamchats[chat.kind] = chat
            self._slack = chat
        for name, options in settings.channels.items():
            self.channels[name] = builders.CHANNELS[options.kind](name, options, settings, secret)

    def _build(self, secret: bytes) -> None:
        settings, now = self.settings, self._now
        self._build_adapters(secret)
        data_dir = settings.data_dir.resolve()
        performer = Performer(self.teamchats, self.channels, data_dir, now, self.policy.say)
        self.dispatcher: Dispatcher[AnyEffect | None] = Dispatcher(
            self.store,
            builders.targets(self.teamchats, self.channels, self.policy),
            lambda tx, rows: effects_load.load(tx, self.policy, str(data_dir), rows),
            performer,
            lambda tx, batch, at: settle.settle(tx, self.policy, batch, at),
            now,
            random.SystemRandom(),
            observe=self._observe,
            max_age=self.policy.retry_for,
        )
        self.scheduler = Scheduler(self.store, alarms.handlers(self.policy), now)
        self.scheduler.every(HEARD_EVERY, "heard", self._note_heard)
        housekeeping.register(self.scheduler, self.store, now)
        self.lobby = Lobby(
            channels={name: channel for name, channel in self.channels.items() if isinstance(channel, LiveChat)},
            sink=self.intake,
            store=self.store,
            data_dir=data_dir,
            secret=secret,
            now=now,
            public_url=settings.public_url or "",
            refused=self._refused,
        )

    def _routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = [*self._extra_routes, *livechat.routes(self.lobby)]
        if "slack" in self.teamchats and self.settings.slack.signing_secret is not None:
            routes += slack.routes(self._slack.handle_http, self._refused)
        routes += operations.routes(self.store, self.states)
        routes.append(self.metrics.route(lambda: self.metrics.waiting.set(self.store.waiting)))
        return routes

    def _refused(self, route: str, status: int) -> None:
        self.metrics.refused.labels(route, str(status)).inc()

    # ------------------------------------------------------------ adapters

    def states(self) -> dict[str, Health]:
        """The state of every adapter, by name."""
        return {name: adapter.health for name, adapter in self._adapters().items()}

    def _adapters(self) -> dict[str, TeamChat | Channel]:
        return {**self.teamchats, **self.channels}

    def adapter(self, name: str) -> TeamChat | Channel | None:
        """The adapter of a team chat or channel, built but not started, for who has no running program."""
        if not self.teamchats and not self.channels:
            self._build_adapters(secrets.token_bytes(32))
        return self.teamchats.get(name) or self.channels.get(name)

    async def _run_team_chat(self, chat: TeamChat) -> None:
        """Starts it, as often as it takes; then listens and catches up."""
        wait = START_AGAIN
        while True:
            try:
                await chat.start()
                break
            except PlatformError as error:
                log.warning("teamchat.not_started", teamchat=chat.kind, reason=error.reason)
                await asyncio.sleep(60.0 if isinstance(error, AuthFailed) else wait)
                wait = min(wait * 2, 60.0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(chat.run(self.intake), name=f"{chat.kind}-run")
            tasks.create_task(self._catch_up(chat), name=f"{chat.kind}-catch-up")

    async def _catch_up(self, chat: TeamChat) -> None:
        after = await self.store.read(heard.until, chat.kind)
        if after is not None:  # else it is the first start, and nobody can have answered yet
            places = {channel.place for channel in self.policy.channels.values() if channel.teamchat == chat.kind}
            await chat.catch_up(sorted(places), after - HEARD_MARGIN, self.intake)
        self._caught_up.add(chat.kind)

    async def _note_heard(self) -> None:
        """As long as a team chat is connected, and what was missed before is caught up, we hear all of it."""
        for chat in self.teamchats.values():
            if chat.kind in self._caught_up and chat.health is Health.CONNECTED:
                await self.store.write(heard.save, chat.kind, self._now())

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """A part of the program: if it dies, the program stops, and its supervisor starts it anew."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("app.part_died", part=task.get_name(), exc_info=error)
            if self.broken is not None and not self.broken.done():
                self.broken.set_exception(error)

    def _observe(self, claimed: Claimed, verdict: Verdict) -> None:
        self.metrics.outcomes.labels(claimed.target, claimed.kind, type(verdict).__name__.lower()).inc()
        self.metrics.lag.labels(claimed.kind).observe(max(0.0, self._now() - claimed.run_at))
