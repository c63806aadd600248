"""From an event to the core. Returning means that the core has it, so that Slack may be told; raising means the
opposite, and Slack brings the event again. An event that comes twice is handed in twice: the core knows it by its ts.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.teamchat.slack_answers import Answers
from sahut_bot.bridges.teamchat.slack_calls import Spawn
from sahut_bot.bridges.teamchat.slack_events import (
    Deleted,
    Event,
    Heard,
    HomeOpened,
    Identity,
    Moved,
    ProfileChanged,
    RootGone,
    Shared,
    Typed,
    check_known,
    hear,
)
from sahut_bot.bridges.teamchat.slack_files import Files
from sahut_bot.bridges.teamchat.slack_interactions import after_words, without_mention
from sahut_bot.bridges.teamchat.slack_people import People
from sahut_bot.bridges.teamchat.slack_views import Belongs
from sahut_bot.errors import PlatformError
from sahut_bot.text import slack as dialect
from sahut_bot.text import tree
from sahut_bot.text.markup import Markup
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    AgentPost,
    CommandCall,
    Instant,
    Person,
    PersonChanged,
    PostedFile,
    Roster,
    ThreadLost,
    ThreadRef,
)

log = structlog.get_logger(__name__)

_MENTIONED = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_NAMES_PER_MESSAGE = 5
_PATIENCE = 1.0  # seconds that a message may wait for the names of those it mentions
_REMEMBERED = 1000


class Inbound:
    """Hands in what was heard, in the order it came within each thread."""

    def __init__(self, people: People, files: Files, answers: Answers, now: Callable[[], Instant], lang: str) -> None:
        self._people = people
        self._files = files
        self._answers = answers
        self._now = now
        self._lang = lang
        self._me = Identity(user_id="", bot_id="", team_id="")
        # Called with channel and thread before a new message in it is handed in.
        self.on_news: Callable[[str, str], Awaitable[None]] | None = None
        self._turns: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}
        # Commands at channel level have no thread in which the core could know them again. Slack repeats an event only
        # when an acknowledgement was late, so a short memory does.
        self._commanded: OrderedDict[tuple[str, str], None] = OrderedDict()

    def introduce(self, me: Identity) -> None:
        self._me = me

    async def event(self, body: Event, sink: Sink, spawn: Spawn) -> None:
        """Raises `Busy` or a `PlatformError` when it could not be stored now, `NotUnderstood` when it never can be."""
        check_known(body)
        for heard in hear(body, self._me, self._lang):
            async with self._turn(heard):
                await self._hand_in(heard, sink, spawn)

    @asynccontextmanager
    async def _turn(self, heard: Heard) -> AsyncIterator[None]:
        """Events of one thread go one after the other, as they arrived; correctness does not depend on it."""
        if not isinstance(heard, Typed | Deleted):
            yield
            return
        key = (heard.channel, heard.thread_ts or heard.ts)
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[key]
            self._turns[key] = (lock, waiting - 1)
            if waiting == 1:
                del self._turns[key]

    async def _hand_in(self, heard: Heard, sink: Sink, spawn: Spawn) -> None:
        match heard:
            case Typed() if heard.thread_ts and heard.thread_ts != heard.ts:
                await self.typed(heard, sink)
            case Typed():
                await self._command(heard, sink, spawn)
            case Deleted():
                thread = _thread(heard.channel, heard.thread_ts)
                await sink.agent(AgentDelete(thread=thread, external_id=heard.ts, at=heard.at))
            case RootGone():
                await sink.agent(ThreadLost(thread=_thread(heard.channel, heard.ts), at=heard.at))
            case Shared():
                await self._shared(heard, sink)
            case Moved():
                await self._moved(heard, sink)
            case ProfileChanged():
                if person := self._people.changed(heard.user):
                    await sink.agent(PersonChanged(person=person, at=heard.at))
            case HomeOpened():
                spawn(self._home(heard, sink), "slack-home")

    # ------------------------------------------------------------ messages

    async def typed(self, heard: Typed, sink: Sink, *, caught_up: bool = False) -> None:
        """A person's message in a thread, new or edited."""
        author = await self._people.find(heard.user)
        body, mentions_bot = await self._read(heard)
        thread = _thread(heard.channel, heard.thread_ts)
        if self.on_news is not None and not caught_up:
            await self.on_news(heard.channel, heard.thread_ts)
        if heard.edited:
            edit = AgentEdit(
                thread=thread,
                external_id=heard.ts,
                author=author,
                body=body,
                at=heard.at,
                posted_at=heard.posted_at,
                files=heard.files,
                mentions_bot=mentions_bot,
            )
            await sink.agent(edit)
            return
        post = AgentPost(
            thread=thread,
            external_id=heard.ts,
            author=author,
            body=body,
            at=heard.at,
            files=heard.files,
            mentions_bot=mentions_bot,
            caught_up=caught_up,
        )
        await sink.agent(post)

    async def _read(self, heard: Typed) -> tuple[Markup, bool]:
        """The body without the mentions of the bot, and whether there were any."""
        await self._learn_names(heard.text)
        body = dialect.parse(heard.text, heard.blocks, self._people.names)
        if not any(one.kind == "user" and one.id == self._me.user_id for one in tree.mentions(body)):
            return body, False
        return without_mention(body, self._me.user_id), True

    async def _learn_names(self, text: str) -> None:
        unknown = set(_MENTIONED.findall(text)) - set(self._people.names) - {self._me.user_id}
        if not unknown:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                for user in sorted(unknown)[:_NAMES_PER_MESSAGE]:
                    await self._people.find_unhurried(user)
        except (PlatformError, TimeoutError):
            return  # a name is not worth the wait

    async def _command(self, heard: Typed, sink: Sink, spawn: Spawn) -> None:
        """A mention of the bot at channel level is a command; its `message` twin and all other talk there is not."""
        place = (heard.channel, heard.ts)
        if not heard.mention or place in self._commanded:
            return
        author = await self._people.find(heard.user)
        line, _ = await self._read(heard)
        words = tree.plain(line).split(maxsplit=1)
        name = words[0] if words else "help"
        call = CommandCall(
            actor=author,
            name=name.lower(),
            text=words[1].strip() if len(words) > 1 else "",
            body=after_words(line, name) if words else (),
            about=heard.ts,
            files=heard.files,
            at=heard.at,
        )
        answer = await sink.command(call)
        self._commanded[place] = None
        while len(self._commanded) > _REMEMBERED:
            self._commanded.popitem(last=False)
        spawn(self._answers.whisper(heard.channel, "", heard.user, answer), "slack-answer")

    async def _shared(self, heard: Shared, sink: Sink) -> None:
        for key, meant in self._files.appeared(heard.channel, heard.ts, heard.thread_ts, heard.files):
            if heard.thread_ts == meant.external_id:
                await sink.agent(PostedFile(thread=meant, key=key, external_id=heard.ts, at=heard.at))
            else:
                await sink.agent(ThreadLost(thread=meant, at=heard.at))

    # ------------------------------------------------------------ people

    async def _moved(self, heard: Moved, sink: Sink) -> None:
        if heard.user == self._me.user_id:
            self._people.forget()
        elif self._people.moved(heard.channel, heard.user, joined=heard.joined):
            person = await self._people.find(heard.user)
            await sink.agent(PersonChanged(person=person, at=heard.at))

    async def introductions(self, sink: Sink) -> None:
        """Hands in everybody in the team channels, so that the core knows whom work can be given to, and who has
        left while nobody listened.
        """
        agents: set[str] = set()
        met: set[str] = set()
        # In a large team this takes minutes, in which people come and go.
        while newcomers := sorted(set(await self._people.everybody()) - met):
            for user in newcomers:
                person: Person = await self._people.find_unhurried(user)
                met.add(user)
                if person.is_agent:
                    agents.add(user)
                    await sink.agent(PersonChanged(person=person, at=self._now()))
        agents.intersection_update(await self._people.everybody())
        if self._people.complete:
            await sink.agent(Roster(teamchat="slack", members=frozenset(agents), at=self._now()))

    async def _home(self, heard: HomeOpened, sink: Sink) -> None:
        person = await self._people.find(heard.user)
        query = Belongs.loads(heard.view.get("private_metadata")).home or ""
        await self._answers.publish(sink, person, query)


def _thread(channel: str, ts: str) -> ThreadRef:
    return ThreadRef(teamchat="slack", place=channel, external_id=ts)
