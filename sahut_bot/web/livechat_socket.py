"""The widget's WebSocket: the feed as it grows, typing, messages and receipts over one connection.

The first frame says who is there and what they have: `{"type": "hello", "token": …, "after": cursor}`. It resumes
exactly there, so a connection may be lost at any time.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from sahut_bot.bridges.channels.livechat import LiveChat, parsed, reply_number
from sahut_bot.bridges.channels.livechat_visitor import Visitor
from sahut_bot.errors import Busy
from sahut_bot.inbox import visitors
from sahut_bot.types import Delivery
from sahut_bot.web.livechat_feed import accept, as_json, confirm, cursor_of, typing_json
from sahut_bot.web.livechat_http import (
    BODY_LIMIT,
    COUNTED,
    HttpError,
    Lobby,
    address_of,
    allowed,
    channel_of,
    failure_of,
    too_many,
)
from sahut_bot.web.livechat_presence import Visit

HEARTBEAT_SECONDS = 25.0
"""Proxies cut connections that are silent for a minute."""
HELLO_SECONDS = 10.0
ROUTE = "livechat/ws"
_BAD_FRAME, _UNAUTHORIZED, _TOO_BIG, _TOO_MANY, _RESTART = 4400, 4401, 1009, 4429, 1012

log = structlog.get_logger(__name__)


class Socket:
    """One visitor's connection."""

    def __init__(self, lobby: Lobby, channel: LiveChat, ws: WebSocket, visitor: Visitor, after: int) -> None:
        self._lobby = lobby
        self._channel = channel
        self._ws = ws
        self._visitor = visitor
        self._cursor = after

    async def run(self, visit: Visit) -> None:
        """Until the client leaves, misbehaves, or the server stops."""
        tasks = {
            asyncio.create_task(self._feed(visit), name="livechat-socket-feed"),
            asyncio.create_task(self._listen(), name="livechat-socket-listen"),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _feed(self, visit: Visit) -> None:
        first = True
        while not self._lobby.presence.closing:
            visit.woken.clear()
            more = await self._show(first)
            first = False
            if (seconds := visit.take_typing()) is not None:
                await self._send({"type": "typing", **typing_json(seconds)})
            if more:
                continue
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await visit.woken.wait()
            except TimeoutError:
                await self._send({"type": "ping"})
        await self._ws.close(_RESTART)

    async def _show(self, even_nothing: bool) -> bool:
        """Sends what is new. Returns whether there is more."""
        while True:
            try:
                page = await self._lobby.store.read(
                    visitors.feed, self._channel.name, self._visitor.identities, self._cursor
                )
                break
            except Busy:
                await asyncio.sleep(1)
        if page.messages or even_nothing:
            await self._send({"type": "messages", **as_json(self._channel, page, self._lobby.links)})
        self._cursor = page.cursor
        return page.more

    async def _listen(self) -> None:
        while True:
            frame = await self._ws.receive_text()
            if len(frame) > BODY_LIMIT:
                await self._ws.close(_TOO_BIG)
                return
            asked: dict[str, object] = {}
            try:
                asked = parsed(frame)
                await self._obey(asked)
            except Exception as error:
                failure = failure_of(error)
                if failure is None:
                    raise
                await self._refuse(asked, failure)

    async def _obey(self, asked: dict[str, object]) -> None:
        gate = self._lobby.gate
        match asked.get("type"):
            case "message":
                too_many(gate.message(self._visitor.external_id, address_of(self._ws.scope)))
                event = await accept(self._lobby, self._channel, self._visitor, asked)
                await self._send({"type": "sent", "id": event.external_id})
            case "receipt":
                too_many(gate.read(self._visitor.external_id))
                await take_receipts(self._lobby, self._channel, self._visitor, asked)
            case "ping":
                await self._send({"type": "pong"})

    async def _refuse(self, asked: dict[str, object], failure: HttpError) -> None:
        answer = {"type": "failed", "id": asked.get("id"), "error": failure.code, "message": failure.message}
        if failure.retry_after:
            answer["retry_after"] = failure.retry_after
        await self._send(answer)

    async def _send(self, frame: dict[str, object]) -> None:
        await self._ws.send_json(frame)


async def take_receipts(lobby: Lobby, channel: LiveChat, visitor: Visitor, asked: dict[str, object]) -> None:
    """`delivered` is a cursor, `read` a list of replies' ids; ids that are none of this visitor's change nothing."""
    if delivered := cursor_of(asked.get("delivered")):
        await confirm(lobby, channel, visitor, Delivery.DELIVERED, upto=delivered)
    read = asked.get("read")
    if not isinstance(read, list):
        return
    numbers = [number for one in read[:200] if (number := reply_number(one)) is not None]
    if numbers:
        await confirm(lobby, channel, visitor, Delivery.READ, only=numbers)


async def serve(lobby: Lobby, ws: WebSocket) -> None:
    """`…/ws`. The origin is judged before the handshake: browsers do not do it for WebSockets."""
    try:
        channel = channel_of(lobby, ws.scope)
        origin = ws.headers.get("origin")
        if origin is not None and not allowed(lobby, channel, origin, ws.headers.get("host", "")):
            raise HttpError(403, "origin", "This site may not use this chat; see ORIGINS of the channel.")
    except HttpError as failure:
        if failure.status in COUNTED:
            lobby.refused(ROUTE, failure.status)
        answer = JSONResponse({"error": failure.code, "message": failure.message}, failure.status)
        await ws.send_denial_response(answer)
        return
    await ws.accept()
    with suppress(WebSocketDisconnect):
        await _greet(lobby, channel, ws)


async def _greet(lobby: Lobby, channel: LiveChat, ws: WebSocket) -> None:
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = parsed((await ws.receive_text())[: BODY_LIMIT + 1])
        if hello.get("type") != "hello":
            raise HttpError(400, "hello", "The first frame must be a hello.")
        visitor = channel.tokens.read(str(hello.get("token", "")), lobby.now())
        after = cursor_of(hello.get("after"))
        if lobby.presence.visits(channel.name, visitor.external_id) >= lobby.gate.limits.sockets:
            raise HttpError(429, "too_many", "Too many connections at once.")
    except Exception as error:
        failure = HttpError(400, "hello", "No hello came.") if isinstance(error, TimeoutError) else failure_of(error)
        if failure is None:
            raise
        if failure.status in COUNTED:
            lobby.refused(ROUTE, failure.status)
        await ws.send_json({"type": "error", "error": failure.code, "message": failure.message})
        await ws.close({401: _UNAUTHORIZED, 429: _TOO_MANY}.get(failure.status, _BAD_FRAME))
        return
    with lobby.presence.visit(channel, visitor) as visit:
        await Socket(lobby, channel, ws, visitor, after).run(visit)
