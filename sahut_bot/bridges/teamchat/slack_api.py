"""Slack's Web API as the adapter sees it: one attempt per call, paced by our meters, failures classified.

The SDK picks each method's encoding. Its own retries are off: after a lost answer it would post a second time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_bolt.logger import get_bolt_logger
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.bridges.http import is_loopback
from sahut_bot.bridges.teamchat.slack_config import SlackConfig
from sahut_bot.bridges.teamchat.slack_errors import classify, is_closed
from sahut_bot.bridges.teamchat.slack_limits import POST, Limits
from sahut_bot.bridges.teamchat.slack_pieces import Json
from sahut_bot.bridges.teamchat.slack_pulse import Pulse
from sahut_bot.errors import PlatformError, RateLimited
from sahut_bot.text.words import say

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
CONNECT = "apps.connections.open"
_PAGE = 200
# ValueError and AttributeError: what the SDK makes of answers that are no JSON objects.
_FAILURES = (SlackClientError, aiohttp.ClientError, OSError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Method:
    """`function` is the SDK's name. `repeatable`: doing it twice has no second effect."""

    function: str
    repeatable: bool = True


METHODS: Final[Mapping[str, Method]] = {
    "auth.test": Method("auth_test"),
    CONNECT: Method("apps_connections_open"),
    "chat.delete": Method("chat_delete"),
    "chat.postEphemeral": Method("chat_postEphemeral", repeatable=False),
    POST: Method("chat_postMessage", repeatable=False),
    "chat.update": Method("chat_update"),
    "conversations.history": Method("conversations_history"),
    "conversations.info": Method("conversations_info"),
    "conversations.members": Method("conversations_members"),
    "conversations.replies": Method("conversations_replies"),
    "files.completeUploadExternal": Method("files_completeUploadExternal", repeatable=False),
    "files.getUploadURLExternal": Method("files_getUploadURLExternal"),
    "files.info": Method("files_info"),
    "reactions.add": Method("reactions_add"),
    "reactions.remove": Method("reactions_remove"),
    "users.info": Method("users_info"),
    "views.open": Method("views_open", repeatable=False),
    "views.publish": Method("views_publish"),
    "views.update": Method("views_update"),
}


class SlackApi:
    """Calls methods by Slack's own names. `open` before the first call, `close` after the last."""

    def __init__(self, config: SlackConfig, limits: Limits, pulse: Pulse) -> None:
        self._config = config
        self._pulse = pulse
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        # Below errors the libraries log what people wrote; what matters is logged here, under our own names.
        self.library_log = get_bolt_logger(SlackApi)
        self.library_log.setLevel("ERROR")
        self.client = AsyncWebClient(
            token=config.bot_token, base_url=config.api_url, retry_handlers=[], logger=self.library_log
        )
        if is_loopback(urlsplit(config.api_url).hostname or ""):
            self.client.proxy = None  # the SDK takes a proxy from the environment for every address

    @property
    def session(self) -> aiohttp.ClientSession:
        """For files and response URLs; carries no credentials by itself."""
        if self._session is None:
            raise RuntimeError("the Slack client is not open")
        return self._session

    def open(self) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, auto_decompress=True)
            self.client.session = self._session

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self.client.session = None
            await session.close()

    async def attempt(self, method: str, *, place: str = "", **arguments: Any) -> Json:
        """One call at once. Raises `RateLimited` without calling where our own meters have no room."""
        wait = self._limits.take(method, place)
        if wait > 0:
            raise RateLimited(say(self._config.lang, "slack.error.slow_down"), wait)
        return await self._send(method, place, arguments)

    async def call(self, method: str, *, place: str = "", spare: int = 0, **arguments: Any) -> Json:
        """One call as soon as there is room for it; `spare` leaves that much of it to more urgent ones."""
        await self._limits.acquire(method, place, spare)
        return await self._send(method, place, arguments)

    async def pages(self, method: str, key: str, **arguments: Any) -> AsyncIterator[list[Any]]:
        """The lists under `key`, page by page."""
        cursor: str | None = None
        while True:
            answer = await self.call(method, limit=_PAGE, cursor=cursor, **arguments)
            items = answer.get(key)
            yield items if isinstance(items, list) else []
            told = answer.get("response_metadata")
            cursor = str(told.get("next_cursor") or "") if isinstance(told, Mapping) else ""
            if not cursor:
                return

    async def headers(self) -> tuple[Json, Mapping[str, str]]:
        """auth.test with the answer's headers, which tell the token's scopes and Slack's clock."""
        try:
            response = await self.client.auth_test()
        except _FAILURES as error:
            raise self._failure("auth.test", error) from error
        self._pulse.called(None)
        return _data(response.data), {key.lower(): value for key, value in response.headers.items()}

    async def _send(self, method: str, place: str, arguments: Json) -> Json:
        try:
            response = await getattr(self.client, METHODS[method].function)(**arguments)
        except _FAILURES as error:
            failure = self._failure(method, error)
            if isinstance(failure, RateLimited):
                self._limits.refused(method, place, failure.retry_after)
            if place and is_closed(failure):
                self._pulse.channel(place, closed=True)
            raise failure from error
        if method != CONNECT:
            self._pulse.called(None)
        if place:
            self._pulse.channel(place, closed=False)
        return _data(response.data)

    def _failure(self, method: str, error: Exception) -> PlatformError:
        failure = classify(error, repeatable=METHODS[method].repeatable, lang=self._config.lang)
        if method != CONNECT:  # that one has another token, and its own word on the socket
            self._pulse.called(failure)
        return failure


def _data(told: Any) -> Json:
    return told if isinstance(told, dict) else {}
