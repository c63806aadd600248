"""Block Kit blocks: may this list of blocks stand in a message, a modal or App Home?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sahut_bot.sandbox.slack.checking import MESSAGE, Checker
from sahut_bot.sandbox.slack.elements import IN_ACTIONS, IN_INPUT, IN_SECTION, check_element, check_image
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import Json

MAX_IN_MESSAGE, MAX_IN_VIEW = 50, 100
_MAX_MARKDOWN = 12_000
# Not documented; seen by several apps since 2025 as msg_blocks_too_long.
_MAX_TEXT_TOGETHER = 13_000
_STYLES = frozenset(("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"))
_RICH_PARTS = {
    "text": ("text",),
    "link": ("url",),
    "emoji": ("name",),
    "user": ("user_id",),
    "usergroup": ("usergroup_id",),
    "channel": ("channel_id",),
    "broadcast": ("range",),
    "date": ("timestamp", "format"),
    "color": ("value",),
    "team": ("team_id",),
}
_RICH_EXTRAS = ("style", "text", "unsafe", "unicode", "skin_tone", "url", "fallback", "display_type")


def checked(raw: Any, surface: str) -> tuple[list[Json], Checker]:
    """The blocks as a list, and what is wrong with them."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            raise ApiError("invalid_blocks_format") from None
    if not isinstance(raw, list) or not all(isinstance(block, dict) for block in raw):
        raise ApiError("invalid_blocks_format")
    checker = Checker(surface=surface)
    most = MAX_IN_MESSAGE if surface == MESSAGE else MAX_IN_VIEW
    if len(raw) > most:
        checker.fail("/blocks", f"no more than {most} items allowed")
    for index, block in enumerate(raw):
        _check(checker, block, f"/blocks/{index}")
    if checker.markdown_total > _MAX_MARKDOWN:
        checker.fail("/blocks", f"markdown text must be less than {_MAX_MARKDOWN + 1} characters in total")
    return raw, checker


def message_blocks(raw: Any) -> tuple[list[Json], Checker]:
    """Blocks fit for a message. Raises `ApiError` as chat.postMessage does."""
    blocks, checker = checked(raw, MESSAGE)
    if checker.errors:
        raise ApiError("invalid_blocks", errors=checker.errors, response_metadata={"messages": checker.errors})
    if checker.text_total > _MAX_TEXT_TOGETHER:
        raise ApiError("msg_blocks_too_long")
    return blocks, checker


def with_ids(blocks: list[Json], new_id: Callable[[str], str]) -> list[Json]:
    """Slack fills in the block ids and action ids that the app left out."""
    filled: list[Json] = []
    for block in blocks:
        made = {"block_id": new_id("BK"), **block}
        if isinstance(made.get("elements"), list) and made["type"] == "actions":
            made["elements"] = [{"action_id": new_id("AC"), **element} for element in made["elements"]]
        for name in ("accessory", "element"):
            if isinstance(made.get(name), dict) and made[name]["type"] != "image":
                made[name] = {"action_id": new_id("AC"), **made[name]}
        filled.append(made)
    return filled


def _check(checker: Checker, block: Json, path: str) -> None:
    rule = _RULES.get(str(block.get("type")))
    if rule is None or (block["type"] == "markdown" and checker.surface != MESSAGE):
        checker.fail(path, f"unsupported type: {block.get('type')}")
        return
    checker.identifier(block.get("block_id"), f"{path}/block_id", checker.block_ids)
    rule(checker, block, path)


def _section(checker: Checker, block: Json, path: str) -> None:
    checker.fields(block, path, required=(), allowed=("block_id", "text", "fields", "accessory", "expand"))
    if block.get("text") is None and not block.get("fields"):
        checker.fail(path, "text or fields must be given")
    if block.get("text") is not None:
        checker.text(block["text"], f"{path}/text", 3000)
    if "fields" in block:
        for index, one in enumerate(checker.items(block["fields"], f"{path}/fields", 10)):
            checker.text(one, f"{path}/fields/{index}", 2000)
    if "accessory" in block:
        check_element(checker, block["accessory"], f"{path}/accessory", IN_SECTION, set())


def _divider(checker: Checker, block: Json, path: str) -> None:
    checker.fields(block, path, required=(), allowed=("block_id",))


