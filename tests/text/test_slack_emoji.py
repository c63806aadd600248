"""Slack's names of emoji."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.text import slack


@pytest.mark.parametrize(
    ("emoji", "name"),
    [
        ("⏳", "hourglass_flowing_sand"), ("✋", "hand"), ("✅", "white_check_mark"), ("📬", "mailbox_with_mail"),
        ("👀", "eyes"), ("❌", "x"), ("❓", "question"), ("🔒", "lock"), ("👍", "+1"), ("❤️", "heart"), ("❤", "heart"),
        ("🙏", "pray"),
        ("👍🏽", "+1::skin-tone-4"), ("🇮🇩", "flag-id"), ("👨‍💻", "male-technologist"), ("🤷‍♀️", "woman-shrugging"),
        ("👨‍👩‍👧", "man-woman-girl"), ("🟢", "large_green_circle"), ("🙂", "slightly_smiling_face"),
        ("🏽", "skin-tone-4"),
        ("🧙‍♂️", "male_mage"), ("👮‍♀️", "female-police-officer"),
    ],
)  # fmt: skip
def test_emoji_have_slacks_names(emoji: str, name: str) -> None:
    assert slack.emoji_name(emoji) == name
    assert slack.emoji_unicode(name).replace("\ufe0f", "") == emoji.replace("\ufe0f", "")


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("raised_hand", "✋"), (":thumbsup:", "👍"), ("simple_smile", "🙂"), ("dog", "🐶"),
        ("flag-zz", ""), ("custom", ""),
        ("", ""), ("::", ""), ("man-dog", ""), ("tada::skin-tone-3", "🎉"),
        ("male-technologist::skin-tone-2", "👨🏻‍💻"),
    ],
)  # fmt: skip
def test_other_names_are_known_too(name: str, emoji: str) -> None:
    assert slack.emoji_unicode(name) == emoji


@given(st.text(max_size=20))
def test_any_name_is_looked_up(value: str) -> None:
    slack.emoji_unicode(value)
    slack.emoji_name(value)
