"""What people look at: the card, the inbox, a search, a history, the reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sahut_bot.errors import UserError
from sahut_bot.inbox import views
from sahut_bot.inbox.views import PAGE, Query
from sahut_bot.inbox.views_commands import parse_query
from sahut_bot.types import Capabilities, Card, Listing, Sender, Status
from tests.inbox.builders import ANA, BEN, BOSS, GUEST, World, channel, policy


async def card(world: World, number: int) -> Card:
    return (await world.store.read(views.cards, world.policy, [number]))[number]


def facts(one: Card) -> dict[str, object]:
    return {fact.label: fact.instant if fact.instant is not None else fact.text for fact in one.facts}


async def inbox(world: World, words: str = "", by: object = ANA) -> Listing:
    answer = await world.command(f"inbox {words}", by=by)  # type: ignore[arg-type]
    assert answer.listing is not None, answer.text
    return answer.listing


def numbers(listing: Listing) -> list[int]:
    return [row.number for row in listing.rows]


# ---------------------------------------------------------------- the card


async def test_card_shows_who_on_what_and_the_first_line(world: World) -> None:
    number = await world.begin("Where is my parcel?\nIt is late.")
    shown = await card(world, number)
    assert shown.title == f"#{number} · Web · Budi"
    assert shown.first_line == "Where is my parcel?"
    assert facts(shown) == {"Status": "Open", "Owner": "Unassigned", "Waiting since": world.clock()}
    assert [one.command for one in shown.buttons] == [
        f"{name} #{number}" for name in ("claim", "resolve", "snooze", "assign", "more")
    ]


async def test_card_shows_everything_that_was_done(world: World) -> None:
    number = await world.begin()
    await world.command("team add billing", by=BOSS)
    for line in ("claim", "assign billing", "priority urgent", "label +vip +late", "snooze 2h", "contact block"):
        name, _, words = line.partition(" ")
        assert (await world.command(f"{name} #{number} {words}")).ok
    shown = await card(world, number)
    assert facts(shown) == {
        "Status": "Snoozed",
        "Snoozed until": world.clock() + 7200,
        "Owner": "Ana",
        "Team": "billing",
        "Priority": "urgent",
        "Labels": "late, vip",
        "Waiting since": world.clock(),
        "Contact": world.policy.say("contact.is_blocked"),
    }
    assert [one.command.split()[0] for one in shown.buttons] == ["release", "resolve", "snooze", "assign", "more"]


async def test_card_of_a_resolved_conversation_offers_to_reopen_it(world: World) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number}")
    shown = await card(world, number)
    assert shown.status is Status.RESOLVED
    assert "reopen" in [one.command.split()[0] for one in shown.buttons]
    assert "Waiting since" not in facts(shown)


async def test_card_says_in_words_where_what_is_typed_goes(world: World) -> None:
    number = await world.begin()
    reply = (await card(world, number)).mode_line
    world.policy = policy(channel(reply_by_default=False))
    note = (await card(world, number)).mode_line
    assert "goes to the customer" in reply
    assert "stays in the team" in note


async def test_card_shows_until_when_a_reply_is_possible(world: World) -> None:
    world.policy = policy(channel(capabilities=Capabilities(text_limit=100, reply_window=86400.0)))
    number = await world.begin()
    assert facts(await card(world, number))["Reply possible until"] == world.clock() + 86400.0


async def test_card_names_earlier_conversations_of_the_contact_on_any_channel(world: World) -> None:
    proven = Sender(external_id="v1", email="budi@example.com", verified=True)
    first = await world.begin(sender=proven)
    second = await world.begin(sender=replace(proven, external_id="v2"), channel="sms")
    assert facts(await card(world, second))["Earlier conversations"] == f"1 (#{first})"
    assert "Earlier conversations" not in facts(await card(world, first))


async def test_customer_without_a_name_is_called_by_the_end_of_the_address(world: World) -> None:
    number = await world.begin(sender=Sender(external_id="visitor:0123456789abcdef"))
    assert (await card(world, number)).title.endswith("…abcdef")


async def test_card_is_drawn_from_the_state_of_when_its_turn_comes(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}")
    await world.command(f"release #{number}")
    await world.pump()
    drawn = world.team.cards[(await world.thread()).external_id][-1]
    assert drawn == await card(world, number)


async def test_change_while_the_thread_is_being_opened_reaches_the_card(world: World) -> None:
    await world.customer()
    ended = await world.perform(await world.store.write(world.exchange, []))
    number = (await world.talk()).id
    await world.command(f"claim #{number}")
    await world.store.write(world.finish, ended)
    await world.pump()
    assert facts(world.team.cards[(await world.thread()).external_id][-1])["Owner"] == "Ana"


# ---------------------------------------------------------------- the inbox


async def test_inbox_shows_open_ones_by_default_the_latest_first(world: World) -> None:
    found = []
    for who in ("a", "b", "c", "d"):
        found.append(await world.begin(who=who))
        world.clock.advance(60)
    await world.command(f"resolve #{found[0]}")
    await world.command(f"pending #{found[1]}")
    listing = await inbox(world)
    assert numbers(listing) == [found[3], found[2]]
    assert numbers(await inbox(world, "resolved")) == [found[0]]
    assert numbers(await inbox(world, "status:any")) != []
    assert len(numbers(await inbox(world, "status:any"))) == 4


async def test_inbox_by_owner_and_team(world: World) -> None:
    await world.team_knows()
    await world.command("team add billing", by=BOSS)
    await world.command("team join billing @Ben", by=BOSS)
    mine, theirs, nobodys = [await world.begin(who=who) for who in ("a", "b", "c")]
    await world.command(f"claim #{mine}")
    await world.command(f"claim #{theirs}", by=BEN)
    await world.command(f"assign #{nobodys} billing")
    assert numbers(await inbox(world, "mine")) == [mine]
    assert numbers(await inbox(world, "unassigned")) == [nobodys]
    assert numbers(await inbox(world, "team", by=BEN)) == [nobodys]
    assert numbers(await inbox(world, "team")) == []


async def test_inbox_by_channel_and_label(world: World) -> None:
    web = await world.begin()
    sms = await world.begin(channel="sms")
    await world.command(f"label #{web} +VIP")
    assert numbers(await inbox(world, "channel:sms")) == [sms]
    assert numbers(await inbox(world, "label:vip")) == [web]
    assert numbers(await inbox(world, "label:vip channel:sms")) == []


async def test_inbox_comes_in_pages(world: World) -> None:
    for n in range(2 * PAGE + 1):
        await world.customer(who=f"customer {n}")
    seen: list[int] = []
    words = ""
    for _ in range(3):
        listing = await inbox(world, words)
        seen += numbers(listing)
        onward = [one.command.removeprefix("inbox ") for one in listing.pages]
        words = onward[-1] if onward else ""
    assert len(seen) == len(set(seen)) == 2 * PAGE + 1
    assert numbers(await inbox(world, "page:99")) == []


async def test_every_button_of_the_inbox_is_a_command_that_works(world: World) -> None:
    number = await world.begin()
    listing = await inbox(world)
    for button in (*listing.filters, *listing.statuses, *listing.pages):
        assert (await world.command(button.command)).ok
    assert [one.command for one in listing.rows[0].buttons] == [f"claim #{number}", f"resolve #{number}"]
    assert listing.rows[0].thread == await world.thread()


async def test_looking_at_the_inbox_makes_nobody_an_agent(world: World) -> None:
    assert not (await world.command("inbox", by=GUEST)).ok
    assert (await world.command("inbox mine", by=replace(ANA, external_id="UNEW"))).ok


@pytest.mark.parametrize("words", ["yours", "status:odd", "page:0", "page:x", "page:²", "page:99999", "channel:", ":"])
def test_word_that_is_no_filter_is_refused(words: str) -> None:
    with pytest.raises(UserError):
        parse_query(words)


@pytest.mark.parametrize(
    "query",
    [Query(), Query(view="mine", status=None), Query(status=Status.SNOOZED, channel="web", label="vip", page=3)],
)
def test_query_reads_back_what_it_says(query: Query) -> None:
    assert parse_query(query.words(page=query.page).removeprefix("inbox ")) == query


# ---------------------------------------------------------------- history, search, why


async def test_history_lists_the_contacts_other_conversations(world: World) -> None:
    world.policy = policy(channel(new_after=60.0))
    found = []
    for _ in range(3):
        found.append(await world.begin())
        await world.command(f"resolve #{found[-1]}")
        world.clock.advance(100)
    answer = await world.command(f"history #{found[1]}")
    assert answer.listing is not None
    assert numbers(answer.listing) == [found[2], found[0]]
    other = await world.begin(who="sari")
    alone = (await world.command(f"history #{other}")).listing
    assert alone is not None
    assert (alone.rows, bool(alone.empty)) == ((), True)


async def test_search_finds_messages_and_notes_with_the_line_they_stand_in(world: World) -> None:
    number = await world.begin("Where is my parcel?")
    await world.post("; the courier lost it")
    for words in ("parcel", "courier"):
        answer = await world.command(f"search {words}")
        assert answer.listing is not None
        assert numbers(answer.listing) == [number]
        assert words in answer.listing.rows[0].line
    nothing = (await world.command("search unicorn")).listing
    assert nothing is not None
    assert nothing.rows == ()


async def test_why_tells_who_did_what_and_when_the_oldest_first(world: World) -> None:
    number = await world.begin()
    assert "Conversation begun" in (await world.command(f"why #{number}")).text
    await world.command(f"claim #{number}")
    await world.command(f"resolve #{number} all done")
    lines = (await world.command(f"why #{number}")).text.splitlines()
    assert [line.split(" · ")[1] for line in lines] == [
        "Conversation begun",
        "Ana took it",
        "Ana resolved it: all done",
    ]
    assert "UTC" in lines[0]
