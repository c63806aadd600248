"""Slack's dialects: what agents write, what we post, and emoji names."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.text import slack
from sahut_bot.text.markup import (
    Bold,
    Break,
    Code,
    CodeBlock,
    Italic,
    Link,
    ListBlock,
    Markup,
    Mention,
    Quote,
    Strike,
    Text,
)
from sahut_bot.text.split import split
from sahut_bot.text.tree import clean, plain, stripped, text
from tests.text.trees import trees, wild_text

NAMES = {"U1": "Ani", "S1": "support", "C1": "general"}
OUR_MARKS = re.compile("[\u2060\u200b]")
DATA = Path(os.environ.get("SAHUT_TEST_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")


def block(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "rich_text", "block_id": "x", "elements": list(elements)}]


def section(*elements: dict[str, Any], kind: str = "section", **more: Any) -> dict[str, Any]:
    return {"type": f"rich_text_{kind}", "elements": list(elements), **more}


def words(value: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": value, **({"style": style} if style else {})}


def items(style: str, *values: str, indent: int = 0, **more: Any) -> dict[str, Any]:
    return section(*(section(words(value)) for value in values), kind="list", style=style, indent=indent, **more)


# ---------------------------------------------------------------- agents' messages: blocks


def test_blocks_are_preferred_to_text() -> None:
    assert slack.parse("*no*", block(section(words("*yes*")))) == (Text("*yes*"),)


def test_without_rich_text_the_text_is_read() -> None:
    assert slack.parse("*yes*", [{"type": "section"}]) == (Bold((Text("yes"),)),)
    assert slack.parse("hi", None) == slack.parse("hi", block()) == (Text("hi"),)
    assert slack.parse(None, None) == ()


def test_styles_become_marks_and_neighbours_join() -> None:
    blocks = block(
        section(words("a "), words("b ", bold=True), words("c", bold=True, italic=True), words("d", strike=True))
    )
    assert slack.parse("", blocks) == (
        Text("a "),
        Bold((Text("b "), Italic((Text("c"),)))),
        Strike((Text("d"),)),
    )
    assert slack.parse("", block(section(words("x\ny", code=True)))) == (Code("x"), Break(), Code("y"))


def test_sections_quotes_and_code_stand_on_their_own_lines() -> None:
    blocks = block(
        section(words("one\n")),
        section(words("quoted\nmore"), kind="quote"),
        section(words("x = 1\n"), {"type": "link", "url": "https://a.example"}, kind="preformatted"),
        section(words("two")),
        section(words("three")),
    )
    markup = slack.parse("", blocks)
    assert plain(markup) == "one\n> quoted\n> more\nx = 1\nhttps://a.example\ntwo\nthree"
    assert Quote((Text("quoted"), Break(), Text("more"))) in markup
    assert CodeBlock("x = 1\nhttps://a.example") in markup


def test_lists_of_several_depths_are_put_together_again() -> None:
    blocks = block(
        items("ordered", "a", "b"),
        items("bullet", "b1", "b2", indent=1),
        items("ordered", "b2i", indent=2),
        items("ordered", "c", indent=0, offset=2),
    )
    assert plain(slack.parse("", blocks)) == "1. a\n2. b\n   • b1\n   • b2\n     1. b2i\n3. c"
    assert len(slack.parse("", blocks)) == 1


def test_a_list_of_another_style_is_another_list() -> None:
    assert plain(slack.parse("", block(items("ordered", "a"), items("bullet", "b")))) == "1. a\n• b"
    nested = block(items("bullet", "a"), items("bullet", "x", indent=1), items("ordered", "y", indent=1))
    assert plain(slack.parse("", nested)) == "• a\n  • x\n  1. y"


def test_a_list_that_goes_on_after_other_text_keeps_its_numbers() -> None:
    blocks = block(items("ordered", "a", "b"), section(words("between")), items("ordered", "c", "d", offset=2))
    assert plain(slack.parse("", blocks)) == "1. a\n2. b\nbetween\n3. c\n4. d"


@pytest.mark.parametrize(
    ("element", "read"),
    [
        ({"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fc", "skin_tone": 3}, "👋🏼"),
        ({"type": "emoji", "name": "wave", "skin_tone": 3}, "👋🏼"),
        ({"type": "emoji", "name": "tada", "skin_tone": 3}, "🎉"),
        ({"type": "emoji", "name": "wave::skin-tone-6"}, "👋🏿"),
        ({"type": "emoji", "name": "party_parrot"}, ":party_parrot:"),
        ({"type": "emoji", "name": "tada", "unicode": "d800"}, "🎉"),
        ({"type": "emoji", "name": "tada", "unicode": "zz"}, "🎉"),
        ({"type": "date", "timestamp": 1, "format": "{date}", "fallback": "1 Jan"}, "1 Jan"),
        ({"type": "color", "value": "#ff0000"}, "#ff0000"),
        ({"type": "something_new", "text": "new"}, "new"),
        ({"type": "link", "url": "https://a.example"}, "https://a.example"),
        ({"type": "link", "url": "https://a.example", "text": "shop"}, "shop (https://a.example)"),
        ({"type": "link", "url": "javascript:alert(1)", "text": "shop"}, "shop"),
        ({"type": "user", "user_id": "U1"}, "@Ani"),
        ({"type": "user", "user_id": "U9"}, "@…"),
        ({"type": "usergroup", "usergroup_id": "S1"}, "@support"),
        ({"type": "channel", "channel_id": "C1"}, "#general"),
        ({"type": "broadcast", "range": "here"}, "@here"),
    ],
)
def test_each_element_reads_as_what_it_shows(element: dict[str, Any], read: str) -> None:
    assert plain(slack.parse("", block(section(element)), NAMES)) == read


def test_mentions_keep_their_ids() -> None:
    blocks = block(
        section({"type": "user", "user_id": "U1"}, {"type": "usergroup", "usergroup_id": "S1"}),
        section({"type": "channel", "channel_id": "C1"}, {"type": "broadcast", "range": "channel"}),
    )
    assert [node for node in slack.parse("", blocks, NAMES) if isinstance(node, Mention)] == [
        Mention("user", "U1", "Ani"),
        Mention("group", "S1", "support"),
        Mention("channel", "C1", "general"),
        Mention("everyone", "channel", "channel"),
    ]


json_like = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.floats(),
        st.sampled_from(["rich_text", "rich_text_list", "text", "emoji", "link", "user", "ordered", "tada", "1f44b", "https://a.example"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "elements", "text", "style", "indent", "offset", "url", "name", "unicode"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)  # fmt: skip


@given(json_like, json_like, json_like)
def test_malformed_blocks_never_raise(value: object, blocks: Any, element: Any) -> None:
    slack.parse(value, blocks)
    slack.parse(value, [{"type": "rich_text", "elements": blocks}])
    for kind in ("section", "list", "quote", "preformatted"):
        slack.parse(
            "", [{"type": "rich_text", "elements": [{"type": f"rich_text_{kind}", "elements": [element, blocks]}]}]
        )


# ---------------------------------------------------------------- agents' messages: mrkdwn


@pytest.mark.parametrize(
    ("value", "markup"),
    [
        ("a &lt;b&gt; &amp;amp; c", (Text("a <b> &amp; c"),)),
        ("*b* `c`", (Bold((Text("b"),)), Text(" "), Code("c"))),
        ("_i_ ~s~", (Italic((Text("i"),)), Text(" "), Strike((Text("s"),)))),
        ("*b _i_*", (Bold((Text("b "), Italic((Text("i"),)))),)),
        ("2*3*4 snake_case_x * a * _", (Text("2*3*4 snake_case_x * a * _"),)),
        ("*a\nb*", (Text("*a"), Break(), Text("b*"))),
        ("*a _b* c_", (Bold((Text("a _b"),)), Text(" c_"))),
        ("<https://a.example/?x=1&amp;y=2>", (Link("https://a.example/?x=1&y=2", "https://a.example/?x=1&y=2"),)),
        ("<https://a.example|the *shop*>", (Link("https://a.example", "the *shop*"),)),
        ("<mailto:a@b.example|a@b.example>", (Link("mailto:a@b.example", "a@b.example"),)),
        ("<javascript:x|y>", (Text("y"),)),
        ("<@U1> <@U9|budi>", (Mention("user", "U1", "Ani"), Text(" "), Mention("user", "U9", "budi"))),
        ("<#C1|x> <#C9|y>", (Mention("channel", "C1", "general"), Text(" "), Mention("channel", "C9", "y"))),
        ("<!here><!channel|channel>", (Mention("everyone", "here", "here"), Mention("everyone", "channel", "channel"))),
        ("<!subteam^S9|@sales>", (Mention("group", "S9", "sales"),)),
        ("<!date^1392734382^{date}|18 Feb>", (Text("18 Feb"),)),
        (":lock: :wave::skin-tone-2: :nope: 10:30:00", (Text("🔒 👋🏻 :nope: 10:30:00"),)),
        ("&gt; a\n&gt; *b*\nc", (Quote((Text("a"), Break(), Bold((Text("b"),)))), Break(), Text("c"))),
        ("a\n&gt;&gt;&gt; b\n\nc", (Text("a"), Break(), Quote((Text("b"), Break(), Break(), Text("c"))))),
        ("a ```x &lt; *1*\n  y``` b", (Text("a "), CodeBlock("x < *1*\n  y"), Text(" b"))),
        ("`see <https://a.example|a.example>`", (Code("see a.example"),)),
        ("see https://a.example/_x_/ *b*", (Text("see https://a.example/_x_/ "), Bold((Text("b"),)))),
        ("``` unclosed", (Text("``` unclosed"),)),
        ("<unclosed", (Text("<unclosed"),)),
    ],
)  # fmt: skip
def test_mrkdwn_is_read_as_slack_shows_it(value: str, markup: Markup) -> None:
    assert slack.parse(value, None, NAMES) == markup


@given(st.one_of(wild_text, st.text(alphabet="*_~`<>@!#|:&;lgt \n\u2060aU1", max_size=60)))
def test_any_string_is_read(value: str) -> None:
    slack.parse(value)


@pytest.mark.slow
def test_huge_hostile_mrkdwn_is_read_in_linear_time() -> None:
    for unit in ("*a ", "_", "`", "```", "<", ":a", "&gt;\n", "~a*b_", "<@U1>", "https://a.example/*"):
        slack.parse(unit * (200_000 // len(unit)))


@pytest.mark.parametrize(
    "folder", ["slack-botbuilder", "slack-json-logs/events", "slack-json-logs/app-backend", "slack-json-logs/api"]
)
def test_recorded_payloads_are_read(folder: str) -> None:
    paths = sorted((DATA / folder).rglob("*.json"))
    if not paths:
        pytest.skip("no sample data here")

    def visit(value: object) -> None:
        if isinstance(value, dict):
            slack.parse(value.get("text"), value.get("blocks"), NAMES)
            slack.parse("", value.get("elements"), NAMES)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            visit(inner)

    for path in paths:
        visit(json.loads(path.read_text("utf-8-sig")))


# ---------------------------------------------------------------- what we post


@pytest.mark.parametrize(
    "value",
    [
        "plain words", "5 * 3 * 2", "2*3=6 and 3*4=12", "snake_case_name", "a_b", "~/bin", "10:30:00", "one ` only",
        "a > b?", "https://a.example/_x_/*y*/?a=b_c", "* item\n* item", "- a\n- b", "it's _almost", "Rp 50.000,-",
    ],
)  # fmt: skip
def test_what_would_not_format_is_left_as_it_is(value: str) -> None:
    assert slack.render(text(value)) == value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize(
    "value",
    ["*bold*", "_it_", "~no~", "`code`", "```block\nx```", "> quote", ">>> all", "＞ wide", ":tada:",
     ":custom_one:", "a *b* c_d_ _e_"],
)  # fmt: skip
def test_what_would_format_is_defused_and_looks_the_same(value: str) -> None:
    posted = slack.render(text(value))
    assert posted != value
    assert slack.parse(posted) == text(value)
    assert OUR_MARKS.sub("", posted).replace("&gt;", ">") == value


PING = re.compile(r"<[@#!]|<[^>]*\|")


@given(wild_text)
def test_customer_text_can_neither_ping_nor_link_nor_format(value: str) -> None:
    posted = slack.render(text(value))
    assert "<" not in posted
    assert ">" not in posted
    assert not re.search(r"&(?!amp;|lt;|gt;)", posted)
    assert slack.parse(posted) == stripped(text(value))
    shown = OUR_MARKS.sub("", posted).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown == clean(value)


@given(trees())
def test_no_tree_can_ping(markup: Markup) -> None:
    posted = slack.render(markup)
    for angle in re.findall(r"<([^>]*)>", posted):
        assert re.match(r"(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>]+)?$", angle), angle
    without_angles = re.sub(r"<[^<>]*>", "", posted)
    assert "<" not in without_angles
    assert not re.search(r"(?m)^(?!> ).*>", without_angles)


nice_text = st.text(alphabet="ab *_~`<>&:\U0001f600é", min_size=1, max_size=8)
nice_inline = st.recursive(
    st.lists(st.one_of(nice_text.map(Text), st.just(Break()), nice_text.map(Code)), max_size=4).map(tuple),
    lambda inner: st.lists(
        st.one_of(nice_text.map(Text), inner.map(Bold), inner.map(Italic), inner.map(Strike)), max_size=4
    ).map(tuple),
    max_leaves=6,
)
nice_links = st.sampled_from(
    [
        Link("https://a.example/x?y=1&z=2", "the <shop>"),
        Link("https://a.example", "https://a.example"),
        Link("mailto:a@b.example", "a@b.example"),
    ]
)
nice_parts = st.one_of(
    nice_inline,
    nice_text.map(lambda value: (CodeBlock(f"{value}x"),)),
    nice_inline.map(lambda markup: (Quote(markup),)),
    nice_links.map(lambda link: (link,)),
)


def trimmed(value: str) -> list[str]:
    return [line.strip() for line in value.strip("> \n").split("\n")]


@given(st.lists(nice_parts, max_size=5))
def test_what_we_post_reads_as_the_tree_does(parts: list[Markup]) -> None:
    markup = tuple(node for part in parts for node in part)
    read = plain(slack.parse(slack.render(markup)))
    assert trimmed(read) == trimmed(plain(markup))


@pytest.mark.parametrize(
    ("markup", "posted"),
    [
        ((Bold((Text(" b "),)),), " *b* "),
        ((Bold((Text("a"), Break(), Text("b"))),), "*a*\n*b*"),
        ((Text("x"), Bold((Text("y"),)), Text("z")), "x\u200b*y*\u200bz"),
        ((Bold((Text("a"),)), Bold((Italic((Text("b"),)),))), "*a\u200b_b_*"),
        ((Bold((Text("a"), Bold((Text("b"),)))),), "*ab*"),
        ((Code("a`b"),), "a\u2060`\u2060b"),
        ((CodeBlock("a```b"),), "```\na`\u2060`\u2060`b\n```"),
        ((Text("x"), CodeBlock("<y>"), Text("z")), "x\n```\n&lt;y&gt;\n```\nz"),
        ((Quote((Text("a"), Break(), CodeBlock("b"), Quote((Text("c"),)))),), "> a\n> `b`\n> c"),
        ((ListBlock(False, ((Text("a"), ListBlock(True, ((Text("b"),),))), (Text("c"),))),), "• a\n  1. b\n• c"),
        ((Bold((Text("a"), CodeBlock("b"), Text("c"))),), "*a*\n```\nb\n```\n*c*"),
        ((Mention("user", "U1", "<!here>"), Mention("channel", "C1", "a\nb")), "@&lt;!here&gt;#a b"),
        ((Link("https://a.example/?a=1&b=2", "see"),), "<https://a.example/?a=1&amp;b=2|see>"),
        ((Link("https://a.example", "https://a.example"),), "<https://a.example>"),
        ((Link("https://evil.example", "https://bank.example"),), "https://bank.example (<https://evil.example>)"),
        ((Link("https://evil.example", "bank.example/login"),), "bank.example/login (<https://evil.example>)"),
        ((Link("mailto:a@b.example", ""),), "<mailto:a@b.example|a@b.example>"),
        ((Link("https://a.example/|x>", "l|m>"),), "<https://a.example/%7Cx%3E|l|m&gt;>"),
        ((Link("javascript:x", "click"),), "click (javascript:x)"),
        ((), ""),
    ],
)
def test_each_node_is_posted_in_slacks_way(markup: Markup, posted: str) -> None:
    assert slack.render(markup) == posted


def test_pieces_for_slack_fit_its_limit() -> None:
    markup = text("*a* <b> :tada: " * 3000)
    pieces = split(markup, 4000, "chars", slack.render)
    assert all(len(slack.render(piece)) <= 4000 for piece in pieces)
    assert len(pieces) < 60


def test_huge_hostile_text_is_posted_in_linear_time() -> None:
    for unit in ("*a ", "_ ", "`", ":a:", ">\n", "<", "\n ", "https://a.example/*", "*\n"):
        slack.render(text(unit * (200_000 // len(unit))))
    slack.render(tuple(Bold((Text("a"),)) for _ in range(50_000)))
    slack.render(tuple(CodeBlock("a") for _ in range(50_000)))
