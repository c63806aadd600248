"""Modals and App Home. Pure.

A view remembers what it belongs to in `private_metadata`, so a form sent after a restart, or to another process, finds
its conversation. Limits: docs, views (100 blocks; title and buttons 24 characters, metadata 3 000).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sahut_bot.bridges.teamchat.slack_blocks import SURFACE_BLOCKS, listing_blocks
from sahut_bot.bridges.teamchat.slack_pieces import (
    OPTION_TEXT,
    OPTION_VALUE,
    UNIT,
    Json,
    button_rows,
    numbered,
    plain_text,
    sections,
    small_print,
)
from sahut_bot.text import tree
from sahut_bot.text.clean import clean, length, shortened
from sahut_bot.text.words import say
from sahut_bot.types import Answer, Field, Form, Listing

_TITLE, _METADATA, _INPUT, _LABEL, _HINT, _OPTIONS = 24, 3000, 3000, 2000, 2000, 100
_HOME_TEXT = 30_000
_ACTION = "value"
_NOTHING = "(none)"  # Slack wants a value where ours is empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongs:
    """What a view is about. `home` is the query of the App Home it was opened from, None if from elsewhere."""

    command: str = ""
    channel: str = ""
    thread: str = ""
    about: str = ""
    home: str | None = None

    def dumps(self) -> str:
        """Within Slack's limit; a command too long to keep is dropped whole, as half of one would be another one."""
        told = {key: value for key, value in asdict(self).items() if value or (key == "home" and value is not None)}
        whole = json.dumps(told, ensure_ascii=False)
        if length(whole, UNIT) <= _METADATA:
            return whole
        return json.dumps({"channel": self.channel[:50], "thread": self.thread[:50]})

    @classmethod
    def loads(cls, raw: object) -> Belongs:
        """Reads what `dumps` wrote; anything else belongs to nothing."""
        try:
            told = json.loads(raw) if isinstance(raw, str) and raw else {}
        except ValueError:
            told = {}
        if not isinstance(told, dict):
            told = {}
        return cls(**{key: told[key] for key in cls.__slots__ if isinstance(told.get(key), str)})


# ---------------------------------------------------------------- modals


def form_view(form: Form, belongs: Belongs, lang: str) -> Json:
    """A form as a modal; sent, it comes back as `form.command` with its fields."""
    blocks = sections(tree.text(form.note), 2)
    blocks += [_input(number, field) for number, field in enumerate(form.fields[:90])]
    if not blocks:
        blocks = sections(tree.text(form.title), 1) or [small_print("–")]
    view = _modal(form.title, blocks, belongs, lang)
    return view | {"submit": plain_text(form.submit, _TITLE)}


def answer_view(title: str, answer: Answer, belongs: Belongs, lang: str, url: str = "") -> Json:
    """An answer shown in a modal, where there is no place in the channel for it."""
    if answer.listing:
        blocks = listing_blocks(answer.listing, lang, SURFACE_BLOCKS - 10, _HOME_TEXT, url)
        title = answer.listing.title
    else:
        blocks = []
    said = sections(tree.text(answer.text), 4)
    blocks = said + button_rows(answer.buttons[:25]) + blocks
    return _modal(title, numbered(blocks or [small_print("–")]), belongs, lang)


def _modal(title: str, blocks: list[Json], belongs: Belongs, lang: str) -> Json:
    return {
        "type": "modal",
        "callback_id": "sahut_form",
        "title": plain_text(title, _TITLE),
        "close": plain_text(say(lang, "slack.close"), _TITLE),
        "blocks": blocks,
        "private_metadata": belongs.dumps(),
    }


def home_view(listing: Listing, query: str, notice: str, lang: str, url: str = "") -> Json:
    """The inbox as a person's App Home. `query` is remembered for the buttons; `notice` is a line on top."""
    said = sections(tree.text(notice), 1)
    blocks = listing_blocks(listing, lang, SURFACE_BLOCKS - len(said), _HOME_TEXT, url)
    return _home([*said, *blocks], query)


