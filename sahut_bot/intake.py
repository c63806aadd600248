"""The Sink: whatever an adapter heard becomes one transaction. Returning means that it is durably stored."""

from __future__ import annotations

from collections.abc import Callable

from sahut_bot.bridges.base import CanShowTyping, Channel
from sahut_bot.errors import UserError
from sahut_bot.inbox import commands, people, receive, receive_changes, threads, views_commands
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Rx, Store
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    AgentEvent,
    AgentPost,
    Answer,
    CommandCall,
    CustomerEvent,
    CustomerMessage,
    CustomerReceipt,
    Instant,
    Listing,
    Person,
    PersonChanged,
    PostedFile,
    ThreadLost,
)


class Intake:
    """Implements `bridges.base.Sink` over the store. Every method may raise `Busy`."""

    def __init__(
        self, store: Store, policy: Policy, now: Callable[[], Instant], channels: Callable[[], dict[str, Channel]]
    ) -> None:
        self._store = store
        self._policy = policy
        self._now = now
        self._channels = channels

    async def customer(self, event: CustomerEvent) -> None:
        item = (self._policy, event, self._now())
        if isinstance(event, CustomerMessage):
            await self._store.submit(receive.receive, item)
        elif isinstance(event, CustomerReceipt):
            await self._store.submit(receive_changes.receipts, item)
        else:
            await self._store.write(receive_changes.change, *item)

    async def agent(self, event: AgentEvent) -> None:
        work = (self._policy, event, self._now())
        match event:
            case AgentPost():
                typing = await self._store.write(threads.on_post, *work)
                if typing is not None:
                    await self._show_typing(typing)
            case AgentEdit():
                await self._store.write(threads.on_edit, *work)
            case AgentDelete():
                await self._store.write(threads.on_delete, *work)
            case ThreadLost():
                await self._store.write(threads.on_lost, *work)
            case PostedFile():
                await self._store.write(threads.on_posted_file, *work)
            case PersonChanged():
                await self._store.write(threads.on_person, *work)

    async def _show_typing(self, typing: threads.Typing) -> None:
        """A courtesy, told to whoever listens in this process; nothing depends on it."""
        channel = self._channels().get(typing.channel)
        if isinstance(channel, CanShowTyping):
            await channel.typing(typing.address, typing.seconds)

    async def command(self, call: CommandCall) -> Answer:
        """What the caller is answered; a refusal is an answer too."""
        try:
            if commands.find(call.name).reads:
                return await self._store.read(commands.look, self._policy, call, self._now())
            return await self._store.write(commands.run, self._policy, call, self._now())
        except UserError as error:
            return commands.refusal(self._policy, error)

    async def home(self, person: Person, query: str) -> Listing:
        return await self._store.read(_home, self._policy, person, query)


def _home(rx: Rx, policy: Policy, person: Person, query: str) -> Listing:
    agent = people.known(rx, person)
    try:
        wanted = views_commands.parse_query(query)
    except UserError:
        wanted = views_commands.Query()
    return views_commands.listing(rx, policy, agent.id, wanted)
