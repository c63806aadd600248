"""Live chat: what visitors may send, what becomes of replies, and what the channel can do.

There is no platform behind it: a reply is delivered by being stored, the web part reads it from there. So all of this
is pure but for `typing`, which reaches the sockets that are open in this process.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import orjson

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.channels.livechat_visitor import Refused, Tokens, Visitor, bearer
from sahut_bot.errors import Permanent
from sahut_bot.text import tree
from sahut_bot.types import (
    Capabilities,
    CustomerEvent,
    CustomerMessage,
    CustomerReceipt,
    Delivery,
    Health,
    Instant,
    Outbound,
    RemoteFile,
    Resend,
    Sent,
)

TEXT_LIMIT = 4000
FILES_PER_MESSAGE = 10

_CLIENT_ID = re.compile(r"(?!msg_)[\w.:-]{1,64}", re.ASCII)
_FILE = re.compile(r"file_([1-9]\d{0,17})", re.ASCII)
_REPLY = re.compile(r"msg_([1-9]\d{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChatOptions:
    """How one channel is set up.

    `identity_secret` is shared with the customer's site; without it nobody can prove a user id. `origins` lists the
    sites that may embed the widget. `form` (off, optional, required): whether the widget asks for name and e-mail
    first. An empty `greeting` is the default one.
    """

    identity_secret: str = field(default="", repr=False)
    origins: tuple[str, ...] = ()
    display_name: str = ""
    language: str = "en"
    form: str = "off"
    greeting: str = ""


class LiveChat:
    """The adapter of one live-chat channel. `secret` is the server's own and signs tokens; at least 16 bytes."""

    kind = "livechat"
    capabilities = Capabilities(
        text_limit=10_000,
        file_limit=25 * 1024 * 1024,
        files_per_message=FILES_PER_MESSAGE,
        edit=True,
        delete=True,
        receipts=True,
        typing=True,
        files_with_text=True,
        mailbox=True,
        resend=Resend.SAFE,
    )

    def __init__(self, name: str, secret: bytes, options: LiveChatOptions) -> None:
        self.name = name
        self.options = options
        self.health = Health.STOPPED
        self.tokens = Tokens(name, secret, options.identity_secret)
        self._watchers: dict[str, list[Callable[[float], None]]] = {}

    async def start(self) -> None:
        self.health = Health.CONNECTED

    async def stop(self) -> None:
        self.health = Health.STOPPED

    async def run(self, sink: Sink) -> None:
        """Nothing to poll: visitors come to us."""

    # ------------------------------------------------------------ inwards

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Pure. Raises `NotAuthentic`. Whether the token has expired is judged by `decode`, which knows the time."""
        self.tokens.read(bearer(headers.get("authorization", "")), 0.0)

    def decode(self, body: bytes, headers: Mapping[str, str], now: Instant) -> list[CustomerEvent]:
        """The body of `POST …/messages`. Raises `NotAuthentic` or `Refused`."""
        visitor = self.tokens.read(bearer(headers.get("authorization", "")), now)
        return [self.message(visitor, parsed(body), now)]

    def message(self, visitor: Visitor, asked: Mapping[str, object], now: Instant) -> CustomerMessage:
        """What a visitor wrote. Raises `Refused`. The key holds the visitor, so nobody can use up another's ids."""
        client_id = asked.get("id")
        if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
            raise Refused("id", "id must be 1 to 64 letters, digits or any of - _ . : (a UUID fits)")
        written = asked.get("text") or ""
        if not isinstance(written, str):
            raise Refused("text", "text is not a string")
        if len(written) > TEXT_LIMIT:
            raise Refused("too_long", f"text is longer than {TEXT_LIMIT} characters")
        files = _file_ids(asked.get("attachments") or [])
        body = tree.text(written)
        if not files and not tree.plain(body).strip():
            raise Refused("empty", "neither text nor attachments")
        external_id = visitor.external_id
        return CustomerMessage(
            channel=self.name,
            key=f"{external_id}:{client_id}",
            external_id=client_id,
            sender=visitor.sender,
            body=body,
            at=now,
            stored_files=files,
        )

    def receipt(self, visitor: Visitor, message_id: int, delivery: Delivery, now: Instant) -> CustomerReceipt:
        """The widget has a reply, or showed it. The caller has made sure that the reply is this visitor's."""
        external_id = reply_id(message_id)
        return CustomerReceipt(
            channel=self.name, key=f"{external_id}:{delivery}", external_id=external_id, delivery=delivery, at=now
        )

    # ------------------------------------------------------------ outwards

    async def send(self, message: Outbound) -> Sent:
        """Accepted means stored for the visitor, and that it is by now."""
        return Sent(external_id=reply_id(message.message_id))

    async def edit(self, external_id: str, message: Outbound) -> None:
        """The feed shows the stored text, so there is nothing to tell anybody."""

    async def delete(self, external_id: str, message: Outbound) -> None:
        """As `edit`."""

    def fetch(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """Visitors' files are ours from the start: nothing is ever remote."""
        raise Permanent("This file is not kept anywhere else.")

    async def typing(self, address: str, seconds: float) -> None:
        """Tells the visitor's open sockets in this process; others learn of the reply when it comes."""
        for watcher in tuple(self._watchers.get(address, ())):
            watcher(seconds)

    def watch(self, address: str, watcher: Callable[[float], None]) -> Callable[[], None]:
        """Calls `watcher` with the seconds of each `typing` for this visitor, until the returned function is called."""
        self._watchers.setdefault(address, []).append(watcher)

        def forget() -> None:
            watchers = self._watchers[address]
            watchers.remove(watcher)
            if not watchers:
                del self._watchers[address]

        return forget


def _file_ids(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise Refused("attachments", "attachments is not a list")
    if len(value) > FILES_PER_MESSAGE:
        raise Refused("attachments", f"more than {FILES_PER_MESSAGE} attachments")
    if not value:
        return ()
    ids = [file_number(one) for one in value]
    if None in ids:
        raise Refused("attachments", "attachments must be ids that …/files returned")
    return tuple(dict.fromkeys(number for number in ids if number is not None))


def file_id(number: int) -> str:
    return f"file_{number}"


def file_number(value: object) -> int | None:
    found = _FILE.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def reply_id(message_id: int) -> str:
    """How a reply is called outside. Visitors' own messages keep the ids that they chose, which never look so."""
    return f"msg_{message_id}"


def reply_number(value: object) -> int | None:
    found = _REPLY.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def parsed(body: bytes | str) -> dict[str, object]:
    """A JSON object. Raises `Refused`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("json", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refused("json", "the body is not a JSON object")
    return value
