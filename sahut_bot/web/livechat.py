"""The live-chat routes (design 2.4): sessions, messages, files, the socket, the widget."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from functools import partial

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from sahut_bot.bridges.channels.livechat import parsed
from sahut_bot.bridges.channels.livechat_visitor import NONCE_BYTES
from sahut_bot.errors import Busy
from sahut_bot.web import livechat_page, media
from sahut_bot.web.livechat_feed import get_messages, need_json, post_message
from sahut_bot.web.livechat_files import post_file, remove_unused
from sahut_bot.web.livechat_http import Answer, Call, Endpoint, Lobby, too_many
from sahut_bot.web.livechat_socket import serve, take_receipts

SWEEP_SECONDS = 3600.0
MESSAGES = "/livechat/{name}/messages"


def routes(lobby: Lobby) -> list[BaseRoute]:
    """Everything under `/livechat/` and `/media/`."""

    async def socket(ws: WebSocket) -> None:
        await serve(lobby, ws)

    endpoint = partial(Endpoint, lobby)
    return [
        Route(MESSAGES, endpoint("messages", {"POST": post_message, "GET": get_messages})),
        Route("/livechat/{name}/session", endpoint("session", {"POST": post_session})),
        Route("/livechat/{name}/files", endpoint("files", {"POST": post_file})),
        Route("/livechat/{name}/receipts", endpoint("receipts", {"POST": post_receipts})),
        WebSocketRoute("/livechat/{name}/ws", socket),
        *livechat_page.routes(lobby),
        *media.routes(lobby.links, lobby.store, lobby.data_dir),
    ]


async def post_session(call: Call) -> Answer:
    """`POST …/session`. The body may be empty, or name a previous token, a proven user, a name and an e-mail."""
    too_many(call.lobby.gate.session(call.address))
    body = await call.body()
    asked: dict[str, object] = {}
    if body.strip():
        need_json(call)
        asked = parsed(body)
    visitor = call.channel.tokens.session(asked, secrets.token_bytes(NONCE_BYTES), call.lobby.now())
    return Answer(
        {
            "visitor": call.channel.tokens.mint(visitor),
            "name": visitor.name,
            "email": visitor.email,
            "user_id": visitor.user_id,
        }
    )


async def post_receipts(call: Call) -> Answer:
    """`POST …/receipts` with `{"delivered": cursor, "read": [ids]}`, for who has no socket."""
    visitor = call.visitor()
    too_many(call.lobby.gate.read(visitor.external_id))
    need_json(call)
    await take_receipts(call.lobby, call.channel, visitor, parsed(await call.body()))
    return Answer({})


async def run(lobby: Lobby) -> None:
    """Until cancelled: writes down who is here, and clears away uploads that nobody sent."""

    async def sweep() -> None:
        while True:
            with suppress(Busy):  # there is no hurry
                await remove_unused(lobby.store, lobby.data_dir, lobby.now())
            await asyncio.sleep(SWEEP_SECONDS)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(lobby.presence.run(), name="livechat-presence")
        tasks.create_task(sweep(), name="livechat-sweep")


async def stop(lobby: Lobby) -> None:
    """Ends sockets and waiting polls, and writes down who was here. Call it before the server waits for requests."""
    lobby.presence.close()
    await lobby.presence.write()
