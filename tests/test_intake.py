"""The Sink: whatever an adapter heard becomes one transaction, and every question gets an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sahut_bot.bridges.base import Sink
from sahut_bot.errors import Busy
from sahut_bot.inbox.models import agents, events_raw, messages
from sahut_bot.inbox.store import Store
from sahut_bot.intake import Intake
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    AgentPost,
    CommandCall,
    CustomerEdit,
    Delivery,
    PersonChanged,
    PostedFile,
    Roster,
    Sender,
    ThreadLost,
)
from tests.databases import Clock
from tests.inbox.builders import ANA, BEN, CUSTOMER, GUEST, LIVECHAT, Shop, World, markup


class Typist(Shop):
    """A channel that shows typing."""

    def __init__(self) -> None:
        super().__init__("web", LIVECHAT)
        self.shown: list[tuple[str, float]] = []

    async def typing(self, address: str, seconds: float) -> None:
        self.shown.append((address, seconds))


class Desk:
    def __init__(self, store: Store, clock: Clock, folder: Path) -> None:
        self.world = World(store, clock, folder)
        self.took: list[tuple[str, str]] = []
        self.channel = Typist()
        self.intake: Sink = Intake(
            store, self.world.policy, clock, lambda: {"web": self.channel}, lambda *what: self.took.append(what)
        )

    def call(self, line: str, by: Any = ANA) -> CommandCall:
        name, _, text = line.partition(" ")
        return CommandCall(actor=by, name=name, text=text, at=self.world.clock())


@pytest.fixture
async def desk(sqlite_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Desk]:
    store = Store.open(sqlite_url, tmp_path)
    await store.start()
    yield Desk(store, clock, tmp_path)
    await store.stop()


async def test_every_kind_of_event_is_taken_in_and_counted(desk: Desk) -> None:
    world, sink = desk.world, desk.intake
    await sink.customer(world.message())
    await world.pump()
    at, thread = world.clock(), await world.thread()
    await sink.customer(
        CustomerEdit(
            channel="web",
            key="e1",
            external_id="m1",
            sender=Sender(external_id=CUSTOMER),
            body=markup("Hello!"),
            at=at,
        )
    )
    post = AgentPost(thread=thread, external_id="a1", author=ANA, body=markup("Hi there"), at=at)
    await sink.agent(post)
    await sink.agent(AgentEdit(thread=thread, external_id="a1", author=ANA, body=markup("Hi"), at=at + 1))
    await world.later(6)
    await sink.customer(world.receipt((await world.last_message()).external_id, Delivery.READ))
    await sink.agent(AgentDelete(thread=thread, external_id="a1", at=at))
    await sink.agent(PostedFile(thread=thread, key="k", external_id="f1", at=at))
    await sink.agent(PersonChanged(person=BEN, at=at))
    await sink.agent(Roster(teamchat="slack", members=frozenset({ANA.external_id}), at=at))
    await sink.agent(ThreadLost(thread=thread, at=at))
    await world.pump()
    assert [row.body for row in await world.rows(messages.select())] == ["Hello!", "Hi"]
    assert {row.external_id: row.active for row in await world.rows(agents.select())} == {"UANA": True, "UBEN": False}
    assert len(world.team.cards) == 2
    assert [kind for _, kind in desk.took] == [
        *("message", "edit", "message", "edit", "receipt", "delete"),
        *("posted_file", "person", "roster", "thread_lost"),
    ]


async def test_customer_sees_that_an_answer_is_being_written_while_it_is_on_hold(desk: Desk) -> None:
    world = desk.world
    await world.begin()
    thread = await world.thread()
    for external_id, text in (("a1", "; a note"), ("a2", "Hi there"), ("a3", "!claim")):
        await desk.intake.agent(
            AgentPost(thread=thread, external_id=external_id, author=ANA, body=markup(text), at=world.clock())
        )
    assert desk.channel.shown == [(CUSTOMER, 5.0)]


async def test_commands_that_look_and_commands_that_write_both_answer_and_refuse(desk: Desk) -> None:
    number = await desk.world.begin()
    assert (await desk.intake.command(desk.call("inbox"))).listing is not None
    assert (await desk.intake.command(desk.call(f"claim #{number}"))).ok
    for line, by in (("inbox odd", ANA), ("claim #999", ANA), ("explode", ANA), ("inbox", GUEST), ("claim", GUEST)):
        answer = await desk.intake.command(desk.call(line, by))
        assert (answer.ok, answer.private, bool(answer.text)) == (False, True, True)


async def test_home_is_the_inbox_of_agents_and_empty_for_everybody_else(desk: Desk) -> None:
    number = await desk.world.begin()
    assert [row.number for row in (await desk.intake.home(ANA, "")).rows] == [number]
    assert (await desk.intake.home(ANA, "mine")).rows == ()
    assert [row.number for row in (await desk.intake.home(ANA, "no such filter")).rows] == [number]
    assert (await desk.intake.home(GUEST, "")).rows == ()


async def test_body_that_nobody_can_read_is_kept_raw(desk: Desk) -> None:
    await desk.intake.unreadable("web", b"\x00\xff", "no JSON")
    (row,) = await desk.world.rows(events_raw.select())
    assert (row.source, bytes(row.body), row.error) == ("web", b"\x00\xff", "no JSON")


async def test_store_that_is_closed_says_busy_so_that_the_platform_tries_again(desk: Desk) -> None:
    event = desk.world.message()
    await desk.world.store.stop()
    with pytest.raises(Busy):
        await desk.intake.customer(event)
    assert desk.took == []
