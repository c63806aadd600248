"""Socket Mode: one WebSocket to Slack, replaced for ever (docs, using Socket Mode).

Connecting again is ours and not the SDK's: it would close the old socket before it has a new one, and after a failed
attempt try the same address, which is good for one use only, again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from sahut_bot.bridges.teamchat.slack_api import CONNECT, SlackApi
from sahut_bot.bridges.teamchat.slack_calls import Spawn
from sahut_bot.bridges.teamchat.slack_config import SlackConfig
from sahut_bot.errors import AuthFailed, PlatformError, RateLimited, Transient
from sahut_bot.text.words import say
from sahut_bot.types import Health

log = structlog.get_logger(__name__)

GAP = 60.0  # seconds without a socket after which events may have been lost
_CONNECT = 10.0
_LOOK = 0.2  # seconds between looks whether the socket still stands
_PING = 10.0
_DRAIN = 5.0  # seconds that events in work may take when their socket is replaced
_BACK_OFF = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
_BAD_TOKEN = 60.0


class _Client(SocketModeClient):
    """The SDK's client without its reconnecting: it only says that Slack wants to close the socket."""

    def __init__(self, api: SlackApi, app_token: str) -> None:
        super().__init__(
            app_token=app_token,
            logger=api.library_log,
            web_client=api.client,
            auto_reconnect_enabled=False,
            ping_interval=_PING,
        )
        self.proxy = api.client.proxy
        self.leaving = False

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        self.leaving = True


class _Socket(AsyncBaseSocketModeHandler):
    """One connection, and the requests of it that are in work."""

    def __init__(self, app: AsyncApp, client: _Client) -> None:
        self.app = app
        self.client = client
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()
        client.socket_mode_request_listeners.append(self.handle)

    async def handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        self._working += 1
        self._idle.clear()
        try:
            assert isinstance(self.app, AsyncApp)
            response = await run_async_bolt_app(self.app, req)
            await send_async_response(client, req, response, 0.0)
        except (aiohttp.ClientError, OSError) as error:  # the socket went; Slack brings it again on the next one
            log.info("slack.not_acknowledged", error=type(error).__name__)
        finally:
            self._working -= 1
            if not self._working:
                self._idle.set()

    async def stands(self) -> bool:
        return await self.client.is_connected()

    async def retire(self) -> None:
        """Closes once the requests in work are done, or have taken too long."""
        try:
            async with asyncio.timeout(_DRAIN):
                await self._idle.wait()
        except TimeoutError:
            log.warning("slack.socket_closed_early", working=self._working)
        finally:
            await self.client.close()  # type: ignore[no-untyped-call]


class Sockets:
    """Keeps one socket open. `on_health` hears how it stands, `on_gap` of each gap that may have cost events."""

    def __init__(
        self,
        api: SlackApi,
        config: SlackConfig,
        clock: Callable[[], float],
        on_health: Callable[[Health], None],
        on_gap: Callable[[float], None],
    ) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._on_health = on_health
        self._on_gap = on_gap

    async def run(self, app: AsyncApp, spawn: Spawn) -> None:
        """Never returns; being cancelled closes the socket."""
        current: _Socket | None = None
        lost_at: float | None = None
        tries = 0
        try:
            while True:
                await asyncio.sleep(_BACK_OFF[min(tries, len(_BACK_OFF) - 1)])
                try:
                    fresh = await self._connect(app)
                except PlatformError as error:
                    tries += 1
                    if current is not None and not await current.stands():
                        lost_at = lost_at or self._clock()
                    await self._failed(error, still=current is not None and lost_at is None)
                    continue
                if current is not None:
                    spawn(current.retire(), "slack-socket-retire")
                current = fresh
                self._on_health(Health.CONNECTED)
                if lost_at is not None and self._clock() - lost_at > GAP:
                    self._on_gap(self._clock() - lost_at)
                up_at, lost_at = self._clock(), None
                if not await self._left(current):
                    lost_at = self._clock()
                    self._on_health(Health.DEGRADED)
                tries = 0 if self._clock() - up_at > _PING else tries + 1
        finally:
            if current is not None:
                await current.retire()

    async def _connect(self, app: AsyncApp) -> _Socket:
        answer = await self._api.call(CONNECT, app_token=self._config.app_token)
        socket = _Socket(app, _Client(self._api, self._config.app_token))
        socket.client.wss_uri = str(answer.get("url") or "")
        try:
            async with asyncio.timeout(_CONNECT):
                await socket.connect_async()  # type: ignore[no-untyped-call]
        except BaseException as error:
            await socket.client.close()  # type: ignore[no-untyped-call]
            if isinstance(error, TimeoutError):
                raise Transient(say(self._config.lang, "slack.error.away")) from error
            raise
        return socket

    async def _left(self, socket: _Socket) -> bool:
        """Waits for the end of a socket: True when Slack announced it and the socket still works, False when it is
        gone.
        """
        assert isinstance(socket.client, _Client)
        while await socket.stands():
            if socket.client.leaving:
                return True
            await asyncio.sleep(_LOOK)
        return False

    async def _failed(self, error: PlatformError, *, still: bool) -> None:
        bad = isinstance(error, AuthFailed)
        log.warning("slack.socket_failed", error=type(error).__name__, reason=error.reason)
        if bad or not still:
            self._on_health(Health.BAD_CREDENTIALS if bad else Health.DEGRADED)
        pause = error.retry_after if isinstance(error, RateLimited) else _BAD_TOKEN if bad else 0.0
        await asyncio.sleep(pause)
