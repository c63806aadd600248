"""Slack's mrkdwn as a tree: for messages without blocks and for the arguments of slash commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby

from sahut_bot.text.clean import clean, clean_name
from sahut_bot.text.links import find_urls
from sahut_bot.text.markup import Bold, Break, Code, CodeBlock, Italic, Markup, Mention, Node, Quote, Strike, Text
from sahut_bot.text.slack_blocks import link
from sahut_bot.text.slack_emoji import emoji_unicode
from sahut_bot.text.tree import text, tidy

_FENCE = re.compile(r"```(.+?)```", re.DOTALL)
_QUOTED = re.compile(r"(?:&gt;|>) ?")
_QUOTED_REST = re.compile(r"(?:&gt;|>){3} ?")
_TOKEN = re.compile(
    r"<(?P<angle>[^<>\n]*)>"
    r"|(?<![^\W_])(?<!\u2060)`(?P<code>[^`\n]+)`(?![^\W_]|\u2060)"
    r"|:(?P<emoji>[\w+'-]{1,100}(?:::skin-tone-[2-6])?):"
    r"|(?P<mark>[*_~])"
)
_ANGLES = re.compile(r"<(?:[^<>|\n]*\|([^<>\n]+)|([^<>\n]*))>")
_MARKS: dict[str, type[Bold] | type[Italic] | type[Strike]] = {"*": Bold, "_": Italic, "~": Strike}
_EVERYONE = frozenset({"here", "channel", "everyone"})
JOINER = "\u2060"
"""The word joiner: unseen, part of a word, so that a mark beside it neither opens nor closes anything."""


def parse_mrkdwn(value: str, names: Mapping[str, str]) -> Markup:
    """mrkdwn text, with its entities and angle brackets, as a tree."""
    nodes: list[Node] = []
    end = 0
    for fence in _FENCE.finditer(value):
        nodes.extend(_paragraphs(value[end : fence.start()], names))
        nodes.append(CodeBlock(_unescaped(_without_angles(fence[1])).removeprefix("\n").removesuffix("\n")))
        end = fence.end()
    nodes.extend(_paragraphs(value[end:], names))
    return tidy(tuple(nodes))


def _paragraphs(value: str, names: Mapping[str, str]) -> Iterator[Node]:
    """The lines of a stretch without code blocks, neighbouring quoted lines as one quote."""
    for number, (quoted, group) in enumerate(groupby(_lines(value), key=lambda line: line[0])):
        if number:
            yield Break()
        nodes = [node for _, line in group for node in (Break(), *_inline(line, names))][1:]
        if quoted:
            yield Quote(tuple(nodes))
        else:
            yield from nodes


def _lines(value: str) -> Iterator[tuple[bool, str]]:
    """Each line without its quote mark, and whether it had one. Three marks quote all that follows."""
    rest_is_quoted = False
    for line in value.split("\n"):
        mark = _QUOTED_REST.match(line) or _QUOTED.match(line)
        if rest_is_quoted or not mark:
            yield rest_is_quoted, line
        else:
            rest_is_quoted = mark.re is _QUOTED_REST
            yield True, line[mark.end() :]


# ---------------------------------------------------------------- one line


def _inline(line: str, names: Mapping[str, str]) -> Markup:
    nodes: list[Node] = []
    openers: list[tuple[str, int]] = []  # marks that may still be closed, and where in `nodes` each stands
    end = 0
    for token in _tokens(line):
        nodes.extend(text(_unescaped(line[end : token.start()])))
        end = token.end()
        if token["mark"]:
            _add_mark(line, token, nodes, openers)
        elif token["emoji"]:
            nodes.append(Text(emoji_unicode(token["emoji"])))
        elif token["code"]:
            nodes.append(Code(_unescaped(_without_angles(token["code"]))))
        else:
            nodes.append(_angle(token["angle"], names))
    nodes.extend(text(_unescaped(line[end:])))
    return tuple(nodes)


def _tokens(line: str) -> Iterator[re.Match[str]]:
    """What has a meaning, outside of bare addresses. A name between colons that is no emoji has none."""
    addresses = iter(find_urls(line) if "://" in line else ())
    start, end = next(addresses, (len(line), len(line)))
    place = 0
    while token := _TOKEN.search(line, place):
        while end <= token.start() and end < len(line):
            start, end = next(addresses, (len(line), len(line)))
        place = token.start() + 1
        known = not token["emoji"] or emoji_unicode(token["emoji"])
        if known and not start < token.start() < end:
            place = token.end()
            yield token


def _add_mark(line: str, token: re.Match[str], nodes: list[Node], openers: list[tuple[str, int]]) -> None:
    """A mark opens after a blank or punctuation and before a word, and closes the other way round."""
    char = token[0]
    before, after = line[: token.start()][-1:], line[token.end() : token.end() + 1]
    place = next((number for number, (opener, _) in enumerate(openers) if opener == char), None)
    if place is not None and _touches(before, char) and not _in_word(after, char):
        start = openers[place][1]
        nodes[start:] = [_MARKS[char](tuple(nodes[start + 1 :]))]
        del openers[place:]
        return
    if place is None and _touches(after, char) and not _in_word(before, char):
        openers.append((char, len(nodes)))
    nodes.append(Text(char))


def _touches(neighbour: str, char: str) -> bool:
    return bool(neighbour) and neighbour != char and not neighbour.isspace()


def _in_word(neighbour: str, char: str) -> bool:
    return neighbour in (char, JOINER) or neighbour.isalnum()


def _angle(body: str, names: Mapping[str, str]) -> Node:
    sign, what, label = body[:1], body[1:].partition("|")[0], _unescaped(body.partition("|")[2])
    if sign in ("@", "#") and what:
        kind = "user" if sign == "@" else "channel"
        return Mention(kind, what, clean_name(names.get(what) or label).removeprefix(sign))
    if sign != "!":
        return link(_unescaped(body.partition("|")[0]), label)
    if what in _EVERYONE:
        return Mention("everyone", what, what)
    if what.startswith("subteam^"):
        ident = what.removeprefix("subteam^")
        return Mention("group", ident, clean_name(names.get(ident) or label).removeprefix("@"))
    return Text(label or what)  # a date's fallback, or something newer than this program


def _without_angles(code: str) -> str:
    """Inside code Slack still makes links of addresses: only their words were typed."""
    return _ANGLES.sub(lambda found: found[1] or found[2], code)


def _unescaped(value: str) -> str:
    return clean(value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