def _image(checker: Checker, block: Json, path: str) -> None:
    check_image(checker, block, path, extra=("block_id", "title"))
    if "title" in block:
        checker.text(block["title"], f"{path}/title", 2000, plain=True)


def _actions(checker: Checker, block: Json, path: str) -> None:
    checker.fields(block, path, required=("elements",), allowed=("block_id",))
    seen: set[str] = set()
    for index, element in enumerate(checker.items(block.get("elements"), f"{path}/elements", 25)):
        check_element(checker, element, f"{path}/elements/{index}", IN_ACTIONS, seen)


def _context(checker: Checker, block: Json, path: str) -> None:
    checker.fields(block, path, required=("elements",), allowed=("block_id",))
    for index, element in enumerate(checker.items(block.get("elements"), f"{path}/elements", 10)):
        where = f"{path}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            check_image(checker, element, where, extra=())
        else:
            checker.text(element, where, 3000)


def _input(checker: Checker, block: Json, path: str) -> None:
    optional = ("block_id", "dispatch_action", "hint", "optional")
    checker.fields(block, path, required=("label", "element"), allowed=optional)
    checker.text(block.get("label"), f"{path}/label", 2000, plain=True)
    if block.get("hint") is not None:
        checker.text(block["hint"], f"{path}/hint", 2000, plain=True)
    check_element(checker, block.get("element"), f"{path}/element", IN_INPUT, set())


def _header(checker: Checker, block: Json, path: str) -> None:
    checker.fields(block, path, required=("text",), allowed=("block_id", "level"))
    checker.text(block.get("text"), f"{path}/text", 150, plain=True)


def _markdown(checker: Checker, block: Json, path: str) -> None:
    checker.fields(block, path, required=("text",), allowed=("block_id",))
    if checker.string(block.get("text"), f"{path}/text", _MAX_MARKDOWN, least=1):
        checker.markdown_total += len(block["text"])
        checker.text_total += len(block["text"])


def _rich_text(checker: Checker, block: Json, path: str) -> None:
    checker.fields(block, path, required=("elements",), allowed=("block_id",))
    kinds = ("rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted")
    for index, element in enumerate(checker.items(block.get("elements"), f"{path}/elements", 1000)):
        _rich_element(checker, element, f"{path}/elements/{index}", kinds)


def _rich_element(checker: Checker, element: Any, path: str, kinds: tuple[str, ...]) -> None:
    if not isinstance(element, dict) or element.get("type") not in kinds:
        checker.fail(path, "unsupported rich text element")
        return
    extras: tuple[str, ...] = ()
    if element["type"] == "rich_text_list":
        extras = ("style", "indent", "offset", "border")
        if element.get("style") not in ("bullet", "ordered"):
            checker.fail(f"{path}/style", "must be bullet or ordered")
    elif element["type"] != "rich_text_section":
        extras = ("border", "language")
    checker.fields(element, path, required=("elements",), allowed=extras)
    least = 0 if element["type"] == "rich_text_section" else 1
    for index, part in enumerate(checker.items(element.get("elements"), f"{path}/elements", 1000, least=least)):
        where = f"{path}/elements/{index}"
        if element["type"] == "rich_text_list":
            _rich_element(checker, part, where, ("rich_text_section",))
        else:
            _rich_part(checker, part, where)


def _rich_part(checker: Checker, part: Any, path: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in _RICH_PARTS:
        checker.fail(path, f"unsupported type: {kind}")
        return
    required = _RICH_PARTS[kind]
    if not checker.fields(part, path, required=required, allowed=_RICH_EXTRAS):
        return
    if kind == "text" and checker.string(part["text"], f"{path}/text", 12_000, least=1):
        checker.text_total += len(part["text"])
    if kind == "link" and checker.string(part["url"], f"{path}/url", 3000, least=1):
        checker.text_total += len(part["url"])
    style = part.get("style", {})
    if not isinstance(style, dict) or set(style) - _STYLES or not all(isinstance(one, bool) for one in style.values()):
        checker.fail(f"{path}/style", "must be an object of known flags")


_RULES: dict[str, Callable[[Checker, Json, str], None]] = {
    "section": _section,
    "divider": _divider,
    "image": _image,
    "actions": _actions,
    "context": _context,
    "input": _input,
    "header": _header,
    "markdown": _markdown,
    "rich_text": _rich_text,
}
