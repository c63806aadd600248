"""Receipts, and customers who edit, delete and react: shown in the thread, and never a change of state."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahut_bot.inbox import receipts
from sahut_bot.inbox.models import conversations, messages, parts
from sahut_bot.inbox.store import count_statements
from sahut_bot.types import Capabilities, Delivery
from tests.effort import effort
from tests.inbox.builders import ANA, World, channel, policy
from tests.inbox.test_replies import HOLD

TWO_PIECES = "one two three four five six seven eight nine ten eleven twelve"
ACCEPTED, DELIVERED, READ, FAILED = Delivery.ACCEPTED, Delivery.DELIVERED, Delivery.READ, Delivery.FAILED


async def sent(world: World) -> str:
    """A reply that was accepted; its id at the platform."""
    await world.begin()
    await world.answered("Hi there")
    return str((await world.last_message(kind="reply")).external_id)


# ---------------------------------------------------------------- receipts


@pytest.mark.parametrize("order", [*itertools.permutations([ACCEPTED, DELIVERED, READ]), (READ, DELIVERED), (READ,)])
async def test_furthest_receipt_stands_whatever_order_they_come_in(world: World, order: list[Delivery]) -> None:
    external_id = await sent(world)
    for delivery in order:
        await world.receipts(world.receipt(external_id, delivery))
    assert (await world.last_message(kind="reply")).delivery == READ


RECEIPTS = st.lists(st.sampled_from([ACCEPTED, DELIVERED, READ, FAILED]), min_size=1, max_size=6)


@settings(max_examples=effort(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=RECEIPTS, cut=st.integers(0, 6))
async def test_receipts_leave_the_same_in_any_order_and_any_cut_into_batches(
    world: World, told: list[Delivery], cut: int
) -> None:
    ends = set()
    for order in (told, told[::-1]):
        number = await world.begin(who=world.fresh("customer"))
        await world.post("Hi there", thread=await world.thread(number))
        await world.later(HOLD + 1)
        external_id = (await world.last_message(kind="reply")).external_id
        events = [world.receipt(external_id, delivery, reason="no such number") for delivery in order]
        for some in (events[:cut], events[cut:]):
            if some:
                await world.receipts(*some)
        ends.add((await world.last_message(kind="reply")).delivery)
    assert len(ends) == 1
    assert ends == {max(told, key=[ACCEPTED, FAILED, DELIVERED, READ].index)}


async def test_receipt_changes_the_mark_and_no_state(world: World) -> None:
    external_id = await sent(world)
    before = await world.talk()
    await world.receipts(world.receipt(external_id, READ))
    await world.pump()
    (marks,) = world.team.marks.values()
    assert marks == ["👀"]
    assert (await world.talk()).status == before.status


async def test_receipt_of_failure_reopens_it_and_tells_the_author_with_a_way_out(world: World) -> None:
    external_id = await sent(world)
    assert (await world.talk()).status == "pending"
    await world.receipts(world.receipt(external_id, FAILED, reason="The number does not exist."))
    await world.pump()
    talk = await world.talk()
    assert (talk.status, talk.waiting_since is not None) == ("open", True)
    (told,) = (one for one in world.team.posts.values() if "The number does not exist." in one.text)
    assert told.content.mention == (ANA.external_id,)
    await world.command(told.content.buttons[0].command)
    await world.pump()
    assert world.shop.texts == ["Hi there", "Hi there"]
    assert (await world.last_message(kind="reply")).delivery == ACCEPTED


async def test_reply_in_pieces_is_as_far_as_its_last_piece(world: World) -> None:
    world = World(
        world.store,
        world.clock,
        world.data_dir,
        policy=policy(channel(capabilities=Capabilities(text_limit=40, receipts=True))),
    )
    await world.begin()
    await world.answered(TWO_PIECES)
    first, second = [row.external_id for row in await world.rows(parts.select().order_by(parts.c.position))]
    for external_id, delivery, whole in (
        (first, READ, ACCEPTED),
        (second, DELIVERED, DELIVERED),
        (second, READ, READ),
    ):
        await world.receipts(world.receipt(external_id, delivery))
        assert (await world.last_message(kind="reply")).delivery == whole


async def test_receipt_of_the_first_piece_before_the_second_went_is_not_lost(world: World) -> None:
    world = World(
        world.store,
        world.clock,
        world.data_dir,
        policy=policy(channel(capabilities=Capabilities(text_limit=40, receipts=True))),
    )
    await world.begin()
    await world.post(TWO_PIECES)
    world.clock.advance(HOLD + 1)
    while not world.shop.sent:
        await world.turn()
    await world.receipts(world.receipt(world.shop.sent[0].key, DELIVERED))
    assert (await world.last_message(kind="reply")).delivery == Delivery.QUEUED
    await world.pump()
    assert (await world.last_message(kind="reply")).delivery == ACCEPTED
    await world.receipts(world.receipt(world.shop.sent[1].key, DELIVERED))
    assert (await world.last_message(kind="reply")).delivery == DELIVERED


@pytest.mark.parametrize("what", ["id", "channel", "incoming"])
async def test_receipt_of_something_else_changes_nothing(world: World, what: str) -> None:
    external_id = await sent(world)
    event = {
        "id": world.receipt("other", READ),
        "channel": world.receipt(external_id, READ, channel="sms"),
        "incoming": world.receipt("m1", READ),
    }[what]
    await world.receipts(event)
    assert {row.delivery for row in await world.rows(messages.select())} == {"none", "accepted"}


async def test_statements_do_not_grow_with_the_receipts(world: World) -> None:
    ids = []
    for n in range(12):
        number = await world.begin(who=f"customer {n}")
        await world.post("Hi there", thread=await world.thread(number))
    await world.later(HOLD + 1)
    ids = [row.external_id for row in await world.rows(parts.select())]
    counted = []
    for some in (ids[:1], ids[1:2], ids[2:]):
        with count_statements(world.store) as seen:
            await world.receipts(*(world.receipt(external_id, DELIVERED) for external_id in some))
        counted.append(len(seen))
    assert len(set(counted)) == 1
    assert {row.delivery for row in await world.rows(messages.select()) if row.kind == "reply"} == {"delivered"}


def test_failure_stands_between_accepted_and_delivered() -> None:
    assert receipts.together([ACCEPTED, FAILED]) is FAILED
    assert receipts.together([READ, FAILED]) is FAILED
    assert receipts.together([READ, DELIVERED]) is DELIVERED
    assert receipts.together([READ], some_unsent=True) is None
    assert receipts.together(["queued"]) is None


# ---------------------------------------------------------------- edits and deletions by the customer


async def test_edit_of_a_customer_changes_the_mirror_and_says_so(world: World) -> None:
    await world.begin("Where is my parcle?")
    await world.customer_edit("m1", "Where is my parcel?")
    await world.pump()
    assert world.team.texts() == ["Where is my parcel? (edited)"]
    assert await world.feed() == ["Where is my parcel?"]


async def test_deletion_of_a_customer_replaces_the_mirror_and_takes_nothing_silently_away(world: World) -> None:
    await world.begin("My password is hunter2")
    await world.customer_delete("m1")
    await world.pump()
    assert world.team.texts() == [world.policy.say("message.deleted")]
    assert await world.feed() == [""]


async def test_card_follows_when_its_first_line_is_edited_or_deleted(world: World) -> None:
    number = await world.begin("My password is hunter2")
    await world.customer("More")
    await world.customer_edit("m2", "Even more")
    await world.pump()
    thread = (await world.thread(number)).external_id
    assert world.team.cards[thread][-1].first_line == "My password is hunter2"
    await world.customer_edit("m1", "My password is\nsecret", at=world.clock() + 1)
    await world.pump()
    assert world.team.cards[thread][-1].first_line == "My password is"
    await world.customer_delete("m1")
    await world.pump()
    assert world.team.cards[thread][-1].first_line == world.policy.say("message.deleted")


@pytest.mark.parametrize("change", ["edit", "delete", "react"])
@pytest.mark.parametrize("status", ["open", "pending", "snoozed", "resolved"])
async def test_no_change_of_a_customer_changes_the_state(world: World, change: str, status: str) -> None:
    number = await world.begin()
    if status != "open":
        line = {"pending": "pending", "snoozed": "snooze", "resolved": "resolve"}[status]
        await world.command(f"{line} #{number} {'2h' if status == 'snoozed' else ''}")
    if change == "edit":
        await world.customer_edit("m1", "Other words?")
    elif change == "delete":
        await world.customer_delete("m1")
    else:
        await world.customer_reacts("m1", "👍")
    assert (await world.talk(number)).status == status


async def test_same_change_heard_twice_is_one(world: World) -> None:
    await world.begin("one")
    for _ in range(2):
        await world.customer_edit("m1", "two", key="e1")
        await world.customer_reacts("m1", "👍", key="e2")
    await world.pump()
    assert [text for text in world.team.texts() if "👍" in text] == ["The customer reacted with 👍"]
    assert len([row for row, _ in world.loaded if row.kind == "mirror_edit"]) == 1


async def test_older_edit_that_comes_late_does_not_undo_the_newer(world: World) -> None:
    await world.begin("one")
    await world.customer_edit("m1", "three", at=world.clock() + 10)
    await world.customer_edit("m1", "two", at=world.clock() + 5)
    assert (await world.last_message()).body == "three"


async def test_edit_after_the_deletion_brings_nothing_back(world: World) -> None:
    await world.begin("one")
    await world.customer_delete("m1")
    await world.customer_edit("m1", "two", at=world.clock() + 5)
    await world.pump()
    assert world.team.texts() == [world.policy.say("message.deleted")]


async def test_edit_before_the_thread_stands_is_shown_once_it_does(world: World) -> None:
    await world.customer("one")
    await world.customer_edit("m1", "two")
    await world.customer("three")
    await world.pump()
    assert world.team.texts() == ["two (edited)", "three"]
    assert await world.waiting("t") == []


async def test_edit_while_the_message_is_being_posted_reaches_the_post(world: World) -> None:
    await world.begin("zero")
    await world.customer("one")
    ended = await world.perform(await world.store.write(world.exchange, []))
    await world.customer_edit("m2", "two")
    await world.store.write(world.finish, ended)
    await world.pump()
    assert world.team.texts() == ["zero", "two (edited)"]


@pytest.mark.parametrize("change", ["edit", "delete", "react"])
async def test_nobody_changes_what_somebody_else_wrote(world: World, change: str) -> None:
    await world.begin("one")
    before = await world.last_message()
    if change == "edit":
        await world.customer_edit("m1", "two", who="eve")
    elif change == "delete":
        await world.customer_delete("m1", who="eve")
    else:
        await world.customer_reacts("m1", "👍", who="eve")
    await world.pump()
    assert await world.last_message() == before
    assert world.team.texts() == ["one"]


async def test_customer_cannot_edit_or_delete_an_agents_reply(world: World) -> None:
    external_id = await sent(world)
    await world.customer_edit(external_id, "I owe you nothing")
    await world.customer_delete(external_id)
    await world.pump()
    message = await world.last_message(kind="reply")
    assert (message.body, message.deleted_at) == ("Hi there", None)


async def test_change_of_something_that_was_never_seen_is_ignored(world: World) -> None:
    await world.begin("one")
    await world.customer_edit("m77", "two")
    await world.customer_delete("m77")
    await world.customer_reacts("m77", "👍")
    await world.pump()
    assert world.team.texts() == ["one"]


async def test_changes_of_a_blocked_contact_open_no_thread_and_say_nothing(world: World) -> None:
    number = await world.begin("one")
    await world.command(f"contact #{number} block")
    await world.customer("two")
    await world.pump()
    shown = world.team.texts()
    await world.customer_edit("m2", "three")
    await world.customer_reacts("m1", "👍")
    await world.customer_delete("m2")
    await world.pump()
    assert world.team.texts() == shown
    assert (await world.last_message()).deleted_at is not None


async def test_blocked_newcomers_edit_opens_no_thread(world: World) -> None:
    number = await world.begin("one")
    await world.command(f"contact #{number} block")
    await world.store.write(lambda tx: tx.execute(conversations.update().values(status="resolved")))
    await world.lose_thread()
    await world.pump()
    await world.customer("two")
    await world.customer_edit("m2", "three")
    before = len(world.team.cards)
    await world.pump()
    assert len(world.team.cards) == before


# ---------------------------------------------------------------- reactions


async def test_reaction_of_a_customer_is_one_short_line_and_so_is_taking_it_back(world: World) -> None:
    external_id = await sent(world)
    await world.customer_reacts(external_id, "❤️")
    await world.customer_reacts(external_id, "")
    await world.pump()
    (reacted, taken) = world.team.texts()[-2:]
    assert "❤️" in reacted
    assert "back" in taken


async def test_reaction_to_any_piece_of_a_reply_is_shown(world: World) -> None:
    world = World(
        world.store, world.clock, world.data_dir, policy=policy(channel(capabilities=Capabilities(text_limit=40)))
    )
    await world.begin()
    await world.answered(TWO_PIECES)
    await world.customer_reacts(world.shop.sent[1].key, "👍")
    await world.pump()
    assert any("👍" in text for text in world.team.texts())
