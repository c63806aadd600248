"""The live-chat widget's HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import given

from sahut_bot.text.html import LINK_ATTRIBUTES, TAGS, render
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
    Quote,
    Strike,
    Text,
)
from sahut_bot.text.tree import clean, linkify, text
from tests.text.trees import trees, wild_text

A = 'rel="noopener noreferrer nofollow" target="_blank"'


def washed(html: str) -> str:
    """What a strict sanitizer leaves of it."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={"a": {"href", *LINK_ATTRIBUTES}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )


@pytest.mark.parametrize(
    ("markup", "html"),
    [
        ((), ""),
        (text("a <b> & \"c\" 'd'"), "<p>a &lt;b&gt; &amp; \"c\" 'd'</p>"),
        (text("a\nb\n\n\nc\n"), "<p>a<br>b</p><p>c</p>"),
        (
            (Bold((Text("b"), Italic((Text("i"), Strike((Text("s"),)))))),),
            "<p><strong>b<em>i<s>s</s></em></strong></p>",
        ),
        ((Bold((Text("a"), Bold((Text("b"),)))),), "<p><strong>ab</strong></p>"),
        ((Bold((Text("a"), Break(), Break(), Text("b"))),), "<p><strong>a<br><br>b</strong></p>"),
        ((Code("x<y"),), "<p><code>x&lt;y</code></p>"),
        (
            (Text("a"), Break(), CodeBlock("\n x\n"), Break(), Text("b")),
            "<p>a</p><pre><code>\n x\n</code></pre><p>b</p>",
        ),
        ((Quote((Text("a"), Break(), Break(), Text("b"))),), "<blockquote>a<br><br>b</blockquote>"),
        (
            (ListBlock(True, ((Text("a"), ListBlock(False, ((Text("b"),),))), ())),),
            "<ol><li>a<ul><li>b</li></ul></li><li></li></ol>",
        ),
        ((Bold((Text("a"), CodeBlock("b"))),), "<p><strong>a</strong></p><pre><code>b</code></pre>"),
        ((Mention("user", "U1", "<Ani>"), Text(" hi")), "<p>@&lt;Ani&gt; hi</p>"),
        (
            (Link("https://a.example/?b=1&c=2", "shop"),),
            f'<p><a href="https://a.example/?b=1&amp;c=2" {A}>shop</a></p>',
        ),
        ((Link("mailto:a@b.example", ""),), f'<p><a href="mailto:a@b.example" {A}>mailto:a@b.example</a></p>'),
        ((Link("javascript:alert(1)", "x"),), "<p>x (javascript:alert(1))</p>"),
        (
            (Link("https://evil.example", "bank.example"),),
            f'<p>bank.example (<a href="https://evil.example" {A}>https://evil.example</a>)</p>',
        ),
        (
            linkify(text("see https://a.example.")),
            f'<p>see <a href="https://a.example" {A}>https://a.example</a>.</p>',
        ),
    ],
)
def test_each_node_has_its_tag(markup: Markup, html: str) -> None:
    assert render(markup) == html
    assert washed(html) == html


def test_blocks_nested_beyond_reason_are_written_flat() -> None:
    markup: Markup = (Text("deep"),)
    for _ in range(100):
        markup = (Quote(markup),)
    html = render(markup)
    assert html.count("<blockquote>") == 8
    assert washed(html) == html


class Seen(HTMLParser):
    """The words, the tags and the attributes that a reader of the HTML meets."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


def seen(html: str) -> Seen:
    reader = Seen()
    reader.feed(html)
    reader.close()
    return reader


@given(wild_text)
def test_any_text_is_shown_as_it_is(value: str) -> None:
    html = render(text(value))
    assert washed(html) == html
    assert "".join(seen(html).words.split()) == "".join(clean(value).split())
    assert seen(html).tags <= {"p", "br"}


@given(trees())
def test_a_sanitizer_finds_nothing_to_do(markup: Markup) -> None:
    html = render(linkify(markup))
    assert washed(html) == html
    assert seen(html).tags <= TAGS
    for name, value in seen(html).attributes:
        assert value == LINK_ATTRIBUTES.get(name) or (
            name == "href" and re.match(r"(?:https?://|mailto:|tel:)[^\s\"'<>]*$", value or "")
        )
