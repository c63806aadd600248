"""A tree as mrkdwn.

Slack has no escape for its marks. A mark that would format is put between two word joiners: unseen, and whether Slack
takes them for letters or for blanks, a mark so placed neither opens nor closes. Nothing is put into what would not
format, nor into addresses. `&`, `<` and `>` are escaped, so that nobody's text can mention, link or ping.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, pairwise

from sahut_bot.text.clean import clean
from sahut_bot.text.links import described, find_urls, misleads, safe_url
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
from sahut_bot.text.slack_mrkdwn import JOINER
from sahut_bot.text.tree import BLOCKS, mention_text, tidy

_SEPARATOR = "\u200b"  # parts a mark of ours from the letter beside it: a blank that is not seen
_SPECIAL = re.compile(r"[&<>*_~`:＞]")
_QUOTE = re.compile(r"^([^\S\n]*)(?=[>＞])", re.MULTILINE)
_EMOJI = re.compile(r":(?=([\w+'-]{1,100}):)")
_MARKS = "*_~"
_MAY_OPEN = {mark: re.compile(rf"(?<![^\W_]){re.escape(mark)}(?=\S)") for mark in _MARKS}
_MAY_CLOSE = {mark: re.compile(rf"(?<=\S){re.escape(mark)}(?![^\W_])") for mark in _MARKS}
_MAY_MEET = {  # whatever stands beside the text: neither within a word nor between blanks
    mark: re.compile(rf"(?!(?<=[^\W_]){re.escape(mark)}[^\W_]|(?<=\s){re.escape(mark)}\s){re.escape(mark)}")
    for mark in _MARKS
}
_DELIMITER = {Bold: "*", Italic: "_", Strike: "~"}
_LINE = re.compile(r"[^\n]+")
_BACKTICKS = re.compile("`(?=`)")


def render(markup: Markup) -> str:
    """mrkdwn for `text` and for mrkdwn text objects. No tree can ping: mentions are shown by name."""
    if all(isinstance(node, Text | Break) for node in markup):
        return literal("".join(node.value if isinstance(node, Text) else "\n" for node in markup), alone=True)
    return _blocks(markup, inside=False)


def literal(value: str, alone: bool = False) -> str:
    """Text that Slack shows as it is. `alone`: it has its lines to itself, so a mark without its pair is harmless."""
    value = clean(value)
    return _escaped(_defused(value, alone)) if _SPECIAL.search(value) else value


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# ---------------------------------------------------------------- text that does not format


def _defused(value: str, alone: bool) -> str:
    """`value` with a joiner at each place where a mark, a quote or an emoji would begin or end."""
    places = {found.end() for found in _QUOTE.finditer(value)}
    places.update(found.end() for found in _EMOJI.finditer(value) if _is_emoji(found[1]))
    marks = _formatting(value, alone)
    places.update(marks)
    places.update(place + 1 for place in marks)
    if places and "://" in value:
        for start, end in find_urls(value):
            places.difference_update(range(start + 1, end))
    cuts = [0, *sorted(places), len(value)]
    return JOINER.join(value[start:end] for start, end in pairwise(cuts))


def _is_emoji(name: str) -> bool:
    """Also what may be an emoji of the team's own; but no time of day."""
    return bool(emoji_unicode(name)) or any(char.isalpha() for char in name)


def _formatting(value: str, alone: bool) -> list[int]:
    """Where the marks stand that would format, or that could do so together with what stands beside the text."""
    places = []
    if "`" in value and (not alone or value.count("`") > 1):
        places += [found.start() for found in re.finditer("`", value)]
    for mark in _MARKS:
        if mark in value and not alone:
            places += [found.start() for found in _MAY_MEET[mark].finditer(value)]
        elif mark in value:
            for line in _LINE.finditer(value):
                opening = [found.start() for found in _MAY_OPEN[mark].finditer(value, *line.span())]
                closing = [found.start() for found in _MAY_CLOSE[mark].finditer(value, *line.span())]
                if opening and closing and opening[0] < closing[-1]:
                    places += opening + closing
    return places


