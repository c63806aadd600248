"""Buttons, menus, shortcuts, forms, slash commands and App Home, as a person operates them."""

from __future__ import annotations

import pytest

from sahut_bot.errors import Busy
from sahut_bot.text import tree
from sahut_bot.types import Answer, Button, CommandCall, Field, Form, Listing, Option, Row, ThreadRef
from tests.bridges.slack_desk import Desk, content
from tests.bridges.slack_rules import said

SNOOZE = Form(
    command="snooze #1042",
    title="Snooze",
    submit="Snooze",
    fields=(
        Field(name="when", label="When", hint="2h"),
        Field(
            name="wake",
            label="Wake",
            kind="choice",
            options=(Option(value="any", label="Any message"), Option(value="never", label="Never")),
            value="any",
        ),
    ),
)
LIST = Listing(
    title="Found",
    rows=(Row(number=7, title="Siti", line="hello", detail="open", buttons=(Button(label="Open", command="why #7"),)),),
    filters=(Button(label="Next", command="search hello page:2"),),
)


async def called(slack: Desk) -> CommandCall:
    (call,) = await slack.until(lambda: slack.sink.calls)
    return call


async def busy_thread(slack: Desk) -> ThreadRef:
    """A thread with a reply, so that private messages show."""
    thread = await slack.thread()
    await slack.chat.post(thread, content("hello", as_name="Budi", customer=True), "m:1")
    return thread


# ---------------------------------------------------------------- on the card


async def test_a_button_calls_its_command_in_its_thread(slack: Desk):
    thread = await busy_thread(slack)
    slack.sink.answers["claim"] = Answer(text="Yours.")
    ack = await slack.ws.driver.click(slack.dewi, thread.external_id, "Claim")
    assert ack.ok
    call = await called(slack)
    assert (call.name, call.text, call.thread) == ("claim", "#1042", thread)
    assert (call.actor.name, call.actor.is_agent) == ("Dewi", True)
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    assert (shown.text, shown.thread_ts) == ("Yours.", thread.external_id)


async def test_a_command_with_nothing_to_say_says_nothing(slack: Desk):
    thread = await busy_thread(slack)
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Claim")
    await called(slack)
    await slack.settle()
    assert not slack.ws.seen_by(slack.dewi)


async def test_a_menu_entry_calls_its_command(slack: Desk):
    thread = await busy_thread(slack)
    message = slack.ws.message(slack.team, thread.external_id) or {}
    menu = message["blocks"][-1]["elements"][-1]
    await slack.ws.driver.select(slack.dewi, thread.external_id, menu["action_id"], "contact #1042 block")
    call = await called(slack)
    assert (call.name, call.text) == ("contact", "#1042 block")


async def test_a_command_without_arguments_opens_its_form_and_the_form_comes_back(slack: Desk):
    thread = await busy_thread(slack)
    slack.sink.answers["snooze"] = Answer(form=SNOOZE)
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Snooze…")
    view = await slack.until(lambda: slack.ws.surfaces.top(slack.dewi)) or {}
    assert view["title"]["text"] == "Snooze"

    slack.sink.answers["snooze"] = Answer(field_errors={"when": "Write it like 2h."}, ok=False)
    errors = await slack.ws.driver.submit_view(slack.dewi, {"When": "soon"})
    assert list(errors.values()) == ["Write it like 2h."]
    assert slack.ws.surfaces.top(slack.dewi)

    slack.sink.answers["snooze"] = Answer(text="Until 16:00 WIB.")
    assert await slack.ws.driver.submit_view(slack.dewi, {"When": "2h", "Wake": "never"}) == {}
    assert not slack.ws.surfaces.top(slack.dewi)
    call = slack.sink.calls[-1]
    assert (call.name, call.text, call.thread) == ("snooze", "#1042", thread)
    assert call.fields == {"when": "2h", "wake": "never"}
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    assert (shown.text, shown.thread_ts) == ("Until 16:00 WIB.", thread.external_id)


async def test_a_refused_form_keeps_what_was_typed(slack: Desk):
    thread = await busy_thread(slack)
    slack.sink.answers["snooze"] = Answer(form=SNOOZE)
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Snooze…")
    await slack.until(lambda: slack.ws.surfaces.top(slack.dewi))
    slack.sink.answers["snooze"] = Answer(text="That is in the past.", ok=False)
    errors = await slack.ws.driver.submit_view(slack.dewi, {"When": "yesterday"})
    assert list(errors.values()) == ["That is in the past."]
    slack.sink.refusals = [Busy("full")]
    errors = await slack.ws.driver.submit_view(slack.dewi, {"When": "2h"})
    assert list(errors.values()) == ["That did not get through just now. Please try again."]


