"""What agents wrote while nobody listened: found through the channel's history, handed in oldest first.

Only threads that began within the look-back are seen, since history lists messages by when they began. What could not
be looked at is part of the report.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.teamchat.slack_api import SlackApi
from sahut_bot.bridges.teamchat.slack_events import Event, Identity, is_ours, our_key, read_edited_at, read_typed
from sahut_bot.bridges.teamchat.slack_inbound import Inbound
from sahut_bot.errors import Busy, Permanent, PlatformError, RateLimited
from sahut_bot.types import Instant, ThreadLost, ThreadRef

log = structlog.get_logger(__name__)

_PATIENCE = 1.5  # seconds that a new message may wait for what was missed before it
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds, doubled with each try


@dataclass(slots=True)
class Report:
    """`since` is how far back threads may have begun to be seen; `unchecked` names channels and threads that Slack
    would not show, with its word for it.
    """

    since: Instant
    threads: int = 0
    posts: int = 0
    unchecked: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Search:
    """One catching up: everything after `after`, handed in to `sink`. `done` holds the threads that were read."""

    places: Sequence[str]
    after: Instant
    sink: Sink
    report: Report
    done: set[tuple[str, str]] = field(default_factory=set)
    turns: defaultdict[tuple[str, str], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


class CatchUp:
    def __init__(self, api: SlackApi, inbound: Inbound, now: Callable[[], Instant], lang: str) -> None:
        self._api = api
        self._inbound = inbound
        self._now = now
        self._lang = lang
        self._me = Identity(user_id="", bot_id="", team_id="")
        self._searches: list[_Search] = []
        inbound.on_news = self._before_news

    def introduce(self, me: Identity) -> None:
        self._me = me

    async def run(self, places: Sequence[str], after: Instant, look_back: float, sink: Sink) -> Report:
        """Hands in everything after `after` in the threads of `places` that began at most `look_back` seconds
        before it.
        """
        search = _Search(places, after, sink, Report(since=after - look_back))
        self._searches.append(search)
        try:
            for channel in places:
                await self._channel(channel, search)
        finally:
            self._searches.remove(search)
        report = search.report
        log.info(
            "slack.caught_up",
            since=report.since,
            threads=report.threads,
            posts=report.posts,
            unchecked=report.unchecked,
        )
        return report

    async def _channel(self, channel: str, search: _Search) -> None:
        report = search.report
        try:
            changed = [root async for root in self._changed(channel, report.since, search.after, search.sink)]
        except Permanent as error:
            report.unchecked[channel] = error.code
            return
        for root in reversed(changed):  # history begins with the newest
            await self._thread(channel, root, search)

    async def _before_news(self, channel: str, root: str) -> None:
        """What was missed in a thread goes before what is said there now. Where Slack does not tell in time, the news
        goes on alone, rather than not at all.
        """
        for search in self._searches:
            if channel in search.places:
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await self._thread(channel, root, search)
                except TimeoutError:
                    log.warning("slack.news_overtakes", channel=channel, thread=root)

    async def _changed(self, channel: str, since: Instant, after: Instant, sink: Sink) -> AsyncIterator[str]:
        """The threads of ours in which something happened; those that have lost their first message are told."""
        arguments = {"channel": channel, "oldest": f"{since:.6f}", "include_all_metadata": True}
        async for page in self._pages("conversations.history", arguments):
            for message in page:
                ts = str(message.get("ts") or "")
                if message.get("subtype") == "tombstone":
                    thread = ThreadRef(teamchat="slack", place=channel, external_id=ts)
                    await self._patiently(sink.agent, ThreadLost(thread=thread, at=self._now()))
                elif (our_key(message) or is_ours(message, self._me)) and _has_news(message, after):
                    yield ts

    async def _thread(self, channel: str, root: str, search: _Search) -> None:
        """Reads a thread and hands in what is new, once in each search."""
        async with search.turns[channel, root]:
            if (channel, root) in search.done:
                return
            search.report.threads += 1
            try:
                async for page in self._pages(
                    "conversations.replies", {"channel": channel, "ts": root, "oldest": f"{search.after:.6f}"}
                ):
                    for message in page:
                        await self._message(channel, root, message, search)
            except Permanent as error:
                search.report.unchecked[f"{channel}/{root}"] = error.code
            search.done.add((channel, root))

    async def _message(self, channel: str, root: str, message: Event, search: _Search) -> None:
        typed = read_typed(channel, message, self._lang)
        # The first message of a thread comes with every page, however old it is.
        if typed and typed.ts != root and typed.at > search.after:
            await self._patiently(self._hand_in, (typed, search.sink))
            search.report.posts += 1
            # It may have been heard as it was first written.
            if edited_at := read_edited_at(message):
                edit = replace(typed, edited=True, at=edited_at)
                await self._patiently(self._hand_in, (edit, search.sink))

    async def _hand_in(self, work: tuple[Any, Sink]) -> None:
        typed, sink = work
        await self._inbound.typed(typed, sink, caught_up=True)

    async def _pages(self, method: str, arguments: Mapping[str, Any]) -> AsyncIterator[list[Event]]:
        """The pages of a list; one that does not come is asked for again."""
        cursor: str | None = None
        while True:
            answer = await self._patiently(self._page, (method, {**arguments, "cursor": cursor}))
            messages = answer.get("messages")
            yield [one for one in messages if isinstance(one, Mapping)] if isinstance(messages, list) else []
            told = answer.get("response_metadata")
            cursor = str(told.get("next_cursor") or "") if isinstance(told, Mapping) else ""
            if not cursor:
                return

    async def _page(self, wanted: tuple[str, Mapping[str, Any]]) -> Event:
        method, arguments = wanted
        return await self._api.call(method, limit=200, **arguments)

    async def _patiently(self, work: Callable[[Any], Any], argument: Any) -> Any:
        """Nobody brings these messages again, so what fails for now is tried until it works."""
        pause = _PAUSE
        while True:
            try:
                return await work(argument)
            except Permanent:
                raise
            except (Busy, PlatformError) as error:
                log.info("slack.catch_up_waits", error=type(error).__name__)
                await asyncio.sleep(error.retry_after if isinstance(error, RateLimited) else pause)
                pause = min(pause * 2, _LONGEST_PAUSE)


def _has_news(message: Event, after: Instant) -> bool:
    """Whether a message of ours begins a thread with replies since `after`, or with some of which nobody says when."""
    if message.get("thread_ts") not in (None, "", message.get("ts")):
        return False  # a reply that is shown in the channel too
    latest = message.get("latest_reply")
    return message.get("reply_count") != 0 if latest is None else _seconds(latest) > after


def _seconds(value: Any) -> Instant:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
