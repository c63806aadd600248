"""What goes into channels and threads: cards, posts, edits, marks and private words. One attempt each."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from sahut_bot.bridges.teamchat.slack_api import SlackApi
from sahut_bot.bridges.teamchat.slack_blocks import (
    UPDATE_TEXT,
    answer_message,
    card_message,
    content_message,
    shown_name,
    whole_text,
)
from sahut_bot.bridges.teamchat.slack_errors import THREAD_GONE, refused, thread_lost
from sahut_bot.bridges.teamchat.slack_events import METADATA, Event, Identity, is_ours, our_key
from sahut_bot.bridges.teamchat.slack_files import Files, StrayFile, marker
from sahut_bot.bridges.teamchat.slack_limits import POST
from sahut_bot.bridges.teamchat.slack_pieces import Json
from sahut_bot.errors import Permanent, PlatformError, Uncertain
from sahut_bot.text import slack as dialect
from sahut_bot.text import tree
from sahut_bot.text.words import say
from sahut_bot.types import Answer, Card, Content, Sent, StoredFile, ThreadRef

log = structlog.get_logger(__name__)

_FACE = ":bust_in_silhouette:"
_QUIET: Json = {"unfurl_links": False, "unfurl_media": False}  # no preview of what customers link to
_LATE = (0.0, 0.5, 1.0, 1.5, 2.0)  # seconds between looks for a file that may have been shared
_HISTORY_PAGES = 5  # of 200 messages: how far back a card of an uncertain attempt is looked for


class Posting:
    """All methods raise a `PlatformError`."""

    def __init__(self, api: SlackApi, files: Files, lang: str) -> None:
        self._api = api
        self._files = files
        self._lang = lang
        self._me = Identity(user_id="", bot_id="", team_id="")

    def introduce(self, me: Identity) -> None:
        self._me = me

    # ------------------------------------------------------------ new messages

    async def open_thread(self, card: Card, place: str, key: str) -> ThreadRef:
        """Posts the card. Its channel is taken from the answer: Slack may have renamed what we asked for."""
        message = {"metadata": _metadata(key, card.conversation), **_QUIET, **card_message(card)}
        try:
            answer = await self._api.attempt(POST, place=place, channel=place, **message)
        except Permanent as error:
            raise refused(error, self._lang) from error
        return ThreadRef(
            teamchat="slack", place=str(answer.get("channel") or place), external_id=str(answer.get("ts") or "")
        )

    async def post(self, thread: ThreadRef, content: Content, key: str) -> Sent:
        """Raises `Permanent("thread_lost")` also where Slack, whose thread is gone, posted into the channel instead."""
        message = content_message(content, self._lang)
        if name := shown_name(content, self._lang):
            message["username"] = name
        if content.customer:
            message["icon_emoji"] = _FACE  # the app's own picture would be the bot's
        if content.broadcast:
            message["reply_broadcast"] = True
        try:
            answer = await self._api.attempt(
                POST,
                place=thread.place,
                channel=thread.place,
                thread_ts=thread.external_id,
                metadata=_metadata(key),
                **_QUIET,
                **message,
            )
        except Permanent as error:
            raise refused(error, self._lang) from error
        ts = str(answer.get("ts") or "")
        posted = answer.get("message")
        if isinstance(posted, Mapping) and posted.get("thread_ts") != thread.external_id:
            await self._check_stray(thread.place, ts)
        return _sent(ts)

    async def _check_stray(self, channel: str, ts: str) -> None:
        """Takes a post back that really stands in the channel; an answer that merely says too little is no proof."""
        try:
            stray = await self._is_at_channel_level(channel, ts)
        except Permanent:
            return
        except PlatformError as error:
            raise Uncertain(error.reason) from error  # posted it is: the next attempt looks first
        if stray:
            await self._take_back(channel, ts)
            raise thread_lost(self._lang)

    async def _take_back(self, channel: str, ts: str) -> None:
        """Removes what came out at channel level; Slack may refuse to delete posts under a custom name."""
        try:
            await self._api.call("chat.delete", channel=channel, ts=ts)
        except PlatformError:
            await self._overwrite(channel, ts)

    async def _overwrite(self, channel: str, ts: str) -> None:
        try:
            await self._api.call("chat.update", channel=channel, ts=ts, text=say(self._lang, "slack.moved"))
        except PlatformError as error:
            log.warning("slack.stray_post_stays", channel=channel, error=type(error).__name__)

    async def post_file(self, thread: ThreadRef, file: StoredFile, comment: Content, key: str) -> Sent:
        """The post's id is empty if its message is not seen in time; a `PostedFile` then tells it."""
        text = str(content_message(comment, self._lang)["text"]) if comment.body or comment.mention else ""
        if name := shown_name(comment, self._lang):  # file posts always show the bot's own name
            text = f"{dialect.render(tree.text(name))}: {text}".removesuffix(": ")
        try:
            return _sent(await self._files.share(thread, file, text, key))
        except StrayFile as stray:
            if await self._is_at_channel_level(thread.place, stray.ts):
                await self._take_back(thread.place, stray.ts)
                raise thread_lost(self._lang) from stray
            return _sent(stray.ts)

    async def _is_at_channel_level(self, channel: str, ts: str) -> bool:
        """Asked before something is taken back because nobody said which thread it stands in."""
        answer = await self._api.call(
            "conversations.history", channel=channel, oldest=ts, latest=ts, inclusive=True, limit=1
        )
        found = [one for one in answer.get("messages") or () if isinstance(one, Mapping) and one.get("ts") == ts]
        return any(one.get("thread_ts") in (None, "", ts) for one in found)  # a reply may be shown in the channel too

    # ------------------------------------------------------------ what is there already

    async def edit(self, thread: ThreadRef, external_id: str, content: Content) -> None:
        """Slack takes less text in an update than in a post: what is too long is posted whole, and pointed to."""
        place = {"place": thread.place, "channel": thread.place, "ts": external_id}
        try:
            await self._api.attempt("chat.update", **place, **content_message(content, self._lang))
        except Permanent as error:
            if error.code != "msg_too_long":
                raise
            text = dialect.render(content.body)
            key = f"edit:{external_id}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
            if await self.find(thread, thread.place, key) is None:
                await self.post(thread, content, key)
            pointer = say(self._lang, "slack.edited_below")
            short = whole_text(content.body, self._lang, UPDATE_TEXT - 2 * len(pointer))
            await self._api.attempt("chat.update", **place, text=f"{short}\n{pointer}")

    async def refresh(self, thread: ThreadRef, card: Card) -> None:
        try:
            await self._api.attempt(
                "chat.update", place=thread.place, channel=thread.place, ts=thread.external_id, **card_message(card)
            )
        except Permanent as error:
            if error.code in THREAD_GONE:
                raise thread_lost(self._lang) from error
            raise

    async def react(self, thread: ThreadRef, external_id: str, mark: str, *, on: bool) -> None:
        """Adds or takes away a reaction of ours. That it is so already is fine."""
        name = dialect.emoji_name(mark)
        if not name:
            raise Permanent(say(self._lang, "slack.no_emoji"), "invalid_name")
        try:
            await self._api.attempt(
                "reactions.add" if on else "reactions.remove",
                place=thread.place,
                channel=thread.place,
                timestamp=external_id,
                name=name,
            )
        except Permanent as error:
            if error.code != ("already_reacted" if on else "no_reaction"):
                raise

    async def whisper(self, thread: ThreadRef, person: str, answer: Answer) -> None:
        await self._api.attempt(
            "chat.postEphemeral",
            place=thread.place,
            channel=thread.place,
            user=person,
            thread_ts=thread.external_id,
            **answer_message(answer, self._lang, self._me.url),
        )

    # ------------------------------------------------------------ after an uncertain attempt

    async def find(self, thread: ThreadRef | None, place: str, key: str, *, late: bool = False) -> Sent | None:
        """Looks for a post of ours with `key`: in the thread, or among the channel's newest messages. A file that is
        not there is looked for again for some seconds (`late`), since Slack shares it after it said yes.
        """
        for pause in _LATE if late else _LATE[:1]:
            await asyncio.sleep(pause)
            if found := await self._found(thread, place, key):
                return found
        return None

    async def _found(self, thread: ThreadRef | None, place: str, key: str) -> Sent | None:
        sign = marker(key)
        arguments: Json = {"channel": place, "include_all_metadata": True}
        method, pages = "conversations.history", _HISTORY_PAGES
        if thread is not None:
            method, pages = "conversations.replies", 0
            arguments |= {"channel": thread.place, "ts": thread.external_id}
        try:
            async for page in self._api.pages(method, "messages", **arguments):
                for message in page:
                    if isinstance(message, Mapping) and self._carries(message, key, sign):
                        return _sent(str(message.get("ts")))
                pages -= 1
                if pages == 0:
                    break
        except Permanent as error:
            if error.code not in THREAD_GONE:
                raise refused(error, self._lang) from error
        return None

    async def missing(self, thread: ThreadRef, posts: Sequence[str]) -> list[str]:
        """Those of `posts` that are no longer in the thread; none where Slack does not show the thread at all."""
        before = min(map(float, posts)) - 1
        there: set[str] = set()
        try:
            async for page in self._api.pages(
                "conversations.replies", "messages", channel=thread.place, ts=thread.external_id, oldest=f"{before:.6f}"
            ):
                there.update(str(message.get("ts")) for message in page if isinstance(message, Mapping))
        except Permanent as error:
            log.info("slack.posts_not_checked", code=error.code)
            return []
        return [ts for ts in posts if ts not in there] if there else []

    def _carries(self, message: Event, key: str, sign: str) -> bool:
        if not is_ours(message, self._me):
            return False
        return our_key(message) == key or (bool(message.get("files")) and sign in str(message.get("text")))


def _metadata(key: str, conversation: int = 0) -> Json:
    """Ids only: every app in the workspace can read it (docs, message metadata)."""
    payload: dict[str, Any] = {"key": key}
    if conversation:
        payload["conversation"] = conversation
    return {"event_type": METADATA, "event_payload": payload}


def _sent(ts: str) -> Sent:
    try:
        return Sent(external_id=ts, at=float(ts or 0))
    except ValueError:
        return Sent(external_id=ts)
