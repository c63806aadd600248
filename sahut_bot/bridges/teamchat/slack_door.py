"""Where Slack comes in: slack-bolt with one middleware for everything, over Socket Mode and over signed HTTP.

Nothing is acknowledged before the core has it: an event is answered 200 once it is stored, and 503 when it could not
be, so that Slack brings it again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.teamchat.slack_api import SlackApi
from sahut_bot.bridges.teamchat.slack_calls import Calls, Spawn
from sahut_bot.bridges.teamchat.slack_config import SlackConfig
from sahut_bot.bridges.teamchat.slack_events import Event, Identity, UnknownEvent
from sahut_bot.bridges.teamchat.slack_inbound import Inbound
from sahut_bot.bridges.teamchat.slack_interactions import Asked, read_interaction, read_slash
from sahut_bot.errors import Busy, NotUnderstood, PlatformError

log = structlog.get_logger(__name__)

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_KINDS_KEPT = 100
_PATIENCE = 0.5  # seconds
_REACHED = "sahut_reached"  # in bolt's context of a request that came through to us
_CONTENT = {"events": _JSON, "commands": _FORM, "interactive": _FORM}


class Door:
    """Closed (503) but between `open` and `close`; who comes a moment too early is let wait."""

    def __init__(self, api: SlackApi, config: SlackConfig, inbound: Inbound, calls: Calls) -> None:
        self._config = config
        self._inbound = inbound
        self._calls = calls
        self._me = Identity(user_id="", bot_id="", team_id="")
        self._open: tuple[Sink, Spawn] | None = None
        self._opened = asyncio.Event()  # or shut
        self._shut = False
        self._signatures = SignatureVerifier(config.signing_secret or "unset")
        self._seen: set[str] = set()  # kinds of events that are unknown, and kept
        self.app = AsyncApp(
            name="sahut",
            logger=api.library_log,
            client=api.client,
            signing_secret=config.signing_secret or "unset",
            authorize=self._authorizer(),
            process_before_response=True,
            # Files that we share come as events of our own, and bolt would drop them.
            ignoring_self_events_enabled=False,
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
        )
        self.app.use(self._receiver())

    def introduce(self, me: Identity) -> None:
        self._me = me
        self._shut = False
        if self._open is None:
            self._opened.clear()

    def open(self, sink: Sink, spawn: Spawn) -> None:
        self._open = (sink, spawn)
        self._opened.set()

    def close(self) -> None:
        self._open = None
        if not self._shut:
            self._opened.clear()

    def shut(self) -> None:
        """Closed until the next `introduce`: nobody needs to wait for it to open."""
        self._shut = True
        self._open = None
        self._opened.set()

    async def _entered(self) -> tuple[Sink, Spawn] | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._opened.wait()
        return self._open

    # Bolt looks at the names of a callable's arguments, and takes the `self` of a method for one of them.

    def _authorizer(self) -> Callable[..., Awaitable[AuthorizeResult]]:
        async def authorize() -> AuthorizeResult:
            """Known from the start. Bolt would ask Slack with the first event, and lose that event if it failed."""
            return AuthorizeResult(
                enterprise_id=self._me.enterprise_id or None,
                team_id=self._me.team_id,
                bot_token=self._config.bot_token,
                bot_id=self._me.bot_id,
                bot_user_id=self._me.user_id,
            )

        return authorize

    def _receiver(self) -> Callable[..., Awaitable[BoltResponse]]:
        async def receive(req: AsyncBoltRequest) -> BoltResponse:
            return await self._receive(req)

        return receive

    async def _receive(self, req: AsyncBoltRequest) -> BoltResponse:
        req.context[_REACHED] = True
        inside = await self._entered()
        if inside is None:
            return BoltResponse(status=503)
        sink, spawn = inside
        body = req.body
        try:
            if body.get("type") == "event_callback":
                await self._inbound.event(body, sink, spawn)
            elif body.get("type") == "app_rate_limited":  # docs: over 30 000 events an hour; what is left out is lost
                log.error("slack.events_cut", minute=body.get("minute_rate_limited"))
            elif asked := _asked(body):
                shown = await self._calls.handle(asked, sink, spawn)
                return BoltResponse(status=200, body=shown or "")
        except UnknownEvent as error:
            return await self._strange(body, error, sink)
        except (Busy, PlatformError) as error:
            log.warning("slack.event_refused", error=type(error).__name__, retry=req.headers.get("x-slack-retry-num"))
            return BoltResponse(status=503)
        except Exception as error:  # the edge: what a mistake of ours cannot read is kept for after its repair
            log.exception("slack.event_not_understood", event_id=body.get("event_id"))
            return await self._kept(body, error, sink)
        return BoltResponse(status=200)

    async def _strange(self, body: Event, error: UnknownEvent, sink: Sink) -> BoltResponse:
        """Keeps one of each kind: the app may be subscribed to more than we know, and it may come often."""
        if str(error) in self._seen or len(self._seen) >= _KINDS_KEPT:
            return BoltResponse(status=200)
        log.warning("slack.event_unknown", reason=str(error))
        response = await self._kept(body, error, sink)
        if response.status == 200:
            self._seen.add(str(error))
        return response

    async def _kept(self, body: Event, error: Exception, sink: Sink) -> BoltResponse:
        reason = str(error) if isinstance(error, NotUnderstood) else type(error).__name__
        try:
            await sink.unreadable("slack", json.dumps(body).encode(), reason)
        except Exception:  # not even that: Slack shall bring it again
            log.exception("slack.event_not_kept")
            return BoltResponse(status=500)
        return BoltResponse(status=200)

    # ------------------------------------------------------------ HTTP

    async def handle_http(
        self, path_kind: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Slack's request to one of the three addresses; bolt checks its signature and its age."""
        told = {key.lower(): value for key, value in headers.items()}
        if path_kind == "commands" and b"ssl_check=1" in body.split(b"&") and b"command=" not in body:
            return 200, {}, b""  # Slack tries our certificate, and signs nothing (docs, slash commands)
        if not self._config.signing_secret or not _may_be_signed(told):
            return 401, {}, b""
        wanted = _CONTENT.get(path_kind)
        if wanted is None:
            return 404, {}, b""
        if told.get("content-type", "").partition(";")[0].strip().lower() != wanted:
            return 415, {}, b""
        try:
            text = body.decode()
            _check_form(path_kind, text)
        except ValueError:
            return 400, {}, b""
        kept: dict[str, Any] = dict(told)
        if path_kind == "events" and not _is_event(text):
            return (await self._foreign(text, told)).status, {}, b""
        response = await self._dispatched(text, kept)
        if response is None and path_kind == "events":
            response = await self._foreign(text, told)
        elif response is None:
            response = BoltResponse(status=400)
        return response.status, response.first_headers(), response.body.encode()

    async def _dispatched(self, text: str, headers: dict[str, Any]) -> BoltResponse | None:
        """None where bolt itself fails at the body, before it has come through to us."""
        try:
            request = AsyncBoltRequest(body=text, headers=headers)
            response = await self.app.async_dispatch(request)
        except (TypeError, ValueError, LookupError, AttributeError):
            return None
        return None if response.status == 500 and not request.context.get(_REACHED) else response

    async def _foreign(self, text: str, headers: Mapping[str, str]) -> BoltResponse:
        """What is no event at all: kept, if Slack has signed it."""
        signature, stamp = headers["x-slack-signature"], headers["x-slack-request-timestamp"]
        if not self._signatures.is_valid(body=text, timestamp=stamp, signature=signature):
            return BoltResponse(status=401)
        inside = await self._entered()
        if inside is None:
            return BoltResponse(status=503)
        return await self._kept(json.loads(text), NotUnderstood("no event"), inside[0])


def _is_event(text: str) -> bool:
    """Whether it has the form of one (docs, Events API)."""
    body = json.loads(text)
    if body.get("type") == "event_callback":
        return isinstance(body.get("event"), dict)
    return body.get("type") in ("url_verification", "app_rate_limited")


def _asked(body: Event) -> Asked | None:
    return read_slash(body) if "command" in body else read_interaction(body)


def _may_be_signed(headers: Mapping[str, str]) -> bool:
    """What bolt's check cannot read it would report as a fault of ours."""
    stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    return stamp.isascii() and stamp.isdigit() and len(stamp) < 20 and bool(signature) and signature.isascii()


def _check_form(path_kind: str, text: str) -> None:
    """Raises `ValueError` for a body that is not what Slack sends there."""
    if path_kind == "commands":
        if "command" not in parse_qs(text):
            raise ValueError("no command")
        return
    raw = text if path_kind == "events" else parse_qs(text).get("payload", [""])[0]
    if not isinstance(json.loads(raw), dict):
        raise ValueError("no object")
