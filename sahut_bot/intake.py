"""The Sink: whatever an adapter heard becomes one transaction. Returning means that it is durably stored."""

from __future__ import annotations

from collections.abc import Callable

from sahut_bot.bridges.base import CanShowTyping, Channel
from sahut_bot.errors import UserError
from sahut_bot.inbox import commands, people, receipts, receive, receive_changes, threads, unreadable, views_commands
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Rx, Store
from sahut_bot.inbox.views import Query
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    AgentEvent,
    AgentPost,
    Answer,
    CommandCall,
    CustomerDelete,
    CustomerEdit,
    CustomerEvent,
    CustomerMessage,
    CustomerReaction,
    CustomerReceipt,
    Instant,
    Listing,
    Person,
    PersonChanged,
    PostedFile,
    Roster,
    ThreadLost,
)

_KINDS: dict[type, str] = {
    CustomerMessage: "message",
    CustomerEdit: "edit",
    CustomerDelete: "delete",
    CustomerReaction: "reaction",
    CustomerReceipt: "receipt",
    AgentPost: "message",
    AgentEdit: "edit",
    AgentDelete: "delete",
    ThreadLost: "thread_lost",
    PostedFile: "posted_file",
    Roster: "roster",
    PersonChanged: "person",
}


class Intake:
    """Implements `bridges.base.Sink` over the store. Every method may raise `Busy`.

    `took(source, kind)` hears of each event that was taken in.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        now: Callable[[], Instant],
        channels: Callable[[], dict[str, Channel]],
        took: Callable[[str, str], None] = lambda _source, _kind: None,
    ) -> None:
        self._store = store
        self._policy = policy
        self._now = now
        self._channels = channels
        self._took = took

    async def customer(self, event: CustomerEvent) -> None:
        policy, now = self._policy, self._now()
        if isinstance(event, CustomerMessage):
            await self._store.submit(receive.receive, (policy, event, now))
        elif isinstance(event, CustomerReceipt):
            await self._store.submit(receipts.receipts, (policy, event, now))
        else:
            await self._store.write(receive_changes.change, policy, event, now)
        self._took(event.channel, _KINDS[type(event)])

    async def agent(self, event: AgentEvent) -> None:
        write, policy, now = self._store.write, self._policy, self._now()
        match event:
            case AgentPost():
                typing = await write(threads.on_post, policy, event, now)
                if typing is not None:
                    await self._show_typing(typing)
            case AgentEdit():
                await write(threads.on_edit, policy, event, now)
            case AgentDelete():
                await write(threads.on_delete, policy, event, now)
            case ThreadLost():
                await write(threads.on_lost, policy, event, now)
            case PostedFile():
                await write(threads.on_posted_file, policy, event, now)
            case Roster():
                await write(threads.on_roster, policy, event, now)
            case PersonChanged():
                await write(threads.on_person, policy, event, now)
        self._took(_source(event), _KINDS[type(event)])

    async def _show_typing(self, typing: threads.Typing) -> None:
        """A courtesy, told to whoever listens in this process; nothing depends on it."""
        channel: object = self._channels().get(typing.channel)
        if isinstance(channel, CanShowTyping):
            await channel.typing(typing.address, typing.seconds)

    async def command(self, call: CommandCall) -> Answer:
        """What the caller is answered; a refusal is an answer too."""
        self._took(call.actor.teamchat, "command")
        try:
            if commands.find(call.name).reads:
                return await self._store.read(commands.look, self._policy, call, self._now())
            return await self._store.write(commands.run, self._policy, call, self._now())
        except UserError as error:
            return commands.refusal(self._policy, error)

    async def unreadable(self, source: str, body: bytes, error: str) -> None:
        await self._store.write(unreadable.keep, source, body, error, self._now())
        self._took(source, "unreadable")

    async def home(self, person: Person, query: str) -> Listing:
        return await self._store.read(_home, self._policy, person, query)


def _source(event: AgentEvent) -> str:
    match event:
        case Roster():
            return event.teamchat
        case PersonChanged():
            return event.person.teamchat
        case _:
            return event.thread.teamchat


def _home(rx: Rx, policy: Policy, person: Person, query: str) -> Listing:
    if not person.is_agent:
        return Listing(title="", rows=(), empty=policy.say("stranger.refused"))
    agent = people.known(rx, person)
    try:
        wanted = views_commands.parse_query(query)
    except UserError:
        wanted = Query()
    return views_commands.listing(rx, policy, agent.id, wanted)
