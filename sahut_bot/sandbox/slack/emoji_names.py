"""Slack's emoji short names, by way of the `emoji` library's aliases.

Slack shows and takes short names (`wave`, with a skin tone `wave::skin-tone-3`), never the characters themselves.
"""

from __future__ import annotations

import re
from functools import cache

import emoji

_SKIN_TONES = {"\U0001f3fb": 2, "\U0001f3fc": 3, "\U0001f3fd": 4, "\U0001f3fe": 5, "\U0001f3ff": 6}
_FLAG = re.compile(r"flag-[a-z]{2}\Z")
_FLAG_NAMES = frozenset(("jp", "kr", "de", "cn", "us", "fr", "es", "it", "ru", "gb", "uk"))
_CANONICAL = {"\U0001f44d": "+1", "\U0001f44e": "-1"}  # where Slack's first name is the library's second
_SYNONYMS = frozenset(("raised_hand",))  # Slack's own second names that the library does not list
_NAME = re.compile(r"(?P<base>[a-z0-9_+'-]+)(?:::skin-tone-(?P<tone>[2-6]))?\Z")
_REGIONAL_A = 0x1F1E6


@cache
def _names() -> dict[str, str]:
    """Character → canonical short name."""
    found: dict[str, str] = {}
    for character, data in emoji.EMOJI_DATA.items():
        if data["status"] == emoji.STATUS["fully_qualified"] and not set(character) & set(_SKIN_TONES):
            # A name without alias is the same in both lists, as :eyes: is.
            found[character] = data.get("alias", [data["en"]])[0].strip(":").lower()
    return found | _CANONICAL


@cache
def _valid() -> frozenset[str]:
    valid: set[str] = set()
    for character in _names():
        if _is_flag(character):
            continue  # Slack has its own names for these
        data = emoji.EMOJI_DATA[character]
        valid.update(name.strip(":").lower() for name in data.get("alias", [data["en"]]))
    return frozenset(valid | _FLAG_NAMES | _SYNONYMS)


def _is_flag(character: str) -> bool:
    return _REGIONAL_A <= ord(character[0]) < _REGIONAL_A + 26


def is_emoji_name(name: str) -> bool:
    """Would reactions.add take it? A workspace without custom emoji is assumed."""
    match = _NAME.match(name)
    return match is not None and (match["base"] in _valid() or _FLAG.match(match["base"]) is not None)


def short_name(character: str) -> tuple[str, int]:
    """The short name of one emoji and its skin tone (0 = none); an unknown one gives an empty name."""
    tone = next((value for sign, value in _SKIN_TONES.items() if sign in character), 0)
    plain = "".join(sign for sign in character if sign not in _SKIN_TONES)
    if _is_flag(plain) and len(plain) == 2:
        return "flag-" + "".join(chr(ord(sign) - _REGIONAL_A + ord("a")) for sign in plain), 0
    name = _names().get(plain) or _names().get(plain + "\ufe0f") or _names().get(plain.replace("\ufe0f", ""))
    return name or "", tone


def character(name: str) -> str:
    """The emoji of a short name with or without skin tone; unknown gives an empty string."""
    match = _NAME.match(name)
    if match is None:
        return ""
    base, tone = match["base"], match["tone"]
    if _FLAG.match(base):
        return "".join(chr(_REGIONAL_A + ord(letter) - ord("a")) for letter in base[5:])
    sign = next((sign for sign, value in _SKIN_TONES.items() if str(value) == tone), "")
    plain = _characters().get(base, "")
    return plain.replace("\ufe0f", "") + sign if sign and plain else plain


@cache
def _characters() -> dict[str, str]:
    found: dict[str, str] = {}
    for sign in _names():
        data = emoji.EMOJI_DATA[sign]
        found |= {name.strip(":").lower(): sign for name in data.get("alias", [data["en"]])}
    return found | {"raised_hand": "\u270b"}


def find_emoji(text: str) -> list[tuple[int, int, str]]:
    """Where emoji characters stand in `text`: start, end, character."""
    if text.isascii():
        return []
    return [(hit["match_start"], hit["match_end"], hit["emoji"]) for hit in emoji.emoji_list(text)]
