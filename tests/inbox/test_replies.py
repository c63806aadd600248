"""Replies: held, cancelled, asked about, sent, refused."""

from __future__ import annotations

import pytest

from sahut_bot.errors import Permanent, Transient, Uncertain
from sahut_bot.inbox.models import attachments, timers
from sahut_bot.types import Answer, Delivery, Resend
from tests.inbox.builders import ANA, BEN, BOSS, CUSTOMER, World, channel, policy, remote

HOLD = 5.0


def button(answer: Answer, word: str) -> str:
    """The command behind the button whose command ends with `word`."""
    (found,) = (one.command for one in answer.buttons if one.command.endswith(word))
    return found


async def question(world: World) -> Answer:
    """The last thing that was asked privately."""
    await world.pump()
    return [answer for _, answer in world.team.whispers if answer.buttons][-1]


# ---------------------------------------------------------------- the hold


async def test_reply_waits_for_the_hold_and_then_goes_out_once(world: World) -> None:
    number = await world.begin()
    post = await world.post("Hi there")
    await world.later(HOLD - 0.1)
    assert world.shop.sent == []
    assert world.team.marks[post] == ["⏳"]
    await world.later(0.2)
    assert world.shop.texts == ["Hi there"]
    assert world.shop.sent[0].address == CUSTOMER
    assert world.team.marks[post] == ["✅"]
    assert (await world.talk(number)).status == "pending"
    assert await world.feed() == ["Hello", "Hi there"]
    await world.later(3600)
    assert len(world.shop.sent) == 1


async def test_reply_deleted_within_the_hold_never_goes_out(world: World) -> None:
    await world.begin()
    post = await world.post("Hi there")
    await world.delete(post)
    await world.later(60)
    assert world.shop.sent == []
    assert (await world.last_message()).delivery == Delivery.CANCELLED
    assert await world.waiting("c") == []
    assert (await world.talk()).status == "open"


async def test_deletion_that_arrives_before_its_post_cancels_it_too(world: World) -> None:
    await world.begin()
    await world.delete("late")
    await world.post("Hi there", external_id="late")
    await world.later(60)
    assert world.shop.sent == []


async def test_replies_go_out_in_the_order_they_were_written(world: World) -> None:
    await world.begin()
    for word in ("one", "two", "three"):
        await world.post(word)
        world.clock.advance(1)
    await world.later(HOLD)
    assert world.shop.texts == ["one", "two", "three"]


async def test_channel_without_a_hold_sends_at_once(world: World) -> None:
    world.policy = policy(channel(hold=0.0))
    await world.begin()
    await world.post("Hi there")
    await world.pump()
    assert world.shop.texts == ["Hi there"]


# ---------------------------------------------------------------- ownership


async def test_first_to_answer_owns_it_from_the_hold_on(world: World) -> None:
    await world.begin()
    await world.post("Hi there")
    await world.pump()
    owner = (await world.talk()).assignee_id
    assert owner is not None
    assert "Ana took it" in world.team.texts()
    await world.post("And more", by=ANA)
    await world.later(HOLD + 1)
    assert len(world.shop.sent) == 2
    assert (await world.talk()).assignee_id == owner


async def test_reply_in_another_agents_conversation_is_held_and_its_author_asked(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=ANA)
    post = await world.post("Me too", by=BEN)
    await world.later(3600)
    assert world.shop.sent == []
    assert await world.waiting("c") == []
    assert world.team.marks[post] == ["✋"]
    asked = [answer for who, answer in world.team.whispers if who == BEN.external_id]
    assert [one.command.split()[-1] for one in asked[0].buttons] == ["take", "send", "note", "drop"]
    assert "Me too" in asked[0].text


@pytest.mark.parametrize(
    ("answer", "sent", "mark", "owner"),
    [
        ("take", ["Me too"], "✅", "UBEN"),
        ("send", ["Me too"], "✅", "UANA"),
        ("note", [], "🔒", "UANA"),
        ("drop", [], None, "UANA"),
    ],
)
async def test_each_answer_about_a_held_reply_does_what_it_says(
    world: World, answer: str, sent: list[str], mark: str | None, owner: str
) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=ANA)
    post = await world.post("Me too", by=BEN)
    asked = await question(world)
    done = await world.command(button(asked, answer), by=BEN)
    assert done.ok
    await world.later(HOLD + 1)
    assert world.shop.texts == sent
    assert world.team.marks[post] == ([mark] if mark else [])
    assert (await world.case(number)).owner_who == owner
    assert await world.rows(timers.select().where(timers.c.kind == "held")) == []
    again = await world.command(button(asked, answer), by=BEN)
    assert (again.ok, again.private) == (False, True)
    await world.later(60)
    assert world.shop.texts == sent


