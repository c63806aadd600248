"""A note never reaches a customer, however it was written and whatever happens to it afterwards.

Every text and file name of a note holds SECRET. Nothing that was ever loaded for the customer's lane, sent, or put into
the customer's feed may hold it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahut_bot.inbox.effects import DeleteSent, EditSent, Fetch, Send
from sahut_bot.inbox.models import outbox
from sahut_bot.text.markup import Bold, Mention, Text
from tests.effort import effort
from tests.inbox.builders import ANA, BEN, GUEST, MENTION_BEN, World, channel, policy, remote
from tests.inbox.test_replies import button, question

SECRET = "s3cret"
FILE = remote(f"{SECRET}.pdf")
MODE_NOTE = policy(channel(reply_by_default=False))

Way = Callable[[World], Awaitable[Any]]


def typed(body: Any, **values: Any) -> Way:
    async def write(world: World) -> str:
        return await world.post(body, files=(FILE,), **values)

    return write


def commanded(line: str, **values: Any) -> Way:
    async def write(world: World) -> Any:
        return await world.command(line.format(number=(await world.talk()).id), files=(FILE,), **values)

    return write


async def in_mode_note(world: World) -> str:
    world.policy = MODE_NOTE
    return await world.post(f"{SECRET} in mode note", files=(FILE,))


async def by_form(world: World) -> Any:
    return await world.command("note", thread=await world.thread(), fields={"text": f"{SECRET} by form"})


async def by_shortcut(world: World) -> Any:
    """A shortcut opens the form of the thread it was called in."""
    form = (await world.command("note", thread=await world.thread(), about="a1")).form
    assert form is not None
    return await world.command(form.command, fields={"text": f"{SECRET} by shortcut"})


async def held_then_note(world: World) -> str:
    post = await world.post(f"Notes: {SECRET}", files=(FILE,))
    await world.command(button(await question(world), "note"))
    return post


async def another_owners_then_note(world: World) -> str:
    await world.command(f"claim #{(await world.talk()).id}", by=BEN)
    post = await world.post(f"{SECRET} for him", files=(FILE,))
    await world.command(button(await question(world), "note"))
    return post


async def waiting_reply_then_note(world: World) -> str:
    post = await world.post("Hi there", files=(FILE,))
    await world.edit(post, f"; {SECRET}")
    return post


async def sent_reply_then_note(world: World) -> str:
    post = await world.answered("Hi there")
    await world.edit(post, f"note: {SECRET}")
    return post


async def old_and_caught_up(world: World) -> str:
    return await world.post(f"// {SECRET}", caught_up=True, at=world.clock() - 7200, files=(FILE,))


WAYS: dict[str, Way] = {
    "semicolon": typed(f"; {SECRET}"),
    "slashes": typed(f"//{SECRET}"),
    "note": typed(f"NOTE: {SECRET}"),
    "catatan": typed(f"Catatan: {SECRET}"),
    "lock": typed(f"🔒 {SECRET}"),
    "lock by name": typed(f":lock: {SECRET}"),
    "bold prefix": typed((Bold((Text("note:"),)), Text(f" {SECRET}"))),
    "mention of a person": typed((MENTION_BEN, Text(f" {SECRET}"))),
    "mention of a group": typed((Text(f"{SECRET} "), Mention("group", "S1", "billing"))),
    "mention of all": typed((Text(f"reply: {SECRET} "), Mention("everyone", "here", "here"))),
    "mode": in_mode_note,
    "typed command": typed(f"!note {SECRET}"),
    "mention of the bot": typed(f"note {SECRET}", mentions_bot=True),
    "command": commanded(f"note #{{number}} {SECRET}"),
    "form": by_form,
    "shortcut": by_shortcut,
    "held": held_then_note,
    "another owner's": another_owners_then_note,
    "edit while it waits": waiting_reply_then_note,
    "edit after it was sent": sent_reply_then_note,
    "caught up": old_and_caught_up,
    "near miss": typed(f"Note - {SECRET}"),
    "unknown command": typed(f"!nots {SECRET}"),
    "reply command that mentions": commanded(f"reply #{{number}} {SECRET}", body=(Text(SECRET), MENTION_BEN)),
    "reply command that looks like a note": commanded(f"reply #{{number}} note: {SECRET}"),
    "resolve reply that looks like a note": commanded(f"resolve #{{number}} reply: ; {SECRET}"),
    "reason of resolving": commanded(f"resolve #{{number}} {SECRET}"),
    "somebody who is no agent": typed(SECRET, by=GUEST),
    "reply of somebody who is no agent": typed(f"reply: {SECRET}", by=GUEST),
    "command of somebody who is no agent": commanded(f"reply #{{number}} {SECRET}", by=GUEST),
    "typed command of somebody who is no agent": typed(f"!reply {SECRET}", by=GUEST),
}


async def stays(world: World) -> None:
    """Whatever is due now and for an hour, none of it carries the secret to the customer."""
    await world.later(6)
    await world.later(3600)
    left = [effect for row, effect in world.loaded if row.lane[0] == "c" or row.target.startswith("channel/")]
    assert all(isinstance(effect, Send | EditSent | DeleteSent | Fetch | None) for effect in left)
    outward = [effect for effect in left if isinstance(effect, Send | EditSent | DeleteSent)]
    assert SECRET not in repr(outward)
    assert SECRET not in repr([shop.sent for shop in world.shops.values()])
    assert SECRET not in repr([shop.edits for shop in world.shops.values()])
    assert SECRET not in repr(await world.feed())
    assert SECRET not in repr([row.payload for row in await world.rows(outbox.select()) if row.lane[0] == "c"])


@pytest.mark.parametrize("way", WAYS)
async def test_note_never_leaves_however_it_was_written(world: World, way: str) -> None:
    await world.begin()
    await WAYS[way](world)
    await stays(world)


# What is a note already, and stands in the thread where its author can edit it.
NOTES = [
    *("semicolon", "slashes", "note", "catatan", "lock", "lock by name", "bold prefix", "mode", "held"),
    *("mention of a person", "mention of a group", "mention of all", "another owner's", "edit while it waits"),
    "caught up",
]


@pytest.mark.parametrize("way", NOTES)
async def test_note_never_becomes_a_reply_by_editing(world: World, way: str) -> None:
    await world.begin()
    post = await WAYS[way](world)
    for text in (f"{SECRET} as plain as a reply", f"reply: {SECRET}", f"!reply {SECRET}", f"; {SECRET}", SECRET):
        await world.edit(post, text)
    await stays(world)
    assert (await world.last_message()).kind == "note"


async def test_author_of_a_note_that_looks_like_a_reply_now_is_told_that_it_stays_one(world: World) -> None:
    await world.begin()
    post = await world.post(f"; {SECRET}")
    await world.edit(post, f"{SECRET}")
    await world.edit(post, f"{SECRET} again")
    await stays(world)
    assert len([text for text in world.team.said(ANA) if "still an internal note" in text]) == 2
    message = await world.last_message()
    assert (message.kind, message.body) == ("note", f"{SECRET} again")


async def test_note_edited_into_another_note_changes_without_a_word(world: World) -> None:
    await world.begin()
    post = await world.post(f"; {SECRET}")
    await world.edit(post, f"note: {SECRET} indeed")
    await stays(world)
    assert world.team.said() == []
    assert (await world.last_message()).body == f"{SECRET} indeed"


async def test_note_shows_its_mark_and_changes_no_state(world: World) -> None:
    number = await world.begin()
    for status in ("pending", "snooze", "resolve"):
        post = await world.post(f"; {SECRET}")
        await world.pump()
        assert world.team.marks[post] == ["🔒"]
        before = (await world.talk(number)).status
        await world.command(f"note #{number} {SECRET}")
        await world.pump()
        assert (await world.talk(number)).status == before
        await world.command(f"{status} #{number} {'2h' if status == 'snooze' else ''}")
    await stays(world)


async def test_note_by_command_is_posted_under_the_agents_name_and_marked(world: World) -> None:
    number = await world.begin()
    await world.command(f"note #{number} {SECRET}")
    await stays(world)
    (post,) = (name for name, one in world.team.posts.items() if SECRET in one.text)
    assert world.team.posts[post].content.as_name == "Ana"
    assert world.team.posts[post].text.startswith("🔒")
    assert world.team.marks[post] == ["🔒"]


async def test_files_of_a_note_are_not_judged_by_what_the_customers_channel_takes(world: World) -> None:
    await world.begin(channel="sms")
    await world.post(f"; {SECRET}", files=(remote(f"{SECRET}.mp4", size=10**7, content_type="video/mp4"),))
    await stays(world)
    assert not [text for text in world.team.texts() if "did not go through" in text]


async def test_deleted_note_is_gone_without_a_word_to_the_customer(world: World) -> None:
    await world.begin()
    post = await world.post(f"; {SECRET}")
    await world.delete(post)
    await stays(world)
    assert (await world.last_message()).deleted_at is not None


async def test_who_is_no_agent_is_refused_privately_and_leaves_no_trace(world: World) -> None:
    await world.begin()
    for text in (SECRET, f"; {SECRET}", f"!note {SECRET}", f"reply: {SECRET}"):
        await world.post(text, by=GUEST, files=(FILE,))
    await stays(world)
    assert [who for who, _ in world.team.whispers] == [GUEST.external_id] * 4
    assert (await world.last_message()).kind == "incoming"


async def test_held_text_that_names_a_colleague_cannot_be_sent_even_on_purpose(world: World) -> None:
    await world.begin()
    await world.post((Text(f"!ask {SECRET} "), MENTION_BEN))
    asked = await question(world)
    for answer in ("send", "note", "send"):
        done = await world.command(button(asked, answer))
        assert done.ok is (answer == "note")
    await stays(world)
    assert (await world.last_message()).kind == "note"


async def test_agent_who_leaves_is_no_agent_at_once(world: World) -> None:
    await world.begin()
    await world.answered("Hi there")
    await world.becomes(ANA, is_agent=False)
    gone = type(ANA)(teamchat="slack", external_id=ANA.external_id, name="Ana", is_agent=False)
    await world.post(SECRET, by=gone)
    await stays(world)
    assert world.shop.texts == ["Hi there"]
    assert world.team.said(ANA) == [world.policy.say("stranger.refused")]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("note"), st.sampled_from(["; {}", "note: {}", "🔒{}", "// {}"])),
        st.tuples(st.just("edit"), st.sampled_from(["{}", "; {}", "reply: {}", "!reply {}", "Notes: {}", "> x\n{}"])),
        st.tuples(st.just("delete"), st.just("")),
        st.tuples(st.just("later"), st.sampled_from(["1", "6", "400"])),
        st.tuples(st.just("answer"), st.sampled_from(["send", "take", "note", "drop"])),
        st.tuples(st.just("retry"), st.just("")),
    ),
    max_size=8,
)


@settings(max_examples=effort(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_nothing_that_is_done_to_a_note_makes_it_leave(world: World, steps: list[tuple[str, str]]) -> None:
    number = await world.begin(who=world.fresh("customer"))
    post = await world.post(f"; {SECRET}", thread=await world.thread(number))
    note = (await world.last_message()).id
    for step, value in steps:
        thread = await world.thread(number)
        match step:
            case "note":
                post = await world.post(value.format(SECRET), thread=thread)
            case "edit":
                await world.edit(post, value.format(SECRET), thread=thread)
            case "delete":
                await world.delete(post, thread=thread)
            case "later":
                await world.later(float(value))
            case "answer":
                await world.command(f"held #{number} {note} {value}")
            case "retry":
                await world.command(f"retry #{number} {note}")
    await world.later(6)
    await world.later(3600)
    assert SECRET not in repr([shop.sent for shop in world.shops.values()])
    assert SECRET not in repr([effect for row, effect in world.loaded if row.lane[0] == "c"])
