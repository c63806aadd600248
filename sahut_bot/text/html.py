"""A tree as HTML for the live-chat widget: a few tags, no attribute but a link's, everything else text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sahut_bot.text.clean import clean
from sahut_bot.text.links import described, misleads, safe_url
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
from sahut_bot.text.tree import BLOCKS, mention_text, plain, tidy

TAGS = frozenset({"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"})
"""All tags that `render` writes."""

LINK_ATTRIBUTES = {"rel": "noopener noreferrer nofollow", "target": "_blank"}

_TAG = {Bold: "strong", Italic: "em", Strike: "s"}
_DEEPEST = 8  # blocks nested deeper than any person does are written as plain lines


def render(markup: Markup) -> str:
    """HTML to put into a page as it is. Blank lines part paragraphs; an address that may not be clicked is text."""
    return _blocks(markup, 0)


def _blocks(markup: Markup, depth: int) -> str:
    parts = []
    for is_block, group in groupby(tidy(markup), lambda node: isinstance(node, BLOCKS)):
        if is_block:
            parts += [_block(node, depth) for node in group]
        else:
            parts.append(_paragraphs(list(group), depth))
    return "".join(parts)


def _paragraphs(nodes: Sequence[Node], depth: int) -> str:
    """Lines between blank lines; inside a list or quote they need no paragraphs of their own."""
    paragraphs = [""]
    for is_break, group in groupby(nodes, lambda node: isinstance(node, Break)):
        inside = list(group)
        if is_break and len(inside) > 1:
            paragraphs.append("")
        else:
            paragraphs[-1] += "".join(_inline(node, frozenset()) for node in inside)
    trimmed = [part.removeprefix("<br>").removesuffix("<br>") for part in paragraphs]
    kept = [part for part in trimmed if part.strip()]
    return "<br><br>".join(kept) if depth else "".join(f"<p>{part}</p>" for part in kept)


def _block(node: Node, depth: int) -> str:
    match node:
        case CodeBlock(value):
            return f"<pre><code>{_escaped(value)}</code></pre>"
        case Quote() | ListBlock() if depth >= _DEEPEST:
            return _escaped(plain((node,))).replace("\n", "<br>")
        case Quote(children):
            return f"<blockquote>{_blocks(children, depth + 1)}</blockquote>"
        case ListBlock(ordered, items):
            tag = "ol" if ordered else "ul"
            return f"<{tag}>{''.join(f'<li>{_blocks(item, depth + 1)}</li>' for item in items)}</{tag}>"
        case _:
            return _inline(node, frozenset())


def _inline(node: Node, within: frozenset[str]) -> str:
    """What stands in a line. `within` are the tags around it."""
    match node:
        case Text(value):
            return _escaped(value).replace("\n", "<br>")
        case Break():
            return "<br>"
        case Code(value):
            return f"<code>{_escaped(value)}</code>".replace("\n", "</code><br><code>")
        case Link():
            return _link(node)
        case Mention():
            return _escaped(" ".join(mention_text(node).split()))
        case Bold(children) | Italic(children) | Strike(children):
            tag = _TAG[type(node)]
            inner = "".join(_inline(child, within | {tag}) for child in children)
            return inner if tag in within else f"<{tag}>{inner}</{tag}>"
        case _:
            return _escaped(plain((node,))).replace("\n", "<br>")


def _link(link: Link) -> str:
    url = safe_url(clean(link.url))
    if url is None:
        return _escaped(described(link))
    label = " ".join(clean(link.label).split()) or url
    attributes = "".join(f' {name}="{value}"' for name, value in LINK_ATTRIBUTES.items())
    anchor = f'<a href="{_escaped(url)}"{attributes}>{_escaped(url if misleads(link) else label)}</a>'
    return f"{_escaped(label)} ({anchor})" if misleads(link) else anchor


def _escaped(value: str) -> str:
    """Text as a browser would write it back."""
    value = clean(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\xa0", "&nbsp;")