async def test_nobody_but_the_author_answers_for_a_held_reply(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=ANA)
    await world.post("Me too", by=BEN)
    asked = await question(world)
    for other in (ANA, BOSS):
        refused = await world.command(button(asked, "send"), by=other)
        assert not refused.ok
    await world.later(60)
    assert world.shop.sent == []
    assert (await world.last_message()).delivery == Delivery.HELD


async def test_author_of_a_held_reply_is_reminded_once_after_five_minutes(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=ANA)
    await world.post("Me too", by=BEN)
    await world.later(299)
    assert len(world.team.said(BEN)) == 1
    await world.later(2)
    assert len(world.team.said(BEN)) == 2
    await world.later(3600)
    assert len(world.team.said(BEN)) == 2


async def test_held_reply_survives_that_its_owner_leaves_and_still_asks(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=ANA)
    await world.post("Me too", by=BEN)
    asked = await question(world)
    await world.becomes(ANA, is_agent=False)
    await world.command(button(asked, "take"), by=BEN)
    await world.later(1)
    assert world.shop.texts == ["Me too"]
    assert (await world.case(number)).owner_who == BEN.external_id


async def test_unknown_command_is_held_with_three_answers(world: World) -> None:
    await world.begin()
    post = await world.post("!snoooze 2h")
    asked = await question(world)
    assert [one.command.split()[-1] for one in asked.buttons] == ["send", "note", "drop"]
    assert world.team.marks[post] == ["✋"]
    assert world.shop.sent == []


async def test_held_reply_lets_the_replies_behind_it_pass(world: World) -> None:
    await world.begin()
    await world.post("Notes: he is angry")
    await world.post("Hi there")
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]


# ---------------------------------------------------------------- caught up


@pytest.mark.parametrize(("minutes", "sent"), [(14, ["Hi there"]), (16, [])])
async def test_reply_found_by_catch_up_is_held_when_it_is_old(world: World, minutes: int, sent: list[str]) -> None:
    await world.begin()
    at = world.clock() - minutes * 60
    await world.post("Hi there", caught_up=True, at=at)
    await world.later(HOLD + 1)
    assert world.shop.texts == sent
    if not sent:
        assert "Hi there" in world.team.said(ANA)[0]
        await world.command(button(await question(world), "send"))
        await world.pump()
        assert world.shop.texts == ["Hi there"]


@pytest.mark.parametrize("line", ["!reply Hi there", "!resolve reply: Hi there", "!new web budi Hi there"])
async def test_old_command_found_by_catch_up_that_would_send_is_held_too(world: World, line: str) -> None:
    number = await world.begin()
    await world.post(line, caught_up=True, at=world.clock() - 3600)
    await world.later(HOLD + 1)
    assert world.shop.sent == []
    await world.command(button(await question(world), "send"))
    await world.later(1)
    assert world.shop.texts == ["Hi there"]
    assert (await world.talk(number)).status == ("resolved" if "resolve" in line else "pending")


async def test_command_that_is_merely_heard_late_sends(world: World) -> None:
    await world.begin()
    await world.post("!reply Hi there", at=world.clock() - 3600)
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]


async def test_old_note_found_by_catch_up_is_a_note(world: World) -> None:
    await world.begin()
    await world.post("; he is angry", caught_up=True, at=world.clock() - 7200)
    assert (await world.last_message()).kind == "note"


# ---------------------------------------------------------------- refused at once


async def test_reply_to_a_blocked_contact_is_refused_with_the_way_out(world: World) -> None:
    number = await world.begin()
    await world.command(f"contact #{number} block")
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    assert world.shop.sent == []
    assert world.team.marks[post] == ["❌"]
    assert any("!contact unblock" in text for text in world.team.texts())
    await world.command(f"contact #{number} unblock")
    message = await world.last_message()
    assert (await world.command(f"retry #{number} {message.id}")).ok
    await world.later(1)
    assert world.shop.texts == ["Hi there"]