async def test_a_form_may_lead_to_another_form(slack: Desk):
    thread = await busy_thread(slack)
    slack.sink.answers["snooze"] = Answer(form=SNOOZE)
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Snooze…")
    await slack.until(lambda: slack.ws.surfaces.top(slack.dewi))
    second = Form(command="sure #1042", title="Sure?", submit="Yes", fields=())
    slack.sink.answers["snooze"] = Answer(form=second)
    await slack.ws.driver.submit_view(slack.dewi, {"When": "2h"})
    view = slack.ws.surfaces.top(slack.dewi) or {}
    assert view["title"]["text"] == "Sure?"
    await slack.ws.driver.submit_view(slack.dewi)
    assert (slack.sink.calls[-1].name, slack.sink.calls[-1].thread) == ("sure", thread)


async def test_a_list_from_the_card_is_private_and_its_buttons_work(slack: Desk):
    thread = await busy_thread(slack)
    slack.sink.answers["history"] = Answer(listing=LIST)
    slack.sink.answers["claim"] = Answer(listing=LIST)
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Claim")
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    assert "Siti" in said(shown.blocks)
    await slack.ws.driver.click(slack.dewi, shown.ts, "Open")
    await slack.until(lambda: len(slack.sink.calls) == 2)
    call = slack.sink.calls[-1]
    assert (call.name, call.text, call.thread) == ("why", "#7", thread)


async def test_a_private_question_makes_place_for_its_answer_and_goes_when_settled(slack: Desk):
    thread = await busy_thread(slack)
    question = Answer(
        text="Ana owns this.",
        buttons=(Button(label="Send anyway", command="held 7 send"), Button(label="Drop", command="held 7 drop")),
    )
    await slack.chat.whisper(thread, slack.dewi, question)
    (shown,) = slack.ws.seen_by(slack.dewi)
    slack.sink.answers["held"] = Answer(text="Not now.", ok=False)
    await slack.ws.driver.click(slack.dewi, shown.ts, "Send anyway")
    await slack.until(lambda: len(slack.ws.seen_by(slack.dewi)) == 2)
    assert shown.text == "Ana owns this."
    slack.sink.answers["held"] = Answer()
    await slack.ws.driver.click(slack.dewi, shown.ts, "Drop")
    await slack.until(lambda: shown.deleted)
    assert slack.sink.calls[-1].thread == thread


async def test_a_private_list_turns_its_page_in_place(slack: Desk):
    await slack.ws.driver.slash(slack.dewi, slack.team, "/inbox", "mine")
    slack.sink.answers |= {"inbox": Answer(listing=LIST), "search": Answer(listing=Listing(title="Page 2", rows=()))}
    await slack.ws.driver.slash(slack.dewi, slack.team, "/inbox", "mine")
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    await slack.ws.driver.click(slack.dewi, shown.ts, "Next")
    await slack.until(lambda: "Page 2" in said(shown.blocks))
    assert len(slack.ws.seen_by(slack.dewi)) == 1
    assert slack.sink.calls[-1].thread is None


# ---------------------------------------------------------------- shortcuts


@pytest.mark.parametrize(
    ("shortcut", "command"),
    [
        ("sahut_note", "note"),
        ("sahut_resolve", "resolve"),
        ("sahut_snooze", "snooze"),
        ("sahut_assign", "assign"),
        ("sahut_more", "more"),
    ],
)
async def test_a_shortcut_calls_its_command_about_the_message_it_was_used_on(socket: Desk, shortcut: str, command: str):
    thread = await busy_thread(socket)
    ts = socket.ws.driver.post(socket.dewi, socket.team, "hm", thread_ts=thread.external_id)
    ack = await socket.ws.driver.shortcut(socket.dewi, ts, shortcut)
    assert ack.ok
    call = await called(socket)
    assert (call.name, call.text, call.thread, call.about) == (command, "", thread, ts)


async def test_a_shortcut_opens_a_form_that_remembers_the_message(slack: Desk):
    thread = await busy_thread(slack)
    slack.sink.answers["note"] = Answer(form=Form(command="note #1042", title="Note", submit="Save", fields=()))
    await slack.ws.driver.shortcut(slack.dewi, thread.external_id, "sahut_note")
    await slack.until(lambda: slack.ws.surfaces.top(slack.dewi))
    await slack.ws.driver.submit_view(slack.dewi)
    assert (slack.sink.calls[-1].about, slack.sink.calls[-1].thread) == (thread.external_id, thread)


