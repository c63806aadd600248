"""Socket Mode: several WebSockets of one app, each payload to any one of them (Slack docs, using Socket Mode)."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

import orjson
from aiohttp import WSMsgType, web

from sahut_bot.sandbox.slack.delivery import Attempt, Delivery, Pending, Switches
from sahut_bot.sandbox.slack.model import Ack, Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_MAX_CONNECTIONS = 10
_TICKET_SECONDS = 30.0
_HOST = "applink-sandbox"


class Connection:
    """One WebSocket with its writer, so that sending never waits for a slow reader."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.socket = socket
        self.transport = transport
        self.outgoing: asyncio.Queue[Json] = asyncio.Queue()

    async def write(self) -> None:
        while True:
            frame = await self.outgoing.get()
            try:
                await self.socket.send_str(orjson.dumps(frame).decode())
            except ConnectionError:
                return  # the reader ends too and takes the connection out


class SocketMode(Delivery):
    def __init__(self, workspace: SlackWorkspace, switches: Switches) -> None:
        super().__init__(workspace, switches)
        self.connections: list[Connection] = []
        self.opened = 0
        self._turn = 0
        self._tickets: dict[str, float] = {}
        self._in_flight: dict[str, tuple[Pending, Attempt]] = {}
        self._asked: dict[str, asyncio.Future[Json]] = {}

    def new_ticket(self) -> str:
        ticket = uuid.uuid4().hex
        self._tickets[ticket] = time.monotonic() + _TICKET_SECONDS
        return ticket

    # ------------------------------------------------------------ the socket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self._tickets.get(request.query.get("ticket", ""), 0.0) < time.monotonic():
            raise web.HTTPForbidden(text="invalid ticket")
        socket = web.WebSocketResponse()  # answers PING with a PONG of the same bytes
        await socket.prepare(request)
        connection = Connection(socket, request.transport)
        refusal = "" if self.ws.manifest.socket_mode else "link_disabled"
        if len(self.connections) >= _MAX_CONNECTIONS:
            refusal = "too_many_websockets"
        if refusal:
            await socket.send_json(_disconnect(refusal))
            await socket.close()
            return socket
        self.connections.append(connection)
        self.opened += 1
        connection.outgoing.put_nowait(self._hello())
        writer = asyncio.create_task(connection.write(), name="slack-sandbox-socket-writer")
        self.ws.touch("connected", connections=len(self.connections))
        try:
            async for frame in socket:
                if frame.type == WSMsgType.TEXT:
                    self._heard(frame.data)
        finally:
            writer.cancel()
            self.connections.remove(connection)
            self.ws.touch("disconnected", connections=len(self.connections))
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": _HOST, "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self.ws.app_id},
        }

    def _heard(self, data: str) -> None:
        try:
            frame = orjson.loads(data)
        except ValueError:
            self.ws.complaints.append("socket: a frame that is not JSON")
            return
        envelope_id = frame.get("envelope_id", "")
        if envelope_id in self._in_flight:
            self.done(*self._in_flight.pop(envelope_id))
        elif envelope_id in self._asked:
            future = self._asked.pop(envelope_id)
            if not future.done():
                future.set_result(frame.get("payload") or {})

    def refresh(self, reason: str = "warning") -> None:
        """Tells every connection to reconnect: `warning` comes ten seconds ahead, then `refresh_requested`."""
        for connection in self.connections:
            connection.outgoing.put_nowait(_disconnect(reason))

    def drop(self) -> None:
        """Cuts all connections without a goodbye."""
        for connection in self.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def stop(self) -> None:
        self.close()
        for connection in list(self.connections):
            await connection.socket.close()

    # ------------------------------------------------------------ sending

    def _next(self) -> Connection | None:
        if not self.connections:
            return None
        self._turn += 1
        return self.connections[self._turn % len(self.connections)]

    def _send(self, pending: Pending, attempt: Attempt) -> None:
        connection = self._next()
        if connection is None:
            self.failed(pending, attempt, "timeout")
            return
        envelope_id = str(uuid.uuid4())
        self._in_flight[envelope_id] = pending, attempt
        frame: Json = {"envelope_id": envelope_id, "type": "events_api", "accepts_response_payload": False}
        frame |= {"payload": pending.envelope, "retry_attempt": pending.attempt, "retry_reason": pending.reason}
        connection.outgoing.put_nowait(frame)
        pending.timer = asyncio.get_running_loop().call_later(self.switches.ack_timeout, self._unheard, envelope_id)

    def _unheard(self, envelope_id: str) -> None:
        self.failed(*self._in_flight.pop(envelope_id), "timeout")

    async def _ask(self, kind: str, payload: Json) -> Ack:
        connection = self._next()
        if connection is None:
            return Ack(ok=False, reason="no connection to the app")
        envelope_id = str(uuid.uuid4())
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._asked[envelope_id] = future
        frame: Json = {"envelope_id": envelope_id, "type": kind, "accepts_response_payload": True, "payload": payload}
        connection.outgoing.put_nowait(frame)
        try:
            async with asyncio.timeout(self.switches.ack_timeout):
                return Ack(ok=True, body=await future)
        except TimeoutError:
            return Ack(ok=False, reason="no acknowledgement in time")
        finally:
            self._asked.pop(envelope_id, None)


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}
