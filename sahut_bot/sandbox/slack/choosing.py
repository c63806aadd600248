"""What a person can enter into an element, and whether a form is complete: the checks that the client itself makes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sahut_bot.sandbox.slack.failure import DriverError
from sahut_bot.sandbox.slack.model import Json
from sahut_bot.sandbox.slack.views import state_key

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z")
_MAX_TYPED = 3000


def chosen(ws: SlackWorkspace, element: Json, value: Any) -> Json:
    """The state after entering `value` (None or an empty list takes the choice back)."""
    key = state_key(element["type"]) if element["type"] != "overflow" else "selected_option"
    if key.endswith("s") and key.startswith("selected_"):
        entered = [_one(ws, element, one) for one in (value or ())]
        if len(entered) > element.get("max_selected_items", len(entered)):
            raise DriverError("more chosen than the menu allows")
        return {key: entered}
    return {key: None if value is None else _one(ws, element, value)}


def _one(ws: SlackWorkspace, element: Json, value: Any) -> Any:
    kind: str = element["type"].removeprefix("multi_")
    match kind:
        case "static_select" | "overflow" | "radio_buttons" | "checkboxes":
            groups = element.get("option_groups", [])
            options = element.get("options") or [option for group in groups for option in group["options"]]
            return option_named(options, str(value))
        case "external_select":
            return value
        case "users_select":
            if value not in ws.users or ws.users[value].deleted:
                raise DriverError(f"the menu does not list {value}")
        case "conversations_select" | "channels_select":
            if value not in ws.channels:
                raise DriverError(f"the menu does not list {value}")
        case "datepicker" | "timepicker":
            if not (_DATE if kind == "datepicker" else _TIME).match(str(value)):
                raise DriverError(f"{value!r} cannot be picked in a {kind}")
        case "datetimepicker":
            return int(value)
        case _:
            return _typed(element, str(value))
    return value


def _typed(element: Json, value: str) -> str | None:
    least, most = element.get("min_length", 0), element.get("max_length", _MAX_TYPED)
    if len(value) > most or (value and len(value) < least):
        raise DriverError(f"the field takes {least} to {most} characters")
    return value or None


def option_named(options: list[Json], name: str) -> Json:
    found = [one for one in options if one["value"] == name] or [one for one in options if one["text"]["text"] == name]
    if not found:
        raise DriverError(f"no option {name!r} among {[one['value'] for one in options]}")
    return found[0]


def complete_form(blocks: list[Json], state: dict[str, dict[str, Json]]) -> None:
    """Required inputs must be filled before the client lets a person submit."""
    for block in blocks:
        if block["type"] != "input" or block.get("optional"):
            continue
        element = block["element"]
        value = state[block["block_id"]][element["action_id"]].get(state_key(element["type"]))
        if value in (None, "", []):
            raise DriverError(f"{block['label']['text']!r} must be filled in")
