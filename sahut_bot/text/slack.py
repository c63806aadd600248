"""Slack's two text dialects: what agents write (`parse`) and what we post (`render`).

Agents' messages carry a `rich_text` block tree beside the mrkdwn `text`; the tree says exactly what was meant and is
preferred. Posts are mrkdwn, in which no text of a customer can mention, link, format or become an emoji.
"""

from __future__ import annotations

from collections.abc import Mapping

from sahut_bot.text.markup import Markup
from sahut_bot.text.slack_blocks import parse_rich_text
from sahut_bot.text.slack_emoji import emoji_name, emoji_unicode
from sahut_bot.text.slack_mrkdwn import JOINER, parse_mrkdwn
from sahut_bot.text.slack_render import render
from sahut_bot.text.tree import stripped

__all__ = ["JOINER", "emoji_name", "emoji_unicode", "parse", "render"]


def parse(text: object, blocks: object = None, names: Mapping[str, str] | None = None) -> Markup:
    """The `text` and `blocks` of a Slack message, as they came, as a tree without blank space at its ends.

    `names` gives the display names of users, groups and channels by id; an id that is not in it leaves the mention
    without a name. Never raises: what is malformed is left out or taken as text.
    """
    known = names or {}
    markup = parse_rich_text(blocks, known)
    if not markup:
        markup = parse_mrkdwn(text, known) if isinstance(text, str) else ()
    return stripped(markup)
