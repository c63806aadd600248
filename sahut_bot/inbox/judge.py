"""Reply or note: what becomes of something typed in a thread (design 3.2). Pure.

The order of the questions is the promise: each one can only make it less likely that a customer sees the text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from sahut_bot.text import tree
from sahut_bot.text.markup import Markup


class Fate(StrEnum):
    STRANGER = "stranger"  # not an agent: refused privately, never sent
    COMMAND = "command"
    NOTE = "note"
    HELD = "held"  # asks its author
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`reason` says why it is held: unknown_command, near_note or other_owner. `body` comes without its prefix."""

    fate: Fate
    body: Markup = ()
    command: str = ""
    reason: str = ""


_NOTE = re.compile(r"\s*(?:;|//|note:|catatan:|🔒\ufe0f?|:lock:)\s*", re.IGNORECASE)
_REPLY = re.compile(r"\s*reply:\s*", re.IGNORECASE)
_COMMAND = re.compile(r"\s*[!！]\s?(?=[^\W\d_])")
_SHOUTED = re.compile(r"\s*[!！]{2,}\s?([^\W\d_]+)")
_WORDS = r"(?:internal\s+notes?|catatan\s+internal|notes?|catatan|nota|internal|private|pribadi|rahasia)"
_OPENED, _CLOSED = r"[\[({{<\"'*_~`#/\\|.,:-]*\s*", r"[\"'*_~`]*\s*"
# What somebody writes who means a note and misses the form. A needless question costs seconds, a leak cannot be undone.
_NEAR = re.compile(
    rf"\s*{_OPENED}{_WORDS}\s*{_CLOSED}(?:$|\n|[\])}}>]|[-–—:：;；=.,>|/\\])"
    r"|\s*(?:/\s+/|\\\\|/\w|[🔐🔏🔓🤫])",
    re.IGNORECASE,
)
_BEGINNING = 200
_LABEL = re.compile(r"\s*([^\W\d_]{3,9})\s?:")
_QUOTES = re.compile(r"(?:\s*>)+\s*")
_QUOTED_LINES = re.compile(r"(?:\s*>[^\n]*(?:\n|$))+")


def judge(
    body: Markup,
    *,
    is_agent: bool,
    mentions_bot: bool,
    reply_by_default: bool,
    owned_by_other: bool,
    commands: frozenset[str],
) -> Verdict:
    """Decides what `body` is. `commands` holds the known first words; `owned_by_other`: another agent owns it."""
    if not is_agent:
        return Verdict(fate=Fate.STRANGER, body=body)
    plain = tree.plain(body)
    if command := _COMMAND.match(plain):
        return _command(tree.without_prefix(body, command.end()), body, commands)
    if mentions_bot:
        return _command(body, body, commands)
    if prefix := _NOTE.match(plain):
        return Verdict(fate=Fate.NOTE, body=tree.without_prefix(body, prefix.end()))
    if tree.has_mention(body):
        return Verdict(fate=Fate.NOTE, body=body)
    return _words(body, plain, reply_by_default, owned_by_other, commands)


def _words(body: Markup, plain: str, reply_by_default: bool, owned_by_other: bool, commands: frozenset[str]) -> Verdict:
    """What starts like nothing in particular: a reply, where the mode or the word `reply:` makes it one."""
    if _behind_quote(plain, commands) or looks_like_note(plain):
        return Verdict(fate=Fate.HELD, body=body, reason="near_note")
    explicit = _REPLY.match(plain)
    if not explicit and not reply_by_default:
        return Verdict(fate=Fate.NOTE, body=body)
    if explicit:
        body = tree.without_prefix(body, explicit.end())
        if looks_like_note(tree.plain(body)):
            return Verdict(fate=Fate.HELD, body=body, reason="near_note")
    if owned_by_other:
        return Verdict(fate=Fate.HELD, body=body, reason="other_owner")
    return Verdict(fate=Fate.REPLY, body=body)


def looks_like_note(plain: str) -> bool:
    """Whether a text starts with a note's prefix or a near miss of one, however wide or hidden its letters are."""
    begin = unicodedata.normalize("NFKC", plain[:_BEGINNING])
    plain = "".join(char for char in begin if unicodedata.category(char) != "Cf")
    return bool(_NOTE.match(plain) or _NEAR.match(plain)) or _misspelt(plain)


def _behind_quote(plain: str, commands: frozenset[str]) -> bool:
    """A leading `>` decides nothing, but what follows it may be meant for the team; so may `!!resolve`."""
    if (shouted := _SHOUTED.match(plain)) and shouted[1].lower() in commands:
        return True
    rests = [plain[found.end() :] for kind in (_QUOTES, _QUOTED_LINES) if (found := kind.match(plain))]
    return any(_COMMAND.match(rest) or looks_like_note(rest) for rest in rests)


def _command(line: Markup, whole: Markup, commands: frozenset[str]) -> Verdict:
    words = tree.plain(line).split(maxsplit=1)
    name = words[0].lower().strip(":,") if words else "help"
    if name not in commands and (prefix := _NOTE.match(tree.plain(line))):
        return Verdict(fate=Fate.NOTE, body=tree.without_prefix(line, prefix.end()))
    if name not in commands:
        return Verdict(fate=Fate.HELD, body=whole, reason="unknown_command", command=name)
    rest = tree.plain(line)
    start = len(rest) - len(words[1]) if len(words) > 1 else len(rest)
    return Verdict(fate=Fate.COMMAND, command=name, body=tree.without_prefix(line, start))


def _misspelt(plain: str) -> bool:
    """`ntoe:` and the like: one slip away from a note prefix."""
    label = _LABEL.match(plain)
    if label is None:
        return False
    return any(_one_slip(label.group(1).lower(), word) for word in ("note", "notes", "catatan"))


def _one_slip(a: str, b: str) -> bool:
    """At most one letter added, lost, changed or swapped with its neighbour."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    swapped = rest_a[:2] == rest_b[:2][::-1] and rest_a[2:] == rest_b[2:]
    return swapped or rest_a[1:] == rest_b[1:] or rest_a[1:] == rest_b or rest_a == rest_b[1:]
