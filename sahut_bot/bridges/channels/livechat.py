"""Live chat: the visitor's token, the proof of who they are, what they may send, and what the channel can do.

There is no platform behind it: a reply is delivered by being stored, the web part reads it from there. So all of this
is pure but for `typing`, which reaches the sockets that are open in this process.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from sahut_bot.bridges.base import Sink
from sahut_bot.errors import NotAuthentic, NotUnderstood, Permanent
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
    Sender,
    Sent,
)

TEXT_LIMIT = 4000
FILES_PER_MESSAGE = 10
NONCE_BYTES = 24
ANONYMOUS_SECONDS = 400 * 86400.0
"""How long an anonymous token lives after its last session; browsers keep nothing longer than 400 days."""
VERIFIED_SECONDS = 30 * 86400.0
"""How long a proof of identity carries; only a fresh proof makes it longer."""

_TOKEN = re.compile(r"[\w-]{1,4096}\.[\w-]{43}", re.ASCII)
_CLIENT_ID = re.compile(r"(?!msg_)[\w.:-]{1,64}", re.ASCII)
_FILE = re.compile(r"file_([1-9]\d{0,17})", re.ASCII)
_REPLY = re.compile(r"msg_([1-9]\d{0,17})", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[^\s@<>\"(),:;\\]{1,190}\.[^\s@<>\"(),:;\\]{2,63}")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{0,35}")


class Refused(NotUnderstood):
    """What a visitor sent cannot be taken. `code` is for programs, `reason` for the people who write them."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """What a token proves. `former` is the anonymous identity that the same browser had before it proved a user."""

    nonce: str
    until: Instant
    user_id: str = ""
    name: str = ""
    email: str = ""
    email_proven: bool = False
    former: str = ""
    language: str = ""

    @property
    def external_id(self) -> str:
        """The identity's id. The database never sees the token's random part, only its hash."""
        if self.user_id:
            return f"user:{self.user_id}"
        return "visitor:" + hashlib.sha256(self.nonce.encode()).hexdigest()[:40]

    @property
    def identities(self) -> tuple[str, ...]:
        """All whose history this token may read, the one it writes as first."""
        return (self.external_id, self.former) if self.former else (self.external_id,)

    @property
    def sender(self) -> Sender:
        # Verified vouches for the e-mail too, so an e-mail that nobody signed takes it away.
        verified = bool(self.user_id) and (self.email_proven or not self.email)
        return Sender(external_id=self.external_id, name=self.name, email=self.email, verified=verified)


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
        if len(secret) < 16:
            raise ValueError("the secret that signs visitors' tokens is too short")
        self.name = name
        self.options = options
        self.health = Health.STOPPED
        self._key = hmac.digest(secret, b"livechat visitor\0" + name.encode(), "sha256")
        self._identity_secret = options.identity_secret.encode()
        self._watchers: dict[str, list[Callable[[float], None]]] = {}

    async def start(self) -> None:
        self.health = Health.CONNECTED

    async def stop(self) -> None:
        self.health = Health.STOPPED

    async def run(self, sink: Sink) -> None:
        """Nothing to poll: visitors come to us."""

    # ------------------------------------------------------------ tokens

    def token(self, visitor: Visitor) -> str:
        """The bearer token that proves `visitor`. Only this channel of this server can make or read one."""
        claims = {
            "r": visitor.nonce,
            "x": int(visitor.until),
            "u": visitor.user_id,
            "n": visitor.name,
            "e": visitor.email,
            "p": visitor.email_proven,
            "f": visitor.former,
            "l": visitor.language,
        }
        body = _base64(orjson.dumps({name: value for name, value in claims.items() if value}))
        return f"{body}.{self._signature(body)}"

    def visitor(self, token: str, now: Instant) -> Visitor:
        """Who holds this token. Raises `NotAuthentic` for one that is forged, foreign or has expired."""
        if not _TOKEN.fullmatch(token):
            raise NotAuthentic("no visitor token")
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(body)):
            raise NotAuthentic("a visitor token that is not ours")
        claims = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if claims["x"] <= now:
            raise NotAuthentic("a visitor token that has expired")
        return Visitor(
            nonce=claims["r"],
            until=float(claims["x"]),
            user_id=claims.get("u", ""),
            name=claims.get("n", ""),
            email=claims.get("e", ""),
            email_proven=claims.get("p", False),
            former=claims.get("f", ""),
            language=claims.get("l", ""),
        )

    def _signature(self, body: str) -> str:
        return _base64(hmac.digest(self._key, body.encode(), "sha256"))

    def session(self, asked: Mapping[str, object], nonce: bytes, now: Instant) -> Visitor:
        """Who a session is for: the holder of a previous token, the user a proof names, else somebody new.

        Raises `NotAuthentic` when a user is claimed without a proof that holds, `Refused` for values of a wrong form.
        """
        claims = {name: _string(asked, name, limit) for name, limit in _SESSION_FIELDS.items()}
        name, email = tree.clean_name(claims["name"]), claims["email"].strip()
        if email and not _EMAIL.fullmatch(email):
            raise Refused("email", "email is not an address")
        if not _LANGUAGE.fullmatch(claims["lang"]):
            raise Refused("lang", "lang is not a language tag")
        before = self._before(claims["visitor"], now)
        if claims["user_id"] or claims["hash"]:
            proven = self._prove(claims, asked.get("exp"), now)
            visitor = _identified(claims["user_id"], before, _base64(nonce), now)
            # A name or an address that came with an older proof does not outlive a new one.
            email_proven = proven and bool(email)
        else:
            visitor = before or Visitor(nonce=_base64(nonce), until=0.0)
            email_proven = visitor.email_proven and email in ("", visitor.email)
        if not visitor.user_id:
            visitor = replace(visitor, until=now + ANONYMOUS_SECONDS)
        return replace(
            visitor,
            name=name or visitor.name,
            email=email or visitor.email,
            email_proven=email_proven,
            language=claims["lang"] or visitor.language,
        )

    def _before(self, token: str, now: Instant) -> Visitor | None:
        try:
            return self.visitor(token, now) if token else None
        except NotAuthentic:
            return None  # an old token is no reason to turn somebody away: they begin anew

    def _prove(self, claims: Mapping[str, str], expires: object, now: Instant) -> bool:
        """Checks the site's proof of a user id. Returns whether it covers the e-mail as well.

        The proof is HMAC-SHA256 in hex over the user id alone, or over user id, e-mail and expiry (unix seconds, may
        be empty) joined by newlines. An expiry that is given must be covered.
        """
        user_id, email = claims["user_id"], claims["email"].strip()
        if not user_id or not claims["hash"] or not self._identity_secret:
            raise NotAuthentic("a user id without a proof")
        if not user_id.isprintable():
            raise Refused("user_id", "user_id holds control characters")
        if expires is not None and (isinstance(expires, bool) or not isinstance(expires, int | float)):
            raise Refused("exp", "exp is not a number of unix seconds")
        given = claims["hash"].lower()
        until = "" if expires is None else str(int(expires))
        if _same(given, self._proof(f"{user_id}\n{email}\n{until}")):
            if isinstance(expires, int | float) and expires <= now:
                raise NotAuthentic("a proof that has expired")
            return True
        if expires is None and _same(given, self._proof(user_id)):
            return False
        raise NotAuthentic("a proof that does not hold")

    def _proof(self, words: str) -> str:
        return hmac.new(self._identity_secret, words.encode(), hashlib.sha256).hexdigest()

    # ------------------------------------------------------------ inwards

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Pure. Raises `NotAuthentic`. Whether the token has expired is judged by `decode`, which knows the time."""
        self.visitor(bearer(headers.get("authorization", "")), 0.0)

    def decode(self, body: bytes, headers: Mapping[str, str], now: Instant) -> list[CustomerEvent]:
        """The body of `POST …/messages`. Raises `NotAuthentic` or `Refused`."""
        visitor = self.visitor(bearer(headers.get("authorization", "")), now)
        return [self.message(visitor, parsed(body), now)]

    def message(self, visitor: Visitor, asked: Mapping[str, object], now: Instant) -> CustomerMessage:
        """What a visitor wrote. Raises `Refused`. The key holds the visitor, so nobody can use up another's ids."""
        client_id = asked.get("id")
        if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
            raise Refused("id", "id must be 1 to 64 letters, digits or any of - _ . : (a UUID fits)")
        written = asked.get("text", "")
        if not isinstance(written, str):
            raise Refused("text", "text is not a string")
        if len(written) > TEXT_LIMIT:
            raise Refused("too_long", f"text is longer than {TEXT_LIMIT} characters")
        files = _file_ids(asked.get("attachments", []))
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


