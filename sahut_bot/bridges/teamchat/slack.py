"""Slack as a team chat: conversations are threads in a channel.

This is the adapter's face: it implements `TeamChat` and holds the parts together. What comes in runs through one
middleware of slack-bolt, over Socket Mode (`run`) and over signed HTTP (`handle_http`) alike.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.teamchat.slack_answers import Answers
from sahut_bot.bridges.teamchat.slack_api import SlackApi
from sahut_bot.bridges.teamchat.slack_calls import Calls, Spawn
from sahut_bot.bridges.teamchat.slack_catchup import CatchUp, Report
from sahut_bot.bridges.teamchat.slack_config import SlackConfig
from sahut_bot.bridges.teamchat.slack_doctor import Finding, examine
from sahut_bot.bridges.teamchat.slack_door import Door
from sahut_bot.bridges.teamchat.slack_events import Identity
from sahut_bot.bridges.teamchat.slack_files import Files
from sahut_bot.bridges.teamchat.slack_inbound import Inbound
from sahut_bot.bridges.teamchat.slack_limits import POST, Limits
from sahut_bot.bridges.teamchat.slack_people import People
from sahut_bot.bridges.teamchat.slack_pieces import Json
from sahut_bot.bridges.teamchat.slack_posting import Posting
from sahut_bot.bridges.teamchat.slack_pulse import Pulse
from sahut_bot.bridges.teamchat.slack_socket import Sockets
from sahut_bot.errors import Busy, NotUnderstood, PlatformError
from sahut_bot.types import (
    Answer,
    Card,
    Content,
    Health,
    Instant,
    RemoteFile,
    Resend,
    Sent,
    StoredFile,
    ThreadRef,
)

log = structlog.get_logger(__name__)

_METHODS = {
    "post": POST,
    "update": "chat.update",
    "react": "reactions.add",
    "unreact": "reactions.remove",
    "whisper": "chat.postEphemeral",
}
_LONGEST_PAUSE = 60.0
_OVERLAP = 30.0  # seconds before a gap that are looked at again


class SlackChat:
    """Implements `TeamChat`. `now` is wall time; `clock` is steady and paces calls."""

    kind = "slack"
    resend = Resend.LOOKUP

    def __init__(
        self, config: SlackConfig, now: Callable[[], Instant], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._now = now
        self.health = Health.STARTING
        self._pulse = Pulse(self._set_health)
        self.last_catch_up: Report | None = None
        self._limits = Limits(config.posts_per_second, clock)
        self._api = SlackApi(config, self._limits, self._pulse)
        self._people = People(self._api, config.channels, now)
        self._files = Files(self._api, config)
        self._answers = Answers(self._api, config.lang)
        self._posting = Posting(self._api, self._files, config.lang)
        self._inbound = Inbound(self._people, self._files, self._answers, now, config.lang)
        self._catch_up = CatchUp(self._api, self._inbound, now, config.lang)
        self._calls = Calls(self._people, self._answers, now, config.lang)
        self._door = Door(self._api, config, self._inbound, self._calls)
        self._sockets = Sockets(self._api, config, clock, self._pulse.way_in, self._after_gap)
        self._me: Identity | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._sink: Sink | None = None
        self._stopping = asyncio.Event()

    def _set_health(self, health: Health) -> None:
        log.info("slack.health", health=health.value)
        self.health = health

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Finds out who we are. Raises `AuthFailed` or `Transient`; may be called again after that."""
        self._api.open()
        self._pulse.way_in(Health.STARTING)
        told, _ = await self._api.headers()
        me = Identity(
            user_id=str(told.get("user_id") or ""),
            bot_id=str(told.get("bot_id") or ""),
            team_id=str(told.get("team_id") or ""),
            url=str(told.get("url") or ""),
            enterprise_id=str(told.get("enterprise_id") or ""),
        )
        for part in (self._people, self._inbound, self._posting, self._answers, self._catch_up, self._door):
            part.introduce(me)
        self._files.introduce(me.url)
        self._me = me
        self._stopping.clear()
        self._pulse.way_in(Health.STARTING if self._config.app_token else Health.CONNECTED)

    async def run(self, sink: Sink) -> None:
        """Hears from Slack until `stop`, connecting again whenever the socket goes. Needs `start`."""
        self._sink = sink
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._door.open(sink, self.spawn)
                self.spawn(self._introduce(sink), "slack-introductions")
                self.spawn(self._pulse.watch(self._api.headers), "slack-pulse")
                if self._config.app_token:
                    self.spawn(self._sockets.run(self._door.app, self.spawn), "slack-socket")
                await self._stopping.wait()
                self._door.close()
                for task in list(self._tasks):
                    task.cancel()
        finally:
            self._door.close()
            self._group = self._sink = None
            self._pulse.way_in(Health.STOPPED)

    async def stand_by(self) -> None:
        """Another process hears from Slack: what counts here is that we can post."""
        self._pulse.way_in(Health.CONNECTED)
        try:
            await self._pulse.watch(self._api.headers)
        finally:
            self._pulse.way_in(Health.STARTING)

    async def stop(self) -> None:
        """Ends `run` and closes all connections."""
        self._stopping.set()
        self._door.shut()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._api.close()
        self._pulse.way_in(Health.STOPPED)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Runs `work` beside everything else for as long as `run` lasts; its failure is logged."""
        if self._group is None:
            work.close()
            raise Busy("Slack is not running")
        task = self._group.create_task(self._guarded(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except (PlatformError, Busy) as error:
            log.warning("slack.work_failed", work=name, error=type(error).__name__, reason=str(error))
        except Exception:  # the edge of the adapter: one mistake must not end the others
            log.exception("slack.work_broken", work=name)

    def _after_gap(self, seconds: float) -> None:
        """The socket was away so long that events may be lost."""
        self._people.forget()
        if self._sink is not None:
            self.spawn(self._introduce(self._sink), "slack-introductions")
            after = self._now() - seconds - _OVERLAP
            self.spawn(self.catch_up(self._config.channels, after, self._sink), "slack-catch-up")

    async def _introduce(self, sink: Sink) -> None:
        """Who is who and who has left: asked until Slack has told it all."""
        pause = 1.0
        while True:
            try:
                return await self._inbound.introductions(sink)
            except (Busy, PlatformError) as error:
                log.info("slack.introductions_wait", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def handle_http(
        self, path_kind: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """A request of Slack's to `/slack/{path_kind}`: status, headers and body of the answer. Never raises."""
        return await self._door.handle_http(path_kind, body, headers)

    async def replay(self, body: bytes, sink: Sink) -> None:
        """Reads an event again that was kept. Raises `NotUnderstood`, or a `PlatformError` if Slack has to be asked and
        cannot be.
        """
        try:
            told = json.loads(body)
        except ValueError as error:
            raise NotUnderstood("no JSON") from error
        if not isinstance(told, dict):
            raise NotUnderstood("no object")
        started = self._me is None
        if started:
            await self.start()
        try:
            async with asyncio.TaskGroup() as group:
                failure = await self._read_again(
                    told, sink, lambda work, name: group.create_task(self._guarded(work, name), name=name)
                )
        finally:
            if started:
                await self.stop()
        if failure is not None:
            raise failure

    async def _read_again(self, told: Json, sink: Sink, spawn: Spawn) -> Exception | None:
        """What stands in the way, as itself and not in a group; a mistake of ours as what it was kept for."""
        try:
            await self._inbound.event(told, sink, spawn)
        except (NotUnderstood, Busy, PlatformError) as error:
            return error
        except Exception as error:  # the edge
            log.exception("slack.event_not_understood", event_id=told.get("event_id"))
            return NotUnderstood(type(error).__name__)
        return None

    async def doctor(self) -> list[Finding]:
        """What works and what does not, for people. Usable without `start`."""
        was_open = self._me is not None
        self._api.open()
        try:
            return [finding async for finding in examine(self._api, self._config, self._now)]
        finally:
            if not was_open:
                await self._api.close()

    # ------------------------------------------------------------ outwards

    async def open_thread(self, card: Card, place: str, key: str) -> ThreadRef:
        return await self._posting.open_thread(card, place, key)

    async def post(self, thread: ThreadRef, content: Content, key: str) -> Sent:
        return await self._posting.post(thread, content, key)

    async def post_file(self, thread: ThreadRef, file: StoredFile, comment: Content, key: str) -> Sent:
        return await self._posting.post_file(thread, file, comment, key)

    async def edit(self, thread: ThreadRef, external_id: str, content: Content) -> None:
        await self._posting.edit(thread, external_id, content)

    async def refresh(self, thread: ThreadRef, card: Card) -> None:
        await self._posting.refresh(thread, card)

    async def mark(self, thread: ThreadRef, external_id: str, mark: str) -> None:
        await self._posting.react(thread, external_id, mark, on=True)

    async def unmark(self, thread: ThreadRef, external_id: str, mark: str) -> None:
        await self._posting.react(thread, external_id, mark, on=False)

    async def whisper(self, thread: ThreadRef, person: str, answer: Answer) -> None:
        await self._posting.whisper(thread, person, answer)

    async def find(self, thread: ThreadRef | None, place: str, key: str, *, late: bool = False) -> Sent | None:
        return await self._posting.find(thread, place, key, late=late)

    async def catch_up(self, places: Sequence[str], after: Instant, sink: Sink) -> None:
        """Leaves in `last_catch_up` how far it looked and what it could not look at."""
        look_back = self._config.catch_up_hours * 3600
        self.last_catch_up = await self._catch_up.run(places, after, look_back, sink)

    def fetch(self, file: RemoteFile) -> AsyncIterator[bytes]:
        return self._files.fetch(file)

    async def missing(self, thread: ThreadRef, posts: Sequence[str]) -> list[str]:
        return await self._posting.missing(thread, posts)

    def room(self, place: str, method: str) -> tuple[int, float]:
        return self._limits.room(_METHODS[method], place)

    def recall(self, place: str, method: str, ago: Sequence[float]) -> None:
        self._limits.recall(_METHODS[method], place, ago)