async def test_buttons_in_a_modal_change_that_modal(slack: Desk):
    thread = await busy_thread(slack)
    more = Answer(form=Form(command="more #1042", title="More", submit="Go", fields=()))
    slack.sink.answers |= {"more": more}
    await slack.ws.driver.shortcut(slack.dewi, thread.external_id, "sahut_more")
    await slack.until(lambda: slack.ws.surfaces.top(slack.dewi))
    slack.sink.answers |= {"more": Answer(listing=LIST), "why": Answer(text="Because of a rule.")}
    await slack.ws.driver.submit_view(slack.dewi)
    view = slack.ws.surfaces.top(slack.dewi) or {}
    assert "Siti" in said(view["blocks"])
    await slack.ws.driver.click(slack.dewi, "modal", "Open")
    await slack.until(lambda: "Because of a rule." in said((slack.ws.surfaces.top(slack.dewi) or {}).get("blocks")))
    assert slack.sink.calls[-1].thread == thread


# ---------------------------------------------------------------- slash commands


async def test_a_slash_command_has_no_thread_and_is_answered_privately(slack: Desk):
    slack.sink.answers["claim"] = Answer(text="Yours.")
    ack = await slack.ws.driver.slash(slack.dewi, slack.team, "/claim", "#1042")
    assert ack.ok
    call = await called(slack)
    assert (call.name, call.text, call.thread) == ("claim", "#1042", None)
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    assert shown.text == "Yours."


@pytest.mark.parametrize(
    ("typed", "name", "text"),
    [
        ("snooze #1042 2h", "snooze", "#1042 2h"),
        ("SEARCH late order", "search", "late order"),
        ("", "help", ""),
        ("  inbox   mine ", "inbox", "mine"),
    ],
)
async def test_anything_may_follow_the_general_slash_command(socket: Desk, typed: str, name: str, text: str):
    await socket.ws.driver.slash(socket.dewi, socket.team, "/sahut", typed)
    call = await called(socket)
    assert (call.name, call.text) == (name, text)


async def test_a_colleague_named_in_a_slash_command_is_known_by_id(slack: Desk):
    await slack.ws.driver.slash(slack.dewi, slack.team, "/assign", f"#1042 <@{slack.ana}>")
    call = await called(slack)
    assert call.text == "#1042 @Ana"
    assert [one.id for one in tree.mentions(call.body)] == [slack.ana]
    assert tree.plain(call.body) == "@Ana"


async def test_a_slash_command_may_open_a_form(slack: Desk):
    slack.sink.answers["snooze"] = Answer(form=SNOOZE)
    await slack.ws.driver.slash(slack.dewi, slack.team, "/snooze", "#1042")
    await slack.until(lambda: slack.ws.surfaces.top(slack.dewi))
    slack.sink.answers["snooze"] = Answer(text="Until 16:00 WIB.")
    await slack.ws.driver.submit_view(slack.dewi, {"When": "2h"})
    assert slack.sink.calls[-1].thread is None
    # Outside of a thread the answer stands in the modal, where its reader is.
    assert "Until 16:00 WIB." in said((slack.ws.surfaces.top(slack.dewi) or {})["blocks"])


async def test_a_command_that_takes_long_is_acknowledged_in_time_and_answered_later(socket: Desk):
    thread = await busy_thread(socket)
    socket.sink.slow = 2.6
    socket.sink.answers["claim"] = Answer(text="Yours.")
    ack = await socket.ws.driver.click(socket.dewi, thread.external_id, "Claim")
    assert ack.ok
    assert not socket.ws.seen_by(socket.dewi)
    (shown,) = await socket.until(lambda: socket.ws.seen_by(socket.dewi))
    assert shown.text == "Yours."


async def test_a_form_that_takes_long_is_answered_in_the_thread(socket: Desk):
    thread = await busy_thread(socket)
    socket.sink.answers["snooze"] = Answer(form=SNOOZE)
    await socket.ws.driver.click(socket.dewi, thread.external_id, "Snooze…")
    await socket.until(lambda: socket.ws.surfaces.top(socket.dewi))
    socket.sink.slow = 2.6
    socket.sink.answers["snooze"] = Answer(text="That is in the past.", ok=False)
    assert await socket.ws.driver.submit_view(socket.dewi, {"When": "yesterday"}) == {}
    (shown,) = await socket.until(lambda: socket.ws.seen_by(socket.dewi))
    assert shown.text == "That is in the past."


@pytest.mark.parametrize(
    ("refusal", "said_so"),
    [
        (Busy("full"), "That did not get through just now. Please try again."),
        (RuntimeError("a mistake"), "Something went wrong on our side; it was logged. Please try again."),
    ],
)
async def test_a_command_that_fails_says_so_to_its_caller(slack: Desk, refusal: Exception, said_so: str):
    thread = await busy_thread(slack)
    slack.sink.refusals = [refusal]
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Claim")
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    assert shown.text == said_so


