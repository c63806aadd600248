"""Modals and App Home: the checks on a view, its shape once Slack has taken it, and who has which one open."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sahut_bot.sandbox.slack.blocks import checked, with_ids
from sahut_bot.sandbox.slack.checking import MODAL, Checker
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import Json

# Slack docs, view object and modals: title, submit and close 24 characters, private_metadata 3000, three views deep.
_MODAL_FIELDS = (
    "close",
    "submit",
    "private_metadata",
    "callback_id",
    "clear_on_close",
    "notify_on_close",
    "external_id",
)
_HOME_FIELDS = ("private_metadata", "callback_id", "external_id", "title", "close", "submit")
_MAX_BYTES = 250_000
MAX_DEPTH = 3


@dataclass(slots=True, eq=False)
class Surfaces:
    """`modals` holds each person's stack, the shown one last; `homes` the published home of each."""

    modals: dict[str, list[Json]] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    values: dict[str, dict[str, Json]] = field(default_factory=dict)  # view id → block id → action id → state
    errors: dict[str, dict[str, str]] = field(default_factory=dict)  # view id → block id → message

    def top(self, user: str) -> Json | None:
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def find(self, view_id: str = "", external_id: str = "") -> tuple[list[Json], int] | None:
        """The stack with the open modal, and its place in it."""
        for stack in self.modals.values():
            for index, view in enumerate(stack):
                if (view_id and view["id"] == view_id) or (external_id and view["external_id"] == external_id):
                    return stack, index
        return None

    def drop(self, user: str, *, everything: bool) -> list[Json]:
        """Takes the shown modal, or the whole stack, away; gives what went."""
        stack = self.modals.get(user, [])
        gone = stack[:] if everything else stack[-1:]
        del stack[len(stack) - len(gone) :]
        for view in gone:
            self.values.pop(view["id"], None)
            self.errors.pop(view["id"], None)
        return gone

    def reset(self, view: Json) -> None:
        """A view was put in place: what stays typed is kept where block and action are the same."""
        before = self.values.get(view["id"], {})
        fresh = initial_state(view["blocks"])
        for block_id, actions in fresh.items():
            for action_id in actions:
                kept = before.get(block_id, {}).get(action_id)
                if kept is not None and kept["type"] == actions[action_id]["type"]:
                    actions[action_id] = kept
        self.values[view["id"]] = fresh
        self.errors.pop(view["id"], None)


def check_view(raw: Any, kind: str) -> Json:
    """The view of an argument. Raises `ApiError("invalid_arguments")` with Slack's kind of messages."""
    view = _object(raw)
    checker = Checker(surface=kind)
    if view.get("type") != kind:
        checker.fail("/view/type", f"must be {kind}")
    for name, limit in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if view.get(name) is not None:
            checker.string(view[name], f"/view/{name}", limit)
    blocks: list[Json] = []
    try:
        blocks, inner = checked(view.get("blocks", []), kind)
        checker.errors += [error.replace(":/blocks", ":/view/blocks") for error in inner.errors]
    except ApiError:
        checker.fail("/view/blocks", "must be an array of blocks")
    if kind == MODAL:
        _check_modal(checker, view, blocks)
    else:
        checker.fields(view, "/view", required=("blocks",), allowed=_HOME_FIELDS)
    if checker.errors:
        raise _refused(checker.errors)
    if len(json.dumps(view)) > _MAX_BYTES:
        raise ApiError("view_too_large")
    return {**view, "blocks": blocks}


def _object(raw: Any) -> Json:
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            raise _refused(["[ERROR] invalid JSON [json-pointer:/view]"]) from None
    if not isinstance(raw, dict):
        raise _refused(["[ERROR] missing required field: view [json-pointer:/view]"])
    return raw


def _check_modal(checker: Checker, raw: Json, blocks: list[Json]) -> None:
    checker.fields(raw, "/view", required=("title", "blocks"), allowed=_MODAL_FIELDS)
    if any(block.get("type") == "input" for block in blocks) and not raw.get("submit"):
        checker.fail("/view", "missing required field: submit")  # Slack docs, view object: required with input blocks
    for name in ("title", "submit", "close"):
        if raw.get(name) is not None:
            checker.text(raw[name], f"/view/{name}", 24, plain=True)
    for name in ("clear_on_close", "notify_on_close"):
        if name in raw:
            checker.flag(raw[name], f"/view/{name}")


def _refused(messages: list[str]) -> ApiError:
    return ApiError("invalid_arguments", response_metadata={"messages": messages})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What every view object says about its app."""

    team_id: str
    app_id: str
    bot_id: str


def built(raw: Json, owner: Owner, new_id: Callable[[str], str], *, replaces: Json | None = None) -> Json:
    """The view object as Slack stores and returns it; it keeps id and place of the one it `replaces`."""
    view_id = replaces["id"] if replaces else new_id("V")
    return {
        "id": view_id,
        "team_id": owner.team_id,
        "type": raw["type"],
        "blocks": with_ids(raw["blocks"], new_id),
        "private_metadata": raw.get("private_metadata") or "",
        "callback_id": raw.get("callback_id") or "",
        "state": {"values": {}},
        "hash": f"{new_id('')}.view",
        "title": raw.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
        "clear_on_close": bool(raw.get("clear_on_close")),
        "notify_on_close": bool(raw.get("notify_on_close")),
        "close": raw.get("close"),
        "submit": raw.get("submit"),
        "previous_view_id": replaces["previous_view_id"] if replaces else None,
        "root_view_id": replaces["root_view_id"] if replaces else view_id,
        "app_id": owner.app_id,
        "external_id": raw.get("external_id") or "",
        "app_installed_team_id": owner.team_id,
        "bot_id": owner.bot_id,
    }


def interactive(blocks: list[Json]) -> list[tuple[Json, Json]]:
    """Each element that a person can operate, with its block."""
    found: list[tuple[Json, Json]] = []
    for block in blocks:
        inside = [block.get("accessory"), block.get("element")]
        if block["type"] == "actions":
            inside += block["elements"]
        found += [(block, element) for element in inside if isinstance(element, dict) and "action_id" in element]
    return found


def initial_state(blocks: list[Json]) -> dict[str, dict[str, Json]]:
    """The state of the elements that have one (all but buttons and overflow menus)."""
    state: dict[str, dict[str, Json]] = {}
    for block, element in interactive(blocks):
        if element["type"] not in ("button", "overflow"):
            state.setdefault(block["block_id"], {})[element["action_id"]] = element_state(element, first=True)
    return state


_STATE_KEYS = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "checkboxes": "selected_options",
    "radio_buttons": "selected_option",
    "file_input": "files",
    "rich_text_input": "rich_text_value",
}


def state_key(kind: str) -> str:
    """Under which key an element's value stands in actions and view state (Slack docs, block_actions)."""
    if kind in _STATE_KEYS:
        return _STATE_KEYS[kind]
    if kind.endswith("_select"):
        source = kind.removeprefix("multi_").removesuffix("_select")
        noun = "option" if source in ("static", "external") else source.removesuffix("s")
        return f"selected_{noun}" + ("s" if kind.startswith("multi_") else "")
    return "value"


def element_state(element: Json, value: Any = None, *, first: bool = False) -> Json:
    key = state_key(element["type"])
    if first:
        value = element.get(key.replace("selected_", "initial_") if key != "value" else "initial_value")
        if value is None and key.endswith("s"):
            value = []
    return {"type": element["type"], key: value}
