"""The thread itself: what is none of ours, what comes twice, what is lost and rebuilt, who leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sahut_bot.errors import Busy, Permanent, Transient, Uncertain
from sahut_bot.inbox import threads
from sahut_bot.inbox.effects import SetMark
from sahut_bot.inbox.models import agents, messages, outbox
from sahut_bot.inbox.models import threads as thread_rows
from sahut_bot.types import AgentPost, Delivery, PostedFile, ThreadRef
from tests.inbox.builders import ANA, BEN, BOSS, CUSTOMER, PLACE, World, channel, markup, policy, remote
from tests.inbox.test_replies import HOLD, button, question

UNKNOWN = ThreadRef(teamchat="slack", place=PLACE, external_id="T999")


# ---------------------------------------------------------------- opened


async def test_first_message_opens_a_thread_with_a_card_and_stands_in_full_under_it(world: World) -> None:
    text = "Hello\n" + "word " * 200
    await world.begin(text)
    ((thread, (card,)),) = world.team.cards.items()
    assert card.title.endswith("· Web · Budi")
    assert card.first_line == "Hello"
    (post,) = world.team.posts.values()
    assert (post.thread, post.text) == (thread, text)
    assert (post.content.as_name, post.content.customer) == ("Budi", True)
    assert not post.content.broadcast
    assert not post.content.mention


async def test_messages_stand_in_the_thread_in_the_order_they_were_written(world: World) -> None:
    for word in ("one", "two", "three"):
        await world.customer(word)
    await world.pump()
    assert world.team.texts() == ["one", "two", "three"]
    assert len(world.team.cards) == 1


async def test_thread_that_could_not_be_opened_is_opened_for_the_next_row(world: World) -> None:
    world.team.faults.append(("open_thread", Permanent("not in the channel")))
    await world.begin()
    assert world.team.texts() == ["Hello"]
    assert len(world.team.cards) == 1


async def test_thread_whose_opening_is_in_doubt_is_looked_for_first(world: World) -> None:
    world.team.faults.append(("open_thread", Uncertain("no answer")))
    await world.begin()
    await world.later(10)
    assert len(world.team.cards) == 1


async def test_message_that_the_team_chat_refuses_is_said_with_its_reason(world: World) -> None:
    await world.begin()
    world.team.faults.append(("post", Permanent("Slack does not take this.")))
    await world.customer("Strange")
    await world.pump()
    (told,) = (text for text in world.team.texts() if "cannot be shown" in text)
    assert "Slack does not take this." in told


async def test_message_in_doubt_is_looked_for_before_it_is_posted_again(world: World) -> None:
    await world.begin()
    world.team.faults.append(("post", Uncertain("no answer")))
    await world.customer("Again")
    await world.pump()
    await world.later(10)
    assert world.team.texts().count("Again") == 1


async def test_team_chat_that_is_away_gets_everything_in_order_when_it_is_back(world: World) -> None:
    world.team.faults += [("open_thread", Transient("away"))] * 2
    await world.customer("one")
    await world.pump()
    await world.customer("two")
    await world.later(100)
    await world.later(100)
    assert world.team.texts() == ["one", "two"]


async def test_ten_changes_before_the_card_is_drawn_are_one_edit(world: World) -> None:
    number = await world.begin()
    drawn = len(world.team.cards[(await world.thread()).external_id])
    for name in ("low", "high", "normal", "urgent", "low"):
        await world.command(f"priority #{number} {name}")
        await world.command(f"label #{number} +{name}")
    await world.pump()
    cards = world.team.cards[(await world.thread()).external_id]
    assert len(cards) == drawn + 1
    assert any("low" in fact.text for fact in cards[-1].facts)


# ---------------------------------------------------------------- none of ours, or heard twice


async def test_who_answers_before_we_know_of_the_thread_is_heard_again_when_we_do(world: World) -> None:
    """Slack has opened it, and nothing of that is written down yet."""
    await world.customer()
    opening = await world.perform(await world.store.write(world.exchange, []))
    (made,) = world.team.cards
    thread = ThreadRef(teamchat="slack", place=PLACE, external_id=made)
    for attempt in (
        world.post("Hi there", thread=thread, external_id="a1"),
        world.edit("a1", "Hello there", thread=thread),
        world.delete("a2", thread=thread),
        world.lose_thread(thread),
    ):
        with pytest.raises(Busy):
            await attempt
    world.team.gone.clear()
    await world.store.write(world.finish, opening)
    await world.post("Hi there", thread=thread, external_id="a1")
    await world.post("Lunch?", thread=UNKNOWN)
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]


async def test_talk_elsewhere_does_not_wait_for_a_thread_that_is_being_opened(world: World) -> None:
    await world.customer()
    await world.perform(await world.store.write(world.exchange, []))
    elsewhere = ThreadRef(teamchat="slack", place="C999", external_id="1.1")
    await world.post("Lunch?", thread=elsewhere)


async def test_post_in_a_thread_that_is_none_of_ours_is_ignored(world: World) -> None:
    await world.begin()
    await world.post("Lunch?", thread=UNKNOWN)
    await world.edit("a1", "Lunch!", thread=UNKNOWN)
    await world.delete("a1", thread=UNKNOWN)
    await world.later(60)
    assert world.shop.sent == []
    assert (await world.last_message()).kind == "incoming"
    assert world.team.whispers == []


async def test_same_post_heard_twice_is_one_reply(world: World) -> None:
    await world.begin()
    for _ in range(3):
        await world.post("Hi there", external_id="a1")
    await world.later(HOLD + 1)
    await world.post("Hi there", external_id="a1")
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]


async def test_same_post_heard_twice_at_once_is_one_reply(world: World) -> None:
    await world.begin()
    post = AgentPost(
        thread=await world.thread(), external_id="a1", author=ANA, body=markup("Hi there"), at=world.clock()
    )
    await asyncio.gather(*(world.store.write(threads.on_post, world.policy, post, world.clock()) for _ in range(5)))
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]


async def test_same_typed_command_heard_twice_is_carried_out_once(world: World) -> None:
    number = await world.begin()
    for _ in range(2):
        await world.post("!claim", external_id="a1")
    assert (await world.kinds(number)).count("claimed") == 1
    await world.pump()
    assert world.team.said(ANA) == []


async def test_same_deletion_heard_twice_is_one(world: World) -> None:
    await world.begin()
    post = await world.answered("Hi there")
    for _ in range(2):
        await world.delete(post)
    await world.pump()
    assert len(world.shop.deletes) == 1


async def test_agent_sees_that_an_answer_is_being_written_while_a_reply_is_on_hold(world: World) -> None:
    await world.begin()
    thread = await world.thread()

    async def typed(text: str, external_id: str) -> threads.Typing | None:
        post = AgentPost(thread=thread, external_id=external_id, author=ANA, body=markup(text), at=world.clock())
        return await world.store.write(threads.on_post, world.policy, post, world.clock())

    assert await typed("Hi there", "a1") == threads.Typing(channel="web", address=CUSTOMER, seconds=HOLD)
    for number, text in enumerate(("; note", "!claim", "Notes: x", "!what")):
        assert await typed(text, f"b{number}") is None


# ---------------------------------------------------------------- lost and rebuilt


async def test_lost_thread_is_rebuilt_with_card_and_what_was_said_before(world: World) -> None:
    number = await world.begin("Where is my parcel?")
    await world.answered("On its way")
    await world.post("; he is angry")
    await world.post("never mind")
    await world.delete(await world.post("oops"))
    await world.pump()
    await world.lose_thread()
    await world.pump()
    new = await world.thread(number)
    assert len(world.team.cards) == 2
    (recap, rebuilt) = world.team.texts(new.external_id)
    assert "Budi: Where is my parcel?" in recap
    assert "On its way" in recap
    assert "✅" in recap
    assert "🔒" in recap
    assert "he is angry" in recap
    assert "never mind" in recap
    assert "oops" not in recap
    assert rebuilt == world.policy.say("activity.rebuilt")


async def test_what_waits_while_the_thread_is_lost_comes_after_the_recap_once_and_in_order(world: World) -> None:
    number = await world.begin("one")
    await world.customer("two")  # still in the lane when the loss is heard
    await world.lose_thread()
    await world.customer("three")
    await world.pump()
    new = await world.thread(number)
    recap, *rest = world.team.texts(new.external_id)
    assert "one" in recap
    assert "two" not in recap
    assert "three" not in recap
    assert [text for text in rest if text in ("two", "three")] == ["two", "three"]


async def test_loss_that_only_shows_when_something_is_posted_rebuilds_the_thread_too(world: World) -> None:
    number = await world.begin("one")
    world.team.gone.add((await world.thread()).external_id)
    await world.customer("two")
    await world.pump()
    new = await world.thread(number)
    recap, *rest = world.team.texts(new.external_id)
    assert "one" in recap
    assert "two" not in recap
    assert "two" in rest
    assert len(await world.rows(thread_rows.select())) == 2


@pytest.mark.parametrize("what", ["card", "activity", "whisper"])
async def test_loss_that_shows_in_something_small_rebuilds_the_thread(world: World, what: str) -> None:
    number = await world.begin("one")
    old = await world.thread()
    world.team.gone.add(old.external_id)
    if what == "card":
        await world.command(f"pending #{number}")
    elif what == "activity":
        await world.command(f"label #{number} +vip")
    else:
        await world.post("Notes: x", thread=old)
    await world.pump()
    assert (await world.thread(number)) != old
    assert await world.waiting("") == []
    assert len(world.team.whispers) == (what == "whisper")


async def test_loss_heard_twice_rebuilds_once(world: World) -> None:
    await world.begin()
    lost = await world.lose_thread()
    await world.lose_thread(lost)
    await world.pump()
    await world.lose_thread(lost)
    await world.pump()
    assert len(world.team.cards) == 2


async def test_reply_typed_in_the_lost_thread_still_reaches_the_customer_and_can_be_cancelled(world: World) -> None:
    number = await world.begin()
    old = await world.lose_thread()
    kept = await world.post("Hi there", thread=old)
    cancelled = await world.post("oops", thread=old)
    await world.delete(cancelled, thread=old)
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]
    assert world.team.marks[kept] == ["✅"]
    assert (await world.thread(number)) != old


async def test_question_asked_while_there_is_no_thread_waits_for_the_new_one(world: World) -> None:
    number = await world.begin()
    old = await world.lose_thread()
    await world.post("Notes: he is angry", thread=old)
    asked = await question(world)
    await world.command(button(asked, "note"))
    assert (await world.last_message()).kind == "note"
    assert (await world.thread(number)) != old


async def test_marks_go_on_after_the_thread_was_rebuilt(world: World) -> None:
    await world.begin()
    post = await world.post("Hi there")
    await world.pump()
    await world.lose_thread()
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]
    assert world.team.marks[post] == ["✅"]


# ---------------------------------------------------------------- marks


async def test_newest_mark_wins_and_the_one_before_comes_off(world: World) -> None:
    await world.begin()
    post = await world.post("Hi there")
    await world.pump()
    assert world.team.marks[post] == ["⏳"]
    await world.later(HOLD + 1)
    external_id = (await world.last_message()).external_id
    for delivery, mark in ((Delivery.DELIVERED, "📬"), (Delivery.READ, "👀")):
        await world.receipts(world.receipt(external_id, delivery))
        await world.pump()
        assert world.team.marks[post] == [mark]


async def test_marks_that_came_and_went_meanwhile_are_skipped(world: World) -> None:
    world.policy = policy(channel(hold=0.0))
    await world.begin()
    post = await world.post("Hi there")
    await world.pump()
    await world.receipts(world.receipt((await world.last_message()).external_id, Delivery.DELIVERED))
    await world.receipts(world.receipt((await world.last_message()).external_id, Delivery.READ))
    before = len(world.loaded)
    await world.pump()
    shown = [effect.mark for _, effect in world.loaded[before:] if isinstance(effect, SetMark)]
    assert shown == ["👀"]
    assert world.team.marks[post] == ["👀"]


async def test_mark_that_is_out_of_date_when_it_has_been_set_is_taken_back(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    post = await world.post("Hi there")
    asked = await question(world)
    assert world.team.marks[post] == ["✋"]
    await world.command(button(asked, "send"))
    ended = await world.perform(await world.store.write(world.exchange, []))
    await world.delete(post)
    await world.store.write(world.finish, ended)
    await world.later(60)
    assert world.team.marks[post] == [] or (await world.last_message()).deleted_at is not None


# ---------------------------------------------------------------- people


async def test_owner_who_leaves_owns_nothing_any_more_and_the_thread_says_so(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    await world.becomes(BEN, is_agent=False)
    await world.pump()
    assert (await world.talk(number)).assignee_id is None
    assert any("Ben is no longer on the team" in text for text in world.team.texts())
    await world.becomes(BEN)
    assert (await world.talk(number)).assignee_id is None


async def test_owner_of_a_resolved_conversation_who_left_is_dropped_when_it_reopens(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    await world.command(f"resolve #{number}", by=BEN)
    await world.becomes(BEN, is_agent=False)
    await world.customer("Hello again")
    await world.pump()
    talk = await world.talk(number)
    assert (talk.status, talk.assignee_id) == ("open", None)
    assert [one.content.broadcast for one in world.team.posts.values() if one.text == "Hello again"] == [True]


async def test_owner_who_is_merely_offline_stays(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    await world.command("availability offline", by=BEN)
    await world.command(f"resolve #{number}", by=BEN)
    await world.customer("Hello again")
    await world.pump()
    assert (await world.case(number)).owner_who == BEN.external_id
    (post,) = (one for one in world.team.posts.values() if one.text == "Hello again")
    assert post.content.mention == (BEN.external_id,)
    assert not post.content.broadcast


async def test_renamed_person_is_known_by_the_new_name(world: World) -> None:
    await world.team_knows()
    await world.becomes(BEN, name="Benjamin")
    number = await world.begin()
    await world.command(f"assign #{number} @benjamin")
    assert (await world.case(number)).owner_who == BEN.external_id


async def test_who_never_was_an_agent_leaves_no_row(world: World) -> None:
    await world.becomes(BEN, is_agent=False)
    assert await world.rows(agents.select()) == []


async def test_admins_of_the_settings_are_admins_from_the_first_moment(world: World) -> None:
    await world.team_knows()
    assert (await world.one(agents, external_id=BOSS.external_id)).role == "admin"
    assert (await world.one(agents, external_id=ANA.external_id)).role == "agent"


# ---------------------------------------------------------------- files


async def test_file_of_a_customer_is_fetched_and_shared_in_the_thread_behind_its_message(world: World) -> None:
    await world.begin("See this", files=(remote("a.png"), remote("b.png")))
    first, *files = world.team.posts.values()
    assert first.text == "See this"
    assert [one.file.name for one in files if one.file] == ["a.png", "b.png"]


async def test_file_of_a_customer_that_cannot_be_had_is_said_in_its_place(world: World) -> None:
    world.shop.faults.append(Permanent("It is no longer there."))
    await world.begin("See this", files=(remote("a.png"), remote("b.png", refusal="It is too large.")))
    text, first, second = world.team.texts()
    assert text == "See this"
    assert "a.png" in first
    assert "It is no longer there." in first
    assert "b.png" in second
    assert "It is too large." in second


async def test_file_post_that_is_heard_of_later_is_known_as_ours(world: World) -> None:
    await world.begin()
    thread = await world.thread()
    event = PostedFile(thread=thread, key="row:1", external_id="F1", at=world.clock())
    await world.store.write(threads.on_posted_file, world.policy, event, world.clock())
    await world.store.write(threads.on_posted_file, world.policy, event, world.clock())
    await world.store.write(threads.on_posted_file, world.policy, replace(event, thread=UNKNOWN), world.clock())
    await world.edit("F1", "x")
    await world.delete("F1")
    assert (await world.last_message()).body == "Hello"


async def test_every_row_of_the_outbox_ends(world: World) -> None:
    """What is left over would be an effect that nobody performs."""
    number = await world.begin(files=(remote(),))
    await world.answered("Hi there", files=(remote(),))
    await world.command(f"claim #{number}")
    await world.lose_thread()
    await world.later(3600)
    assert [row.kind for row in await world.rows(outbox.select()) if row.state in ("pending", "sending")] == []
    assert len(await world.rows(messages.select())) == 2