async def test_reply_outside_the_channels_window_is_refused_with_the_way_out(world: World) -> None:
    shut = channel("sms", label="SMS", capabilities=type(world.shop.capabilities)(text_limit=100, reply_window=3600.0))
    world = World(world.store, world.clock, world.data_dir, policy=policy(shut))
    await world.begin(channel="sms")
    await world.later(3500)
    await world.post("Just in time")
    await world.later(200)
    post = await world.post("Too late")
    await world.later(HOLD + 1)
    assert world.shops["sms"].texts == ["Just in time"]
    assert world.team.marks[post] == ["❌"]
    assert any("SMS takes replies only for a while" in text for text in world.team.texts())


async def test_reply_on_a_channel_that_was_removed_is_refused(world: World) -> None:
    await world.begin(channel="sms")
    world.policy = policy(channel())
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    assert world.team.marks[post] == ["❌"]
    assert any("no longer in the settings" in text for text in world.team.texts())
    await world.command(f"claim #{(await world.talk()).id}")
    await world.pump()
    assert "nothing can be sent" in world.team.cards[(await world.thread()).external_id][-1].mode_line


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (remote(size=2000), "larger than the customer's channel takes"),
        (remote(content_type="video/mp4"), "does not take files of this type"),
        (remote(refusal="It was deleted."), "It was deleted."),
    ],
)
async def test_file_that_the_channel_refuses_is_shown_as_failed_and_the_text_still_goes(
    world: World, file: object, reason: str
) -> None:
    await world.begin(channel="sms")
    await world.post("See the file", files=(file, remote("fine.pdf")))
    await world.later(HOLD + 1)
    sent = world.shops["sms"].sent
    assert world.shops["sms"].texts == ["See the file", ""]
    assert [one.name for out in sent for one in out.files] == ["fine.pdf"]
    assert any(reason in text and "plan.pdf" in text for text in world.team.texts())
    assert {row.state for row in await world.rows(attachments.select())} == {"failed", "stored"}


async def test_more_files_than_the_channel_takes_are_said_and_the_others_go(world: World) -> None:
    await world.begin()
    await world.post("All", files=tuple(remote(f"{n}.pdf") for n in range(11)))
    await world.later(HOLD + 1)
    assert [one.name for one in world.shop.sent[0].files] == [f"{n}.pdf" for n in range(10)]
    assert any("10.pdf" in text for text in world.team.texts())


async def test_reply_whose_only_file_cannot_be_had_fails_and_says_so(world: World) -> None:
    await world.begin()
    world.team.faults.append(("fetch", Permanent("It was deleted.")))
    post = await world.post("", files=(remote(),))
    await world.later(HOLD + 1)
    assert world.shop.sent == []
    assert world.team.marks[post] == ["❌"]
    assert any("It was deleted." in text for text in world.team.texts())
    assert (await world.talk()).status == "open"


async def test_file_that_cannot_be_fetched_does_not_stop_the_text(world: World) -> None:
    await world.begin()
    world.team.faults.append(("fetch", Permanent("It was deleted.")))
    post = await world.post("See the file", files=(remote(),))
    await world.later(HOLD + 1)
    assert world.shop.texts == ["See the file"]
    assert world.team.marks[post] == ["✅"]


async def test_long_text_is_split_and_never_cut(world: World) -> None:
    await world.begin(channel="sms")
    words = "one two three four five six seven eight nine ten eleven twelve"
    post = await world.post(words)
    await world.later(HOLD + 1)
    sent = world.shops["sms"].texts
    assert len(sent) == 2
    assert " ".join(sent) == words
    assert all(len(one) <= 40 for one in sent)
    assert world.team.marks[post] == ["✅"]


# ---------------------------------------------------------------- by command and form


async def test_reply_by_command_is_posted_under_the_agents_name_and_carries_the_marks(world: World) -> None:
    number = await world.begin()
    answer = await world.command(f"reply #{number} Hi there", by=BEN)
    assert str(number) in answer.text
    await world.pump()
    post = world.team.post_of("Hi there")
    assert world.team.posts[post].content.as_name == "Ben"
    assert world.team.marks[post] == ["⏳"]
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Hi there"]
    assert world.team.marks[post] == ["✅"]
    assert (await world.case(number)).owner_who == BEN.external_id


