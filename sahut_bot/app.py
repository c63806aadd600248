"""The composition root: builds everything from the settings, starts and stops it in order."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Any

import structlog
from starlette.routing import BaseRoute

from sahut_bot import builders, housekeeping
from sahut_bot.bridges.base import Channel, TeamChat
from sahut_bot.bridges.channels.livechat import LiveChat
from sahut_bot.dispatcher import Dispatcher
from sahut_bot.inbox import alarms, effects_load, settle, thread_index, unsent, visitors
from sahut_bot.inbox.effects import AnyEffect
from sahut_bot.inbox.migrations import migrate
from sahut_bot.inbox.outbox_claims import Claimed
from sahut_bot.inbox.outbox_policy import Verdict
from sahut_bot.inbox.store import Store
from sahut_bot.intake import Intake
from sahut_bot.listening import Hears, Listening, run_channel
from sahut_bot.performer import Performer
from sahut_bot.scheduler import Scheduler
from sahut_bot.settings import Settings
from sahut_bot.types import Health, Instant
from sahut_bot.web import livechat, operations, slack
from sahut_bot.web.livechat_http import Lobby
from sahut_bot.web.metrics import Metrics
from sahut_bot.web.site import Server, Site

log = structlog.get_logger(__name__)

PATIENCE = 2.0  # seconds to wait for a locked database: Slack wants its answer within three


class Role(StrEnum):
    """Which part of the service a process is: `web` serves HTTP, `worker` sends and keeps the time, `gateway` holds
    the connections that bring events.
    """

    ALL = "all"
    WEB = "web"
    WORKER = "worker"
    GATEWAY = "gateway"

    def has(self, part: Role) -> bool:
        return self in (Role.ALL, part)


class App:
    """One running inbox. `extra_routes` come first (the sandbox's pages)."""

    def __init__(
        self,
        settings: Settings,
        role: Role = Role.ALL,
        *,
        now: Callable[[], Instant] = time.time,
        extra_routes: Sequence[BaseRoute] = (),
        patience: float = PATIENCE,
    ) -> None:
        self.settings = settings
        self.role = role
        self.policy = builders.policy(settings)
        self.store = Store.open(settings.database_url, settings.data_dir, patience=patience)
        self.metrics = Metrics()
        self.channels: dict[str, Channel] = {}
        self.teamchats: dict[str, TeamChat] = {}
        self.intake = Intake(self.store, self.policy, now, lambda: self.channels, self._took)
        self._now = now
        self._extra_routes = extra_routes
        self._tasks: list[asyncio.Task[None]] = []
        self._listening: list[Listening] = []
        self._server: Server | None = None
        self._started = AsyncExitStack()
        self.broken: asyncio.Future[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where the web server listens, in a process that has one."""
        assert self._server is not None
        return self._server.address

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Raises `ConfigError` or `Busy`; then nothing of it runs."""
        self.broken = asyncio.get_running_loop().create_future()
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._started = stack.pop_all()
        log.info("app.started", role=self.role.value, port=self.address[1] if self._server else None)

    async def stop(self) -> None:
        """The reverse of the start: nothing new comes in, what is being sent ends, then the database closes."""
        await self._started.aclose()
        log.info("app.stopped")

    async def _start(self, stack: AsyncExitStack) -> None:
        """Database, adapters, what sends, what hears, web: in this order, and `stack` ends them in the other."""
        self.store.acquire_run_lock()
        stack.push_async_callback(self.store.stop)
        await asyncio.to_thread(migrate, self.settings.database_url, self.settings.data_dir)
        await self.store.start()
        secret = (await self.store.write(visitors.secret, secrets.token_hex(32))).encode()
        self._build(secret, await self.store.read(thread_index.places))
        server = self._bound(stack)
        for adapter in self._adapters().values():
            stack.push_async_callback(adapter.stop)
        for channel in self.channels.values():
            await channel.start()
        if self.role.has(Role.WORKER):
            if self._listening and self.store.dialect == "sqlite":  # else others may have listened all the time
                await self.store.write(unsent.hold, self._now() + unsent.PATIENCE)
            await self.dispatcher.start()
            stack.push_async_callback(self.dispatcher.stop)  # what is being sent ends: the adapters are still there
            await self.scheduler.start()
            stack.push_async_callback(self.scheduler.stop)
        stack.push_async_callback(self._end_tasks)
        self._listen()
        if server:
            self._spawn(livechat.run(self.lobby), "livechat")
            await server.start()
            stack.push_async_callback(server.stop)
            stack.push_async_callback(livechat.stop, self.lobby)

    def _bound(self, stack: AsyncExitStack) -> Server | None:
        """Takes the port before anything else happens: it may be in use."""
        if self.role.has(Role.WEB):
            http = self.settings.http
            self._server = Server(Site(self._routes(), livechat.MESSAGES), http.host, http.port)
            stack.push_async_callback(self._server.stop)
        return self._server

    def _listen(self) -> None:
        for listening in self._listening:
            self._spawn(listening.run(), "teamchat")
        if self.role.has(Role.GATEWAY):
            for channel in self.channels.values():
                self._spawn(run_channel(channel, self.store, self.intake), f"channel-{channel.name}")

    async def _end_tasks(self) -> None:
        for listening in self._listening:
            await listening.note()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------ building

    def _build_adapters(self, secret: bytes) -> None:
        settings = self.settings
        places = tuple(dict.fromkeys(channel.place for channel in self.policy.channels.values()))
        hears = self._hears_slack()
        chat = builders.slack(settings, places, self._now, socket=hears is Hears.LEADER) if hears else None
        if chat is not None and hears:
            self.teamchats[chat.kind] = chat
            self._slack = chat
            own = sorted(one.place for one in self.policy.channels.values() if one.teamchat == chat.kind)
            listening = Listening(chat, tuple(dict.fromkeys(own)), hears, self.store, self.intake, self._now)
            self._listening.append(listening)
        for name, options in settings.channels.items():
            self.channels[name] = builders.CHANNELS[options.kind](name, options, settings, secret)

    def _hears_slack(self) -> Hears | None:
        """None where Slack has no part in this process."""
        way_in = Role.GATEWAY if self.settings.slack.socket_mode else Role.WEB
        if self.role.has(way_in):
            return Hears.LEADER if way_in is Role.GATEWAY else Hears.EVERYWHERE
        return Hears.NOWHERE if self.role is Role.WORKER else None

    def _build(self, secret: bytes, places: Collection[tuple[str, str]]) -> None:
        settings, now = self.settings, self._now
        self._build_adapters(secret)
        data_dir = settings.data_dir.resolve()
        performer = Performer(self.teamchats, self.channels, data_dir, now, self.policy.say)
        self.dispatcher: Dispatcher[AnyEffect | None] = Dispatcher(
            self.store,
            builders.targets(self.teamchats, self.channels, self.policy, places),
            lambda tx, rows: effects_load.load(tx, self.policy, str(data_dir), rows),
            performer,
            lambda tx, batch, at: settle.settle(tx, self.policy, batch, at),
            now,
            random.SystemRandom(),
            observe=self._observe,
            max_age=self.policy.retry_for,
        )
        self.scheduler = Scheduler(self.store, alarms.handlers(self.policy), now)
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

    # ------------------------------------------------------------ counting

    def _refused(self, route: str, status: int) -> None:
        self.metrics.refused.labels(route, str(status)).inc()

    def _took(self, source: str, kind: str) -> None:
        self.metrics.took(source, kind)

    def _observe(self, claimed: Claimed, verdict: Verdict) -> None:
        self.metrics.outcomes.labels(claimed.target, claimed.kind, type(verdict).__name__.lower()).inc()
        self.metrics.lag.labels(claimed.kind).observe(max(0.0, self._now() - claimed.run_at))
