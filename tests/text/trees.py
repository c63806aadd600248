"""Hypothesis strategies for texts and trees."""

from __future__ import annotations

from hypothesis import strategies as st

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

HOSTILE = [
    "<!channel>", "<!here|x>", "<@U0AGENT>", "<#C012|general>", "<!subteam^S1|@x>", "<!date^1^{date}|x>",
    "<https://evil.example|bank>", "&lt;!here&gt;", "&amp;lt;", "*bold*", "_it_", "~no~", "`code`", "```", ">", ">>> q",
    "@everyone", "@here", ":lock:", ":tada:", "https://a.example/x_y_z", "http://b.example/(c)", "\u202e", "\u2066",
    "\u200b", "\u200d", "\u2060", "\x00", "\x1b[31m", "\ud800", "👨‍👩‍👧‍👦", "👍🏽", "🇮🇩🇮🇩", "e\u0301", "한국어", "</p>",
    "<script>alert(1)</script>", "&nbsp;", "\xa0", '"', "'", "javascript:alert(1)", "\n", "\n\n", "\r\n", "\u2028", " ",
    ". ", "- ", "• ", "1. ", "{words}", "a*b*c", "snake_case_name", "x" * 30, "!claim", ";", "|",
]  # fmt: skip

wild_text = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=12).map("".join)
"""What a customer may type: platform markup, tricks and anything else."""

URLS = [
    "https://example.com", "http://example.com/a?b=c&d=e", "mailto:ani@example.com", "tel:+628123456",
    "https://例え.jp/é", "https://example.com/a|b>c", "javascript:alert(1)", "https://user@evil.example/", "data:,x",
]  # fmt: skip


def _inline(value: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    return st.one_of(
        value.map(Text),
        st.just(Break()),
        value.map(Code),
        st.builds(Link, st.sampled_from(URLS), value),
        st.builds(Mention, st.sampled_from(["user", "group", "channel", "everyone"]), value, value),
    )


def _deeper(value: st.SearchStrategy[str], inner: st.SearchStrategy[Markup]) -> st.SearchStrategy[Markup]:
    node = st.one_of(
        _inline(value),
        value.map(CodeBlock),
        inner.map(Bold),
        inner.map(Italic),
        inner.map(Strike),
        inner.map(Quote),
        st.builds(ListBlock, st.booleans(), st.lists(inner, max_size=3).map(tuple)),
    )
    return st.lists(node, max_size=4).map(tuple)


def trees(value: st.SearchStrategy[str] = wild_text) -> st.SearchStrategy[Markup]:
    """Any tree, also such as no parser of ours would make."""
    flat = st.lists(_inline(value), max_size=4).map(tuple)
    return st.recursive(flat, lambda inner: _deeper(value, inner), max_leaves=8)


def words(markup: Markup) -> str:
    """Every visible letter that somebody wrote, without blanks and without what only markup adds."""
    return "".join("".join(map(_words, markup)).split())


def _words(node: Node) -> str:
    match node:
        case Text(value) | Code(value) | CodeBlock(value):
            return value
        case Bold(children) | Italic(children) | Strike(children) | Quote(children):
            return words(children)
        case Link():
            return node.label
        case Mention():
            return node.name
        case ListBlock(_, items):
            return "".join(map(words, items))
        case _:
            return ""
