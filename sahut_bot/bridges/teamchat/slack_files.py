"""Files both ways. Slack shares an uploaded file some moments after it said yes, so a post of a file is only known by
waiting for its message (docs, working with files).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog

from sahut_bot.bridges.http import FILE_LIMIT, AllowedHosts, Wanted, download, upload
from sahut_bot.bridges.teamchat.slack_api import SlackApi
from sahut_bot.bridges.teamchat.slack_config import SlackConfig
from sahut_bot.bridges.teamchat.slack_errors import refused
from sahut_bot.bridges.teamchat.slack_events import Event, read_file
from sahut_bot.errors import Permanent, PlatformError, RateLimited, Transient, Uncertain
from sahut_bot.text.words import say
from sahut_bot.types import RemoteFile, StoredFile, ThreadRef

log = structlog.get_logger(__name__)

_OWN_HOST = "files.slack.com"
_SHARE_WAITS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between looks for the message of a shared file
_REMEMBERED = 1000
_CHANNEL_LEVEL = ""
_BITS = ("\u200b", "\u200c")


class StrayFile(Exception):
    """The file came out at channel level, as message `ts`: its thread is gone."""

    def __init__(self, ts: str) -> None:
        super().__init__(ts)
        self.ts = ts


def marker(key: str) -> str:
    """`key` as characters that nobody sees, to know our file's post again: it can carry no metadata."""
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:5], "big")
    return "".join(_BITS[digest >> bit & 1] for bit in range(40))


@dataclass(slots=True, eq=False)
class _Share:
    """A file on its way into a thread. `seen` becomes the ts of its message and the thread that it stands in."""

    key: str
    thread: ThreadRef
    seen: asyncio.Future[tuple[str, str]]
    awaited: bool = True


class Files:
    """Uploads, downloads, and the wait for shares."""

    def __init__(self, api: SlackApi, config: SlackConfig) -> None:
        self._api = api
        self._config = config
        self._lang = config.lang
        self._allowed = AllowedHosts((_OWN_HOST, config.api_url), config.allowed_hosts)
        self._expected: OrderedDict[str, _Share] = OrderedDict()  # by file id

    def introduce(self, workspace_url: str) -> None:
        """The workspace serves files under its own name too."""
        own = [_OWN_HOST, self._config.api_url]
        if urlsplit(workspace_url).scheme == "https" and urlsplit(workspace_url).hostname:
            own.append(workspace_url)
        self._allowed = AllowedHosts(own, self._config.allowed_hosts)

    # ------------------------------------------------------------ to Slack

    async def share(self, thread: ThreadRef, file: StoredFile, comment: str, key: str) -> str:
        """Uploads and shares; returns the ts of the message, or an empty string if it does not show up in time
        (`appeared` then tells it). Raises a `PlatformError`; `StrayFile` where the file came out in the channel.
        """
        ticket = await self._api.call("files.getUploadURLExternal", filename=file.name, length=file.size)
        file_id, url = str(ticket.get("file_id") or ""), str(ticket.get("upload_url") or "")
        if not file_id or not url:
            raise Transient(say(self._lang, "slack.error.away"))
        await upload(self._api.session, url, file.path, file.size, self._lang)
        share = self._expect(file_id, key, thread)
        try:
            await self._complete(thread, file, file_id, comment + marker(key))
        except Uncertain:
            if ts := await self._wait(file_id, share, _SHARE_WAITS[:3]):
                return ts
            raise
        return await self._wait(file_id, share, _SHARE_WAITS)

    async def _complete(self, thread: ThreadRef, file: StoredFile, file_id: str, comment: str) -> None:
        try:
            await self._api.call(
                "files.completeUploadExternal",
                files=[{"id": file_id, "title": file.name}],
                channel_id=thread.place,
                thread_ts=thread.external_id,
                initial_comment=comment,
            )
        except Permanent as error:
            raise refused(error, self._lang) from error

    def _expect(self, file_id: str, key: str, thread: ThreadRef) -> _Share:
        share = self._expected[file_id] = _Share(key, thread, asyncio.get_running_loop().create_future())
        while len(self._expected) > _REMEMBERED:
            self._expected.popitem(last=False)
        return share

    async def _wait(self, file_id: str, share: _Share, waits: Sequence[float]) -> str:
        """The message's ts, from the event if it comes, else from the file itself."""
        for seconds in waits:
            await asyncio.wait({share.seen}, timeout=seconds)
            found = None if share.seen.done() else await self._found(file_id, share.thread.place)
            if found is not None and not share.seen.done():
                share.seen.set_result(found)
            if share.seen.done():
                break
        else:
            share.awaited = False
            log.warning("slack.file_not_seen", file=file_id)
            return ""
        ts, thread_ts = share.seen.result()
        if thread_ts != share.thread.external_id:
            raise StrayFile(ts)
        return ts

    async def _found(self, file_id: str, channel: str) -> tuple[str, str] | None:
        """Where the file says it was shared: message and thread."""
        try:
            answer = await self._api.call("files.info", file=file_id)
        except (Permanent, Transient, RateLimited):
            return None  # not every server has it; the event is then the only word
        shares = _mapping(_mapping(answer.get("file")).get("shares"))
        for side in shares.values():
            for share in _mapping(side).get(channel) or ():
                if ts := str(_mapping(share).get("ts") or ""):
                    return ts, str(_mapping(share).get("thread_ts") or _CHANNEL_LEVEL)
        return None

    def appeared(
        self, channel: str, ts: str, thread_ts: str, files: tuple[str, ...]
    ) -> Iterator[tuple[str, ThreadRef]]:
        """A message with our files was heard: ends the waits. For those whose wait was over, gives the key and the
        thread that was meant.
        """
        for file_id in files:
            share = self._expected.get(file_id)
            if share is not None and share.thread.place == channel and not share.seen.done():
                share.seen.set_result((ts, thread_ts))
                if not share.awaited:
                    yield share.key, share.thread

    # ------------------------------------------------------------ from Slack

    async def fetch(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """Raises `Permanent` for what must not or cannot be fetched; the token goes to Slack's hosts alone."""
        if file.refusal:
            raise Permanent(file.refusal, "refused")
        told = json.loads(file.remote)
        url = str(told.get("url") or "")
        if not url:
            file = await self._looked_up(str(told.get("id") or ""))
            url = str(json.loads(file.remote).get("url") or "")
        if not self._allowed.allows(url):
            raise Permanent(say(self._lang, "file.not_allowed", host=_host(url)), "host_not_allowed")
        headers = {"Authorization": f"Bearer {self._config.bot_token}"}
        wanted = Wanted(content_type=file.content_type, size=file.size, limit=FILE_LIMIT)
        async for chunk in download(self._api.session, url, headers, wanted, self._lang):
            yield chunk

    async def _looked_up(self, file_id: str) -> RemoteFile:
        """Files from a shared channel come without their address (docs, file object, check_file_info)."""
        try:
            answer = await self._api.call("files.info", file=file_id)
        except PlatformError as error:
            if isinstance(error, Permanent):
                raise Permanent(say(self._lang, "file.not_found"), error.code) from error
            raise
        found = read_file(_mapping(answer.get("file")), self._lang)
        if found.refusal:
            raise Permanent(found.refusal, "refused")
        return found


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"


def _mapping(value: Any) -> Event:
    return value if isinstance(value, Mapping) else {}
