"""Block Kit elements: what may stand in an actions, input, section or context block."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sahut_bot.sandbox.slack.checking import MESSAGE, MODAL, Checker

_COMMON = ("action_id", "confirm", "focus_on_load", "placeholder")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z")

BUTTONS = frozenset(("button", "overflow"))
SELECTS = frozenset(
    f"{multi}{source}_select"
    for multi in ("", "multi_")
    for source in ("static", "external", "users", "conversations", "channels")
)
CHOICES = frozenset(("checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker"))
TYPED = frozenset(("plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"))

IN_ACTIONS = BUTTONS | SELECTS | CHOICES
IN_SECTION = (BUTTONS | SELECTS | CHOICES | {"image"}) - {"datetimepicker"}
IN_INPUT = SELECTS | CHOICES | TYPED | {"file_input"}


def check_element(checker: Checker, element: Any, path: str, allowed: frozenset[str], seen: set[str]) -> None:
    """`seen` holds the action ids of the containing block: there they must be unique."""
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in allowed:
        checker.fail(path, f"unsupported type: {kind}")
        return
    if kind == "image":
        check_image(checker, element, path, extra=())
        return
    checker.identifier(element.get("action_id"), f"{path}/action_id", seen)
    if "placeholder" in element:
        checker.text(element["placeholder"], f"{path}/placeholder", 150, plain=True)
    if "confirm" in element:
        checker.confirm(element["confirm"], f"{path}/confirm")
    if element.get("focus_on_load"):
        checker.focused += 1
        if checker.surface == MESSAGE or checker.focused > 1:
            checker.fail(f"{path}/focus_on_load", "only one element of a view may have it")
    _rule(kind)(checker, element, path)


def _rule(kind: str) -> Callable[[Checker, dict[str, Any], str], None]:
    rules = {"button": _button, "overflow": _overflow, "plain_text_input": _typed, "number_input": _number}
    if kind in rules:
        return rules[kind]
    if kind in TYPED:
        return _typed
    if kind in ("checkboxes", "radio_buttons"):
        return _boxes
    if kind in ("datepicker", "timepicker", "datetimepicker"):
        return _picker
    return _file if kind == "file_input" else _select


def check_image(checker: Checker, image: dict[str, Any], path: str, *, extra: tuple[str, ...]) -> None:
    checker.fields(image, path, required=("alt_text",), allowed=("image_url", "slack_file", *extra))
    if ("image_url" in image) == ("slack_file" in image):
        checker.fail(path, "exactly one of image_url and slack_file must be given")
    if "image_url" in image and checker.string(image["image_url"], f"{path}/image_url", 3000, least=1):
        _url(checker, image["image_url"], f"{path}/image_url")
    if "alt_text" in image:
        checker.string(image["alt_text"], f"{path}/alt_text", 2000)
    slack_file = image.get("slack_file")
    if slack_file is not None:
        if not isinstance(slack_file, dict) or not (slack_file.get("id") or slack_file.get("url")):
            checker.fail(f"{path}/slack_file", "must name an id or a url")
        else:
            checker.file_ids.append((str(slack_file.get("id") or slack_file["url"]), f"{path}/slack_file"))


def _url(checker: Checker, value: str, path: str) -> None:
    if not value.startswith(("https://", "http://")):
        checker.fail(path, "must be a valid URL")


def _button(checker: Checker, element: dict[str, Any], path: str) -> None:
    optional = ("action_id", "confirm", "url", "value", "style", "accessibility_label")
    checker.fields(element, path, required=("text",), allowed=optional)
    checker.text(element.get("text"), f"{path}/text", 75, plain=True)
    if "value" in element:
        checker.string(element["value"], f"{path}/value", 2000)
    if "url" in element and checker.string(element["url"], f"{path}/url", 3000, least=1):
        _url(checker, element["url"], f"{path}/url")
    if "accessibility_label" in element:
        checker.string(element["accessibility_label"], f"{path}/accessibility_label", 75)
    checker.style(element, path)


def _overflow(checker: Checker, element: dict[str, Any], path: str) -> None:
    checker.fields(element, path, required=("options",), allowed=("action_id", "confirm"))
    checker.options(element.get("options"), f"{path}/options", most=5, least=2, url=True)


def _boxes(checker: Checker, element: dict[str, Any], path: str) -> None:
    initial = "initial_options" if element["type"] == "checkboxes" else "initial_option"
    checker.fields(element, path, required=("options",), allowed=("action_id", "confirm", "focus_on_load", initial))
    checker.options(element.get("options"), f"{path}/options", most=10, mrkdwn=True)
    given = element.get(initial, [])
    for one in given if isinstance(given, list) else [given]:
        checker.chosen(one, element.get("options", []), f"{path}/{initial}")


def _select(checker: Checker, element: dict[str, Any], path: str) -> None:
    kind: str = element["type"]
    multi = kind.startswith("multi_")
    source = kind.removeprefix("multi_").removesuffix("_select")
    initial = {"static": "option", "external": "option"}.get(source, source.removesuffix("s")) + ("s" if multi else "")
    allowed = [*_COMMON, f"initial_{initial}", *(("max_selected_items",) if multi else ())]
    allowed += {"external": ["min_query_length"], "conversations": ["filter", "default_to_current_conversation"]}.get(
        source, []
    )
    if not multi and source in ("conversations", "channels"):
        allowed.append("response_url_enabled")
    checker.fields(element, path, required=(), allowed=[*allowed, "options", "option_groups"])
    if source == "static":
        _static(checker, element, path, f"initial_{initial}")
    elif "options" in element or "option_groups" in element:
        checker.fail(path, "only static menus carry options")


def _static(checker: Checker, element: dict[str, Any], path: str, initial: str) -> None:
    if ("options" in element) == ("option_groups" in element):
        checker.fail(path, "exactly one of options and option_groups must be given")
        return
    every: list[Any] = []
    if "options" in element:
        checker.options(element["options"], f"{path}/options", most=100)
        every = element["options"] if isinstance(element["options"], list) else []
    else:
        for index, group in enumerate(checker.items(element["option_groups"], f"{path}/option_groups", 100)):
            where = f"{path}/option_groups/{index}"
            if not isinstance(group, dict):
                checker.fail(where, "must be an object")
                continue
            checker.text(group.get("label"), f"{where}/label", 75, plain=True)
            checker.options(group.get("options"), f"{where}/options", most=100)
            every += group["options"] if isinstance(group.get("options"), list) else []
    given = element.get(initial, [])
    for one in given if isinstance(given, list) else [given]:
        checker.chosen(one, every, f"{path}/{initial}")


def _picker(checker: Checker, element: dict[str, Any], path: str) -> None:
    kind: str = element["type"]
    initial = {"datepicker": "initial_date", "timepicker": "initial_time", "datetimepicker": "initial_date_time"}[kind]
    extra = ("timezone",) if kind == "timepicker" else ()
    checker.fields(element, path, required=(), allowed=(*_COMMON, initial, *extra))
    value = element.get(initial)
    if value is None:
        return
    if kind == "datetimepicker":
        right = isinstance(value, int) and len(str(value)) == 10
    else:
        right = isinstance(value, str) and (_DATE if kind == "datepicker" else _TIME).match(value) is not None
    if not right:
        checker.fail(f"{path}/{initial}", "has the wrong format")


def _typed(checker: Checker, element: dict[str, Any], path: str) -> None:
    allowed = ["action_id", "placeholder", "focus_on_load", "initial_value", "dispatch_action_config"]
    if element["type"] == "plain_text_input":
        allowed += ["multiline", "min_length", "max_length"]
        for name, least in (("min_length", 0), ("max_length", 1)):
            value = element.get(name)
            if value is not None and not (isinstance(value, int) and least <= value <= 3000):
                checker.fail(f"{path}/{name}", f"must be between {least} and 3000")
    checker.fields(element, path, required=(), allowed=allowed)
    value = element.get("initial_value")
    if value is not None and element["type"] != "rich_text_input":
        checker.string(value, f"{path}/initial_value", min(3000, element.get("max_length") or 3000))


def _number(checker: Checker, element: dict[str, Any], path: str) -> None:
    limits = ("min_value", "max_value", "initial_value", "dispatch_action_config")
    checker.fields(
        element, path, required=("is_decimal_allowed",), allowed=("action_id", "placeholder", "focus_on_load", *limits)
    )
    checker.flag(element.get("is_decimal_allowed"), f"{path}/is_decimal_allowed")


def _file(checker: Checker, element: dict[str, Any], path: str) -> None:
    checker.fields(element, path, required=(), allowed=("action_id", "filetypes", "max_files"))
    if checker.surface != MODAL:
        checker.fail(path, f"file_input is not allowed on a {checker.surface}")
