"""The small parts of Block Kit, each within Slack's limits whatever it is made of.

Everything that people wrote passes `plain_text`, which Slack shows as it is, or `mrkdwn`, which is escaped. What would
be wrong when cut (a command, an address) is left out instead. Limits: docs, Block Kit reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeAlias

from sahut_bot.text import slack as dialect
from sahut_bot.text import tree
from sahut_bot.text.clean import clean, length, shortened
from sahut_bot.text.links import safe_url
from sahut_bot.text.markup import Bold, Markup
from sahut_bot.text.split import split
from sahut_bot.types import Button, Fact

Json: TypeAlias = dict[str, Any]

UNIT = "utf16"  # the stricter reading of "characters"
BUTTON_TEXT, BUTTON_VALUE, URL = 75, 2000, 3000
OPTION_TEXT, OPTION_VALUE, MENU_OPTIONS = 75, 150, 5
SECTION_TEXT, FIELD_TEXT, FIELDS, HEADER_TEXT = 3000, 2000, 10, 150
ACTIONS = 25
_DASH = "–"  # where Slack wants something and there is nothing
_YEAR_2100 = 4102444800


def cut(value: str, limit: int) -> str:
    """`value` on one line, cleaned, within `limit`, with an ellipsis where it was longer."""
    line = shortened(" ".join(clean(value).split()), limit)
    over = length(line, UNIT) - limit
    return shortened(line, max(1, len(line) - over)) if over > 0 else line


def plain_text(value: str, limit: int) -> Json:
    """Text that Slack shows as it is; never empty."""
    return {"type": "plain_text", "text": cut(value, limit) or _DASH, "emoji": False}


def fitted(markup: Markup, limit: int) -> str:
    """`markup` as mrkdwn within `limit`, with an ellipsis where it was longer; empty if it says nothing."""
    pieces = split(markup, limit - 2, UNIT, dialect.render)
    if not pieces:
        return ""
    return dialect.render(pieces[0]) + (" …" if len(pieces) > 1 else "")


def escaped(value: str, limit: int) -> str:
    """Plain text as mrkdwn that shows exactly that, within `limit`."""
    return fitted(tree.text(value), limit)


def header(value: str) -> Json:
    return {"type": "header", "text": plain_text(value, HEADER_TEXT)}


def section(mrkdwn: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}}


def small_print(mrkdwn: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn, "verbatim": True}]}


def sections(markup: Markup, limit: int) -> list[Json]:
    """`markup` in as many sections as it needs, up to `limit` of them."""
    pieces = split(markup, SECTION_TEXT - 2, UNIT, dialect.render)
    texts = [dialect.render(piece) for piece in pieces[:limit]]
    if len(pieces) > limit:
        texts[-1] += " …"
    return [section(text) for text in texts]


def instant(at: float, spoken: str) -> str:
    """A time that each reader sees in the own zone; `spoken` where a client cannot (docs, formatting dates)."""
    if not math.isfinite(at) or not 0 < at < _YEAR_2100:
        return spoken
    return f"<!date^{int(at)}^{{date_short_pretty}} {{time}}|{spoken}>"


def button(made: Button) -> Json | None:
    """None for a button whose command or address Slack would not take."""
    shown: Json = {"type": "button", "text": plain_text(made.label, BUTTON_TEXT)}
    if made.style in {"primary", "danger"}:
        shown["style"] = made.style
    if made.url:
        url = safe_url(made.url)
        return shown | {"url": url} if url and length(url, UNIT) <= URL else None
    return shown | {"value": made.command} if 0 < length(made.command, UNIT) <= BUTTON_VALUE else None


def actions(elements: Iterable[Json]) -> list[Json]:
    shown = list(elements)
    return [{"type": "actions", "elements": shown[at : at + ACTIONS]} for at in range(0, len(shown), ACTIONS)]


def button_rows(buttons: Sequence[Button]) -> list[Json]:
    return actions(shown for made in buttons if (shown := button(made)))


def menus(options: Sequence[Button]) -> Iterator[Json]:
    """Overflow menus of two to five entries each; what does not fit into a menu stays a button.

    A menu has no state, unlike a select, which would go on showing the last choice and not take it twice.
    """
    fitting = [made for made in options if not made.url and 0 < length(made.command, UNIT) <= OPTION_VALUE]
    yield from (shown for made in options if made not in fitting and (shown := button(made)))
    if len(fitting) == 1:
        yield from filter(None, map(button, fitting))
        return
    count = math.ceil(len(fitting) / MENU_OPTIONS)
    start = 0
    for number in range(count):
        end = start + math.ceil((len(fitting) - start) / (count - number))
        yield {"type": "overflow", "options": [_entry(made) for made in fitting[start:end]]}
        start = end


def _entry(made: Button) -> Json:
    return {"text": plain_text(made.label, OPTION_TEXT), "value": made.command}


def fact(told: Fact, limit: int) -> Json:
    """One labelled line; its time is rendered in the reader's zone."""
    parts = [escaped(told.text, limit)]
    if told.instant is not None:
        parts.append(instant(told.instant, utc(told.instant)))
    label = fitted((Bold(tree.text(cut(told.label, 75))),), 300)
    value = " ".join(filter(None, parts)) or _DASH
    return {"type": "mrkdwn", "text": f"{label}\n{value}" if label else value, "verbatim": True}


def fact_line(told: Fact) -> str:
    """The same within a line of small print."""
    at = "" if told.instant is None else instant(told.instant, utc(told.instant))
    return " ".join(filter(None, (escaped(cut(told.label, 75), 200), escaped(cut(told.text, 75), 200), at)))


def utc(at: float) -> str:
    """A time for clients that cannot render one."""
    if not math.isfinite(at) or not 0 < at < _YEAR_2100:
        return _DASH
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def numbered(blocks: list[Json]) -> list[Json]:
    """Gives every element that can be clicked an action id of its own, as Slack wants it within a message."""
    for place, block in enumerate(blocks):
        elements = chain(block.get("elements", ()), [block["accessory"]] if "accessory" in block else ())
        for position, element in enumerate(elements):
            if block["type"] != "context":
                element["action_id"] = f"sahut_{place}_{position}"
    return blocks


def said_length(value: Any) -> int:
    """How many characters all the texts in `value` have together."""
    if isinstance(value, dict):
        own = value.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(map(said_length, value.values()))
    return sum(map(said_length, value)) if isinstance(value, list) else 0
