"""A small world for tests of the inbox: customers, agents and a clock around one store.

The adapters here only write down what they are asked to do, so that a test reads what a customer and a team would see.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sahut_bot.bridges.base import Sink
from sahut_bot.errors import Permanent, PlatformError, UserError
from sahut_bot.inbox import (
    alarms,
    commands,
    desk,
    effects_load,
    receipts,
    receive,
    receive_changes,
    settle,
    threads,
    timers,
    visitors,
)
from sahut_bot.inbox import lanes as lane_rules
from sahut_bot.inbox.desk import Case
from sahut_bot.inbox.models import activity, conversations, messages, outbox
from sahut_bot.inbox.models import threads as thread_rows
from sahut_bot.inbox.outbox_claims import Claimed, Finished, claim, finish
from sahut_bot.inbox.outbox_policy import Attempt, decide
from sahut_bot.inbox.policy import ChannelPolicy, Policy
from sahut_bot.inbox.store import Store, Tx
from sahut_bot.performer import Performer
from sahut_bot.text import tree
from sahut_bot.text.markup import Markup, Mention
from sahut_bot.text.words import say
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    AgentPost,
    Answer,
    Capabilities,
    Card,
    CommandCall,
    Content,
    CustomerDelete,
    CustomerEdit,
    CustomerMessage,
    CustomerReaction,
    CustomerReceipt,
    Delivery,
    Health,
    Outbound,
    Person,
    PersonChanged,
    RemoteFile,
    Resend,
    Sender,
    Sent,
    StoredFile,
    ThreadLost,
    ThreadRef,
)
from tests.databases import Clock

LEASE = 60.0
PLACE = "C1"
CUSTOMER = "budi"

ANA = Person(teamchat="slack", external_id="UANA", name="Ana", is_agent=True)
BEN = Person(teamchat="slack", external_id="UBEN", name="Ben", is_agent=True)
BOSS = Person(teamchat="slack", external_id="UBOSS", name="Boss", is_agent=True)
GUEST = Person(teamchat="slack", external_id="UGUEST", name="Gus", is_agent=False)
MENTION_BEN = Mention("user", "UBEN", "Ben")

LIVECHAT = Capabilities(
    text_limit=10_000,
    edit=True,
    delete=True,
    receipts=True,
    files_with_text=True,
    mailbox=True,
    resend=Resend.SAFE,
)
PLAIN = Capabilities(text_limit=40, resend=Resend.NEVER, refused_types=frozenset({"video/mp4"}), file_limit=1000)


def channel(name: str = "web", **values: Any) -> ChannelPolicy:
    defaults: dict[str, Any] = {
        "label": "Web",
        "teamchat": "slack",
        "place": PLACE,
        "capabilities": LIVECHAT,
    }
    return ChannelPolicy(name=name, **{**defaults, **values})


def policy(*channels: ChannelPolicy, **values: Any) -> Policy:
    known = {one.name: one for one in channels or (channel(), channel("sms", label="SMS", capabilities=PLAIN))}
    return Policy(channels=known, admins=frozenset({"slack:UBOSS"}), **values)


def markup(body: str | Markup) -> Markup:
    return tree.text(body) if isinstance(body, str) else body


def remote(name: str = "plan.pdf", size: int = 100, content_type: str = "application/pdf", **more: Any) -> RemoteFile:
    return RemoteFile(name=name, content_type=content_type, size=size, remote=f"at:{name}", **more)


# ---------------------------------------------------------------- adapters that write down


@dataclass(kw_only=True)
class Posted:
    """A message of ours in a thread, as it stands now."""

    thread: str
    content: Content
    key: str
    file: StoredFile | None = None

    @property
    def text(self) -> str:
        return tree.plain(self.content.body)


class Team:
    """A team chat in memory: `posts` by id, `cards` and `whispers` as they came, `marks` on each message."""

    kind = "slack"
    health = Health.CONNECTED
    resend = Resend.LOOKUP

    def __init__(self) -> None:
        self.posts: dict[str, Posted] = {}
        self.cards: dict[str, list[Card]] = {}
        self.marks: dict[str, list[str]] = {}
        self.whispers: list[tuple[str, Answer]] = []
        self.gone: set[str] = set()
        self.faults: list[tuple[str, Exception]] = []
        self.bytes_of: dict[str, bytes] = {}
        self._ids = itertools.count(1)

    def _check(self, method: str, thread: ThreadRef | None = None) -> None:
        for number, (name, error) in enumerate(self.faults):
            if name == method:
                del self.faults[number]
                raise error
        if thread is not None and thread.external_id in self.gone:
            raise Permanent("the thread is gone", "thread_lost")

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def run(self, sink: Sink) -> None: ...

    async def open_thread(self, card: Card, place: str, key: str) -> ThreadRef:
        self._check("open_thread")
        made = f"T{next(self._ids)}"
        self.cards[made] = [card]
        return ThreadRef(teamchat=self.kind, place=place, external_id=made)

    async def post(self, thread: ThreadRef, content: Content, key: str) -> Sent:
        self._check("post", thread)
        return self._keep(Posted(thread=thread.external_id, content=content, key=key))

    async def post_file(self, thread: ThreadRef, file: StoredFile, comment: Content, key: str) -> Sent:
        self._check("post_file", thread)
        return self._keep(Posted(thread=thread.external_id, content=comment, key=key, file=file))

    def _keep(self, posted: Posted) -> Sent:
        made = f"P{next(self._ids)}"
        self.posts[made] = posted
        return Sent(external_id=made)

    async def edit(self, thread: ThreadRef, external_id: str, content: Content) -> None:
        self._check("edit", thread)
        self.posts[external_id].content = content

    async def refresh(self, thread: ThreadRef, card: Card) -> None:
        self._check("refresh", thread)
        self.cards[thread.external_id].append(card)

    async def mark(self, thread: ThreadRef, external_id: str, mark: str) -> None:
        self._check("mark")
        there = self.marks.setdefault(external_id, [])
        if mark not in there:
            there.append(mark)

    async def unmark(self, thread: ThreadRef, external_id: str, mark: str) -> None:
        self._check("unmark")
        there = self.marks.setdefault(external_id, [])
        if mark in there:
            there.remove(mark)

    async def whisper(self, thread: ThreadRef, person: str, answer: Answer) -> None:
        self._check("whisper", thread)
        self.whispers.append((person, answer))

    async def find(self, thread: ThreadRef | None, place: str, key: str, *, late: bool = False) -> Sent | None:
        return next((Sent(external_id=name) for name, one in self.posts.items() if one.key == key), None)

    async def catch_up(self, places: Sequence[str], after: float, sink: Sink) -> None: ...

    async def fetch(self, file: RemoteFile) -> AsyncIterator[bytes]:
        self._check("fetch")
        yield self.bytes_of.get(file.name, b"x" * file.size)

    def room(self, place: str, method: str) -> tuple[int, float]:
        return 100, 0.0

    # ------------------------------------------------------------ what a reader sees

    def texts(self, thread: str | None = None) -> list[str]:
        return [one.text for one in self.posts.values() if thread in (None, one.thread)]

    def said(self, person: Person | None = None) -> list[str]:
        """What was whispered, to that person or to anybody."""
        return [answer.text for who, answer in self.whispers if person is None or who == person.external_id]

    def post_of(self, text: str) -> str:
        (found,) = (name for name, one in self.posts.items() if one.text == text)
        return found


class Shop:
    """A customer channel in memory: `sent` is all that ever left, in order."""

    kind = "shop"
    health = Health.CONNECTED

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self.sent: list[Outbound] = []
        self.edits: list[tuple[str, str]] = []
        self.deletes: list[str] = []
        self.faults: list[Exception] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def run(self, sink: Sink) -> None: ...

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None: ...

    def decode(self, body: bytes, headers: Mapping[str, str], now: float) -> list[Any]:
        return []

    async def send(self, message: Outbound) -> Sent:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(message)
        return Sent(external_id=message.key)

    async def edit(self, external_id: str, message: Outbound) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.edits.append((external_id, tree.plain(message.body)))

    async def delete(self, external_id: str, message: Outbound) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.deletes.append(external_id)

    async def fetch(self, file: RemoteFile) -> AsyncIterator[bytes]:
        if self.faults:
            raise self.faults.pop(0)
        yield b"x" * file.size

    @property
    def texts(self) -> list[str]:
        return [tree.plain(one.body) for one in self.sent]


# ---------------------------------------------------------------- the world


@dataclass
class World:
    """`customer`, `post`, `edit`, `delete` and `command` are what people do; `pump` performs what is due then."""

    store: Store
    clock: Clock
    data_dir: Path
    policy: Policy = field(default_factory=policy)
    loaded: list[tuple[Claimed, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.team = Team()
        self.shops = {name: Shop(name, one.capabilities) for name, one in self.policy.channels.items()}
        self._ids = itertools.count(1)
        self.prefix = ""
        self.connect()

    def connect(self) -> None:
        """Performs with the adapters that there are now."""
        self._performer = Performer(
            {"slack": self.team},
            dict(self.shops),
            self.data_dir,
            self.clock,
            lambda key: say("en", key),
        )

    @property
    def shop(self) -> Shop:
        return self.shops["web"]

    def fresh(self, prefix: str) -> str:
        return f"{self.prefix}{prefix}{next(self._ids)}"

    # ------------------------------------------------------------ customers

    def message(self, body: str | Markup = "Hello", **values: Any) -> CustomerMessage:
        event_id = self.fresh("m")
        who = values.pop("who", CUSTOMER)
        defaults: dict[str, Any] = {
            "channel": "web",
            "key": event_id,
            "external_id": event_id,
            "sender": Sender(external_id=who, name=who.title()),
            "at": self.clock(),
        }
        return CustomerMessage(body=markup(body), **{**defaults, **values})

    async def customer(self, body: str | Markup = "Hello", **values: Any) -> int:
        """The id of the message; 0 for one that was seen before."""
        return await self.hear(self.message(body, **values))

    async def hear(self, event: CustomerMessage) -> int:
        found = await self.store.submit(receive.receive, (self.policy, event, self.clock()))
        return found or 0

    async def customer_edit(self, external_id: str, body: str, **values: Any) -> None:
        await self._change(CustomerEdit, external_id, body=markup(body), **values)

    async def customer_delete(self, external_id: str, **values: Any) -> None:
        await self._change(CustomerDelete, external_id, **values)

    async def customer_reacts(self, external_id: str, emoji: str, **values: Any) -> None:
        await self._change(CustomerReaction, external_id, emoji=emoji, **values)

    async def _change(self, kind: Any, external_id: str, **values: Any) -> None:
        sender = Sender(external_id=values.pop("who", CUSTOMER))
        defaults = {"channel": "web", "key": self.fresh("e"), "sender": sender, "at": self.clock()}
        event = kind(external_id=external_id, **{**defaults, **values})
        await self.store.write(receive_changes.change, self.policy, event, self.clock())

    def receipt(self, external_id: str, delivery: Delivery, **values: Any) -> CustomerReceipt:
        defaults: dict[str, Any] = {"channel": "web", "key": self.fresh("r"), "at": self.clock()}
        return CustomerReceipt(external_id=external_id, delivery=delivery, **{**defaults, **values})

    async def receipts(self, *events: CustomerReceipt) -> None:
        items = [(self.policy, event, self.clock()) for event in events]
        await self.store.write(receipts.receipts, items)

    # ------------------------------------------------------------ agents

    async def thread(self, number: int | None = None) -> ThreadRef:
        """The open thread of a conversation, or of the newest one that has any."""
        query = sa.select(thread_rows).where(sa.text("live")).order_by(thread_rows.c.id.desc())
        if number is not None:
            query = query.where(thread_rows.c.conversation_id == number)
        row: Any = await self.store.read(lambda rx: rx.execute(query).first())
        return ThreadRef(teamchat=row.teamchat, place=row.place, external_id=row.external_id)

    async def post(self, body: str | Markup, by: Person = ANA, **values: Any) -> str:
        """What an agent types in the thread; the id of the post."""
        thread = values.pop("thread", None) or await self.thread()
        post_id = values.pop("external_id", None) or self.fresh("a")
        post = AgentPost(
            thread=thread,
            external_id=post_id,
            author=by,
            body=markup(body),
            at=values.pop("at", self.clock()),
            **values,
        )
        await self.store.write(threads.on_post, self.policy, post, self.clock())
        return post_id

    async def edit(self, post_id: str, body: str | Markup, by: Person = ANA, **values: Any) -> None:
        thread = values.pop("thread", None) or await self.thread()
        event = AgentEdit(
            thread=thread, external_id=post_id, author=by, body=markup(body), at=self.clock.advance(0.01), **values
        )
        await self.store.write(threads.on_edit, self.policy, event, self.clock())

    async def delete(self, post_id: str, **values: Any) -> None:
        thread = values.pop("thread", None) or await self.thread()
        event = AgentDelete(thread=thread, external_id=post_id, at=self.clock())
        await self.store.write(threads.on_delete, self.policy, event, self.clock())

    async def lose_thread(self, thread: ThreadRef | None = None) -> ThreadRef:
        lost = thread or await self.thread()
        self.team.gone.add(lost.external_id)
        await self.store.write(threads.on_lost, self.policy, ThreadLost(thread=lost, at=self.clock()), self.clock())
        return lost

    async def becomes(self, person: Person, **values: Any) -> None:
        """Tells that the person changed, as the team chat would."""
        event = PersonChanged(person=replace(person, **values), at=self.clock())
        await self.store.write(threads.on_person, self.policy, event, self.clock())

    async def team_knows(self, *people: Person) -> None:
        for person in people or (ANA, BEN, BOSS):
            await self.becomes(person)

    async def command(self, line: str, by: Person = ANA, **values: Any) -> Answer:
        """A command from an interactive mouth, as intake runs it. A refusal is the answer."""
        name, _, text = line.partition(" ")
        call = CommandCall(actor=by, name=name, text=text, at=self.clock(), **values)
        try:
            if commands.find(name).reads:
                return await self.store.read(commands.look, self.policy, call, self.clock())
            return await self.store.write(commands.run, self.policy, call, self.clock())
        except UserError as error:
            return commands.refusal(self.policy, error)

    # ------------------------------------------------------------ what goes out

    async def pump(self) -> None:
        """Performs everything that is due, attempt by attempt, until nothing is."""
        ended: list[Finished] = []
        for _ in range(300):
            claimed = await self.store.write(self.exchange, ended)
            if not claimed:
                return
            ended = await self.perform(claimed)
        raise AssertionError("it never ends")

    async def turn(self) -> None:
        """One round of it alone."""
        ended = await self.perform(await self.store.write(self.exchange, []))
        await self.store.write(self.finish, ended)

    def exchange(self, tx: Tx, ended: Sequence[Finished]) -> list[tuple[Claimed, Any]]:
        """Writes down what became of the last round and claims the next, as neighbours in the queue do."""
        if ended:
            self.finish(tx, ended)
        claimed = claim(tx, [(target, 50) for target in self._targets()], self.clock(), self.clock() + LEASE)
        effects = effects_load.load(tx, self.policy, str(self.data_dir), claimed) if claimed else []
        return list(zip(claimed, effects, strict=True))

    def _targets(self) -> list[str]:
        """What the composition root would build a target for, and nothing else."""
        known = {lane_rules.method_target("slack", name) for name in ("update", "react", "unreact", "whisper")}
        known |= {lane_rules.post_target("slack", one.place) for one in self.policy.channels.values()}
        known |= {lane_rules.channel_target(name) for name in self.policy.channels}
        return sorted(known)

    async def perform(self, claimed: Sequence[tuple[Claimed, Any]]) -> list[Finished]:
        self.loaded += claimed
        return [Finished(row, await self._attempt(row, effect), self.clock()) for row, effect in claimed]

    def finish(self, tx: Tx, items: Sequence[Finished]) -> list[bool]:
        return finish(tx, items, lambda tx, batch, now: settle.settle(tx, self.policy, batch, now))

    async def _attempt(self, row: Claimed, effect: Any) -> Any:
        try:
            return await self._performer(effect, row.doubt)
        except PlatformError as error:
            resend = Resend.LOOKUP
            if row.lane[0] == "c":
                resend = self.shops[row.target.removeprefix("channel/")].capabilities.resend
            age = self.clock() - row.run_at
            return decide(error, Attempt(attempts=row.attempts, age=age, resend=resend, doubt=row.doubt), jitter=0.0)

    async def later(self, seconds: float) -> None:
        """Time passes: what is due then rings and goes out."""
        self.clock.advance(seconds)
        handlers = alarms.handlers(self.policy)
        await self.store.write(timers.fire_due, self.clock(), handlers, 100)
        await self.pump()

    # ------------------------------------------------------------ what the store holds

    async def rows(self, query: sa.Select[Any]) -> list[Any]:
        return await self.store.read(lambda rx: list(rx.execute(query)))

    async def one(self, table: sa.Table, **where: Any) -> Any:
        """The newest row of a table with these values."""
        query = sa.select(table).order_by(table.c.id.desc())
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        return (await self.rows(query.limit(1)))[0]

    async def talk(self, number: int | None = None) -> Any:
        return await self.one(conversations, **({} if number is None else {"id": number}))

    async def case(self, number: int) -> Case:
        return await self.store.write(desk.take, self.policy, number, self.clock())

    async def last_message(self, **where: Any) -> Any:
        return await self.one(messages, **where)

    async def kinds(self, number: int | None = None) -> list[str]:
        """The kinds of activity of a conversation, in order."""
        query = sa.select(activity.c.kind).order_by(activity.c.id)
        query = query if number is None else query.where(activity.c.conversation_id == number)
        return [row.kind for row in await self.rows(query)]

    async def feed(self, who: str = CUSTOMER, channel_name: str = "web") -> list[str]:
        """What the customer can read, in order."""
        found = await self.store.read(visitors.feed, channel_name, [who], 0)
        return [tree.plain(one.body) for one in found.messages]

    async def waiting(self, lane: str) -> list[str]:
        """Kinds of the unfinished rows of the lanes that begin with this letter."""
        unfinished = outbox.c.state.in_(("pending", "sending"))
        query = sa.select(outbox.c.kind).where(outbox.c.lane.startswith(lane), unfinished).order_by(outbox.c.id)
        return [row.kind for row in await self.rows(query)]

    async def begin(self, body: str = "Hello", **values: Any) -> int:
        """A customer writes and the thread stands; the number of the conversation."""
        await self.customer(body, **values)
        await self.pump()
        return int((await self.talk()).id)

    async def answered(self, body: str = "Hi there", by: Person = ANA, **values: Any) -> str:
        """A reply that has been sent; its post."""
        post = await self.post(body, by=by, **values)
        await self.later(6)
        return post
