"""The real slack_bolt, connected to the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from sahut_bot.sandbox.slack import SlackServer
from tests.sandbox.slack_kit import real_client


def make_app(server: SlackServer) -> AsyncApp:
    """`process_before_response`: a listener that raises leaves its event unacknowledged."""
    return AsyncApp(
        client=real_client(server),
        signing_secret=server.workspace.credentials.signing_secret,
        process_before_response=True,
    )


@asynccontextmanager
async def connected(
    server: SlackServer, app: AsyncApp, *, sockets: int = 1
) -> AsyncIterator[list[AsyncSocketModeHandler]]:
    """The app on that many sockets."""
    token = server.workspace.credentials.app_token
    handlers = [AsyncSocketModeHandler(app, token, ping_interval=0.2) for _ in range(sockets)]
    for handler in handlers:
        await handler.connect_async()
    await server.workspace.wait_for(lambda: len(server.sockets.connections) == sockets)
    try:
        yield handlers
    finally:
        for handler in handlers:
            await handler.close_async()


@asynccontextmanager
async def listening(app: AsyncApp) -> AsyncIterator[str]:
    """The app behind the three request URLs of HTTP mode; gives its base URL."""

    async def handle(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    site = web.Application()
    for path in ("/slack/events", "/slack/commands", "/slack/interactive"):
        site.router.add_post(path, handle)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