# ---------------------------------------------------------------- blocks


def _blocks(markup: Markup, *, inside: bool) -> str:
    """`inside` a quote or list there are no code fences and no further quotes: Slack has none there either."""
    written: list[str] = []
    after_block = False
    for node_is_block, group in groupby(tidy(markup), lambda node: isinstance(node, BLOCKS)):
        nodes = list(group)
        for part in [_block(node, inside) for node in nodes] if node_is_block else [_inline(nodes, frozenset())]:
            if part:
                begun = (
                    part.startswith("\n")
                    if after_block
                    else not node_is_block or not written or written[-1].endswith("\n")
                )
                written.append(part if begun else f"\n{part}")
                after_block = node_is_block
    return "".join(written)


def _block(node: Node, inside: bool) -> str:
    match node:
        case CodeBlock(value) if inside:
            return _code(clean(value))
        case CodeBlock(value):
            fenced = _BACKTICKS.sub(f"`{JOINER}", clean(value))
            return f"```\n{_escaped(fenced)}\n```" if fenced else ""
        case Quote(children):
            quoted = _blocks(children, inside=True)
            return quoted if inside else "\n".join(f"> {line}" for line in quoted.split("\n"))
        case ListBlock(ordered, items):
            bullets = (f"{number}." if ordered else "•" for number in range(1, len(items) + 1))
            return "\n".join(map(_item, items, bullets))
        case _:
            return _inline([node], frozenset())


def _item(item: Markup, bullet: str) -> str:
    indent = " " * (len(bullet) + 1)
    return f"{bullet} " + _blocks(item, inside=True).replace("\n", "\n" + indent)


# ---------------------------------------------------------------- what stands in a line


def _inline(nodes: Sequence[Node], within: frozenset[str]) -> str:
    """`within` are the marks around: one that is on already is not written again."""
    parts: list[str] = []
    last, after_mark = " ", False
    for node in nodes:
        part = _node(node, within)
        if part:
            mark = isinstance(node, Code | Bold | Italic | Strike)
            if (mark and _sticks(last, part[0])) or (after_mark and _sticks(part[0], last)):
                parts.append(_SEPARATOR)
            parts.append(part)
            last, after_mark = part[-1], mark
    return "".join(parts)


def _sticks(letter: str, mark: str) -> bool:
    """Whether `mark`, if it is one, would be none to Slack beside `letter`."""
    return mark in "*_~`" and (letter.isalnum() or letter in (JOINER, mark))


def _node(node: Node, within: frozenset[str]) -> str:
    match node:
        case Text(value):
            return literal(value)
        case Break():
            return "\n"
        case Code(value):
            return _code(clean(value))
        case Link():
            return _link(node)
        case Mention():
            return literal(" ".join(mention_text(node).split()))
        case Bold(children) | Italic(children) | Strike(children):
            delimiter = _DELIMITER[type(node)]
            inner = _inline(children, within | {delimiter})
            return inner if delimiter in within else "\n".join(_wrapped(line, delimiter) for line in inner.split("\n"))
        case _:
            return _blocks((node,), inside=True)


def _wrapped(line: str, delimiter: str) -> str:
    """The mark around the words of one line: it does not reach over line ends, nor stand beside a blank."""
    words = line.strip()
    if not words:
        return line
    start = line.index(words)
    return f"{line[:start]}{delimiter}{words}{delimiter}{line[start + len(words) :]}"


def _code(value: str) -> str:
    return "\n".join(
        f"`{_escaped(line)}`" if line.strip() and "`" not in line else literal(line) for line in value.split("\n")
    )


def _link(link: Link) -> str:
    url = safe_url(clean(link.url))
    label = " ".join(clean(link.label).split())
    if url is None:
        return literal(described(link))
    if misleads(link):
        return f"{literal(label)} (<{_escaped(url)}>)"
    if label in ("", url):
        address = url.partition(":")[2]
        return f"<{_escaped(url)}>" if address.startswith("//") else f"<{_escaped(url)}|{_escaped(address)}>"
    return f"<{_escaped(url)}|{literal(label)}>"
