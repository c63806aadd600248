"""Rows that an operator does again or gives up, and what the thread and the customer see of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sahut_bot.errors import Permanent, UserError
from sahut_bot.inbox import operators, outbox_admin
from sahut_bot.inbox.models import attachments, outbox
from sahut_bot.types import Delivery
from tests.inbox.builders import World, channel, policy, remote

HOLD = 6


async def listed(world: World) -> list[tuple[str, str]]:
    """What `outbox list` shows: kind and state."""
    return [(one.kind, one.state) for one in await world.store.read(outbox_admin.listing)]


async def row(world: World, kind: str) -> int:
    """The newest row of a kind."""
    return int((await world.rows(sa.select(sa.func.max(outbox.c.id)).where(outbox.c.kind == kind)))[0][0])


async def retry(world: World, number: int) -> bool:
    done = await world.store.write(operators.retry, world.policy, number, world.clock())
    await world.pump()
    return done


async def drop(world: World, number: int) -> bool:
    done = await world.store.write(operators.drop, world.policy, number, world.clock())
    await world.pump()
    return done


async def failed_reply(world: World) -> tuple[str, int]:
    """A reply that the channel refused: its post and its row."""
    await world.begin()
    world.shop.faults.append(Permanent("not today"))
    post = await world.post("Hi there")
    await world.later(HOLD)
    assert world.team.marks[post] == ["❌"]
    return post, await row(world, "reply")


# ---------------------------------------------------------------- again


async def test_failed_reply_that_is_done_again_reaches_the_customer_and_is_marked(world: World) -> None:
    post, number = await failed_reply(world)
    assert await listed(world) == [("reply", "failed")]
    assert await retry(world, number)
    assert world.shop.texts == ["Hi there"]
    assert world.team.marks[post] == ["✅"]
    assert (await world.talk()).status == "pending"
    assert "An operator is sending a reply again" in " ".join(world.team.texts())
    assert await listed(world) == []
    assert not await retry(world, number)


async def test_reply_that_its_author_sent_again_is_not_listed_and_not_sent_a_second_time(world: World) -> None:
    _, number = await failed_reply(world)
    message = await world.last_message(kind="reply")
    assert (await world.command(f"retry #{message.conversation_id} {message.id}")).ok
    await world.pump()
    assert world.shop.texts == ["Hi there"]
    assert await listed(world) == []
    assert not await retry(world, number)
    assert world.shop.texts == ["Hi there"]


async def test_reply_that_cannot_be_sent_is_not_done_again(world: World) -> None:
    post, number = await failed_reply(world)
    talk = (await world.talk()).id
    await world.command(f"contact #{talk} block")
    with pytest.raises(UserError) as blocked:
        await retry(world, number)
    assert blocked.value.key == "reply.blocked"
    await world.command(f"contact #{talk} unblock")
    await world.pump()
    world.policy = policy(channel("sms"))
    with pytest.raises(UserError) as removed:
        await retry(world, number)
    assert removed.value.key == "reply.no_channel"
    assert world.shop.sent == []
    assert world.team.marks[post] == ["❌"]
    assert await listed(world) == [("reply", "failed")]  # nothing of it was done


async def test_customers_message_that_the_team_chat_refused_is_shown_when_done_again(world: World) -> None:
    await world.begin()
    world.team.faults.append(("post", Permanent("no")))
    await world.customer("Look at this")
    await world.pump()
    assert "Look at this" not in world.team.texts()
    assert await retry(world, await row(world, "mirror"))
    assert "Look at this" in world.team.texts()


async def test_file_is_not_fetched_again(world: World) -> None:
    await world.begin()
    world.team.faults.append(("fetch", Permanent("gone")))
    await world.post("the plan:", files=(remote(),))
    await world.later(HOLD)
    with pytest.raises(UserError) as refused:
        await retry(world, await row(world, "fetch"))
    assert refused.value.key == "retry.file"


# ---------------------------------------------------------------- given up


async def test_waiting_reply_that_is_dropped_ends_as_failed_and_its_author_hears_of_it(world: World) -> None:
    await world.begin()
    post = await world.post("Hi there")
    await world.pump()
    assert world.team.marks[post] == ["⏳"]
    assert await drop(world, await row(world, "reply"))
    assert world.team.marks[post] == ["❌"]
    assert any("An operator dropped it." in text for text in world.team.texts())
    await world.later(HOLD)
    assert world.shop.sent == []
    assert (await world.last_message(kind="reply")).delivery == Delivery.FAILED
    assert (await world.talk()).status == "open"
    assert await listed(world) == []


async def test_failed_reply_that_is_dropped_is_only_not_listed_any_more(world: World) -> None:
    post, number = await failed_reply(world)
    said = world.team.texts()
    assert await drop(world, number)
    assert await listed(world) == []
    assert world.team.texts() == said
    assert world.team.marks[post] == ["❌"]
    assert not await drop(world, number)


async def test_waiting_file_that_is_dropped_is_missing_and_the_text_goes(world: World) -> None:
    await world.begin()
    await world.post("the plan:", files=(remote(),))
    assert await drop(world, await row(world, "fetch"))
    await world.later(HOLD)
    assert world.shop.texts == ["the plan:"]
    assert world.shop.sent[0].files == ()
    assert (await world.one(attachments)).state == "failed"


async def test_row_that_is_not_there_or_done_is_neither_done_again_nor_dropped(world: World) -> None:
    await world.begin()
    await world.answered()
    for number in (await row(world, "reply"), 10**6):
        assert not await retry(world, number)
        assert not await drop(world, number)
    assert world.shop.texts == ["Hi there"]