async def test_a_trigger_that_is_too_old_leaves_a_button_for_the_form(socket: Desk):
    thread = await busy_thread(socket)
    socket.server.fail_next("views.open", error="expired_trigger_id")
    socket.sink.answers["snooze"] = Answer(form=SNOOZE)
    await socket.ws.driver.click(socket.dewi, thread.external_id, "Snooze…")
    (shown,) = await socket.until(lambda: socket.ws.seen_by(socket.dewi))
    await socket.ws.driver.click(socket.dewi, shown.ts, "Snooze")
    await socket.until(lambda: socket.ws.surfaces.top(socket.dewi))


# ---------------------------------------------------------------- App Home


async def home(slack: Desk, user: str) -> str:
    slack.ws.driver.open_home(user)
    view = await slack.until(lambda: slack.ws.surfaces.homes.get(user)) or {}
    return said(view["blocks"])


async def test_app_home_is_the_inbox_and_keeps_its_view(slack: Desk):
    assert "Inbox" in await home(slack, slack.dewi)
    await slack.ws.driver.click(slack.dewi, "home", "Mine")
    await slack.until(lambda: "Inbox mine" in said(slack.ws.surfaces.homes[slack.dewi]["blocks"]))
    assert not slack.sink.calls
    slack.ws.driver.open_home(slack.dewi)
    await slack.until(lambda: len(slack.sink.homes) == 3)
    assert [query for _, query in slack.sink.homes] == ["", "mine", "mine"]
    assert slack.sink.homes[0][0].external_id == slack.dewi


async def test_an_action_in_app_home_acts_and_shows_the_inbox_of_now(slack: Desk):
    await home(slack, slack.dewi)
    await slack.ws.driver.click(slack.dewi, "home", "All")
    await slack.until(lambda: len(slack.sink.homes) == 2)
    slack.sink.answers["claim"] = Answer(text="#1042 is yours.")
    await slack.ws.driver.click(slack.dewi, "home", "Claim")
    await slack.until(lambda: "#1042 is yours." in said(slack.ws.surfaces.homes[slack.dewi]["blocks"]))
    assert slack.sink.homes[-1][1] == "all"
    assert (slack.sink.calls[-1].name, slack.sink.calls[-1].thread) == ("claim", None)


async def test_a_form_from_app_home_goes_back_to_it(slack: Desk):
    await home(slack, slack.dewi)
    slack.sink.answers["snooze"] = Answer(form=SNOOZE)
    await slack.ws.driver.click(slack.dewi, "home", "Snooze…")
    await slack.until(lambda: slack.ws.surfaces.top(slack.dewi))
    slack.sink.answers["snooze"] = Answer(text="Until 16:00 WIB.")
    await slack.ws.driver.submit_view(slack.dewi, {"When": "2h"})
    assert not slack.ws.surfaces.top(slack.dewi)
    await slack.until(lambda: "Until 16:00 WIB." in said(slack.ws.surfaces.homes[slack.dewi]["blocks"]))


async def test_a_long_answer_to_app_home_opens_a_modal(slack: Desk):
    await home(slack, slack.dewi)
    slack.sink.answers["claim"] = Answer(listing=LIST)
    await slack.ws.driver.click(slack.dewi, "home", "Claim")
    view = await slack.until(lambda: slack.ws.surfaces.top(slack.dewi)) or {}
    assert "Siti" in said(view["blocks"])


@pytest.mark.parametrize("who", ["gita", "otto"])
async def test_people_who_are_no_agents_see_one_polite_line(slack: Desk, who: str):
    assert await home(slack, getattr(slack, who)) == (
        "This inbox is for the agents of the team channel. Ask to be added to it."
    )
    assert not slack.sink.homes


async def test_an_answer_reaches_somebody_where_the_bot_may_not_whisper(slack: Desk):
    thread = await busy_thread(slack)
    slack.server.fail_next("chat.postEphemeral", error="not_in_channel")
    slack.sink.answers["claim"] = Answer(text="Yours.")
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Claim")
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    assert (shown.text, shown.thread_ts, shown.via) == ("Yours.", thread.external_id, "response_url")


async def test_an_answer_for_all_is_a_line_in_the_thread(slack: Desk):
    thread = await busy_thread(slack)
    slack.sink.answers["claim"] = Answer(text="Dewi has it.", private=False)
    await slack.ws.driver.click(slack.dewi, thread.external_id, "Claim")
    await slack.until(lambda: len(slack.ws.thread(slack.team, thread.external_id)) == 3)
    assert slack.ws.thread(slack.team, thread.external_id)[-1]["text"] == "Dewi has it."
    assert not slack.ws.seen_by(slack.dewi)
