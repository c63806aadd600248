"""What the adapter builds for Slack is taken by Slack, whatever it is made of, and pings nobody."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sahut_bot.bridges.teamchat.slack_blocks import answer_message, card_message, content_message, shown_name
from sahut_bot.bridges.teamchat.slack_views import (
    Belongs,
    answer_view,
    closed_home_view,
    field_problems,
    field_values,
    form_view,
    home_view,
)
from sahut_bot.text import tree
from sahut_bot.types import Answer, Button, Card, Content, Fact, Field, Form, Listing, Option, Row, ThreadRef
from tests.bridges.slack_rules import check_home, check_message, check_modal, formatted, said
from tests.effort import effort

PINGS = re.compile(r"<[@!#](?!date\^)")

hostile = st.sampled_from(
    [
        "<!channel>",
        "<@U123>",
        "<#C1>",
        "&amp;",
        "*bold*",
        "`x`",
        "",
        " ",
        "\u202e",
        "\n",
        "👩‍👩‍👧",
        "<!here|x>",
        "a" * 5000,
    ]
)
texts = st.one_of(
    st.text(max_size=60),
    hostile,
    st.builds("".join, st.lists(hostile, max_size=4)),
    st.builds(lambda text, count: text * count, st.text(min_size=1, max_size=8), st.integers(1, 900)),
)
instants = st.one_of(st.none(), st.floats(), st.floats(0, 4e9))
buttons = st.builds(
    Button, label=texts, command=texts, style=st.sampled_from(["", "primary", "danger", "x"]), url=st.just("") | texts
)
many_buttons = st.lists(buttons, max_size=30).map(tuple)
few_buttons = st.lists(buttons, max_size=6).map(tuple)
facts = st.builds(Fact, label=texts, text=texts, instant=instants)
cards = st.builds(
    Card,
    conversation=st.integers(1, 10**9),
    title=texts,
    first_line=texts,
    facts=st.lists(facts, max_size=25).map(tuple),
    mode_line=texts,
    buttons=many_buttons,
    more=many_buttons,
    more_label=texts,
)
fields = st.builds(
    Field,
    name=texts,
    label=texts,
    kind=st.sampled_from(["text", "lines", "choice", "choices"]),
    options=st.lists(st.builds(Option, value=texts, label=texts), max_size=8).map(tuple),
    value=texts,
    hint=texts,
    optional=st.booleans(),
    limit=st.integers(0, 10_000),
)
forms = st.builds(
    Form, command=texts, title=texts, submit=texts, fields=st.lists(fields, max_size=8).map(tuple), note=texts
)
URL = "https://team.slack.com/"
threads = st.builds(ThreadRef, teamchat=st.sampled_from(["slack", "discord"]), place=texts, external_id=texts)
rows = st.builds(
    Row,
    number=st.integers(0, 10**6),
    title=texts,
    line=texts,
    detail=texts,
    times=st.lists(facts, max_size=8).map(tuple),
    thread=st.none() | threads,
    buttons=few_buttons,
)
listings = st.builds(
    Listing,
    title=texts,
    rows=st.lists(rows, max_size=40).map(tuple),
    filters=many_buttons,
    statuses=few_buttons,
    pages=few_buttons,
    empty=texts,
)
answers = st.builds(
    Answer,
    text=texts,
    buttons=many_buttons,
    form=st.none() | forms,
    listing=st.none() | listings,
    field_errors=st.dictionaries(texts, texts, max_size=3),
)
contents = st.builds(
    Content,
    body=texts.map(tree.text),
    as_name=texts,
    customer=st.booleans(),
    mention=st.lists(st.sampled_from(["U1", "W2", "<!channel>", "U1>", ""]), max_size=40).map(tuple),
    quiet=st.booleans(),
    buttons=st.just(()) | many_buttons,
)
belongs = st.builds(Belongs, command=texts, channel=texts, thread=texts, about=texts, home=st.none() | texts)


@settings(max_examples=effort(60))
@given(cards)
def test_any_card_is_taken_and_pings_nobody(card: Card):
    message = card_message(card)
    check_message(message, 3900)
    assert not PINGS.search(formatted([message]))


@given(contents)
def test_any_post_is_taken_and_pings_only_whom_it_should(content: Content):
    message = content_message(content, "en")
    check_message(message)
    called = set(re.findall(r"<[@!#]([^>]*)>", formatted([message])))
    assert called <= {"U1", "W2"}
    name = shown_name(content, "en")
    assert len(name) <= 80
    assert not content.customer or not name or name.endswith(" (customer)")


@settings(max_examples=effort(40))
@given(answers)
def test_any_answer_is_taken(answer: Answer):
    message = answer_message(answer, "id", URL)
    check_message(message)
    assert not PINGS.search(formatted([message]))


@given(forms, belongs)
def test_any_form_is_taken(form: Form, about: Belongs):
    view = form_view(form, about, "en")
    check_modal(view)
    assert len({block["block_id"] for block in view["blocks"] if block["type"] == "input"}) == len(form.fields)


@settings(max_examples=effort(40))
@given(texts, answers, belongs)
def test_any_answer_in_a_modal_is_taken(title: str, answer: Answer, about: Belongs):
    view = answer_view(title, answer, about, "en", URL)
    check_modal(view)
    assert not PINGS.search(formatted(view["blocks"]))


@settings(max_examples=effort(40))
@given(listings, texts, texts)
def test_any_inbox_is_taken(listing: Listing, query: str, notice: str):
    check_home(home_view(listing, query, notice, "id", URL))


@given(belongs)
def test_a_view_remembers_what_it_belongs_to_or_nothing_at_all(about: Belongs):
    told = Belongs.loads(about.dumps())
    assert told.command in {about.command, ""}
    assert told == about or not told.command


@pytest.mark.parametrize("raw", [None, "", "no json", "[]", '{"command": 7}', '{"else": "x"}'])
def test_metadata_that_is_not_ours_belongs_to_nothing(raw: object):
    assert Belongs.loads(raw) == Belongs()


# ---------------------------------------------------------------- what people see


CARD = Card(
    conversation=1042,
    title="#1042 · Live chat · Budi",
    first_line="Where is my order?",
    facts=(Fact(label="Status", text="open"), Fact(label="Waiting since", instant=1_795_000_000.0)),
    mode_line="What you write here is sent to the customer.",
    buttons=(Button(label="Claim", command="claim #1042"), Button(label="Snooze…", command="snooze #1042")),
    more=tuple(Button(label=f"Thing {number}", command=f"thing{number} #1042") for number in range(7)),
    more_label="More…",
)


def test_a_card_shows_title_first_line_facts_mode_and_buttons():
    message = card_message(CARD)
    shown = said(message["blocks"])
    for wanted in (
        "#1042 · Live chat · Budi",
        "Where is my order?",
        "*Status*\nopen",
        "is sent to the customer",
        "Claim",
    ):
        assert wanted in shown
    assert message["text"].startswith("#1042 · Live chat · Budi")


def test_a_time_on_a_card_is_rendered_in_each_readers_own_zone():
    assert "<!date^1795000000^{date_short_pretty} {time}|2026-11-18 11:06 UTC>" in said(card_message(CARD)["blocks"])


def test_buttons_carry_their_command_and_menus_hold_two_to_five():
    (row,) = [block for block in card_message(CARD)["blocks"] if block["type"] == "actions"]
    assert [element["value"] for element in row["elements"][:2]] == ["claim #1042", "snooze #1042"]
    menus = [element for element in row["elements"] if element["type"] == "overflow"]
    assert [len(menu["options"]) for menu in menus] == [4, 3]
    assert menus[1]["options"][0]["value"] == "thing4 #1042"


def test_a_single_further_action_is_a_button():
    more = (Button(label="History", command="history #1042"),)
    (row,) = [block for block in card_message(replace(CARD, more=more))["blocks"] if block["type"] == "actions"]
    assert row["elements"][-1]["type"] == "button"


def test_a_command_that_is_too_long_for_a_button_is_left_out_and_not_cut():
    message = card_message(replace(CARD, buttons=(Button(label="Long", command="note " + "x" * 2000),), more=()))
    assert not any(block["type"] == "actions" for block in message["blocks"])


def test_a_customers_text_is_posted_as_text_alone():
    message = content_message(Content(body=tree.text("<!channel> *hello*"), as_name="Budi", customer=True), "en")
    assert set(message) == {"text"}
    assert message["text"].startswith("&lt;!channel&gt;")


def test_those_who_are_to_be_notified_stand_on_a_line_of_their_own():
    message = content_message(Content(body=tree.text("hello"), mention=("U1", "U2")), "en")
    assert message["text"] == "hello\n<@U1> <@U2>"


def test_an_activity_line_is_small_print():
    message = content_message(Content(body=tree.text("Ani claimed this"), quiet=True), "en")
    assert [block["type"] for block in message["blocks"]] == ["context"]


def test_a_text_that_is_too_long_even_for_slack_says_how_much_is_missing():
    message = content_message(Content(body=tree.text("x" * 50_000)), "en")
    assert re.search(r"… 1\d{4} more characters do not fit", message["text"])


def test_a_customer_called_like_a_colleague_is_recognisable():
    name = "Ani \u202e" + "x" * 200
    assert shown_name(Content(body=(), as_name=name, customer=True), "en").endswith("… (customer)")
    assert shown_name(Content(body=(), as_name="Ani", customer=True), "id") == "Ani (pelanggan)"
    assert shown_name(Content(body=(), as_name="Ani"), "en") == "Ani"
    assert shown_name(Content(body=(), as_name="\u200b", customer=True), "en") == ""


def test_a_form_for_somebody_who_typed_is_a_button_that_opens_it():
    form = Form(command="snooze #7", title="Snooze", submit="Snooze", fields=(Field(name="when", label="When"),))
    message = answer_message(Answer(form=form), "en")
    (button,) = message["blocks"][0]["elements"]
    assert (button["value"], button["text"]["text"]) == ("snooze #7", "Snooze")


def test_row_leads_to_its_thread_and_shows_times_in_the_readers_zone():
    thread = ThreadRef(teamchat="slack", place="C1", external_id="1795000000.000100")
    times = (Fact(label="waiting since", instant=1_795_000_000.0),)
    row = Row(number=7, title="#7 · Web · A & B", line="hi", detail="Open · Ani", times=times, thread=thread)
    elsewhere = replace(row, thread=replace(thread, teamchat="discord"))
    shown = said(home_view(Listing(title="Inbox", rows=(row, elsewhere)), "", "", "en", URL)["blocks"])
    link = f"{URL}archives/C1/p1795000000000100?thread_ts=1795000000.000100&amp;cid=C1"
    assert shown.splitlines()[1:] == [
        f"*<{link}|#7 · Web · A &amp; B>*",
        "hi",
        "Open · Ani · waiting since <!date^1795000000^{date_short_pretty} {time}|2026-11-18 11:06 UTC>",
        "*#7 · Web · A &amp; B*",
        "hi",
        "Open · Ani · waiting since <!date^1795000000^{date_short_pretty} {time}|2026-11-18 11:06 UTC>",
    ]


def test_line_of_news_for_somebody_names_them_in_it():
    message = content_message(Content(body=tree.text("Ani took it"), quiet=True, mention=("U1",)), "en")
    assert said(message["blocks"]) == "Ani took it <@U1>"


def test_rows_that_do_not_fit_are_counted():
    listing = Listing(
        title="Inbox",
        rows=tuple(Row(number=n, title=f"Person {n}", line="hi", detail="now") for n in range(1, 100)),
    )
    shown = said(home_view(listing, "", "", "en")["blocks"])
    assert "#1 Person 1" in shown
    assert re.search(r"\d+ more. Narrow the search", shown)


def test_an_empty_inbox_says_so():
    shown = home_view(Listing(title="Inbox", rows=(), empty="Nothing waits."), "mine", "Done.", "en")
    assert "Nothing waits." in said(shown["blocks"])
    assert "Done." in said(shown["blocks"])
    assert Belongs.loads(shown["private_metadata"]).home == "mine"


def test_people_who_are_no_agents_get_one_line():
    view = closed_home_view("For agents.")
    assert [block["type"] for block in view["blocks"]] == ["section"]


# ---------------------------------------------------------------- fields there and back

FORM = Form(
    command="snooze #7",
    title="Snooze this for a while, please do",
    submit="Snooze",
    fields=(
        Field(name="when", label="When", limit=100, hint="2h"),
        Field(name="why", label="Why", kind="lines", value="because", optional=True),
        Field(
            name="wake",
            label="Wake",
            kind="choice",
            options=(Option(value="any", label="Any"), Option(value="", label="None")),
            value="",
        ),
        Field(
            name="labels",
            label="Labels",
            kind="choices",
            options=(Option(value="a", label="A"), Option(value="b", label="B")),
            value="a,b,zz",
        ),
    ),
)


def test_a_form_shows_its_fields_with_their_values():
    blocks = form_view(FORM, Belongs(command="snooze #7"), "en")["blocks"]
    assert [block["element"]["type"] for block in blocks] == [
        "plain_text_input", "plain_text_input", "static_select", "multi_static_select",
    ]  # fmt: skip
    assert blocks[1]["element"]["multiline"]
    assert blocks[1]["element"]["initial_value"] == "because"
    assert blocks[2]["element"]["initial_option"]["text"]["text"] == "None"
    assert [option["value"] for option in blocks[3]["element"]["initial_options"]] == ["a", "b"]


def test_a_sent_form_comes_back_by_field_name():
    view = form_view(FORM, Belongs(command="snooze #7"), "en")
    ids = [block["block_id"] for block in view["blocks"]]
    empty = view["blocks"][2]["element"]["initial_option"]
    values = {
        ids[0]: {"value": {"type": "plain_text_input", "value": "2h"}},
        ids[1]: {"value": {"type": "plain_text_input", "value": None}},
        ids[2]: {"value": {"type": "static_select", "selected_option": empty}},
        ids[3]: {"value": {"type": "multi_static_select", "selected_options": [{"value": "a"}, {"value": "b"}]}},
    }
    got = field_values(view | {"state": {"values": values}})
    assert got == {"when": "2h", "why": "", "wake": "", "labels": "a,b"}


def test_problems_stand_at_their_fields_and_unknown_ones_at_the_first():
    view = form_view(FORM, Belongs(command="snooze #7"), "en")
    told = field_problems(view, {"wake": "choose one", "": "not now"})
    assert told == {"2:wake": "choose one", "0:when": "not now"}
    assert field_problems({"blocks": []}, {"x": "y"}) == {}