async def test_post_of_a_reply_by_command_can_be_deleted_to_cancel_it(world: World) -> None:
    number = await world.begin()
    await world.command(f"reply #{number} Hi there")
    await world.pump()
    await world.delete(world.team.post_of("Hi there"))
    await world.later(60)
    assert world.shop.sent == []


async def test_deleting_the_mirror_of_a_customers_message_changes_nothing(world: World) -> None:
    await world.begin()
    await world.delete(world.team.post_of("Hello"))
    assert (await world.last_message()).deleted_at is None
    assert await world.feed() == ["Hello"]


async def test_reply_by_command_in_anothers_conversation_is_held_in_the_thread(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=ANA)
    answer = await world.command(f"reply #{number} Me too", by=BEN)
    assert "waits" in answer.text
    asked = await question(world)
    assert world.team.marks[world.team.post_of("Me too")] == ["✋"]
    await world.command(button(asked, "send"), by=BEN)
    await world.pump()
    assert world.shop.texts == ["Me too"]


async def test_resolve_reply_sends_first_and_resolves_once_accepted(world: World) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number} reply: Bye")
    await world.later(1)
    assert (await world.talk(number)).status == "open"
    await world.later(HOLD)
    assert world.shop.texts == ["Bye"]
    assert (await world.talk(number)).status == "resolved"


async def test_resolve_reply_that_fails_leaves_it_open_and_resolves_after_a_retry(world: World) -> None:
    number = await world.begin()
    world.shop.faults.append(Permanent("no"))
    await world.command(f"resolve #{number} reply: Bye")
    await world.later(HOLD + 1)
    assert (await world.talk(number)).status == "open"
    await world.command(f"retry #{number} {(await world.last_message()).id}")
    await world.later(1)
    assert (await world.talk(number)).status == "resolved"


async def test_resolve_reply_does_not_bury_what_the_customer_wrote_meanwhile(world: World) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number} reply: Bye")
    await world.customer("One more thing")
    await world.later(HOLD + 1)
    assert world.shop.texts == ["Bye"]
    assert (await world.talk(number)).status == "open"
    assert any("stays open" in text for text in world.team.texts())


# ---------------------------------------------------------------- how it ends


async def test_accepted_reply_makes_it_pending_unless_the_customer_wrote_since(world: World) -> None:
    number = await world.begin()
    await world.post("Hi there")
    await world.customer("Are you there?")
    await world.later(HOLD + 1)
    talk = await world.talk(number)
    assert (talk.status, talk.waiting_since is not None) == ("open", True)
    await world.answered("Yes")
    talk = await world.talk(number)
    assert (talk.status, talk.waiting_since) == ("pending", None)


async def test_automatic_message_of_the_customer_does_not_keep_it_open(world: World) -> None:
    number = await world.begin()
    await world.post("Hi there")
    await world.customer("I am on holiday", automatic=True)
    await world.later(HOLD + 1)
    assert (await world.talk(number)).status == "pending"


@pytest.mark.parametrize("status", ["snoozed", "resolved"])
async def test_accepted_reply_leaves_snoozed_and_resolved_alone(world: World, status: str) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} 2h" if status == "snoozed" else f"resolve #{number}")
    await world.answered("By the way")
    assert world.shop.texts == ["By the way"]
    assert (await world.talk(number)).status == status


@pytest.mark.parametrize(
    ("error", "mark", "word"),
    [(Permanent("The number is wrong."), "❌", "not sent"), (Uncertain("No answer."), "❓", "may not have been sent")],
)
async def test_reply_that_is_lost_reopens_and_mentions_its_author_with_a_way_out(
    world: World, error: Exception, mark: str, word: str
) -> None:
    number = await world.begin(channel="sms")
    await world.command(f"pending #{number}")
    world.shops["sms"].faults.append(error)
    post = await world.post("Hi there")
    await world.later(HOLD + 1)
    assert world.team.marks[post] == [mark]
    talk = await world.talk(number)
    assert (talk.status, talk.waiting_since is not None) == ("open", True)
    (told,) = (one for one in world.team.posts.values() if word in one.text)
    assert told.content.mention == (ANA.external_id,)
    assert str(error.args[0]) in told.text
    (retry,) = told.content.buttons
    assert (await world.command(retry.command)).ok
    await world.later(1)
    assert world.shops["sms"].texts == ["Hi there"]
    assert world.team.marks[post] == ["✅"]
    assert not (await world.command(retry.command)).ok


