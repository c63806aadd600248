"""Who a visitor of live chat is: the token that proves it, and the proof of identity that a site can give. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import orjson

from sahut_bot.errors import NotAuthentic, NotUnderstood
from sahut_bot.text import tree
from sahut_bot.types import Instant, Sender

NONCE_BYTES = 24
ANONYMOUS_SECONDS = 400 * 86400.0
"""How long an anonymous token lives after its last session; browsers keep nothing longer than 400 days."""
VERIFIED_SECONDS = 30 * 86400.0
"""How long a proof of identity carries; only a fresh proof makes it longer."""

_REMEMBERED = 20_000  # tokens
_TOKEN = re.compile(r"[\w-]{1,4096}\.[\w-]{43}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[^\s@<>\"(),:;\\]{1,190}\.[^\s@<>\"(),:;\\]{2,63}")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{0,35}")


class Refused(NotUnderstood):
    """What a visitor sent cannot be taken. `code` is for programs, `reason` for the people who write them."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
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

    @cached_property
    def external_id(self) -> str:
        """The identity's id. The database never sees the token's random part, only its hash."""
        if self.user_id:
            return f"user:{self.user_id}"
        return "visitor:" + hashlib.sha256(self.nonce.encode()).hexdigest()[:40]

    @property
    def identities(self) -> tuple[str, ...]:
        """All whose history this token may read, the one it writes as first."""
        return (self.external_id, self.former) if self.former else (self.external_id,)

    @cached_property
    def sender(self) -> Sender:
        # Verified vouches for the e-mail too, so an e-mail that nobody signed takes it away.
        verified = bool(self.user_id) and (self.email_proven or not self.email)
        return Sender(external_id=self.external_id, name=self.name, email=self.email, verified=verified)


class Tokens:
    """Mints and reads the tokens of one channel, and judges proofs. `secret` is the server's own, 16 bytes or more."""

    def __init__(self, channel: str, secret: bytes, identity_secret: str) -> None:
        if len(secret) < 16:
            raise ValueError("the secret that signs visitors' tokens is too short")
        self._key = hmac.digest(secret, b"livechat visitor\0" + channel.encode(), "sha256")
        self._identity_secret = identity_secret.encode()
        # A visitor asks often with the same token; a signature costs as much as the rest of a request.
        self._verified = lru_cache(maxsize=_REMEMBERED)(self._verify)

    def mint(self, visitor: Visitor) -> str:
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

    def read(self, token: str, now: Instant) -> Visitor:
        """Who holds this token. Raises `NotAuthentic` for one that is forged, foreign or has expired."""
        visitor = self._verified(token)
        if visitor.until <= now:
            raise NotAuthentic("a visitor token that has expired")
        return visitor

    def _verify(self, token: str) -> Visitor:
        if not _TOKEN.fullmatch(token):
            raise NotAuthentic("no visitor token")
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(body)):
            raise NotAuthentic("a visitor token that is not ours")
        claims = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
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
            return self.read(token, now) if token else None
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


def bearer(header: str) -> str:
    """The token of an `Authorization` header; empty where there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _same(given: str, proof: str) -> bool:
    return hmac.compare_digest(given.encode(), proof.encode())
