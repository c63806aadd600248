"""Text from outside made harmless to read, and measured and cut without breaking what a reader sees as one letter."""

from __future__ import annotations

import re
import unicodedata

NAME_LIMIT = 80
"""Customers' names are shown as the sender in the team chat; Slack and Discord both take about 80 characters."""

_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f"  # flags of Scotland, Wales, …
_DIRT = re.compile(
    f"{_FLAG}|\r\n?|["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but newline and tab
    "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"  # seen by no reader
    "\u2028-\u202e"  # line and paragraph separator, bidi overrides
    "\ud800-\udfff"  # half a character: no database and no platform takes it
    "\U000e0000-\U000e00ff]"  # tags, outside of flags
)
_NEWLINES = frozenset("\r\x0b\x0c\x85\u2028\u2029")
_BLANK_LETTERS = re.compile("[\u115f\u1160\u200c\u200d\u2800\u3164\uffa0]")
_SPACE = re.compile(r"\s+")


def clean(value: str) -> str:
    """`value` without what hides or reorders text: control characters (newline and tab stay, other line ends become
    newlines), bidi marks and overrides, zero-width characters but joiners and variation selectors; in NFC.
    """
    if value.isascii() and value.isprintable():
        return value
    if _DIRT.search(value):
        value = _DIRT.sub(_mended, value)
    return unicodedata.normalize("NFC", value)


def _mended(found: re.Match[str]) -> str:
    dirt = found[0]
    if dirt[0] in _NEWLINES:
        return "\n"
    if len(dirt) > 1:
        return dirt  # a whole flag
    return "\ufffd" if "\ud800" <= dirt <= "\udfff" else ""


def clean_name(name: str) -> str:
    """A person's name for one line: cleaned, at most 80 characters; empty if nothing visible is left."""
    line = _SPACE.sub(" ", clean(name)).strip()
    if not _BLANK_LETTERS.sub("", line).strip():
        return ""
    return shortened(line, NAME_LIMIT)


def shortened(value: str, limit: int) -> str:
    """`value`, or its beginning and an ellipsis within `limit` characters."""
    if len(value) <= limit:
        return value
    return value[: inner_cut(value, limit - 1)].rstrip() + "…"


def length(value: str, unit: str) -> int:
    """How long a platform thinks `value` is: in `chars` (code points), `utf16` units or UTF-8 `bytes`."""
    if unit == "chars":
        return len(value)
    if unit == "bytes":
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if unit == "utf16":
        return len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2
    raise ValueError(f"unknown unit of length: {unit}")


# ---------------------------------------------------------------- what a reader sees as one letter

_LONGEST_LETTER = 64  # code points; a longer pile of accents is cut like a word


def inner_cut(value: str, at: int, floor: int = 0) -> int:
    """The last place at or before `at` (and after `floor`) where `value` can be cut without splitting a letter.

    Letters with accents, emoji of several parts and flags stay whole, as long as they are no absurd piles.
    """
    for place in range(at, max(floor, at - _LONGEST_LETTER), -1):
        if not _joined(value, place, floor):
            return place
    return at


def _joined(value: str, place: int, floor: int) -> bool:
    """Whether the characters before and at `place` belong to one letter."""
    if place <= 0 or place >= len(value):
        return False
    before, here = value[place - 1], value[place]
    if here < "\u0300":
        return False
    if "\U0001f1e6" <= here <= "\U0001f1ff":  # a flag is a pair of these: odd count before = second half
        start = place
        while start > floor and "\U0001f1e6" <= value[start - 1] <= "\U0001f1ff":
            start -= 1
        return (place - start) % 2 == 1
    return (
        before == "\u200d"
        or here in "\u200c\u200d"
        or "\U0001f3fb" <= here <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= here <= "\U000e007f"
        or "\u1160" <= here <= "\u11ff"  # the later parts of a Korean syllable
        or unicodedata.category(here) in {"Mn", "Mc", "Me"}
    )
