"""Every command, by every mouth: in the thread, with a number elsewhere, by form; and what bad arguments get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahut_bot.inbox.commands import COMMANDS, NAMES
from sahut_bot.inbox.models import agents, contacts, conversations, labels, messages, teams, timers
from sahut_bot.text.markup import Bold, Text
from sahut_bot.text.words import LANGUAGES, lines
from sahut_bot.types import Answer, Capabilities, Role
from tests.effort import effort
from tests.inbox.builders import ANA, BEN, BOSS, GUEST, MENTION_BEN, World, channel, policy

NEEDS_A_CASE = [command.name for command in COMMANDS if command.on_case]


async def status(world: World, number: int) -> str:
    return str((await world.talk(number)).status)


# ---------------------------------------------------------------- where


async def test_every_command_on_a_conversation_asks_which_one_outside_of_threads(world: World) -> None:
    for name in NEEDS_A_CASE:
        answer = await world.command(name)
        assert not answer.ok
        assert answer.private
        assert f"/sahut {name} #1042" in answer.text
        answer = await world.command(f"{name} #999 x")
        assert (answer.ok, answer.text) == (False, "There is no conversation #999.")


async def test_command_in_a_thread_that_is_none_of_ours_says_so(world: World) -> None:
    await world.begin()
    other = replace(await world.thread(), external_id="T999")
    answer = await world.command("claim", thread=other)
    assert not answer.ok
    assert "no conversation" in answer.text


async def test_success_in_the_thread_is_told_by_the_thread_alone_and_elsewhere_privately(world: World) -> None:
    number = await world.begin()
    inside = await world.command("claim", thread=await world.thread())
    assert inside == Answer()
    outside = await world.command(f"release #{number}")
    assert (outside.ok, outside.private, outside.text) == (True, True, f"#{number} is released.")
    await world.pump()
    assert world.team.texts()[-2:] == ["Ana took it", "Ana released it"]


async def test_number_of_another_conversation_in_a_thread_is_a_question_when_typed_and_meant_when_pressed(
    world: World,
) -> None:
    first = await world.begin()
    second = await world.begin(who="sari")
    thread = await world.thread(second)
    await world.post(f"!resolve #{first}", thread=thread)
    await world.pump()
    assert (await status(world, first), await status(world, second)) == ("open", "open")
    assert f"#{first}" in world.team.said(ANA)[-1]
    await world.command(f"resolve #{first}", thread=thread)
    assert (await status(world, first), await status(world, second)) == ("resolved", "open")


@pytest.mark.parametrize("body", [(), (Text("#1 "), Bold((Text("soon"),))), (Bold((Text("soon"),)),)])
async def test_number_never_becomes_a_part_of_the_reply(world: World, body: Any) -> None:
    number = await world.begin()
    body = tuple(Text(f"#{number} ") if node == Text("#1 ") else node for node in body)
    await world.command(f"reply #{number} soon", body=body)
    await world.later(6)
    assert world.shop.texts == ["soon"]


# ---------------------------------------------------------------- who


async def test_who_is_no_agent_can_do_nothing(world: World) -> None:
    number = await world.begin()
    for name in sorted(NAMES):
        answer = await world.command(f"{name} #{number} x", by=GUEST)
        assert (answer.ok, answer.text) == (False, world.policy.say("stranger.refused"))
    assert await world.kinds() == ["created"]


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("role @Ben supervisor", Role.ADMIN),
        ("team add billing", Role.SUPERVISOR),
        ("team join billing @Ben", Role.SUPERVISOR),
        ("team leave billing @Ben", Role.SUPERVISOR),
        ("team list", Role.AGENT),
        ("help", Role.AGENT),
    ],
)
async def test_role_is_asked_for(world: World, line: str, role: Role) -> None:
    await world.team_knows()
    await world.command("team add billing", by=BOSS)
    await world.command("role @Ben supervisor", by=BOSS)
    answers = {
        Role.AGENT: await world.command(line, by=ANA),
        Role.SUPERVISOR: await world.command(line, by=BEN),
        Role.ADMIN: await world.command(line, by=BOSS),
    }
    refused = [one for one, answer in answers.items() if not answer.ok and "role" in answer.text]
    assert refused == list(Role)[: list(Role).index(role)]


async def test_role_is_asked_for_in_typed_commands_too(world: World) -> None:
    await world.begin()
    await world.post("!team add billing")
    await world.post("!role @Ben admin")
    await world.pump()
    assert await world.rows(teams.select()) == []
    assert len(world.team.said(ANA)) == 2


async def test_admin_of_the_settings_keeps_the_role(world: World) -> None:
    await world.team_knows()
    assert not (await world.command("role @Boss agent", by=BOSS)).ok
    assert (await world.command("role @Ana admin", by=BOSS)).ok
    assert (await world.command("role @Ben supervisor", by=ANA)).ok


@pytest.mark.parametrize(
    "line", ["role @Ben", "role @Ben king", "role supervisor", "role @Nobody agent", "role @Ben @Ana agent"]
)
async def test_role_with_bad_arguments_says_the_right_form(world: World, line: str) -> None:
    await world.team_knows()
    answer = await world.command(line, by=BOSS)
    assert not answer.ok
    assert {row.role for row in await world.rows(agents.select())} == {"agent", "admin"}


# ---------------------------------------------------------------- owning


async def test_claim_and_release(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}")
    assert (await world.case(number)).owner_who == ANA.external_id
    assert not (await world.command(f"claim #{number}")).ok
    await world.command(f"claim #{number}", by=BEN)
    assert (await world.case(number)).owner_who == BEN.external_id
    assert not (await world.command(f"release #{number}", by=ANA)).ok
    assert (await world.command(f"release #{number}", by=BOSS)).ok
    assert not (await world.command(f"release #{number}", by=ANA)).ok
    assert await world.kinds(number) == ["created", "claimed", "taken_over", "released"]


@pytest.mark.parametrize("line", ["claim #{number}", "assign #{number} @Ana", "reply #{number} Hi"])
async def test_owner_is_mentioned_and_so_follows_the_thread(world: World, line: str) -> None:
    await world.team_knows()
    number = await world.begin()
    await world.command(line.format(number=number), by=BEN if "assign" in line else ANA)
    await world.pump()
    (mentioned,) = [one for one in world.team.posts.values() if one.content.mention]
    assert mentioned.content.mention == (ANA.external_id,)


async def test_owner_by_a_typed_reply_follows_already(world: World) -> None:
    await world.begin()
    await world.post("Hi there")
    await world.pump()
    assert [one for one in world.team.posts.values() if one.content.mention] == []


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("@Ben", {}),
        ("ben", {}),
        ("UBEN", {}),
        ("@ben", {"body": (MENTION_BEN,)}),
        ("<@UBEN|ben>", {}),
        ("", {"fields": {"to": "UBEN"}}),
    ],
)
async def test_assign_takes_a_mention_a_name_an_id_or_the_form(world: World, words: str, values: Any) -> None:
    await world.team_knows()
    number = await world.begin()
    assert (await world.command(f"assign #{number} {words}", **values)).ok
    assert (await world.case(number)).owner_who == BEN.external_id


async def test_typed_assign_with_a_mention(world: World) -> None:
    await world.team_knows()
    number = await world.begin()
    await world.post((Text("!assign "), MENTION_BEN))
    assert (await world.case(number)).owner_who == BEN.external_id


async def test_assign_to_a_team_leaves_the_owner(world: World) -> None:
    await world.command("team add Billing", by=BOSS)
    number = await world.begin()
    await world.command(f"claim #{number}")
    await world.command(f"assign #{number} billing")
    await world.command(f"assign #{number}", fields={"to": "team:Billing"})
    case = await world.case(number)
    assert (case.owner_who, case.team_id is not None) == (ANA.external_id, True)


@pytest.mark.parametrize("words", ["@Nobody", "Gus", "team:nothing", "<@U404>"])
async def test_assign_to_nobody_is_refused(world: World, words: str) -> None:
    await world.team_knows(ANA, BEN)
    number = await world.begin()
    answer = await world.command(f"assign #{number} {words}")
    assert not answer.ok
    assert (await world.case(number)).assignee_id is None


async def test_assign_between_two_of_one_name_asks_for_a_mention(world: World) -> None:
    await world.team_knows(BEN, replace(BEN, external_id="UBEN2"))
    number = await world.begin()
    answer = await world.command(f"assign #{number} ben")
    assert "Mention the one you mean" in answer.text
    assert (await world.command(f"assign #{number} UBEN2")).ok


async def test_agent_hands_over_only_what_is_theirs_or_nobodys(world: World) -> None:
    await world.team_knows()
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    assert not (await world.command(f"assign #{number} @Ana", by=ANA)).ok
    assert (await world.command(f"assign #{number} @Ana", by=BOSS)).ok
    assert (await world.command(f"assign #{number} @Ben", by=ANA)).ok
    assert not (await world.command(f"assign #{number} @Ben", by=BEN)).ok


# ---------------------------------------------------------------- status


async def test_pending_resolve_reopen_and_wake(world: World) -> None:
    number = await world.begin()
    for line, after, refused in (
        ("pending", "pending", "pending"),
        ("resolve", "resolved", "resolve"),
        ("reopen", "open", "reopen"),
        ("snooze 2h", "snoozed", "reopened"),
        ("wake", "open", "wake"),
    ):
        name, _, words = line.partition(" ")
        assert (await world.command(f"{name} #{number} {words}")).ok
        assert await status(world, number) == after
        if refused in NAMES:
            assert not (await world.command(f"{refused} #{number}")).ok


async def test_reason_of_resolving_is_internal_and_recorded(world: World) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number} he was rude")
    await world.later(60)
    assert world.shop.sent == []
    assert "Ana resolved it: he was rude" in world.team.texts()
    why = (await world.command(f"why #{number}")).text
    assert "he was rude" in why
    assert "he was rude" not in repr(await world.feed())


async def test_resolve_reply_without_a_text_is_refused(world: World) -> None:
    number = await world.begin()
    assert not (await world.command(f"resolve #{number} reply:  ")).ok
    assert await status(world, number) == "open"


async def test_reopening_beside_a_newer_open_conversation_is_refused_with_its_number(world: World) -> None:
    world.policy = policy(channel(new_after=60.0))
    number = await world.begin()
    await world.command(f"resolve #{number}")
    world.clock.advance(100)
    newer = await world.begin()
    answer = await world.command(f"reopen #{number}")
    assert (answer.ok, f"#{newer}" in answer.text) == (False, True)


@pytest.mark.parametrize("line", ["wake", "reopen"])
async def test_owner_is_mentioned_when_somebody_else_brings_it_back(world: World, line: str) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    await world.command(f"{'snooze' if line == 'wake' else 'resolve'} #{number} 2h", by=BEN)
    await world.command(f"{line} #{number}", by=ANA)
    await world.pump()
    assert list(world.team.posts.values())[-1].content.mention == (BEN.external_id,)


# ---------------------------------------------------------------- snooze


async def test_snooze_tells_the_time_with_its_zone_and_offers_to_undo_it(world: World) -> None:
    number = await world.begin()
    world.policy = replace(world.policy, zone=ZoneInfo("Asia/Jakarta"), zone_name="Asia/Jakarta")
    answer = await world.command(f"snooze #{number} 2h")
    await world.pump()
    told = [one for one in world.team.posts.values() if "snoozed it until" in one.text][-1]
    assert "WIB" in told.text
    assert "WIB" in answer.text
    assert [one.command for one in told.content.buttons] == [f"undo #{number}"]
    assert [one.command for one in answer.buttons] == [f"undo #{number}"]


async def test_snooze_counts_in_the_agents_own_zone(world: World) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} tomorrow 9am", by=replace(ANA, timezone="Asia/Jayapura"))
    until = (await world.talk(number)).snoozed_until
    assert world.policy.local(until, "Asia/Jayapura").hour == 9


async def test_undo_brings_back_what_was_before(world: World) -> None:
    number = await world.begin()
    await world.command(f"pending #{number}")
    await world.command(f"snooze #{number} 2h wake never")
    before = await world.talk(number)
    await world.command(f"snooze #{number} 3h")
    assert (await world.command(f"undo #{number}")).ok
    again = await world.talk(number)
    assert (again.status, again.snoozed_until, again.snooze_wake) == ("snoozed", before.snoozed_until, "never")
    assert [row.due_at for row in await world.rows(timers.select())] == [before.snoozed_until]


@pytest.mark.parametrize("before", ["open", "pending"])
async def test_undo_of_the_first_snooze_leaves_no_timer(world: World, before: str) -> None:
    number = await world.begin()
    if before == "pending":
        await world.command(f"pending #{number}")
    await world.command(f"snooze #{number} until reply")
    await world.command(f"undo #{number}")
    assert await status(world, number) == before
    assert await world.rows(timers.select()) == []
    assert not (await world.command(f"undo #{number}")).ok


@pytest.mark.parametrize(
    "words",
    [
        "5",
        "yesterday",
        "2026-01-01 09:00",
        "05/06",
        "400d",
        "10s",
        "soonish",
        "2h wake sometimes",
        "until reply wake never",
    ],
)
async def test_snooze_with_bad_words_is_refused_with_an_example_and_changes_nothing(world: World, words: str) -> None:
    number = await world.begin()
    answer = await world.command(f"snooze #{number} {words}")
    assert not answer.ok
    assert answer.private
    await world.post(f"!snooze {words}")
    await world.pump()
    assert len(world.team.said(ANA)) == 1
    assert await status(world, number) == "open"
    assert await world.rows(timers.select()) == []


@pytest.mark.parametrize(
    "fields", [{"preset": "3h", "wake": "question"}, {"preset": "3h", "when": "3h", "wake": "any"}]
)
async def test_snooze_by_form(world: World, fields: dict[str, str]) -> None:
    number = await world.begin()
    form = (await world.command(f"snooze #{number}")).form
    assert form is not None
    assert {field.name for field in form.fields} == {"preset", "when", "wake"}
    assert (await world.command(form.command, fields=fields)).ok
    talk = await world.talk(number)
    assert (talk.snoozed_until, talk.snooze_wake) == (world.clock() + 3 * 3600, fields["wake"])


async def test_snooze_form_keeps_a_wrong_time_beside_its_field(world: World) -> None:
    number = await world.begin()
    answer = await world.command(f"snooze #{number}", fields={"preset": "3h", "when": "soonish", "wake": "any"})
    assert (answer.ok, list(answer.field_errors)) == (False, ["when"])
    assert await status(world, number) == "open"


async def test_resolved_conversation_cannot_be_snoozed(world: World) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number}")
    assert not (await world.command(f"snooze #{number} 2h")).ok


# ---------------------------------------------------------------- labels, priority, contact


async def names(world: World) -> list[str]:
    thread = (await world.thread()).external_id
    await world.pump()
    facts = {fact.label: fact.text for fact in world.team.cards[thread][-1].facts}
    return facts.get("Labels", "").split(", ") if "Labels" in facts else []


async def test_labels_are_added_removed_and_made_on_the_spot(world: World) -> None:
    number = await world.begin()
    await world.command(f"label #{number} +VIP +late, urgent -gone")
    assert await names(world) == ["late", "urgent", "vip"]
    await world.command(f"label #{number} -vip −late +vip2")
    assert await names(world) == ["urgent", "vip2"]
    assert len(await world.rows(labels.select())) == 4
    assert not (await world.command(f"label #{number} +urgent -gone")).ok


async def test_label_form_holds_the_whole_set(world: World) -> None:
    number = await world.begin()
    form = (await world.command(f"label #{number}")).form
    assert form is not None
    assert [field.name for field in form.fields] == ["new"]
    await world.command(form.command, fields={"new": "VIP, late"})
    form = (await world.command(f"label #{number}")).form
    assert form is not None
    assert form.fields[0].value == "late,vip"
    await world.command(form.command, fields={"labels": "vip", "new": "again"})
    assert await names(world) == ["again", "vip"]


async def test_priority_by_word_and_by_form(world: World) -> None:
    number = await world.begin()
    assert (await world.command(f"priority #{number} HIGH")).ok
    assert not (await world.command(f"priority #{number} high")).ok
    assert not (await world.command(f"priority #{number} sky-high")).ok
    form = (await world.command(f"priority #{number}")).form
    assert form is not None
    assert form.fields[0].value == "high"
    await world.command(form.command, fields={"priority": "low"})
    assert (await world.talk(number)).priority == "low"


async def test_contact_is_shown_changed_blocked_and_unblocked(world: World) -> None:
    number = await world.begin()
    assert "Budi" in (await world.command(f"contact #{number}")).text
    for field in ("name", "email", "phone", "company", "location"):
        assert (await world.command(f"contact #{number} {field} New \u202eValue")).ok
    row = await world.one(contacts)
    assert {row.name, row.email, row.phone, row.company, row.location} == {"New Value"}
    assert (await world.command(f"contact #{number} block")).ok
    assert not (await world.command(f"contact #{number} Block")).ok
    assert "blocked" in (await world.command(f"contact #{number} show")).text
    assert (await world.command(f"contact #{number} unblock")).ok
    assert not (await world.command(f"contact #{number} unblock")).ok


@pytest.mark.parametrize("words", ["explode", "name", "email  ", "block him"])
async def test_contact_with_bad_words_says_the_right_form(world: World, words: str) -> None:
    number = await world.begin()
    answer = await world.command(f"contact #{number} {words}")
    assert answer.ok is (words == "block him")


# ---------------------------------------------------------------- the card's menu


async def test_every_choice_of_the_menu_does_something_without_an_error(world: World) -> None:
    number = await world.begin()
    await world.command(f"snooze #{number} 2h")
    form = (await world.command(f"more #{number}")).form
    assert form is not None
    for option in form.fields[0].options:
        answer = await world.command(form.command, fields={"action": option.value})
        assert answer.ok, option
        assert answer.form or answer.listing or answer.text
    assert not (await world.command(form.command, fields={"action": "explode"})).ok


# ---------------------------------------------------------------- writing first


async def test_new_writes_first_in_a_conversation_of_its_own_and_then_waits_for_the_customer(world: World) -> None:
    old = await world.begin()
    await world.command(f"resolve #{old}")
    answer = await world.command("new web budi Your parcel is here")
    await world.pump()
    talk = await world.talk()
    assert str(talk.id) in answer.text
    assert (talk.id != old, talk.status, talk.previous_id) == (True, "open", old)
    thread = (await world.thread(talk.id)).external_id
    assert world.team.cards[thread][0].first_line == "Your parcel is here"
    assert "Your parcel is here" in world.team.texts(thread)
    await world.later(6)
    assert world.shop.texts == ["Your parcel is here"]
    assert await status(world, talk.id) == "pending"
    await world.customer("Great")
    assert (await world.talk()).id == talk.id


async def test_new_uses_the_open_conversation_and_respects_its_owner(world: World) -> None:
    number = await world.begin()
    await world.command(f"claim #{number}", by=BEN)
    answer = await world.command("new web budi Hello")
    assert "waits" in answer.text
    assert len(await world.rows(conversations.select())) == 1
    await world.later(60)
    assert world.shop.sent == []


async def test_new_by_form_and_by_address(world: World) -> None:
    from_form = {"channel": "web", "address": "budi@example.com", "text": "Hello"}
    event = world.message()
    await world.hear(replace(event, sender=replace(event.sender, email="Budi@Example.com")))
    await world.command(f"resolve #{(await world.talk()).id}")
    form = (await world.command("new")).form
    assert form is not None
    assert {field.name for field in form.fields} == set(from_form)
    assert (await world.command(form.command, fields=from_form)).ok
    await world.later(6)
    assert world.shop.texts == ["Hello"]


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("new web", {}),
        ("new web budi", {}),
        ("new fax budi Hello", {}),
        ("new web nobody Hello", {}),
        ("new web budi hi", {"body": (Text("web budi hi "), MENTION_BEN)}),
        ("new", {"fields": {"channel": "web", "address": "", "text": "x"}}),
        ("new", {"fields": {"channel": "web"}}),
    ],
)
@pytest.mark.parametrize("typed", [False, True])
async def test_new_that_cannot_be_is_refused_and_begins_nothing(
    world: World, line: str, values: Any, typed: bool
) -> None:
    number = await world.begin()
    await world.command(f"resolve #{number}")
    if typed and "fields" not in values:
        body = (Text("!new "), *values["body"]) if "body" in values else f"!{line}"
        await world.post(body)
    else:
        assert not (await world.command(line, **values)).ok
    assert len(await world.rows(conversations.select())) == 1
    assert len(await world.rows(messages.select())) == 1


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("why", ["blocked", "window"])
async def test_new_where_nothing_can_be_sent_begins_nothing(world: World, why: str, typed: bool) -> None:
    number = await world.begin()
    if why == "blocked":
        await world.command(f"contact #{number} block")
    await world.command(f"resolve #{number}")
    if why == "window":
        world.policy = policy(channel(capabilities=Capabilities(text_limit=100, reply_window=60.0)))
    if typed:
        await world.post("!new web budi Hello")
    else:
        assert not (await world.command("new web budi Hello")).ok
    assert len(await world.rows(conversations.select())) == 1


# ---------------------------------------------------------------- the team


async def test_teams_are_made_joined_left_and_listed(world: World) -> None:
    await world.team_knows()
    assert "no teams" in (await world.command("team")).text
    assert (await world.command("team add billing", by=BOSS)).ok
    assert not (await world.command("team add billing", by=BOSS)).ok
    for line in ("team join billing @Ana", "team join Billing UBEN", "team join billing @Ana"):
        assert (await world.command(line, by=BOSS)).ok
    assert (await world.command("team list")).text == "billing: Ana, Ben"
    await world.command("team leave billing", by=BOSS, body=(Text("leave billing "), MENTION_BEN))
    assert (await world.command("team leave billing @Ben", by=BOSS)).ok
    assert (await world.command("team list")).text == "billing: Ana"


@pytest.mark.parametrize(
    "words", ["add", "add two words", "join billing", "join nothing @Ana", "join billing @Nobody", "explode billing x"]
)
async def test_team_with_bad_words_is_refused(world: World, words: str) -> None:
    await world.team_knows()
    await world.command("team add billing", by=BOSS)
    assert not (await world.command(f"team {words}", by=BOSS)).ok
    assert (await world.command("team list")).text == "billing: –"


async def test_availability_by_word_and_by_form(world: World) -> None:
    assert (await world.command("availability BUSY")).ok
    assert (await world.one(agents)).availability == "busy"
    assert not (await world.command("availability asleep")).ok
    form = (await world.command("availability")).form
    assert form is not None
    await world.command(form.command, fields={"availability": "offline"})
    assert (await world.one(agents)).availability == "offline"


async def test_availability_is_online_by_default(world: World) -> None:
    await world.team_knows()
    assert {row.availability for row in await world.rows(agents.select())} == {"online"}


async def test_role_by_form(world: World) -> None:
    await world.team_knows()
    form = (await world.command("role", by=BOSS)).form
    assert form is not None
    assert {option.value for option in form.fields[0].options} == {"UANA", "UBEN", "UBOSS"}
    assert (await world.command(form.command, by=BOSS, fields={"who": "UBEN", "role": "supervisor"})).ok
    assert (await world.one(agents, external_id="UBEN")).role == "supervisor"


# ---------------------------------------------------------------- help, and whatever is typed


async def test_help_lists_every_command_that_people_type(world: World) -> None:
    text = (await world.command("help")).text
    listed = {line.split()[1] for line in text.splitlines() if line.startswith("•")}
    assert listed == {command.name for command in COMMANDS if not command.hidden}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_has_its_line_of_help_in_both_languages(language: str) -> None:
    assert {f"help.{command.name}" for command in COMMANDS if not command.hidden} <= set(lines(language))


def test_every_command_of_the_design_that_this_version_has_is_known() -> None:
    wanted = (
        "claim release assign reply note snooze wake pending resolve reopen new label priority history inbox search"
        " contact availability why help team role"
    )
    assert set(wanted.split()) <= NAMES


async def test_missing_arguments_open_a_form_and_a_typed_line_gets_a_button_for_it(world: World) -> None:
    number = await world.begin()
    for name in ("assign", "reply", "note", "snooze", "label", "priority", "more"):
        form = (await world.command(f"{name} #{number}")).form
        assert form is not None
        assert form.command == f"{name} #{number}"
        assert form.title
        assert form.submit
        await world.post(f"!{name}")
        await world.pump()
        _, answer = world.team.whispers[-1]
        assert [one.command for one in answer.buttons] == [form.command]


async def test_missing_arguments_of_a_command_without_a_conversation_open_a_form(world: World) -> None:
    for name in ("availability", "new", "search"):
        form = (await world.command(name)).form
        assert form is not None
        assert form.command == name


WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["@Ben", "team:x", "reply: hi", "note: x", "²", "#1", "#" + "9" * 15, "9" * 40, "-x +y", "page:²"]),
)


@settings(max_examples=effort(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(NAMES)), text=WORDS, more=WORDS, key=st.sampled_from(["to", "text", "when", "new"]))
async def test_whatever_is_typed_gets_an_answer(world: World, name: str, text: str, more: str, key: str) -> None:
    number = await world.begin()
    thread = await world.thread(number)
    for values in ({}, {"fields": {key: more}}, {"fields": {"action": more, "labels": text, "wake": more}}):
        for line in (f"{name} {text} {more}", f"{name} #{number} {text}"):
            answer = await world.command(line, by=BOSS, thread=thread, **values)
            assert answer.ok or answer.text or answer.field_errors
    await world.post(f"!{name} {text}", thread=thread)
    await world.pump()


async def test_unknown_command_from_a_button_of_another_version_is_a_refusal(world: World) -> None:
    answer = await world.command("explode #1")
    assert (answer.ok, "explode" in answer.text) == (False, True)


async def test_whole_day_in_indonesian_speaks_indonesian(world: World) -> None:
    """Every line that a busy day needs exists, and none of it is English."""
    world.policy = replace(world.policy, language="id")
    await world.team_knows()
    number = await world.begin()
    for line in ("claim", "snooze besok jam 9", "wake", "label +vip", "priority high", "pending", "resolve selesai"):
        name, _, words = line.partition(" ")
        assert (await world.command(f"{name} #{number} {words}")).ok, line
    await world.customer("Halo lagi")
    await world.answered("Siap")
    await world.later(200)
    said = " ".join(world.team.texts())
    assert "menundanya sampai" in said
    assert not {"took", "snoozed", "resolved", "customer"} & set(said.split())
