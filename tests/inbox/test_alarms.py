"""What a timer does when its time has come, also when nobody was there at that time."""

from __future__ import annotations

import pytest

from sahut_bot.inbox import visitors
from sahut_bot.inbox.models import timers
from sahut_bot.types import Delivery
from tests.inbox.builders import ANA, BEN, CUSTOMER, World
from tests.inbox.test_replies import HOLD

HOUR = 3600.0


async def here(world: World, who: str = CUSTOMER) -> None:
    """The visitor's widget is open."""
    await world.store.write(visitors.saw, [("web", who, world.clock())])


def unseen(world: World) -> list[str]:
    return [text for text in world.team.texts() if "has not got the last reply" in text]


# ---------------------------------------------------------------- snooze


@pytest.mark.parametrize("wake", ["any", "question", "never"])
@pytest.mark.parametrize("owned", [True, False])
async def test_time_always_wakes_a_snooze_and_brings_it_back_to_people(world: World, owned: bool, wake: str) -> None:
    number = await world.begin()
    if owned:
        await world.command(f"claim #{number}", by=BEN)
    await world.command(f"snooze #{number} 2h wake {wake}")
    await world.later(2 * HOUR - 1)
    assert (await world.talk(number)).status == "snoozed"
    await world.later(1)
    talk = await world.talk(number)
    assert (talk.status, talk.snoozed_until) == ("open", None)
    (told,) = [one.content for one in world.team.posts.values() if one.text == world.policy.say("thread.time_up")]
    assert told.mention == ((BEN.external_id,) if owned else ())
    assert told.broadcast is not owned
    assert len([text for text in world.team.texts() if "snooze is over" in text]) == 1
    assert "time_up" in await world.kinds(number)


async def test_snooze_whose_time_came_while_nobody_was_there_wakes_once(world: World) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} 2h")
    await world.later(40 * HOUR)
    await world.later(40 * HOUR)
    assert (await world.kinds(number)).count("time_up") == 1


async def test_new_time_replaces_the_old_one(world: World) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} 2h")
    await world.command(f"snooze #{number} 5h")
    await world.later(3 * HOUR)
    assert (await world.talk(number)).status == "snoozed"
    await world.later(3 * HOUR)
    assert (await world.talk(number)).status == "open"


@pytest.mark.parametrize("line", ["wake", "resolve", "pending", "undo"])
async def test_snooze_that_ended_otherwise_leaves_no_timer(world: World, line: str) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} 2h")
    await world.command(f"{line} #{number}")
    assert await world.rows(timers.select()) == []
    before = (await world.talk(number)).status
    await world.later(3 * HOUR)
    assert (await world.talk(number)).status == before


async def test_snooze_without_a_time_waits_for_the_customer_alone(world: World) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} until reply")
    await world.later(9000 * HOUR)
    assert (await world.talk(number)).status == "snoozed"
    await world.customer("Here I am")
    assert (await world.talk(number)).status == "open"


async def test_owner_who_left_meanwhile_is_not_woken_but_the_channel_is(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    await world.command(f"snooze #{number} 2h")
    await world.becomes(BEN, is_agent=False)
    await world.later(3 * HOUR)
    (told,) = [one.content for one in world.team.posts.values() if one.text == world.policy.say("thread.time_up")]
    assert (told.mention, told.broadcast) == ((), True)
    assert (await world.talk(number)).assignee_id is None


# ---------------------------------------------------------------- a visitor who does not get the reply


async def test_reply_that_a_visitor_who_left_did_not_get_is_said_after_two_minutes(world: World) -> None:
    await world.begin()
    await world.answered("Hi there")
    await world.later(110)
    assert unseen(world) == []
    await world.later(10)
    assert len(unseen(world)) == 1
    (told,) = [one.content for one in world.team.posts.values() if "has not got" in one.text]
    assert told.mention == (ANA.external_id,)
    await world.later(HOUR)
    assert len(unseen(world)) == 1


async def test_reply_to_a_visitor_who_left_long_ago_is_said_within_seconds(world: World) -> None:
    await world.begin()
    await world.later(HOUR)
    await world.answered("Sorry for the wait")
    await world.later(4)
    assert len(unseen(world)) == 1


@pytest.mark.parametrize("delivery", [Delivery.DELIVERED, Delivery.READ])
async def test_reply_that_arrived_is_not_said_to_be_unseen(world: World, delivery: Delivery) -> None:
    await world.begin()
    await world.answered("Hi there")
    await world.receipts(world.receipt((await world.last_message()).external_id, delivery))
    await world.later(HOUR)
    assert unseen(world) == []


async def test_visitor_who_is_still_there_is_waited_for(world: World) -> None:
    await world.begin()
    await world.answered("Hi there")
    for _ in range(5):
        await world.later(60)
        await here(world)
    assert unseen(world) == []
    await world.later(119)
    assert unseen(world) == []
    await world.later(1)
    assert len(unseen(world)) == 1


async def test_several_replies_that_nobody_got_are_said_once(world: World) -> None:
    await world.begin()
    for word in ("one", "two", "three"):
        await world.post(word)
    await world.later(HOLD + 1)
    await world.later(HOUR)
    assert len(unseen(world)) == 1


async def test_deleted_reply_is_not_said_to_be_unseen(world: World) -> None:
    await world.begin()
    await world.delete(await world.answered("Hi there"))
    await world.later(HOUR)
    assert unseen(world) == []


async def test_channel_that_delivers_by_itself_has_nobody_to_wait_for(world: World) -> None:
    await world.begin(channel="sms")
    await world.answered("Hi there")
    await world.later(HOUR)
    assert unseen(world) == []
    assert await world.rows(timers.select()) == []
