"""The `rich_text` blocks of a Slack message as a tree. Everything in them is from outside: nothing may raise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sahut_bot.text.clean import clean, clean_name
from sahut_bot.text.links import safe_url
from sahut_bot.text.markup import (
    Bold,
    Break,
    Code,
    CodeBlock,
    Italic,
    Link,
    ListBlock,
    Markup,
    Mention,
    Node,
    Quote,
    Strike,
    Text,
)
from sahut_bot.text.slack_emoji import emoji_unicode
from sahut_bot.text.tree import text, tidy

_DEEPEST_LIST = 8  # Slack's own editor stops there too
_CODE_POINTS = re.compile(r"[0-9a-fA-F]{2,6}(?:-[0-9a-fA-F]{2,6}){0,15}")
_MENTIONS = {"user": "user_id", "usergroup": "usergroup_id", "channel": "channel_id", "team": "team_id"}
_MENTION_KINDS = {"user": "user", "usergroup": "group", "channel": "channel", "team": "group"}


def parse_rich_text(blocks: object, names: Mapping[str, str]) -> Markup:
    """All `rich_text` blocks among `blocks`, one after the other; empty if there is none."""
    builder = _Builder(names)
    for block in _dicts(blocks):
        if block.get("type") == "rich_text":
            for element in _dicts(block.get("elements")):
                builder.add(element)
    return builder.markup()


def link(url: str, label: str) -> Node:
    """A link that may be clicked, or its words where it may not."""
    words = " ".join(clean(label).split())
    return Link(clean(url), words or clean(url)) if safe_url(url) else Text(words or clean(url))


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object, most: int) -> int:
    return min(max(value, 0), most) if isinstance(value, int) else 0


@dataclass(slots=True)
class _OpenList:
    """A list that further elements may still add to: Slack sends each run of items of one depth by itself."""

    ordered: bool
    depth: int
    offset: int  # items of the same count that came before, with other text between
    items: list[tuple[Markup, list[_OpenList]]] = field(default_factory=list)

    def closed(self) -> Markup:
        items = [(*item, *(node for inner in below for node in inner.closed())) for item, below in self.items]
        if not self.offset:
            return (ListBlock(self.ordered, tuple(items)),)
        numbered = enumerate(items, self.offset + 1)
        return tuple(node for number, item in numbered for node in (Break(), Text(f"{number}. "), *item))


class _Builder:
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._done: list[Node | _OpenList] = []
        self._lists: list[_OpenList] = []  # the list that grows and those around it, outermost first

    def markup(self) -> Markup:
        nodes: list[Node] = []
        for part in self._done:
            nodes.extend(part.closed() if isinstance(part, _OpenList) else (part,))
        return tidy(tuple(nodes))

    def add(self, element: dict[str, Any]) -> None:
        kind = element.get("type")
        if kind == "rich_text_list":
            self._add_list(element)
            return
        self._lists.clear()
        if kind == "rich_text_quote":
            self._done.append(Quote(self._inline(element)))
        elif kind == "rich_text_preformatted":
            self._done.append(CodeBlock(_code(element)))
        else:
            before = self._done[-1] if self._done else None
            if before and not isinstance(before, _OpenList | CodeBlock | Quote | Break):
                self._done.append(Break())
            self._done.extend(self._inline(element))

    def _add_list(self, element: dict[str, Any]) -> None:
        ordered = element.get("style") == "ordered"
        depth = _number(element.get("indent"), _DEEPEST_LIST)
        while self._lists and self._lists[-1].depth > depth:
            self._lists.pop()
        if self._lists and self._lists[-1].depth == depth and self._lists[-1].ordered != ordered:
            self._lists.pop()
        if not self._lists or self._lists[-1].depth < depth:
            offset = _number(element.get("offset"), 1_000_000) if ordered else 0
            opened = _OpenList(ordered, depth, offset)
            if self._lists and self._lists[-1].items:
                self._lists[-1].items[-1][1].append(opened)
            else:
                self._done.append(opened)
            self._lists.append(opened)
        self._lists[-1].items.extend((self._inline(item), []) for item in _dicts(element.get("elements")))

    # ------------------------------------------------------------ what stands in a line

    def _inline(self, element: dict[str, Any]) -> Markup:
        nodes: list[Node] = []
        for part in _dicts(element.get("elements")):
            style = part.get("style")
            nodes.extend(_styled(self._part(part), style if isinstance(style, dict) else {}))
        return tuple(nodes)

    def _part(self, part: dict[str, Any]) -> Markup:
        kind = part.get("type")
        if kind == "emoji":
            return (Text(_emoji(part)),)
        if kind == "link":
            return (link(_string(part.get("url")), _string(part.get("text"))),)
        if kind == "broadcast":
            place = _string(part.get("range")) or "channel"
            return (Mention("everyone", place, clean_name(place)),)
        if isinstance(kind, str) and kind in _MENTIONS:
            ident = _string(part.get(_MENTIONS[kind]))
            return (Mention(_MENTION_KINDS[kind], ident, clean_name(self._names.get(ident, ""))),)
        # text, date, color and what Slack may add: its words, wherever they are
        words = next((part[key] for key in ("text", "fallback", "value", "name") if _string(part.get(key))), "")
        return text(words)


def _styled(nodes: Markup, style: dict[str, Any]) -> Markup:
    if style.get("code"):
        nodes = tuple(Code(node.value) if isinstance(node, Text) else node for node in nodes)
    for name, mark in (("strike", Strike), ("italic", Italic), ("bold", Bold)):
        if style.get(name) and nodes:
            nodes = (mark(nodes),)
    return nodes


def _emoji(part: dict[str, Any]) -> str:
    points = _string(part.get("unicode"))
    if _CODE_POINTS.fullmatch(points):
        numbers = [int(point, 16) for point in points.split("-")]
        if all(0x20 <= number < 0xD800 or 0xE000 <= number <= 0x10FFFF for number in numbers):
            return clean("".join(map(chr, numbers)))
    name = _string(part.get("name"))
    tone = part.get("skin_tone")
    full = f"{name}::skin-tone-{tone}" if isinstance(tone, int) and "::" not in name else name
    return emoji_unicode(full) or emoji_unicode(name) or f":{clean(name)}:"


def _code(element: dict[str, Any]) -> str:
    parts = _dicts(element.get("elements"))
    return clean("".join(_string(part.get("text")) or _string(part.get("url")) for part in parts)).strip("\n")
