"""Long text in pieces that a platform takes, cut where a reader would cut it.

The tree is laid out as one string in which every character, break and link has a place (`layout`). Cuts are looked for
in that string, and each piece is built again as a tree from its stretch of it, so that marks close and open at a cut by
themselves.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TypeAlias

from sahut_bot.text.clean import inner_cut, length
from sahut_bot.text.layout import Layout
from sahut_bot.text.markup import CodeBlock, Link, Markup, Mention, Text
from sahut_bot.text.tree import plain, stripped

Render: TypeAlias = Callable[[Markup], str]

_SENTENCE_END = re.compile(r"[.!?…]['\")\]’”]*(?=\s)|[。！？]")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*+\n)*+")
_FULL_ENOUGH = 16  # a piece with less than this part of the limit to spare is not made longer by trying


def split(markup: Markup, limit: int, unit: str, render: Render) -> list[Markup]:
    """Pieces of `markup`, each with `length(render(piece), unit) <= limit`; none where there is nothing to say.

    Cuts at the end of a paragraph, else of a line, a sentence, a word, else between letters. Nothing but blank space at
    a cut is lost and nothing changes its place. A list that is cut goes on as lines with its own bullets and numbers; a
    link longer than `limit` becomes text. `ValueError` if not even one letter fits.
    """
    if not plain(markup).strip():
        return []
    if length(render(markup), unit) <= limit:
        return [markup]
    return list(_Splitter(markup, limit, unit, render).pieces())


class _Splitter:
    def __init__(self, markup: Markup, limit: int, unit: str, render: Render) -> None:
        self._limit, self._unit, self._render = limit, unit, render
        self._layout = Layout(markup, fits=lambda part: self._size_of(part) <= limit)
        self._flat = self._layout.flat

    def pieces(self) -> Iterator[Markup]:
        start, total = self._after_blank(0), len(self._flat)
        while start < total:
            end = self._end(start)
            if end > start:
                piece = self._piece(start, end)
            else:  # the marks around this letter alone are too long
                end = start + 1
                leaf, _ = self._layout.leaf(start)
                piece = (leaf if isinstance(leaf, Link | Mention) else Text(self._flat[start:end]),)
                if self._size_of(piece) > self._limit:
                    raise ValueError(f"no letter fits into {self._limit} {self._unit}")
            if plain(piece).strip():
                yield piece
            start = self._after_blank(end)

    def _piece(self, start: int, end: int) -> Markup:
        return stripped(self._layout.tree(start, end))

    def _size_of(self, markup: Markup) -> int:
        return length(self._render(markup), self._unit)

    def _size(self, start: int, end: int) -> int:
        return self._size_of(self._piece(start, end))

    def _after_blank(self, place: int) -> int:
        """The next place with something to say; a line that begins inside a code block keeps its indent."""
        cut = place
        while place < len(self._flat) and self._flat[place].isspace():
            leaf, begin = self._layout.leaf(place)
            if isinstance(leaf, CodeBlock):
                blank = _BLANK_LINES.match(self._flat, place, begin + len(leaf.value)) if begin < place == cut else None
                return blank.end() if blank else place
            place += 1
        return place

    # ------------------------------------------------------------ how much fits

    def _end(self, start: int) -> int:
        """Where the piece that begins at `start` ends; `start` itself if nothing fits."""
        fit = self._fit(start)
        if fit == len(self._flat) or fit == start:
            return fit
        end = self._good_cut(start, fit)
        return end if self._size(start, end) <= self._limit else fit

    def _fit(self, start: int) -> int:
        """A place up to which it fits, not much before the last such place.

        No renderer makes a place shorter than one unit, so the first guess is the limit itself. Where markup and
        escapes make that too long, the next guesses go by proportion and by halves in turn.
        """
        low, low_size = start, 0
        high = min(len(self._flat), start + self._limit)
        high_size = self._size(start, high)
        if high_size <= self._limit:
            return high
        by_proportion = True
        while high - low > 1 and (low == start or low_size < self._limit - self._limit // _FULL_ENOUGH):
            step = (high - low) // 2
            if by_proportion:
                step = (high - low) * (self._limit - low_size) // max(1, high_size - low_size)
            guess = low + min(max(step, 1), high - low - 1)
            by_proportion = not by_proportion
            size = self._size(start, guess)
            if size <= self._limit:
                low, low_size = guess, size
            else:
                high, high_size = guess, size
        return low

    # ------------------------------------------------------------ where to cut

    def _good_cut(self, start: int, fit: int) -> int:
        """The best place to cut in the second half of what fits (for words: in the last three quarters)."""
        half = start + (fit - start) // 2
        paragraph = max(_last(self._layout.edges, fit), self._flat.rfind("\n\n", half + 1, fit + 2))
        if paragraph > half:
            return paragraph
        line = max(_last(self._layout.lines, fit), self._flat.rfind("\n", half + 1, fit + 1))
        if line > half:
            return line
        sentence = max((found.end() for found in _SENTENCE_END.finditer(self._flat, half, fit)), default=-1)
        if sentence > half:
            return sentence
        for place in range(fit, start + (fit - start) // 4, -1):
            if self._flat[place].isspace():
                return place
        return inner_cut(self._flat, fit, start)


def _last(places: list[int], limit: int) -> int:
    """The last of the sorted places up to `limit`, or -1."""
    number = bisect_right(places, limit)
    return places[number - 1] if number else -1
