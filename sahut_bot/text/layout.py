"""A tree laid out as one string, from any stretch of which a tree can be built again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

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
from sahut_bot.text.tree import BLOCKS, plain

_WHOLE = "\ufffc"  # stands for a link or a mention: one place, never cut
_DEEPEST = 16  # marks nested deeper than any person does are dropped, so that they cannot fill a whole piece
_BREAK = Break()


@dataclass(frozen=True, slots=True)
class _Frame:
    """A node around a leaf, or one item of a list (then `node` is None); `number` is unique within the layout."""

    number: int
    node: Bold | Italic | Strike | Quote | ListBlock | None
    item: int = 0


_Leaf: TypeAlias = tuple[Node, tuple[_Frame, ...]]


class Layout:
    """`flat` is the string, a `Break` being a newline in it; `edges` are the places where a block begins or ends,
    `lines` those where an item of a list begins.

    Links and mentions take one place; those that do not pass `fits` alone are laid out as text.
    """

    def __init__(self, markup: Markup, fits: Callable[[Markup], bool]) -> None:
        self.edges: list[int] = []
        self.lines: list[int] = []
        self._fits = fits
        self._leaves: list[_Leaf] = []
        self._starts: list[int] = []
        self._spans: list[tuple[int, int]] = []  # of each frame
        self._parts: list[str] = []
        self._size = 0
        self._lay(markup, ())
        self.flat = "".join(self._parts)

    def leaf(self, place: int) -> tuple[Node, int]:
        """The leaf at `place` and where it begins."""
        number = bisect_right(self._starts, place) - 1
        return self._leaves[number][0], self._starts[number]

    def tree(self, start: int, end: int) -> Markup:
        """The stretch as a tree, with its marks and blocks. A list that is not whole becomes lines."""
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1) - 1
        leaves = self._leaves[first : last + 1]
        leaves[-1] = (_cut(leaves[-1][0], 0, end - self._starts[last]), leaves[-1][1])
        leaves[0] = (_cut(leaves[0][0], start - self._starts[first], None), leaves[0][1])
        return self._built(leaves, 0, start, end)

    # ------------------------------------------------------------ laying out

    def _lay(self, markup: Markup, around: tuple[_Frame, ...]) -> None:
        for node in markup:
            block = isinstance(node, BLOCKS)
            if block:
                self.edges.append(self._size)
            match node:
                case Bold(children) | Italic(children) | Strike(children) | Quote(children):
                    self._lay_inside(children, around, node, 0)
                case ListBlock():
                    self._lay_list(node, around)
                case Link() | Mention() if not self._fits((node,)):
                    self._lay_leaf(Text(plain((node,))), around)
                case _:
                    self._lay_leaf(node, around)
            if block:
                self.edges.append(self._size)

    def _lay_inside(
        self,
        markup: Markup,
        around: tuple[_Frame, ...],
        node: Bold | Italic | Strike | Quote | None,
        item: int,
    ) -> None:
        frame = self._frame(node, item)
        self._lay(markup, (*around, frame)[:_DEEPEST])
        self._end(frame)

    def _lay_list(self, node: ListBlock, around: tuple[_Frame, ...]) -> None:
        frame = self._frame(node, 0)
        for place, item in enumerate(node.items):
            self.lines.append(self._size)
            self._lay_inside(item, (*around, frame)[: _DEEPEST - 1], None, place)
        self._end(frame)

    def _frame(self, node: Bold | Italic | Strike | Quote | ListBlock | None, item: int) -> _Frame:
        self._spans.append((self._size, self._size))
        return _Frame(len(self._spans) - 1, node, item)

    def _end(self, frame: _Frame) -> None:
        self._spans[frame.number] = (self._spans[frame.number][0], self._size)

    def _lay_leaf(self, node: Node, around: tuple[_Frame, ...]) -> None:
        match node:
            case Text(value) | Code(value) | CodeBlock(value):
                shown = value
            case Break():
                shown = "\n"
            case _:
                shown = _WHOLE
        if shown:
            self._leaves.append((node, around))
            self._starts.append(self._size)
            self._parts.append(shown)
            self._size += len(shown)

    # ------------------------------------------------------------ building again

    def _built(self, leaves: Sequence[_Leaf], depth: int, start: int, end: int) -> Markup:
        """The nodes at `depth` above these neighbouring leaves."""
        nodes: list[Node] = []
        in_lines = False  # the last of `nodes` is a list's line that nothing has ended yet
        for _, group in groupby(leaves, lambda leaf: leaf[1][depth].number if len(leaf[1]) > depth else -1):
            inside = list(group)
            frame = inside[0][1][depth] if len(inside[0][1]) > depth else None
            if frame is None:
                new, in_list = [node for node, _ in inside], False
            elif isinstance(frame.node, ListBlock):
                new, in_list = self._built_list(frame, inside, depth + 1, start, end)
            else:
                new, in_list = self._built_mark(frame, inside, depth + 1, start, end), False
            if nodes and (in_lines or in_list) and not isinstance(nodes[-1], Break) and not isinstance(new[0], Break):
                nodes.append(_BREAK)
            nodes.extend(new)
            in_lines = in_list
        return tuple(nodes)

    def _built_mark(self, frame: _Frame, leaves: Sequence[_Leaf], depth: int, start: int, end: int) -> list[Node]:
        children = self._built(leaves, depth, start, end)
        if isinstance(frame.node, Bold | Italic | Strike | Quote):
            return [replace(frame.node, children=children)]
        return list(children)

    def _built_list(
        self, frame: _Frame, leaves: Sequence[_Leaf], depth: int, start: int, end: int
    ) -> tuple[list[Node], bool]:
        """The list, or its lines, and whether they are lines."""
        assert isinstance(frame.node, ListBlock)
        items: dict[int, tuple[int, Markup]] = {}
        for number, group in groupby(leaves, lambda leaf: leaf[1][depth].number):
            inside = list(group)
            items[inside[0][1][depth].item] = (number, self._built(inside, depth + 1, start, end))
        begin, finish = self._spans[frame.number]
        if self._blank(begin, start) and self._blank(end, finish):
            return [
                ListBlock(frame.node.ordered, tuple(items.get(i, (0, ()))[1] for i in range(len(frame.node.items))))
            ], False
        lines: list[Node] = []
        for place, (number, children) in items.items():
            if lines:
                lines.append(_BREAK)
            if self._blank(self._spans[number][0], start):
                lines.append(Text(f"{place + 1}. " if frame.node.ordered else "• "))
            lines.extend(children)
        return lines, True

    def _blank(self, start: int, end: int) -> bool:
        """Whether there is nothing to say between the two places."""
        return start >= end or self.flat[start:end].isspace()


def _cut(node: Node, start: int, end: int | None) -> Node:
    return replace(node, value=node.value[start:end]) if isinstance(node, Text | Code | CodeBlock) else node
