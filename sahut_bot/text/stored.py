"""A `Markup` as the JSON text that the store keeps.

The common tree, plain text with line breaks, is one JSON string. Any other is a list of nodes: a string is a `Text`,
0 a `Break`, a list begins with the letter of its kind. Rows outlive releases: letters may be added, never changed.
"""

from __future__ import annotations

from typing import Any

import orjson

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

_WITH_CHILDREN: dict[str, type[Bold] | type[Italic] | type[Strike] | type[Quote]] = {
    "b": Bold,
    "i": Italic,
    "s": Strike,
    "q": Quote,
}
_LEAVES: dict[str, type[Code] | type[CodeBlock] | type[Link] | type[Mention]] = {
    "c": Code,
    "p": CodeBlock,
    "a": Link,
    "@": Mention,
}
_LETTER = {kind: letter for letter, kind in _WITH_CHILDREN.items()}
_BREAK = Break()


def lines(value: str) -> Markup:
    """Clean plain text as a tree: each newline a `Break`."""
    if "\n" not in value:
        return (Text(value),) if value else ()
    nodes: list[Node] = []
    for number, line in enumerate(value.split("\n")):
        if number:
            nodes.append(_BREAK)
        if line:
            nodes.append(Text(line))
    return tuple(nodes)


def dumps(markup: Markup) -> str:
    """`loads(dumps(tree)) == tree`, save that half characters (lone surrogates) become U+FFFD."""
    flat = _flat(markup)
    return _json(_packed(markup) if flat is None else flat)


def loads(stored: str) -> Markup:
    """The tree that `dumps` wrote. `ValueError` for anything else."""
    data = orjson.loads(stored)
    if isinstance(data, str):
        return lines(data)
    try:
        return _tree(data)
    except (TypeError, KeyError, IndexError) as broken:
        raise ValueError("not a stored text") from broken


def _flat(markup: Markup) -> str | None:
    """The one string that `lines` turns into exactly this tree, if there is one."""
    if len(markup) == 1 and type(markup[0]) is Text:
        value = markup[0].value
        return value if value and "\n" not in value else None
    parts: list[str] = []
    after_text = False
    for node in markup:
        if type(node) is Break:
            parts.append("\n")
            after_text = False
        elif type(node) is Text and node.value and not after_text and "\n" not in node.value:
            parts.append(node.value)
            after_text = True
        else:
            return None
    return "".join(parts)


def _json(data: object) -> str:
    try:
        return orjson.dumps(data).decode()
    except orjson.JSONEncodeError:
        return orjson.dumps(_whole(data)).decode()


def _whole(data: Any) -> Any:
    if isinstance(data, list):
        return [_whole(item) for item in data]
    return data.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(data, str) else data


def _packed(markup: Markup) -> list[object]:
    return [_packed_node(node) for node in markup]


def _packed_node(node: Node) -> object:
    match node:
        case Text(value):
            return value
        case Break():
            return 0
        case Code(value):
            return ["c", value]
        case CodeBlock(value):
            return ["p", value]
        case Link(url, label):
            return ["a", url, label]
        case Mention(kind, ident, name):
            return ["@", kind, ident, name]
        case ListBlock(ordered, items):
            return ["o" if ordered else "u", *(_packed(item) for item in items)]
        case _:
            return [_LETTER[type(node)], _packed(node.children)]


def _tree(data: Any) -> Markup:
    if not isinstance(data, list):
        raise TypeError
    return tuple(_node(item) for item in data)


def _node(data: Any) -> Node:
    if isinstance(data, str):
        return Text(data)
    if data == 0:
        return _BREAK
    letter, rest = data[0], data[1:]
    if letter in _WITH_CHILDREN:
        (children,) = rest
        return _WITH_CHILDREN[letter](_tree(children))
    if letter in ("o", "u"):
        return ListBlock(letter == "o", tuple(_tree(item) for item in rest))
    if not all(isinstance(item, str) for item in rest):
        raise TypeError
    return _LEAVES[letter](*rest)
