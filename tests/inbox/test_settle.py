"""What follows from attempts that ended, in whatever order they end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sahut_bot.errors import Permanent, Transient, Uncertain
from sahut_bot.inbox import marks
from sahut_bot.inbox.models import attachments, outbox, parts, posts
from sahut_bot.inbox.outbox_claims import Finished, recover
from sahut_bot.inbox.store import Store
from sahut_bot.types import Delivery
from tests.databases import Clock
from tests.effort import effort
from tests.inbox.builders import World, channel, policy, remote
from tests.inbox.test_replies import HOLD

# ---------------------------------------------------------------- what one attempt carries


async def test_text_and_files_travel_together_where_the_channel_can(world: World) -> None:
    await world.begin()
    await world.post("See both", files=(remote("a.pdf"), remote("b.pdf")))
    await world.later(HOLD + 1)
    (sent,) = world.shop.sent
    assert [one.name for one in sent.files] == ["a.pdf", "b.pdf"]
    assert (sent.author, sent.channel) == ("Ana", "web")


async def test_text_and_each_file_travel_alone_where_it_cannot_each_under_a_key_of_its_own(world: World) -> None:
    await world.begin(channel="sms")
    await world.post("See both", files=(remote("a.pdf"), remote("b.pdf")))
    await world.later(HOLD + 1)
    sent = world.shops["sms"].sent
    assert [[one.name for one in out.files] for out in sent] == [[], ["a.pdf"], ["b.pdf"]]
    assert len({out.key for out in sent}) == 3
    message = await world.last_message(kind="reply")
    assert (message.delivery, message.external_id) == (Delivery.ACCEPTED, sent[0].key)
    assert [row.external_id for row in await world.rows(parts.select().order_by(parts.c.position))] == [
        out.key for out in sent
    ]


async def test_files_alone_travel_without_a_text(world: World) -> None:
    await world.begin()
    await world.post("", files=(remote("a.pdf"),))
    await world.later(HOLD + 1)
    (sent,) = world.shop.sent
    assert (sent.body, [one.name for one in sent.files]) == ((), ["a.pdf"])


async def test_files_are_fetched_during_the_hold_and_only_once(world: World) -> None:
    await world.begin()
    await world.post("See", files=(remote("a.pdf"),))
    await world.later(1)
    assert (await world.one(attachments)).state == "stored"
    await world.later(HOLD)
    assert len([row for row, _ in world.loaded if row.kind == "fetch"]) == 1


async def test_file_that_turns_out_too_large_is_said_and_the_text_goes(world: World) -> None:
    await world.begin(channel="sms")
    world.team.bytes_of["a.pdf"] = b"x" * 2000
    await world.post("See", files=(remote("a.pdf", size=0),))
    await world.later(HOLD + 1)
    assert world.shops["sms"].texts == ["See"]
    assert any("a.pdf" in text and "larger than" in text for text in world.team.texts())
    assert [path for path in (world.data_dir / "files").rglob("*") if path.is_file()] == []


# ---------------------------------------------------------------- what may fail without harm


@pytest.mark.parametrize("method", ["mark", "whisper", "refresh", "edit"])
async def test_small_things_that_the_team_chat_refuses_stop_nothing(world: World, method: str) -> None:
    number = await world.begin()
    world.team.faults += [(method, Permanent("no"))] * 3
    await world.post("Notes: x")
    await world.post("Hi there")
    await world.customer_edit("m1", "Hello!")
    await world.command(f"priority #{number} high")
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]
    assert await world.waiting("") == []
    assert (await world.talk(number)).status == "pending"


async def test_mark_that_could_not_be_set_is_followed_by_the_next(world: World) -> None:
    await world.begin()
    world.team.faults.append(("mark", Permanent("no")))
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    assert world.team.marks[post] == ["✅"]


async def test_unmark_that_fails_once_is_tried_again(world: World) -> None:
    await world.begin()
    post = await world.post("Hi there")
    world.team.faults.append(("unmark", Transient("away")))
    await world.later(HOLD + 1)
    await world.later(10)
    assert world.team.marks[post] == ["✅"]


async def test_bug_in_an_adapter_ends_as_a_failure_that_is_told(world: World) -> None:
    await world.begin(channel="sms")
    world.shops["sms"].faults.append(Permanent("internal error", "bug"))
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    assert world.team.marks[post] == ["❌"]
    assert any("internal error" in text for text in world.team.texts())


async def test_post_is_known_by_its_message_so_that_marks_and_edits_find_it(world: World) -> None:
    await world.begin()
    await world.post("Hi there")
    await world.command(f"note #{(await world.talk()).id} aside")
    await world.pump()
    origins = [(row.origin, row.message_id is not None) for row in await world.rows(posts.select())]
    assert origins.count(("mirror", True)) == 2
    assert origins.count(("agent", True)) == 1


# ---------------------------------------------------------------- many at once, in any order


async def test_outcomes_of_many_conversations_settle_together(world: World) -> None:
    for n in range(6):
        number = await world.begin(who=f"customer {n}")
        await world.post(f"Hi {n}", thread=await world.thread(number))
    await world.later(HOLD + 1)
    assert sorted(world.shop.texts) == [f"Hi {n}" for n in range(6)]
    assert {tuple(marks) for marks in world.team.marks.values()} == {("✅",)}


@pytest.mark.parametrize("error", [Permanent("no"), Uncertain("no answer")])
async def test_outcome_that_comes_after_the_customer_wrote_leaves_it_open(world: World, error: Exception) -> None:
    number = await world.begin(channel="sms")
    await world.post("Hi there")
    world.clock.advance(HOLD + 1)
    world.shops["sms"].faults.append(error)
    await world.customer("Hello?", channel="sms")
    await world.pump()
    assert (await world.talk(number)).status == "open"


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("receipt"), st.sampled_from([Delivery.DELIVERED, Delivery.READ, Delivery.FAILED])),
        st.tuples(st.just("edit"), st.sampled_from(["Hi again", "; a note", "Notes: x", "!what"])),
        st.tuples(st.just("answer"), st.sampled_from(["take", "send", "note", "drop"])),
        st.tuples(st.just("retry"), st.none()),
        st.tuples(st.just("delete"), st.none()),
        st.tuples(st.just("later"), st.sampled_from([1.0, 6.0])),
        st.tuples(st.just("begin"), st.none()),
        st.tuples(st.just("end"), st.none()),
        st.tuples(st.just("crash"), st.none()),
    ),
    max_size=10,
)


LOST: list[tuple[str, Any]] = [("begin", None), ("crash", None)]


@settings(max_examples=effort(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
@example(changes=[*LOST, ("edit", "; a note")])
@example(changes=[*LOST, ("edit", "Notes: x"), *LOST, ("edit", "; a note")])
@example(changes=[*LOST, ("edit", "Notes: x"), *LOST, ("answer", "drop")])
async def test_message_ends_with_the_one_mark_it_should_carry_whatever_overtakes_what(
    world: World, changes: list[tuple[str, Any]]
) -> None:
    number = await world.begin(who=world.fresh("customer"))
    post = await world.post("Hi there", thread=await world.thread(number))
    message = (await world.last_message()).id
    under_way: list[Finished] = []
    for change, value in changes:
        if change == "begin":
            under_way += await world.perform(await world.store.write(world.exchange, []))
        elif change == "end":
            await world.store.write(world.finish, under_way)
            under_way = []
        elif change == "crash":  # what was under way has happened, and nobody heard so
            under_way = []
            await world.store.write(recover, world.clock(), everything=True)
        else:
            await happens(world, change, value, number=number, message=message, post=post)
    await world.store.write(world.finish, under_way)
    await world.later(HOLD + 1)
    row = await world.last_message(id=message)
    wanted = marks.wanted(row)
    if row.deleted_at is None:  # a deleted post took its marks along
        assert world.team.marks.get(post, []) == ([wanted] if wanted else [])
        assert row.marks == wanted
    unfinished = outbox.c.state.in_(("pending", "sending"))
    assert await world.rows(outbox.select().where(outbox.c.conversation_id == number, unfinished)) == []


async def happens(world: World, change: str, value: Any, *, number: int, message: int, post: str) -> None:
    match change:
        case "receipt":
            await world.receipts(world.receipt(f"msg_{message}", value))
        case "edit":
            await world.edit(post, value, thread=await world.thread(number))
        case "answer":
            await world.command(f"held #{number} {message} {value}")
        case "retry":
            await world.command(f"retry #{number} {message}")
        case "delete":
            await world.delete(post, thread=await world.thread(number))
        case "later":
            world.clock.advance(value)


async def test_reply_of_a_channel_that_was_removed_meanwhile_waits_and_goes_out_when_it_is_back(world: World) -> None:
    before = world.policy
    await world.begin(channel="sms")
    await world.post("Hi there")
    world.policy = policy(channel())
    await world.later(HOLD + 1)
    assert world.shops["sms"].sent == []
    world.policy = before
    await world.later(1)
    assert world.shops["sms"].texts == ["Hi there"]


@pytest.mark.postgres
async def test_two_processes_on_one_database_do_everything_once(
    postgres_url: str, tmp_path: Path, clock: Clock
) -> None:
    stores = [Store.open(postgres_url, tmp_path) for _ in range(2)]
    for store in stores:
        await store.start()
    worlds = [World(store, clock, tmp_path, policy=policy(channel(hold=0.0))) for store in stores]
    for number, world in enumerate(worlds):  # ids of one must not be those of the other
        world.prefix = f"{number}-"
        world.team = worlds[0].team
        world.shops = worlds[0].shops
        world.connect()
    one, _ = worlds
    talks = [await one.begin(who=f"customer {n}") for n in range(4)]
    threads = {number: await one.thread(number) for number in talks}

    async def busy(world: World, number: int, who: int) -> None:
        for n in range(4):
            await world.customer(f"question {n}", who=f"customer {who}")
            await world.post(f"answer {number} {world.prefix}{n}", thread=threads[number])
            await world.command(f"label #{number} +{n}")
            await world.pump()

    await asyncio.gather(*(busy(world, number, who) for world in worlds for who, number in enumerate(talks)))
    for world in worlds:
        await world.pump()
    wanted = {f"answer {number} {world.prefix}{n}" for number in talks for world in worlds for n in range(4)}
    assert sorted(one.shop.texts) == sorted(wanted)
    assert len([text for text in one.team.texts() if text.startswith("question")]) == 4 * 4 * 2
    assert {tuple(marks) for marks in one.team.marks.values()} == {("✅",)}
    assert await one.waiting("") == []
    for store in stores:
        await store.stop()
