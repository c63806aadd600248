"""What can be done with a `Markup` without knowing any platform: make it from plain text, read it, cut it, store it.

A block (code block, quote, list) starts and ends a line by itself; one `Break` beside it adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, groupby

from sahut_bot.text.clean import clean, clean_name, length, shortened
from sahut_bot.text.links import described, find_urls
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
from sahut_bot.text.stored import dumps, lines, loads

__all__ = [
    "clean",
    "clean_name",
    "dumps",
    "first_line",
    "has_mention",
    "length",
    "linkify",
    "loads",
    "mention_text",
    "mentions",
    "plain",
    "stripped",
    "text",
    "tidy",
    "without_prefix",
]


MARKS = (Bold, Italic, Strike)
BLOCKS = (CodeBlock, Quote, ListBlock)


def text(value: str) -> Markup:
    """Plain text as a tree: cleaned (`clean`), each newline a `Break`, nothing else understood."""
    return lines(clean(value))


# ---------------------------------------------------------------- reading


def plain(markup: Markup) -> str:
    """The tree as plain text to read: marks dropped, quotes with `> `, lists with `• ` or numbers."""
    if len(markup) == 1 and type(markup[0]) is Text:
        return markup[0].value
    return "".join(line_end + value for _, line_end, value in _read(_unmarked(markup)))


def _read(nodes: Iterable[Node]) -> Iterator[tuple[Node, str, str]]:
    """Each node with the line end that its neighbourhood puts before it, and its own plain text."""
    at_line_start, after_block = True, False
    for node in nodes:
        value = _plain_node(node)
        if value:
            first, last = _ends(node)
            owed = not isinstance(first, Break) if after_block else isinstance(first, BLOCKS) and not at_line_start
            yield node, "\n" if owed else "", value
            at_line_start, after_block = value.endswith("\n"), isinstance(last, BLOCKS)


def _ends(node: Node) -> tuple[Node, Node]:
    """The first and the last thing to read in a node."""
    if not isinstance(node, MARKS):
        return node, node
    inside = [leaf for leaf in _unmarked(node.children) if _plain_node(leaf)]
    return inside[0], inside[-1]


def _unmarked(markup: Markup) -> Iterator[Node]:
    for node in markup:
        if isinstance(node, MARKS):
            yield from _unmarked(node.children)
        else:
            yield node


def _plain_node(node: Node) -> str:
    match node:
        case Text(value) | Code(value) | CodeBlock(value):
            return value
        case Break():
            return "\n"
        case Link():
            return described(node)
        case Mention():
            return mention_text(node)
        case Quote(children):
            return "\n".join(f"> {line}" if line else ">" for line in plain(children).split("\n"))
        case ListBlock(ordered, items):
            bullets = (f"{number}." if ordered else "•" for number in range(1, len(items) + 1))
            return "\n".join(map(_plain_item, items, bullets))
        case _:
            return plain(node.children)


def _plain_item(item: Markup, bullet: str) -> str:
    indent = " " * (len(bullet) + 1)
    return f"{bullet} " + plain(item).replace("\n", "\n" + indent)


def mention_text(mention: Mention) -> str:
    """How a mention reads where it cannot notify anybody: the name, never the id."""
    sign = "#" if mention.kind == "channel" else "@"
    return sign + (mention.name.removeprefix(sign) or "…")


def first_line(markup: Markup, limit: int) -> str:
    """The first line with anything on it, its spaces single, within `limit` characters."""
    for line in plain(markup).split("\n"):
        words = " ".join(line.split())
        if words:
            return shortened(words, limit)
    return ""


def mentions(markup: Markup) -> Iterator[Mention]:
    """Every mention, in order, however deep."""
    for node in markup:
        match node:
            case Text() | Break():
                continue
            case Mention():
                yield node
            case Bold(children) | Italic(children) | Strike(children) | Quote(children):
                yield from mentions(children)
            case ListBlock(_, items):
                for item in items:
                    yield from mentions(item)


def has_mention(markup: Markup) -> bool:
    """Whether a person, group, channel or everyone is mentioned anywhere."""
    return next(mentions(markup), None) is not None


# ---------------------------------------------------------------- cutting


def without_prefix(markup: Markup, count: int) -> Markup:
    """The tree without the first `count` characters of its `plain` text; marks around the rest stay.

    A link, mention, quote or list that is cut through goes on as plain text.
    """
    kept: list[Node] = []
    for node, line_end, value in _read(markup):
        start = max(0, count - len(line_end))
        if start == 0:
            kept.append(node)
        elif start < len(value):
            kept.extend(_cut_node(node, start))
        count -= len(line_end) + len(value)
    return tuple(kept)


def _cut_node(node: Node, count: int) -> Markup:
    match node:
        case Text(value) | Code(value) | CodeBlock(value):
            return (replace(node, value=value[count:]),)
        case Bold(children) | Italic(children) | Strike(children):
            return (replace(node, children=without_prefix(children, count)),)
        case Quote() | ListBlock():
            return (*lines(plain((node,))[count:]), Break())
        case _:
            return lines(plain((node,))[count:])


def stripped(markup: Markup) -> Markup:
    """The tree without blank space and breaks at its two ends."""
    nodes = list(markup)
    while nodes and (edge := _stripped_node(nodes[0], at_start=True)) is not nodes[0]:
        nodes[:1] = [] if edge is None else [edge]
    while nodes and (edge := _stripped_node(nodes[-1], at_start=False)) is not nodes[-1]:
        nodes[-1:] = [] if edge is None else [edge]
    return tuple(nodes)


def _stripped_node(node: Node, *, at_start: bool) -> Node | None:
    """The node itself where there is nothing to strip, None where nothing remains."""
    match node:
        case Break():
            return None
        case Text(value):
            rest = value.lstrip() if at_start else value.rstrip()
            return node if rest == value and rest else Text(rest) if rest else None
        case Bold(children) | Italic(children) | Strike(children):
            inner = stripped(children)
            return node if inner == children and inner else replace(node, children=inner) if inner else None
        case _:
            return node


# ---------------------------------------------------------------- the shape that renderers want


def tidy(markup: Markup) -> Markup:
    """The same to read, with neighbours of one kind joined, no empty mark, and no block inside a mark."""
    nodes: list[Node] = []
    for kind, group in groupby(_blocks_apart(markup), type):
        if kind is Text:
            nodes.append(Text("".join(node.value for node in group if isinstance(node, Text))))
        elif kind in MARKS:
            marks = [node for node in group if isinstance(node, MARKS)]
            children = tuple(chain.from_iterable(node.children for node in marks))
            nodes.append(replace(marks[0], children=tidy(children)))
        else:
            nodes.extend(group)
    return tuple(nodes)


def _blocks_apart(markup: Markup) -> Iterator[Node]:
    for node in markup:
        if isinstance(node, Text | Bold | Italic | Strike) and not _plain_node(node):
            continue
        if isinstance(node, MARKS) and any(isinstance(leaf, BLOCKS) for leaf in _unmarked(node.children)):
            for inner in _blocks_apart(node.children):
                match inner:
                    case CodeBlock():
                        yield inner
                    case Quote(children):
                        yield Quote((replace(node, children=children),))
                    case ListBlock(_, items):
                        yield replace(inner, items=tuple((replace(node, children=item),) for item in items))
                    case _:
                        yield replace(node, children=(inner,))
        else:
            yield node


# ---------------------------------------------------------------- links in plain text


def linkify(markup: Markup) -> Markup:
    """Bare http and https addresses in the text become `Link`s labelled with the address."""
    return tuple(_linked(markup))


def _linked(markup: Markup) -> Iterator[Node]:
    for node in markup:
        match node:
            case Text(value) if "://" in value:
                yield from _linked_text(value)
            case Bold(children) | Italic(children) | Strike(children) | Quote(children):
                yield replace(node, children=linkify(children))
            case ListBlock(_, items):
                yield replace(node, items=tuple(linkify(item) for item in items))
            case _:
                yield node


def _linked_text(value: str) -> Iterator[Node]:
    end = 0
    for start, stop in find_urls(value):
        if start > end:
            yield Text(value[end:start])
        yield Link(value[start:stop], value[start:stop])
        end = stop
    if end < len(value):
        yield Text(value[end:])
