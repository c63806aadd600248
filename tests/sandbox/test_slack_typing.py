"""What the stand-in's composer makes of typed text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.sandbox.slack.blocks import checked
from sahut_bot.sandbox.slack.checking import MESSAGE
from sahut_bot.sandbox.slack.emoji_names import character, is_emoji_name, short_name
from sahut_bot.sandbox.slack.typing_text import compose


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<script>", "&lt;script&gt;"),
        ("see https://example.com/?a=1&b=2", "see <https://example.com/?a=1&amp;b=2>"),
        ("mail me@example.com", "mail <mailto:me@example.com|me@example.com>"),
        ("<@U0ABC> and <#C0ABC>", "<@U0ABC> and <#C0ABC>"),
        ("@here and <!subteam^S0ABC>", "<!here> and <!subteam^S0ABC>"),
        ("*bold* _it_ ~no~ `co<de`", "*bold* _it_ ~no~ `co&lt;de`"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("👋🏽 🇮🇩 :eyes: :nonsense:", ":wave::skin-tone-4: :flag-id: :eyes: :nonsense:"),
        ("> said\nanswer", "&gt; said\nanswer"),
        ("- one\n- two", "• one\n• two"),
        ("5. five\n6. six", "1. five\n2. six"),
        ("```\nif a < b:\n```", "```if a &lt; b:```"),
        ("a ``` b", "a ``` b"),
    ],
)
def test_text_is_marked_up_as_slack_does_it(typed: str, text: str) -> None:
    assert compose(typed)[0] == text


def test_the_block_holds_what_was_typed_unescaped() -> None:
    (section,) = compose("a < b <@U0ABC> 👍")[1]
    assert section["elements"] == [
        {"type": "text", "text": "a < b "},
        {"type": "user", "user_id": "U0ABC"},
        {"type": "text", "text": " "},
        {"type": "emoji", "name": "+1", "unicode": "1f44d"},
    ]


@given(st.text(max_size=200))
def test_any_typed_text_makes_valid_blocks(typed: str) -> None:
    text, elements = compose(typed)
    assert not elements or checked([{"type": "rich_text", "elements": elements}], MESSAGE)[1].errors == []
    assert "<script" not in text


@pytest.mark.parametrize("sign", "⏳✋✅📬👀❌❓🔒👍🙏🎉")
def test_names_of_the_marks_are_valid_and_lead_back(sign: str) -> None:
    name, tone = short_name(sign)
    assert tone == 0
    assert is_emoji_name(name)
    assert character(name).rstrip("\ufe0f") == sign


@pytest.mark.parametrize(
    "name", ["", ":eyes:", "👀", "check_mark_button", "Eyes", "eyes::skin-tone-9", "flag-indonesia"]
)
def test_what_slack_does_not_know_is_no_emoji_name(name: str) -> None:
    assert not is_emoji_name(name)
