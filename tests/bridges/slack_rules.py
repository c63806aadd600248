"""Slack's limits on blocks, written down a second time: the judge of what the adapter builds."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ELEMENTS = {"button", "overflow", "static_select", "multi_static_select", "plain_text_input"}


def check_message(message: Json, most_text: int = 40_000) -> None:
    assert 1 <= units(message["text"]) <= most_text
    assert message["text"].strip()
    blocks = message.get("blocks", [])
    check_blocks(blocks, 50, {"header", "section", "context", "actions", "divider"})
    assert text_total(blocks) <= 13_000


def check_modal(view: Json) -> None:
    assert view["type"] == "modal"
    plain(view["title"], 24)
    plain(view["close"], 24)
    has_input = any(block["type"] == "input" for block in view["blocks"])
    assert not has_input or "submit" in view
    if "submit" in view:
        plain(view["submit"], 24)
    check_view(view)


def check_home(view: Json) -> None:
    assert view["type"] == "home"
    check_view(view)


def check_view(view: Json) -> None:
    assert units(view["private_metadata"]) <= 3000
    assert 1 <= len(view["blocks"]) <= 100
    check_blocks(view["blocks"], 100, {"header", "section", "context", "actions", "input", "divider"})


def check_blocks(blocks: list[Json], most: int, kinds: set[str]) -> None:
    assert len(blocks) <= most
    block_ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(set(block_ids)) == len(block_ids)
    for block in blocks:
        assert block["type"] in kinds
        assert 1 <= len(block.get("block_id", "x")) <= 255
        globals()[f"check_{block['type']}"](block)


def check_header(block: Json) -> None:
    plain(block["text"], 150)


def check_divider(block: Json) -> None:
    assert set(block) <= {"type", "block_id"}


def check_section(block: Json) -> None:
    assert "text" in block or block["fields"]
    if "text" in block:
        any_text(block["text"], 3000)
    assert len(block.get("fields", [])) <= 10
    for field in block.get("fields", []):
        any_text(field, 2000)


def check_context(block: Json) -> None:
    assert 1 <= len(block["elements"]) <= 10
    for element in block["elements"]:
        any_text(element, 3000)


def check_actions(block: Json) -> None:
    assert 1 <= len(block["elements"]) <= 25
    ids = [element["action_id"] for element in block["elements"]]
    assert len(set(ids)) == len(ids)
    for element in block["elements"]:
        check_element(element)


def check_input(block: Json) -> None:
    plain(block["label"], 2000)
    if "hint" in block:
        plain(block["hint"], 2000)
    assert isinstance(block["optional"], bool)
    check_element(block["element"])


def check_element(element: Json) -> None:
    assert element["type"] in ELEMENTS
    assert 1 <= len(element["action_id"]) <= 255
    if element["type"] == "button":
        plain(element["text"], 75)
        assert ("url" in element) != ("value" in element)
        assert 1 <= units(element.get("value", "x")) <= 2000
        assert 1 <= units(element.get("url", "x")) <= 3000
        assert element.get("style", "primary") in {"primary", "danger"}
    elif element["type"] == "overflow":
        assert 2 <= len(element["options"]) <= 5
        check_options(element["options"])
    elif element["type"] == "plain_text_input":
        assert 1 <= element["max_length"] <= 3000
        assert 1 <= units(element.get("initial_value", "x")) <= element["max_length"]
    else:
        assert 1 <= len(element["options"]) <= 100
        check_options(element["options"])
        assert element.get("initial_option", element["options"][0]) in element["options"]
        assert len(element.get("initial_options", ["x"])) >= 1
        assert all(option in element["options"] for option in element.get("initial_options", []))


def check_options(options: list[Json]) -> None:
    for option in options:
        plain(option["text"], 75)
        assert 1 <= units(option["value"]) <= 150


def plain(text: Json, limit: int) -> None:
    assert text["type"] == "plain_text"
    any_text(text, limit)


def any_text(text: Json, limit: int) -> None:
    assert text["type"] in {"plain_text", "mrkdwn"}
    assert 1 <= units(text["text"]) <= limit
    assert text["text"].strip()


def units(text: str) -> int:
    """The stricter of the two ways to count: UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def text_total(value: Any) -> int:
    if isinstance(value, dict):
        own = units(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(map(text_total, value.values()))
    return sum(map(text_total, value)) if isinstance(value, list) else 0


def said(value: Any) -> str:
    """All the texts in blocks, one per line."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return "\n".join([*own, *filter(None, map(said, value.values()))])
    return "\n".join(filter(None, map(said, value))) if isinstance(value, list) else ""


def formatted(value: Any) -> str:
    """What Slack reads as mrkdwn: in which alone a mention would work."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) and value.get("type") != "plain_text" else []
        return "\n".join([*own, *filter(None, map(formatted, value.values()))])
    return "\n".join(filter(None, map(formatted, value))) if isinstance(value, list) else ""
