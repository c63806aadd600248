"""A customer's messages into conversations: once, in order, where they belong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahut_bot.inbox import receive, visitors
from sahut_bot.inbox.models import attachments, conversations, identities, messages, outbox, timers
from sahut_bot.inbox.store import Store, count_statements
from sahut_bot.text.markup import Bold, Text
from sahut_bot.types import CustomerMessage, RemoteFile, Sender
from tests.databases import Clock
from tests.effort import effort
from tests.inbox.builders import ANA, BEN, CUSTOMER, PLACE, World, channel, policy, remote

DAY = 86400.0


async def batch(world: World, events: Sequence[CustomerMessage]) -> list[Any]:
    return await world.store.write(receive.receive, [(world.policy, event, world.clock()) for event in events])


async def counts(world: World) -> tuple[int, int]:
    """How many conversations and messages there are."""
    return len(await world.rows(conversations.select())), len(await world.rows(messages.select()))


# ---------------------------------------------------------------- once


async def test_same_event_twice_in_one_batch_is_one_message(world: World) -> None:
    event = world.message()
    first, second, third = await batch(world, [event, event, replace(event, body=(Text("changed"),))])
    assert (first is not None, second, third) == (True, None, None)
    await world.pump()
    assert world.team.texts() == ["Hello"]


async def test_same_event_in_two_batches_is_one_message(world: World) -> None:
    event = world.message()
    await batch(world, [event])
    first, second, third = await batch(world, [event, world.message("more"), event])
    assert (first, second is not None, third) == (None, True, None)
    await world.pump()
    assert world.team.texts() == ["Hello", "more"]


async def test_same_event_from_many_at_once_is_one_message(world: World) -> None:
    event = world.message()
    found = await asyncio.gather(*(world.hear(event) for _ in range(20)))
    assert len([one for one in found if one]) == 1
    assert await counts(world) == (1, 1)


async def test_same_key_on_two_channels_is_two_events(world: World) -> None:
    await world.customer(key="1")
    await world.customer(key="1", channel="sms")
    assert await counts(world) == (2, 2)


async def test_two_first_messages_at_once_open_one_conversation(world: World) -> None:
    await asyncio.gather(*(world.customer(f"word {n}") for n in range(10)))
    assert await counts(world) == (1, 10)
    await world.pump()
    assert len(world.team.cards) == 1


@pytest.mark.postgres
@pytest.mark.parametrize("known", [False, True])
async def test_first_messages_in_two_processes_at_once_open_one_conversation(
    postgres_url: str, tmp_path: Path, clock: Clock, known: bool
) -> None:
    stores = [Store.open(postgres_url, tmp_path) for _ in range(2)]
    for store in stores:
        await store.start()
    one, two = worlds = [World(store, clock, tmp_path, policy=policy(channel(new_after=DAY))) for store in stores]
    for attempt in range(10):
        who = f"customer {attempt}"
        if known:  # the old conversation is too long ago, so a new one begins
            number = await one.begin(who=who, key=f"old {attempt}")
            await one.command(f"resolve #{number}")
            clock.advance(2 * DAY)
        await asyncio.gather(
            *(world.customer(who=who, key=f"{attempt} {n} {id(world)}") for n in range(3) for world in worlds)
        )
        theirs = sa.select(conversations.c.status).join(identities, identities.c.id == conversations.c.identity_id)
        found = [row.status for row in await two.rows(theirs.where(identities.c.external_id == who))]
        assert sorted(found) == ["open", "resolved"][: 1 + known]
    for store in stores:
        await store.stop()


# ---------------------------------------------------------------- where it belongs


async def test_further_messages_join_the_open_conversation(world: World) -> None:
    number = await world.begin()
    await world.customer("more")
    assert await counts(world) == (1, 2)
    talk = await world.talk(number)
    assert (talk.status, talk.waiting_since) == ("open", talk.created_at)


async def test_customers_message_turns_pending_into_open_and_begins_the_waiting(world: World) -> None:
    number = await world.begin()
    await world.answered()
    assert (await world.talk(number)).waiting_since is None
    world.clock.advance(100)
    await world.customer("And now?")
    talk = await world.talk(number)
    assert (talk.status, talk.waiting_since) == ("open", world.clock())
    world.clock.advance(100)
    await world.customer("Hello?")
    assert (await world.talk(number)).waiting_since == talk.waiting_since


@pytest.mark.parametrize(
    ("days", "new_after", "reopened"),
    [(29, 30 * DAY, True), (31, 30 * DAY, False), (3000, 0.0, True)],
)
async def test_resolved_conversation_reopens_until_it_is_too_old(
    world: World, days: int, new_after: float, reopened: bool
) -> None:
    world.policy = policy(channel(new_after=new_after))
    number = await world.begin()
    await world.command(f"resolve #{number}")
    world.clock.advance(days * DAY)
    await world.customer("Hello again")
    await world.pump()
    newest = await world.talk()
    if reopened:
        assert (newest.id, newest.status, newest.resolved_at) == (number, "open", None)
        assert "reopened" in await world.kinds(number)
    else:
        assert newest.id != number
        assert (newest.previous_id, newest.status) == (number, "open")
        assert (await world.talk(number)).status == "resolved"
        thread = (await world.thread(newest.id)).external_id
        assert any(f"#{number}" in fact.text for fact in world.team.cards[thread][0].facts)


async def test_message_that_is_far_too_late_opens_one_new_conversation_with_what_follows(world: World) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number}")
    world.clock.advance(40 * DAY)
    await batch(world, [world.message("one"), world.message("two"), world.message("three")])
    assert await counts(world) == (2, 4)


@pytest.mark.parametrize("days", [1, 100])
@pytest.mark.parametrize(("text", "reopens"), [("Thanks!", False), ("terima kasih 🙏", False), ("Thanks, but?", True)])
async def test_bare_thanks_reopens_nothing_where_the_channel_says_so(
    world: World, text: str, reopens: bool, days: int
) -> None:
    world.policy = policy(channel(thanks_reopens=False))
    number = await world.begin()
    await world.command(f"resolve #{number}")
    world.clock.advance(days * DAY)
    await world.customer(text)
    await world.pump()
    assert (await world.talk()).status == ("open" if reopens else "resolved")
    assert text in world.team.texts()
    if not reopens:
        assert len(world.team.cards) == 1


async def test_thanks_with_a_file_is_more_than_thanks(world: World) -> None:
    world.policy = policy(channel(thanks_reopens=False))
    number = await world.begin()
    await world.command(f"resolve #{number}")
    await world.customer("Thanks", files=(remote(),))
    assert (await world.talk(number)).status == "open"


async def test_bare_thanks_reopens_by_default(world: World) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number}")
    await world.customer("Thanks")
    assert (await world.talk(number)).status == "open"


@pytest.mark.parametrize("days", [0, 100])
async def test_automatic_message_changes_no_state_and_opens_nothing_new(world: World, days: int) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number}")
    world.clock.advance(days * DAY)
    await world.customer("I am on holiday", automatic=True)
    await world.pump()
    assert [(row.id, row.status) for row in await world.rows(conversations.select())] == [(number, "resolved")]
    assert "I am on holiday" in world.team.texts()


# ---------------------------------------------------------------- resurfacing


@pytest.mark.parametrize(
    ("wake", "text", "woken"),
    [
        ("any", "Thanks", True),
        ("question", "Thanks", False),
        ("question", "Where is it?", True),
        ("never", "Where is it?", False),
    ],
)
async def test_customers_message_wakes_a_snooze_as_its_policy_says(
    world: World, wake: str, text: str, woken: bool
) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} 2h wake {wake}")
    until = (await world.talk(number)).snoozed_until
    await world.customer(text)
    talk = await world.talk(number)
    armed = await world.rows(timers.select().where(timers.c.kind == "snooze"))
    if woken:
        assert (talk.status, talk.snoozed_until, armed) == ("open", None, [])
    else:
        assert (talk.status, talk.snoozed_until) == ("snoozed", until)
        assert [row.due_at for row in armed] == [until]
        assert talk.waiting_since is not None
        await world.later(2 * 3600 + 1)
        assert (await world.talk(number)).status == "open"


@pytest.mark.parametrize("how", ["resolve", "snooze"])
@pytest.mark.parametrize("owned", [True, False])
async def test_message_that_resurfaces_mentions_the_owner_or_shows_in_the_channel(
    world: World, how: str, owned: bool
) -> None:
    number = await world.begin()
    if owned:
        await world.command(f"claim #{number}", by=BEN)
    await world.command(f"{how} #{number} {'2h' if how == 'snooze' else ''}", by=ANA)
    await world.customer("Hello again")
    await world.customer("and more")
    await world.pump()
    again, more = [one.content for one in world.team.posts.values() if one.text in ("Hello again", "and more")]
    assert again.mention == ((BEN.external_id,) if owned else ())
    assert again.broadcast is not owned
    assert (more.mention, more.broadcast) == ((), False)


async def test_message_in_an_open_conversation_disturbs_nobody(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    await world.customer("more")
    await world.pump()
    (post,) = [one.content for one in world.team.posts.values() if one.text == "more"]
    assert (post.mention, post.broadcast) == ((), False)


async def test_reopening_keeps_team_and_owner(world: World) -> None:
    number = await world.begin()
    await world.command("team add billing", by=replace(ANA, external_id="UBOSS", name="Boss"))
    await world.command(f"assign #{number} billing")
    await world.command(f"claim #{number}", by=BEN)
    before = await world.talk(number)
    await world.command(f"resolve #{number}", by=BEN)
    await world.customer("Hello again")
    talk = await world.talk(number)
    assert (talk.status, talk.assignee_id, talk.team_id) == ("open", before.assignee_id, before.team_id)


# ---------------------------------------------------------------- blocked


async def test_message_of_a_blocked_contact_is_stored_without_a_thread(world: World) -> None:
    number = await world.begin()
    await world.command(f"contact #{number} block")
    await world.command(f"resolve #{number}")
    await world.pump()
    shown = len(world.team.posts)
    await world.customer("Let me in", files=(remote(),))
    world.clock.advance(100 * DAY)
    await world.customer("Let me in!")
    await world.pump()
    assert len(world.team.posts) == shown
    assert (await world.talk()).id == number
    assert (await world.talk(number)).status == "resolved"
    stored = await world.rows(messages.select().order_by(messages.c.id))
    assert [row.body for row in stored][1:] == ["Let me in", "Let me in!"]
    assert await world.waiting("") == []


async def test_blocked_contact_without_a_conversation_gets_one_that_nobody_sees_until_unblocked(world: World) -> None:
    number = await world.begin(sender=Sender(external_id="v1", email="x@example.com", verified=True))
    await world.command(f"contact #{number} block")
    await world.pump()
    await world.customer("Other door", sender=Sender(external_id="v2", email="x@example.com", verified=True))
    await world.pump()
    hidden = await world.talk()
    assert (hidden.status, hidden.id != number) == ("resolved", True)
    assert len(world.team.cards) == 1
    await world.command(f"contact #{number} unblock")
    await world.customer("Thank you", sender=Sender(external_id="v2"))
    await world.pump()
    assert (await world.talk(hidden.id)).status == "open"
    assert "Thank you" in world.team.texts((await world.thread(hidden.id)).external_id)


# ---------------------------------------------------------------- files and unknown things


def upload(world: World, owner: str = CUSTOMER, name: str = "a.png", channel_name: str = "web") -> visitors.Upload:
    return visitors.Upload(
        channel=channel_name,
        owner=owner,
        name=name,
        content_type="image/png",
        size=3,
        path="files/x",
        at=world.clock(),
    )


async def test_uploads_of_the_sender_are_taken_in_the_order_given(world: World) -> None:
    one = await world.store.write(visitors.add_upload, upload(world, name="one.png"))
    two = await world.store.write(visitors.add_upload, upload(world, name="two.png"))
    await world.begin("See", stored_files=(two, one))
    shared = [one.file.name for one in world.team.posts.values() if one.file]
    assert shared == ["two.png", "one.png"]


async def test_uploads_of_somebody_else_or_of_another_channel_or_taken_already_are_not_taken(world: World) -> None:
    theirs = await world.store.write(visitors.add_upload, upload(world, owner="sari"))
    elsewhere = await world.store.write(visitors.add_upload, upload(world, channel_name="sms"))
    mine = await world.store.write(visitors.add_upload, upload(world))
    first, second = await batch(
        world,
        [
            world.message("one", stored_files=(theirs, elsewhere, mine)),
            world.message("two", stored_files=(mine, 999)),
        ],
    )
    rows = {row.id: row.message_id for row in await world.rows(attachments.select())}
    assert rows == {theirs: None, elsewhere: None, mine: first}
    await world.pump()
    assert world.team.texts() == ["one", "", "two"]
    assert second is not None


async def test_remote_files_are_fetched_and_refused_ones_are_shown_as_failed(world: World) -> None:
    files = (remote("a.png"), remote("b.png", refusal="It is too large."))
    await world.begin("See", files=files)
    rows = await world.rows(attachments.select().order_by(attachments.c.position))
    assert [(row.name, row.state) for row in rows] == [("a.png", "stored"), ("b.png", "failed")]
    assert (world.data_dir / rows[0].path).read_bytes() == b"x" * 100


async def test_file_with_a_hostile_name_is_called_something_harmless(world: World) -> None:
    await world.begin("See", files=(RemoteFile(name="a\u202egnp\n.exe", content_type="x/y", size=1, remote="r"),))
    assert (await world.one(attachments)).name == "agnp .exe"


async def test_message_of_files_alone_has_the_files_name_on_its_card(world: World) -> None:
    await world.begin("", files=(remote("plan.pdf"),))
    assert (await world.talk()).first_line == "plan.pdf"
    assert world.team.texts()[0] == world.policy.say("message.files_only")


async def test_message_of_an_unknown_type_is_shown_as_what_it_is_called(world: World) -> None:
    number = await world.begin("", unknown_type="hologram")
    assert any("hologram" in text and "open the app" in text for text in world.team.texts())
    assert (await world.talk(number)).first_line == "hologram"


async def test_marks_of_a_text_survive_to_the_thread(world: World) -> None:
    body = (Text("very "), Bold((Text("bold"),)))
    await world.begin(body)  # type: ignore[arg-type]
    (post,) = world.team.posts.values()
    assert post.content.body == body


# ---------------------------------------------------------------- many at once


@pytest.mark.parametrize("shape", ["new", "known", "resurfacing", "files"])
async def test_statements_do_not_grow_with_the_batch(world: World, shape: str) -> None:
    sizes = (1, 10, 100)
    counted = []
    for size in sizes:
        who = [f"{shape} {size} {n}" for n in range(size)]
        if shape != "new":
            await batch(world, [world.message(who=one) for one in who])
        if shape == "resurfacing":
            await world.store.write(
                lambda tx: tx.execute(
                    sa.update(conversations).values(status="snoozed", snoozed_until=world.clock() + 99)
                )
            )
        files = (remote(), remote(refusal="no")) if shape == "files" else ()
        events = [world.message("again", who=one, files=files) for one in who]
        with count_statements(world.store) as seen:
            await batch(world, events)
        counted.append(len(seen))
    assert counted[0] == counted[1] == counted[2], (counted, seen)


EVENTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["Hello", "thanks", "auto", "file"]), st.integers(0, 5)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=effort(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, cuts=st.lists(st.integers(1, 4), min_size=12, max_size=12), data=st.data())
async def test_any_cut_into_batches_with_any_repeats_leaves_the_same_rows(
    world: World, events: list[tuple[int, str, int]], cuts: list[int], data: st.DataObject
) -> None:
    world.policy = policy(channel(thanks_reopens=False))
    results = []
    for way in ("singly", "batched"):
        prefix = world.fresh(way)
        made = [
            world.message(
                "Away" if word == "auto" else word,
                who=f"{prefix} {who}",
                key=f"{prefix} {number}",
                sender=Sender(external_id=f"{prefix} {who}", name=f"Name {name}" if name else ""),
                automatic=word == "auto",
                files=(remote(),) if word == "file" else (),
            )
            for number, (who, word, name) in enumerate(events)
        ]
        if way == "singly":
            for event in made:
                await batch(world, [event])
        else:
            repeated = data.draw(st.lists(st.sampled_from(made), max_size=3))
            rest, sizes, sent = list(made), iter(cuts), []
            while rest:
                size = next(sizes)
                some, rest = rest[:size], rest[size:]
                await batch(world, [*some, *(event for event in repeated if event in sent), some[0]])
                sent += some
        results.append(await remains(world, prefix))
    assert results[0] == results[1]


async def remains(world: World, prefix: str) -> Any:
    """Everything that was stored for these customers, without ids."""
    query = (
        sa.select(identities.c.external_id, identities.c.name, conversations)
        .join(conversations, conversations.c.identity_id == identities.c.id)
        .where(identities.c.external_id.startswith(prefix))
        .order_by(identities.c.external_id, conversations.c.id)
    )
    found = []
    for talk in await world.rows(query):
        theirs = await world.rows(
            sa.select(messages).where(messages.c.conversation_id == talk.id).order_by(messages.c.id)
        )
        rows = await world.rows(sa.select(outbox).where(outbox.c.conversation_id == talk.id).order_by(outbox.c.id))
        found.append(
            (
                talk.external_id.removeprefix(prefix),
                talk.name,
                (talk.status, talk.first_line, talk.waiting_since, talk.resolved_at, talk.last_customer_at),
                [(row.body, row.automatic, row.external_id is not None) for row in theirs],
                [(row.lane[0], row.kind) for row in rows if row.kind != "card"],
            )
        )
    return found


async def test_order_of_messages_in_a_batch_is_the_order_in_the_thread(world: World) -> None:
    words = [f"{who} {n}" for n in range(20) for who in ("budi", "sari")]
    await batch(world, [world.message(word, who=word.split()[0]) for word in words])
    await world.pump()
    for who in ("budi", "sari"):
        assert [text for text in world.team.texts() if text.startswith(who)] == [w for w in words if w.startswith(who)]


async def test_thread_opens_in_the_place_of_its_channel(world: World) -> None:
    world.policy = policy(channel(), channel("sms", place="C2"))
    await world.customer(channel="sms")
    assert {row.target for row in await world.rows(outbox.select())} == {"slack:C2/post"}
    assert PLACE == "C1"
