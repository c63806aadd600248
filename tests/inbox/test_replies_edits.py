"""An agent edits or deletes what was written: before it leaves it changes, after it the customer's copy does."""

from __future__ import annotations

from typing import Any

import pytest

from sahut_bot.errors import Permanent, Transient, Uncertain
from sahut_bot.text.markup import Text
from sahut_bot.types import Capabilities, Delivery
from tests.inbox.builders import ANA, BEN, GUEST, MENTION_BEN, World, channel, policy, remote
from tests.inbox.test_replies import HOLD, button, question

LONG = "one two three four five six seven eight nine ten eleven twelve"


# ---------------------------------------------------------------- before the post itself is heard of


async def test_edit_that_overtakes_its_post_stands_for_it(world: World) -> None:
    await world.begin()
    await world.edit("a1", "Hi there", posted_at=world.clock(), files=(remote("label.png"),))
    await world.post("Hi ther", external_id="a1")
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]
    assert [file.name for file in world.shop.sent[0].files] == ["label.png"]


@pytest.mark.parametrize("values", [{}, {"posted_at": 1000.0}])
async def test_edit_of_an_old_post_that_nobody_heard_asks_first(world: World, values: dict[str, Any]) -> None:
    await world.begin()
    await world.edit("a1", "Hi there", **values)
    await world.later(HOLD + 1)
    assert (await world.last_message()).delivery == Delivery.HELD
    assert world.shop.texts == []


async def test_edit_of_a_command_or_of_a_strangers_words_does_nothing(world: World) -> None:
    await world.begin()
    command = await world.post("!priority high")
    words = await world.post("Hi", by=GUEST)
    before = await world.last_message()
    await world.edit(command, "Hi there", posted_at=world.clock())
    await world.edit(words, "Hi there", by=GUEST, posted_at=world.clock())
    await world.later(HOLD + 1)
    assert (await world.last_message()).id == before.id
    assert world.shop.texts == []


# ---------------------------------------------------------------- before it is sent


async def test_edit_within_the_hold_changes_what_goes_out(world: World) -> None:
    await world.begin()
    post = await world.post("Hi ther")
    await world.edit(post, "Hi there")
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]
    assert world.shop.edits == []


async def test_edit_does_not_make_the_hold_longer(world: World) -> None:
    await world.begin()
    post = await world.post("Hi ther")
    await world.later(4)
    await world.edit(post, "Hi there")
    await world.later(1.1)
    assert world.shop.texts == ["Hi there"]


async def test_edit_while_the_channel_is_away_changes_what_goes_out(world: World) -> None:
    await world.begin()
    world.shop.faults.append(Transient("away"))
    post = await world.post("Hi ther")
    await world.later(HOLD + 1)
    assert (await world.last_message()).delivery == Delivery.QUEUED
    await world.edit(post, "Hi there")
    await world.later(60)
    await world.later(60)
    assert world.shop.texts == ["Hi there"]


async def test_edit_of_a_failed_reply_is_what_a_retry_sends(world: World) -> None:
    number = await world.begin()
    world.shop.faults.append(Permanent("A word is not allowed."))
    post = await world.post("Hi ther")
    await world.later(HOLD + 1)
    await world.edit(post, "Hi there")
    await world.command(f"retry #{number} {(await world.last_message()).id}")
    await world.pump()
    assert world.shop.texts == ["Hi there"]


