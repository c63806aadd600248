"""The real slack_bolt, connected to the stand-in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import SlackServer
from tests.sandbox.slack_kit import actions, button, plain, real_client

Body = dict[str, Any]


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


class Heard(list[Body]):
    """The interactions that the app got, with what it shall answer to a submitted form."""

    answer: dict[str, Any]


def listen_to_all(app: AsyncApp, heard: Heard) -> None:
    """Takes every interaction; a submitted form is answered with `heard.answer`."""

    @app.event("message")
    @app.event("app_home_opened")
    async def ignore() -> None: ...

    @app.action(re.compile(".*"))
    @app.shortcut("note")
    @app.shortcut("new")
    async def take(ack: AsyncAck, body: Body) -> None:
        heard.append(body)
        await ack()

    @app.view_closed("form")
    async def closed(ack: AsyncAck, body: Body) -> None:
        heard.append(body)
        await ack()

    @app.view("form")
    async def submitted(ack: AsyncAck, body: Body) -> None:
        heard.append(body)
        await ack(**heard.answer)

    @app.options("person")
    async def options(ack: AsyncAck, payload: Body) -> None:
        await ack(options=[{"text": plain(payload["value"].title()), "value": payload["value"]}])

    @app.command("/sahut")
    async def command(ack: AsyncAck, body: Body) -> None:
        heard.append(body)
        await ack(f"heard {body['text']}")


MENU = {
    "type": "static_select",
    "action_id": "when",
    "options": [{"text": plain("In two hours"), "value": "2h"}, {"text": plain("Tomorrow"), "value": "1d"}],
}


async def post_card(client: AsyncWebClient, channel: str, *, thread_ts: str = "") -> str:
    blocks = [actions(button(value="claim #1"), MENU, block_id="bar")]
    posted = await client.chat_postMessage(channel=channel, text="card", blocks=blocks, thread_ts=thread_ts or None)
    return str(posted["ts"])