def _identified(user_id: str, before: Visitor | None, nonce: str, now: Instant) -> Visitor:
    until = now + VERIFIED_SECONDS
    if before is not None and before.user_id == user_id:
        return replace(before, until=until)
    # Who was anonymous takes their chat along; who was somebody else does not.
    former = before.external_id if before is not None and not before.user_id else ""
    return Visitor(nonce=nonce, until=until, user_id=user_id, former=former)


_SESSION_FIELDS = {"user_id": 200, "hash": 128, "name": 200, "email": 320, "lang": 40, "visitor": 5000}


def _string(asked: Mapping[str, object], name: str, limit: int) -> str:
    value = asked.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(name, f"{name} is not a string")
    if len(value) > limit:
        raise Refused(name, f"{name} is longer than {limit} characters")
    return value


def _file_ids(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise Refused("attachments", "attachments is not a list")
    if len(value) > FILES_PER_MESSAGE:
        raise Refused("attachments", f"more than {FILES_PER_MESSAGE} attachments")
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


def bearer(header: str) -> str:
    """The token of an `Authorization` header; empty where there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def parsed(body: bytes | str) -> dict[str, object]:
    """A JSON object. Raises `Refused`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("json", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refused("json", "the body is not a JSON object")
    return value


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _same(given: str, proof: str) -> bool:
    return hmac.compare_digest(given.encode(), proof.encode())