def closed_home_view(line: str) -> Json:
    """What people see who are no agents."""
    return _home(sections(tree.text(line), 1), "")


def _home(blocks: list[Json], query: str) -> Json:
    belongs = Belongs(home=shortened(query, 500))
    return {"type": "home", "blocks": numbered(blocks), "private_metadata": belongs.dumps()}


# ---------------------------------------------------------------- fields


def _input(number: int, field: Field) -> Json:
    element = _choice(field) if field.kind in {"choice", "choices"} else None
    block: Json = {
        "type": "input",
        "block_id": f"{number}:{field.name}"[:255],
        "label": plain_text(field.label, _LABEL),
        "element": element or _typed(field),
        "optional": field.optional,
    }
    if field.hint:
        block["hint"] = plain_text(field.hint, _HINT)
    return block


def _typed(field: Field) -> Json:
    limit = max(1, min(field.limit, _INPUT))
    shown: Json = {
        "type": "plain_text_input",
        "action_id": _ACTION,
        "multiline": field.kind == "lines",
        "max_length": limit,
    }
    value = clean(field.value)
    over = length(value, UNIT) - limit
    if over > 0:
        value = shortened(value, max(1, len(value) - over))
    return shown | {"initial_value": value} if value else shown


def _choice(field: Field) -> Json | None:
    """None where there is nothing to choose from: Slack refuses an empty menu."""
    options = {
        value: {"text": plain_text(option.label, OPTION_TEXT), "value": value}
        for option in field.options
        if length(value := option.value or _NOTHING, UNIT) <= OPTION_VALUE
    }
    shown = dict(list(options.items())[:_OPTIONS])
    if not shown:
        return None
    several = field.kind == "choices"
    menu: Json = {
        "type": "multi_static_select" if several else "static_select",
        "action_id": _ACTION,
        "options": list(shown.values()),
    }
    wanted = field.value.split(",") if several else [field.value or _NOTHING]
    chosen = [shown[value] for value in dict.fromkeys(wanted) if value in shown]
    if not chosen:
        return menu
    return menu | ({"initial_options": chosen} if several else {"initial_option": chosen[0]})


def field_values(view: Mapping[str, Any]) -> dict[str, str]:
    """A sent form's values by field name; several choices are comma-separated."""
    values: dict[str, str] = {}
    state = view.get("state")
    blocks = state.get("values") if isinstance(state, Mapping) else None
    for block_id, inputs in (blocks or {}).items():
        if isinstance(inputs, Mapping) and inputs:
            values[_field_name(block_id)] = _value(next(iter(inputs.values())))
    return values


def field_problems(view: Mapping[str, Any], problems: Mapping[str, str]) -> dict[str, str]:
    """Problems by block, as the acknowledgement of a form wants them; unknown fields go to the first input."""
    blocks = [
        str(block.get("block_id"))
        for block in view.get("blocks", ())
        if isinstance(block, Mapping) and block.get("type") == "input"
    ]
    by_name = {_field_name(block): block for block in blocks}
    told: dict[str, str] = {}
    for name, problem in problems.items():
        place = by_name.get(name) or next(iter(blocks), None)
        if place and problem:
            told[place] = shortened(f"{told[place]} {problem}" if place in told else problem, 250)
    return told


def _field_name(block_id: str) -> str:
    return block_id.partition(":")[2]


def _value(told: Any) -> str:
    if not isinstance(told, Mapping):
        return ""
    if isinstance(several := told.get("selected_options"), list):
        return ",".join(_option(option) for option in several)
    if "selected_option" in told:
        return _option(told["selected_option"])
    return str(told.get("value") or "")


def _option(option: Any) -> str:
    value = str(option.get("value") or "") if isinstance(option, Mapping) else ""
    return "" if value == _NOTHING else value
