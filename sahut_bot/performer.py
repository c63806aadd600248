"""Effects into calls of the adapters: one attempt each, no decision but one: look first where a send is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sahut_bot import disk
from sahut_bot.bridges.base import CanDelete, CanEdit, Channel, TeamChat
from sahut_bot.errors import Permanent
from sahut_bot.inbox.effects import (
    AnyEffect,
    DeleteSent,
    EditPost,
    EditSent,
    Fetch,
    OpenThread,
    Performed,
    Post,
    PostFile,
    RefreshCard,
    Send,
    SetMark,
    TakeMark,
    Whisper,
)
from sahut_bot.inbox.outbox_policy import Done
from sahut_bot.types import Instant, Resend, Sent, StoredFile, ThreadRef


class Performer:
    """`say` gives a locale line in the workspace's language."""

    def __init__(
        self,
        teamchats: Mapping[str, TeamChat],
        channels: Mapping[str, Channel],
        data_dir: Path,
        now: Callable[[], Instant],
        say: Callable[[str], str],
    ) -> None:
        self._teamchats = teamchats
        self._channels = channels
        self._data_dir = data_dir
        self._now = now
        self._say = say

    async def __call__(self, effect: AnyEffect | None, doubt: bool) -> Done:
        """A `Done` of what was `Performed`. Raises a `PlatformError`."""
        if effect is None:
            return Done(Performed(effect=None))
        try:
            result = await self._perform(effect, doubt)
        except Permanent as error:
            if error.code != "thread_lost":
                raise
            # Rows of the thread's own lane go on once there is a new thread.
            more = isinstance(effect, PostFile) or (isinstance(effect, Post) and not effect.aside)
            return Done(Performed(effect=effect, lost=True, more=more), more)
        more = _goes_on(effect)
        return Done(Performed(effect=effect, result=result, more=more), more)

    async def _perform(self, effect: AnyEffect, doubt: bool) -> Any:
        match effect:
            case OpenThread() | Post() | PostFile():
                return await self._post(effect, doubt)
            case EditPost():
                await self._team(effect.thread).edit(effect.thread, effect.external_id, effect.content)
            case RefreshCard():
                await self._team(effect.thread).refresh(effect.thread, effect.card)
            case SetMark():
                await self._team(effect.thread).mark(effect.thread, effect.external_id, effect.mark)
            case TakeMark():
                await self._team(effect.thread).unmark(effect.thread, effect.external_id, effect.mark)
            case Whisper():
                await self._team(effect.thread).whisper(effect.thread, effect.person, effect.answer)
            case Fetch():
                return await self._fetch(effect)
            case Send():
                return await self._channels[effect.outbound.channel].send(effect.outbound)
            case EditSent() | DeleteSent():
                await self._change(effect)
        return None

    def _team(self, thread: ThreadRef) -> TeamChat:
        return self._teamchats[thread.teamchat]

    async def _post(self, effect: OpenThread | Post | PostFile, doubt: bool) -> Sent | ThreadRef:
        opening = isinstance(effect, OpenThread)
        team = self._teamchats[effect.teamchat if isinstance(effect, OpenThread) else effect.thread.teamchat]
        if doubt and team.resend is Resend.LOOKUP:
            thread = None if isinstance(effect, OpenThread) else effect.thread
            place = effect.place if isinstance(effect, OpenThread) else effect.thread.place
            found = await team.find(thread, place, effect.key, late=isinstance(effect, PostFile))
            if found is not None:
                return ThreadRef(teamchat=team.kind, place=place, external_id=found.external_id) if opening else found
        match effect:
            case OpenThread():
                return await team.open_thread(effect.card, effect.place, effect.key)
            case Post():
                return await team.post(effect.thread, effect.content, effect.key)
            case PostFile():
                return await team.post_file(effect.thread, effect.file, effect.comment, effect.key)

    async def _fetch(self, effect: Fetch) -> StoredFile:
        source = self._teamchats.get(effect.source) or self._channels[effect.source]
        chunks = source.fetch(effect.file)
        path, size = await disk.keep(self._data_dir, chunks, effect.limit, self._say("file.too_large"))
        file = effect.file
        return StoredFile(id=effect.attachment_id, name=file.name, content_type=file.content_type, size=size, path=path)

    async def _change(self, effect: EditSent | DeleteSent) -> None:
        channel = self._channels[effect.outbound.channel]
        if isinstance(effect, EditSent) and isinstance(channel, CanEdit):
            await channel.edit(effect.external_id, effect.outbound)
        elif isinstance(effect, DeleteSent) and isinstance(channel, CanDelete):
            await channel.delete(effect.external_id, effect.outbound)
        else:
            raise Permanent(self._say("edit.too_late"), "unsupported")


def _goes_on(effect: AnyEffect) -> bool:
    """Was this only the first step of its row?"""
    match effect:
        case OpenThread() | DeleteSent():
            return True
        case Post():
            return effect.recap
        case Send() | TakeMark():
            return not effect.last
    return False