async def test_edit_of_a_held_reply_is_what_its_author_sends(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    post = await world.post("Hi ther")
    asked = await question(world)
    await world.edit(post, "Hi there")
    await world.later(60)
    assert world.shop.texts == []
    await world.command(button(asked, "send"))
    await world.pump()
    assert world.shop.texts == ["Hi there"]


@pytest.mark.parametrize("text", ["; Hi there", "note: Hi there", "catatan: rahasia", (Text("ask "), MENTION_BEN)])
async def test_waiting_reply_edited_into_a_note_is_one_and_stays_one(world: World, text: object) -> None:
    await world.begin()
    post = await world.post("Hi there")
    await world.edit(post, text)  # type: ignore[arg-type]
    await world.edit(post, "Hi there again")
    await world.later(3600)
    assert world.shop.sent == []
    assert (await world.last_message()).kind == "note"
    assert world.team.marks[post] == ["🔒"]
    assert await world.feed() == ["Hello"]


async def test_waiting_reply_edited_in_mode_note_into_plain_words_is_a_note(world: World) -> None:
    world.policy = policy(channel(reply_by_default=False))
    await world.begin()
    post = await world.post("reply: Hi there")
    await world.edit(post, "Hi there")
    await world.later(60)
    assert world.shop.sent == []
    assert (await world.last_message()).kind == "note"


@pytest.mark.parametrize("text", ["!snooze 2h", "!what now", "Notes: he is angry"])
async def test_waiting_reply_edited_into_anything_but_a_reply_asks_its_author(world: World, text: str) -> None:
    number = await world.begin()
    post = await world.post("Hi there")
    await world.edit(post, text)
    await world.later(60)
    assert world.shop.sent == []
    assert (await world.talk(number)).status == "open"
    message = await world.last_message()
    assert (message.delivery, message.body) == (Delivery.HELD, text)
    assert world.team.marks[post] == ["✋"]
    await world.command(button(await question(world), "note"))
    await world.pump()
    assert (await world.last_message()).kind == "note"


async def test_held_reply_edited_into_a_note_asks_no_more(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    post = await world.post("Hi there")
    asked = await question(world)
    await world.edit(post, "; Hi there")
    await world.later(3600)
    assert len(world.team.said(ANA)) == 1
    assert not (await world.command(button(asked, "send"))).ok
    assert world.shop.sent == []


async def test_failed_reply_edited_into_a_note_cannot_be_retried(world: World) -> None:
    number = await world.begin()
    world.shop.faults.append(Permanent("no"))
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    await world.edit(post, "; he is angry")
    assert not (await world.command(f"retry #{number} {(await world.last_message()).id}")).ok
    await world.pump()
    assert world.team.marks[post] == ["🔒"]
    assert world.shop.sent == []


async def test_edit_by_somebody_else_changes_nothing(world: World) -> None:
    await world.begin()
    post = await world.post("Hi there", by=ANA)
    await world.edit(post, "; gone", by=BEN)
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]


async def test_edit_of_a_dropped_reply_brings_it_back_nowhere(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    post = await world.post("Hi there")
    await world.command(button(await question(world), "drop"))
    await world.edit(post, "Hi there again")
    await world.later(60)
    assert world.shop.sent == []
    assert world.team.marks[post] == []


# ---------------------------------------------------------------- after it is sent


async def test_edit_of_a_sent_reply_changes_the_customers_copy(world: World) -> None:
    await world.begin()
    post = await world.answered("Hi ther")
    before = (await world.last_message()).rev
    await world.edit(post, "Hi there")
    await world.pump()
    assert [text for _, text in world.shop.edits] == ["Hi there"]
    assert await world.feed() == ["Hello", "Hi there"]
    message = await world.last_message()
    assert message.edited_at is not None
    assert message.rev > before


async def test_same_edit_heard_twice_goes_out_once(world: World) -> None:
    await world.begin()
    post = await world.answered("Hi ther")
    await world.edit(post, "Hi there")
    await world.edit(post, "Hi there")
    await world.pump()
    assert len(world.shop.edits) == 1


@pytest.mark.parametrize("text", ["; he is angry", "note: he is angry", "!resolve", "Notes: x", (MENTION_BEN,)])
async def test_sent_reply_edited_into_a_note_is_not_propagated_and_its_author_told(world: World, text: object) -> None:
    await world.begin()
    post = await world.answered("Hi there")
    await world.edit(post, text)  # type: ignore[arg-type]
    await world.later(60)
    assert world.shop.edits == []
    assert await world.feed() == ["Hello", "Hi there"]
    message = await world.last_message()
    assert (message.kind, message.body) == ("reply", "Hi there")
    assert "still sees the old text" in world.team.said(ANA)[-1]


async def test_author_is_told_where_the_channel_cannot_edit(world: World) -> None:
    await world.begin(channel="sms")
    post = await world.answered("Hi ther")
    await world.edit(post, "Hi there")
    await world.later(1)
    assert "still sees the old text" in world.team.said(ANA)[-1]
    assert (await world.last_message()).body == "Hi ther"


async def test_author_is_told_when_the_platform_refuses_the_edit(world: World) -> None:
    await world.begin()
    post = await world.answered("Hi ther")
    world.shop.faults.append(Permanent("It is too old."))
    await world.edit(post, "Hi there")
    await world.pump()
    (told,) = (one for one in world.team.posts.values() if "still sees the old text" in one.text)
    assert "It is too old." in told.text
    assert told.content.mention == (ANA.external_id,)


async def test_edit_of_a_reply_that_may_have_been_sent_says_so(world: World) -> None:
    await world.begin(channel="sms")
    world.shops["sms"].faults.append(Uncertain("No answer."))
    post = await world.post("Hi ther")
    await world.later(HOLD + 1)
    await world.edit(post, "Hi there")
    await world.pump()
    assert "may see the old text" in world.team.said(ANA)[-1]


async def test_edit_of_a_reply_in_several_pieces_is_said_to_be_too_late(world: World) -> None:
    pieces = channel("sms", capabilities=Capabilities(text_limit=40, edit=True, delete=True))
    world = World(world.store, world.clock, world.data_dir, policy=policy(pieces))
    await world.begin(channel="sms")
    post = await world.answered(LONG)
    await world.edit(post, "Short")
    await world.pump()
    assert world.shops["sms"].edits == []
    assert "still sees the old text" in world.team.said(ANA)[-1]
    await world.delete(post)
    await world.pump()
    assert len(world.shops["sms"].deletes) == 2


async def test_edit_while_a_reply_is_on_its_way_reaches_the_customer_behind_it(world: World) -> None:
    await world.begin()
    post = await world.post("Hi ther")
    await world.pump()
    world.clock.advance(HOLD + 1)
    ended = await world.perform(await world.store.write(world.exchange, []))
    assert world.shop.texts == ["Hi ther"]
    await world.edit(post, "Hi there")
    await world.store.write(world.finish, ended)
    await world.pump()
    assert [text for _, text in world.shop.edits] == ["Hi there"]


# ---------------------------------------------------------------- deleted


async def test_deleted_reply_disappears_for_the_customer(world: World) -> None:
    await world.begin()
    post = await world.answered("Hi there")
    await world.delete(post)
    await world.pump()
    assert len(world.shop.deletes) == 1
    assert await world.feed() == ["Hello", ""]


async def test_deletion_that_the_channel_cannot_make_is_said(world: World) -> None:
    await world.begin(channel="sms")
    post = await world.answered("Hi there")
    await world.delete(post)
    await world.pump()
    (told,) = (one for one in world.team.posts.values() if "still sees it" in one.text)
    assert told.content.mention == (ANA.external_id,)


async def test_deletion_of_a_reply_that_may_have_been_sent_says_so(world: World) -> None:
    await world.begin(channel="sms")
    world.shops["sms"].faults.append(Uncertain("No answer."))
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    await world.delete(post)
    await world.pump()
    assert any("may see it" in text for text in world.team.texts())


async def test_deletion_between_two_pieces_stops_the_second_and_takes_the_first_back(world: World) -> None:
    pieces = channel("sms", capabilities=Capabilities(text_limit=40, delete=True))
    world = World(world.store, world.clock, world.data_dir, policy=policy(pieces))
    await world.begin(channel="sms")
    post = await world.post(LONG)
    world.clock.advance(HOLD + 1)
    while not world.shops["sms"].sent:
        await world.turn()
    await world.delete(post)
    await world.later(60)
    assert len(world.shops["sms"].sent) == 1
    assert world.shops["sms"].deletes == [world.shops["sms"].sent[0].key]


async def test_deleted_failed_reply_cannot_be_retried(world: World) -> None:
    number = await world.begin()
    world.shop.faults.append(Permanent("no"))
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    await world.delete(post)
    assert not (await world.command(f"retry #{number} {(await world.last_message()).id}")).ok


async def test_deleted_held_reply_asks_no_more(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    post = await world.post("Hi there")
    asked = await question(world)
    await world.delete(post)
    await world.later(3600)
    assert len(world.team.said(ANA)) == 1
    assert not (await world.command(button(asked, "send"))).ok


async def test_files_of_a_cancelled_reply_go_nowhere(world: World) -> None:
    await world.begin()
    post = await world.post("See the file", files=(remote(),))
    await world.pump()
    await world.delete(post)
    await world.later(60)
    assert world.shop.sent == []