async def test_lost_reply_frees_the_lane_for_the_next(world: World) -> None:
    await world.begin(channel="sms")
    world.shops["sms"].faults.append(Uncertain("No answer."))
    await world.post("one")
    await world.post("two")
    await world.later(HOLD + 1)
    assert world.shops["sms"].texts == ["two"]


async def test_lost_reply_wakes_a_snooze_and_takes_its_timer_away(world: World) -> None:
    number = await world.begin()
    world.shop.faults.append(Permanent("no"))
    await world.post("Hi there")
    await world.command(f"snooze #{number} 2h")
    await world.later(HOLD + 1)
    assert (await world.talk(number)).status == "open"
    assert await world.rows(timers.select().where(timers.c.kind == "snooze")) == []


async def test_lost_reply_in_a_resolved_conversation_leaves_the_customers_newer_one_the_only_open_one(
    world: World,
) -> None:
    world.policy = policy(channel(new_after=60.0))
    number = await world.begin()
    await world.command(f"resolve #{number}")
    old = await world.thread(number)
    world.clock.advance(100)
    newer = await world.begin("Something else")
    assert newer != number
    world.shop.faults.append(Permanent("no"))
    await world.post("Too late", thread=old)
    await world.later(HOLD + 1)
    assert (await world.talk(number)).status == "resolved"
    assert (await world.talk(newer)).status == "open"
    assert any("not sent" in text for text in world.team.texts(old.external_id))


async def test_retry_of_a_reply_does_not_send_again_what_arrived(world: World) -> None:
    number = await world.begin(channel="sms")
    sms = world.shops["sms"]
    words = "one two three four five six seven eight nine ten eleven twelve"
    await world.post(words)
    world.clock.advance(HOLD + 1)
    await world.turn()
    assert len(sms.sent) == 1
    sms.faults.append(Permanent("no"))
    await world.pump()
    message = await world.last_message(kind="reply")
    assert message.delivery == Delivery.FAILED
    await world.command(f"retry #{number} {message.id}")
    await world.later(1)
    assert " ".join(sms.texts) == words
    assert len({one.key for one in sms.sent}) == len(sms.sent)


async def test_reply_that_is_retried_for_more_than_a_minute_is_said_once(world: World) -> None:
    await world.begin()
    world.shop.faults += [Transient("The network is away.")] * 40
    await world.post("Hi there")
    for _ in range(30):
        await world.later(10)
    assert len([text for text in world.team.texts() if "tried again" in text]) == 1
    world.shop.faults.clear()
    await world.later(400)
    assert world.shop.texts == ["Hi there"]


async def test_reply_that_nobody_takes_for_a_day_fails(world: World) -> None:
    await world.begin()
    world.shop.faults += [Transient("The network is away.")] * 1000
    post = await world.post("Hi there")
    for _ in range(30):
        await world.later(3600)
    assert world.team.marks[post] == ["❌"]


async def test_interrupted_send_is_done_again_where_that_is_safe(world: World) -> None:
    assert world.shop.capabilities.resend is Resend.SAFE
    await world.begin()
    world.shop.faults.append(Uncertain("No answer."))
    await world.post("Hi there")
    await world.later(HOLD + 1)
    await world.later(60)
    assert world.shop.texts == ["Hi there"]


async def test_button_of_another_conversation_does_not_reach_this_ones_replies(world: World) -> None:
    number = await world.begin()
    world.shop.faults.append(Permanent("no"))
    await world.post("Hi there")
    await world.later(HOLD + 1)
    message = await world.last_message(kind="reply")
    other = await world.begin(who="sari")
    assert not (await world.command(f"retry #{other} {message.id}")).ok
    assert not (await world.command(f"held #{other} {message.id} send")).ok
    assert (await world.command(f"retry #{number} {message.id}")).ok
