"""The HTTP side as one ASGI application, and the server that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Sequence
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sahut_bot.errors import ConfigError

GRACE_SECONDS = 5


class Site:
    """All routes as one ASGI application. `hot` is a template with one `{name}` whose route is found without a search:
    on the path that every message takes, the framework's layers would cost a fifth of the time.
    """

    def __init__(self, routes: Sequence[BaseRoute], hot: str) -> None:
        self._rest = Starlette(routes=list(routes))
        self._prefix, self._suffix = hot.split("{name}")
        self._hot = next(route.app for route in routes if isinstance(route, Route) and route.path == hot)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(self._prefix) and path.endswith(self._suffix):
            name = path[len(self._prefix) : -len(self._suffix)]
            if name and "/" not in name:
                scope["path_params"] = {"name": name}
                await self._hot(scope, receive, send)
                return
        await self._rest(scope, receive, send)


class Server:
    """Serves until `stop`. `port` 0 takes a free one; `address` tells which it became."""

    def __init__(self, app: Site, host: str, port: int) -> None:
        self._socket = _bound(host, port)
        config = uvicorn.Config(
            app,
            http=_Protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws_max_size=256 * 1024,
        )
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()[:2]
        return host, port

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="web")
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise ConfigError("The web server stopped while starting")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Takes no new requests and lets those that run end, within a few seconds."""
        self._server.should_exit = True
        if self._task:
            await self._task
        self._socket.close()


class _Gathered:
    """A transport on which what is written in one turn of the loop leaves in one piece: the server writes an answer's
    head and body apart, and each piece would be a call of the system and a packet of its own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        self._flush()
        self._transport.close()


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, _Gathered(cast(asyncio.Transport, transport), self.loop)))


class _Quiet(uvicorn.Server):
    """Signals are the program's own business, not the web server's."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        way = "SAHUT_HTTP__PORT to a free one" if taken else "SAHUT_HTTP__HOST to an address of this machine"
        raise ConfigError(f"Cannot listen on {host} port {port} ({error.strerror}): set {way}") from None
    return made
