"""The rim of the live-chat API: who may call, how much they may send, and how a refusal looks.

Plain ASGI instead of request and response objects: posting a message is the hottest path of the program.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from starlette.types import Message, Receive, Scope, Send

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.channels.livechat import LiveChat
from sahut_bot.bridges.channels.livechat_visitor import Refused, Visitor, bearer
from sahut_bot.errors import Busy, NotAuthentic
from sahut_bot.inbox.store import Store
from sahut_bot.types import Instant
from sahut_bot.web.livechat_limits import Gate, Limits
from sahut_bot.web.livechat_presence import Confirmed, Presence
from sahut_bot.web.media import MediaLinks

BODY_LIMIT = 64 * 1024
"""4000 characters, each written as two JSON escapes of six bytes, and room for the rest."""
COUNTED = frozenset({401, 403, 429})
_DRAINED = 8 * 1024 * 1024


@dataclass(kw_only=True)
class Lobby:
    """All that the live-chat routes need, for all live-chat channels. `secret` is the server's own."""

    channels: Mapping[str, LiveChat]
    sink: Sink
    store: Store
    data_dir: Path
    secret: bytes = field(repr=False)
    now: Callable[[], Instant]
    public_url: str = ""
    limits: Limits = field(default_factory=Limits)
    refused: Callable[[str, int], None] = lambda _route, _status: None  # counts who was turned away: 401, 403, 429

    def __post_init__(self) -> None:
        self.links = MediaLinks(self.secret, self.now)
        self.gate = Gate(self.limits, self.now)
        self.presence = Presence(self.store, self.now)
        self.confirmed = Confirmed()


class HttpError(Exception):
    """A request that gets no more than an error: `{"error": code, "message": …}`."""

    def __init__(self, status: int, code: str, message: str, retry_after: int = 0) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


def failure_of(error: Exception) -> HttpError | None:
    """What the program's own errors are to a client; None for what is a bug."""
    match error:
        case HttpError():
            return error
        case NotAuthentic():
            return HttpError(401, "unauthorized", "The visitor token or the proof of identity does not hold.")
        case Refused():
            return HttpError(413 if error.code == "too_long" else 400, error.code, error.reason)
        case Busy():
            return HttpError(503, "busy", "Not stored. Try again in a moment.", retry_after=1)
    return None


def too_many(seconds: int) -> None:
    """Raises a 429 unless `seconds` is 0."""
    if seconds:
        raise HttpError(429, "too_many", "That was too much at once. Try again later.", retry_after=seconds)


@dataclass(slots=True)
class Call:
    """One request. `headers` by lower-case name."""

    lobby: Lobby
    channel: LiveChat
    scope: Scope
    receive: Receive
    headers: dict[bytes, bytes]
    complete: bool = False  # the whole body has been read

    @property
    def address(self) -> str:
        return address_of(self.scope)

    @property
    def content_type(self) -> str:
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")

    def visitor(self) -> Visitor:
        """Who the bearer token names. Raises `NotAuthentic`."""
        token = bearer(self.headers.get(b"authorization", b"").decode("latin-1"))
        return self.channel.tokens.read(token, self.lobby.now())

    async def chunk(self) -> bytes:
        """The next piece of the body, empty at its end. Raises a 400 when the client hangs up."""
        if self.complete:
            return b""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            self.complete = True
            raise HttpError(400, "broken", "The connection broke.")
        self.complete = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece

    def announces_more_than(self, limit: int) -> bool:
        announced = self.headers.get(b"content-length", b"0")
        return len(announced) > 12 or int(announced) > limit

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        """The whole body. Raises a 413 over `limit`."""
        whole = b""
        too_much = self.announces_more_than(limit)
        while not (self.complete or too_much):
            whole += await self.chunk()
            too_much = len(whole) > limit
        if too_much:
            await self.drain()
            raise too_large(limit)
        return whole

    async def drain(self, limit: int = _DRAINED) -> None:
        """Reads on for a while: a client that is still writing would see a broken connection instead of the answer."""
        size = 0
        while size < limit and not self.complete:
            size += len(await self.chunk())


def too_large(limit: int) -> HttpError:
    return HttpError(413, "too_large", f"The body is larger than {limit} bytes.")


@dataclass(slots=True)
class Answer:
    value: object
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


Handler = Callable[[Call], Awaitable[Answer]]


class Endpoint:
    """An ASGI application: finds the channel, judges the origin, answers preflights, calls the method's handler."""

    def __init__(self, lobby: Lobby, name: str, handlers: Mapping[str, Handler]) -> None:
        self._lobby = lobby
        self._name = f"livechat/{name}"
        self._handlers = handlers
        self._allow = ", ".join([*handlers, "OPTIONS"]).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        answer = Answer(None)
        cors: list[tuple[bytes, bytes]] = []
        try:
            channel = channel_of(self._lobby, scope)
            cors = self._admit(channel, headers)
            if handler := self._handlers.get(scope["method"]):
                answer = await handler(Call(self._lobby, channel, scope, receive, headers))
            elif scope["method"] == "OPTIONS":
                answer = Answer(None, 204)
            else:
                raise HttpError(405, "method", "This address does not take that method.")
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            answer = _failed(failure, self._allow)
            if failure.status in COUNTED:
                self._lobby.refused(self._name, failure.status)
        await respond(send, answer, cors)

    def _admit(self, channel: LiveChat, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """The headers that let an allowed foreign page read the answer. Raises a 403 for any other page."""
        origin = headers.get(b"origin")
        if origin is None:
            return []
        if not allowed(self._lobby, channel, origin.decode("latin-1"), headers.get(b"host", b"").decode("latin-1")):
            raise HttpError(403, "origin", "This site may not use this chat; see ORIGINS of the channel.")
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", self._allow),
            (b"access-control-allow-headers", b"authorization, content-type"),
            (b"access-control-expose-headers", b"retry-after"),
            (b"access-control-max-age", b"600"),
            (b"vary", b"origin"),
        ]


def _failed(failure: HttpError, allow: bytes) -> Answer:
    headers = []
    if failure.retry_after:
        headers.append((b"retry-after", str(failure.retry_after).encode()))
    if failure.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if failure.status == 405:
        headers.append((b"allow", allow))
    return Answer({"error": failure.code, "message": failure.message}, failure.status, headers)


async def respond(send: Send, answer: Answer, more: list[tuple[bytes, bytes]]) -> None:
    body = b"" if answer.status == 204 else orjson.dumps(answer.value)
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
        *more,
    ]
    start: Message = {"type": "http.response.start", "status": answer.status, "headers": head}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def channel_of(lobby: Lobby, scope: Scope) -> LiveChat:
    channel = lobby.channels.get(scope["path_params"]["name"])
    if channel is None:
        raise HttpError(404, "unknown_channel", "There is no live chat of that name.")
    return channel


def address_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def allowed(lobby: Lobby, channel: LiveChat, origin: str, host: str) -> bool:
    """Whether a page of `origin` may talk to this channel: the bot's own pages, and the channel's list."""
    return _allowed(origin.lower(), host.lower(), lobby.public_url.lower(), channel.options.origins)


@lru_cache(maxsize=1024)
def _allowed(origin: str, host: str, public_url: str, origins: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    if parts.netloc == host:  # the scheme may differ: a proxy in front of us may speak TLS
        return True
    return origin == _origin_of(public_url) or origin in origins


def _origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
