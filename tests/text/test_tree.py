"""Reading, cutting and storing the neutral tree."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.text import tree
from sahut_bot.text.clean import inner_cut, shortened
from sahut_bot.text.links import find_urls, misleads, safe_url
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
from tests.text.trees import trees, wild_text

SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
ANI = Mention("user", "U1", "Ani")


# ---------------------------------------------------------------- clean


@pytest.mark.parametrize(
    ("dirty", "kept"),
    [
        ("plain", "plain"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u2028b\x0bc\x85d", "a\nb\nc\nd"),
        ("nul\x00 bell\x07 esc\x1b[0m", "nul bell esc[0m"),
        ("gpj.\u202etxt", "gpj.txt"),
        ("\u2066iso\u2069late", "isolate"),
        ("zero\u200bwidth\ufeff\u2060", "zerowidth"),
        ("e\u0301", "é"),
        ("half \ud83d", "half \ufffd"),
        ("👩\u200d💻 ❤\ufe0f", "👩\u200d💻 ❤\ufe0f"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (SCOTLAND, SCOTLAND),
        ("hidden\U000e0041\U000e0042", "hidden"),
    ],
)  # fmt: skip
def test_clean_drops_what_hides_or_reorders(dirty: str, kept: str) -> None:
    assert tree.clean(dirty) == kept


@given(st.one_of(wild_text, st.text()))
def test_cleaning_twice_changes_nothing_more(value: str) -> None:
    once = tree.clean(value)
    assert tree.clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode("utf-8")
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t" for char in once)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Budi Santoso", "Budi Santoso"),
        ("  Budi\n\tSantoso ", "Budi Santoso"),
        ("\u202eidub", "idub"),
        ("\u3164\u2800", ""),
        ("\u200d", ""),
        ("", ""),
    ],
)
def test_a_name_is_one_clean_line(name: str, shown: str) -> None:
    assert tree.clean_name(name) == shown


def test_a_long_name_is_cut_between_letters() -> None:
    name = tree.clean_name("x" * 78 + "👨‍👩‍👧‍👦" * 3)
    assert name == "x" * 78 + "…"
    assert len(tree.clean_name("ab " * 60)) <= 80


@given(wild_text)
def test_any_name_fits_one_line(name: str) -> None:
    shown = tree.clean_name(name)
    assert len(shown) <= 80
    assert "\n" not in shown
    assert shown == shown.strip()


@pytest.mark.parametrize(("unit", "size"), [("chars", 3), ("utf16", 4), ("bytes", 7)])
def test_length_counts_in_the_platforms_unit(unit: str, size: int) -> None:
    assert tree.length("aé😀", unit) == size


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="stones"):
        tree.length("a", "stones")


@pytest.mark.parametrize(
    "letter", ["👨‍👩‍👧‍👦", "👍🏽", "🇮🇩", "n\u0303\u0323", "ก็", "क्\u200dष", "1\ufe0f\u20e3", "ᄒ\u1161ᆫ"]
)
def test_a_cut_never_splits_a_letter(letter: str) -> None:
    value = "ab" + letter + "cd"
    for at in range(2, 2 + len(letter)):
        assert inner_cut(value, at) == 2
    assert inner_cut(value, 2 + len(letter)) == 2 + len(letter)


def test_flags_are_cut_in_pairs_and_piles_of_accents_anywhere() -> None:
    assert [inner_cut("🇮🇩🇲🇾🇸🇬", at) for at in range(2, 6)] == [2, 2, 4, 4]
    assert inner_cut("🇮🇩🇲🇾", 3, floor=2) == 3
    assert inner_cut("a" + "\u0301" * 500, 300) == 300


def test_shortened_ends_with_an_ellipsis_within_the_limit() -> None:
    assert shortened("short", 5) == "short"
    assert shortened("longer", 5) == "long…"


# ---------------------------------------------------------------- plain text


@pytest.mark.parametrize(
    ("value", "nodes"),
    [
        ("", ()),
        ("one", (Text("one"),)),
        ("a\nb", (Text("a"), Break(), Text("b"))),
        ("\n\na", (Break(), Break(), Text("a"))),
    ],
)
def test_text_makes_breaks_of_newlines(value: str, nodes: Markup) -> None:
    assert tree.text(value) == nodes


@given(wild_text)
def test_plain_of_text_is_the_clean_text(value: str) -> None:
    assert tree.plain(tree.text(value)) == tree.clean(value)


@pytest.mark.parametrize(
    ("markup", "read"),
    [
        ((), ""),
        ((Text("a "), Bold((Text("b"), Italic((Text("c"),)))), Strike((Text("d"),))), "a bcd"),
        ((Text("run "), Code("ls"), CodeBlock("a\nb"), Text("ok")), "run ls\na\nb\nok"),
        ((Text("x"), Break(), CodeBlock("c"), Break(), Text("y")), "x\nc\ny"),
        ((Text("x"), Break(), Break(), Quote((Text("q"), Break(), Text("r")))), "x\n\n> q\n> r"),
        ((Quote((Text("q"),)), Break(), Break(), Text("y")), "> q\n\ny"),
        ((Link("https://a.example/", "https://a.example"),), "https://a.example"),
        ((Link("https://a.example", "here"),), "here (https://a.example)"),
        ((Link("mailto:a@b.example", "a@b.example"),), "a@b.example"),
        ((Link("https://a.example", ""),), "https://a.example"),
        ((ANI, Text(" "), Mention("channel", "C1", "general"), Mention("user", "U2", "")), "@Ani #general@…"),
        ((ListBlock(False, ((Text("a"),), (Text("b"), Break(), Text("c")))),), "• a\n• b\n  c"),
        ((ListBlock(True, ((Text("a"), ListBlock(False, ((Text("i"),),))), (Text("b"),))),), "1. a\n   • i\n2. b"),
        ((Text("do"), ListBlock(True, ((Text("a"),),)), Text("end")), "do\n1. a\nend"),
        ((Quote(()), Text("a"), ListBlock(False, ())), ">\na"),
    ],
)  # fmt: skip
def test_plain_reads_well(markup: Markup, read: str) -> None:
    assert tree.plain(markup) == read


@given(trees())
def test_plain_never_raises(markup: Markup) -> None:
    tree.plain(markup)
    tree.has_mention(markup)
    tree.linkify(markup)
    assert len(tree.first_line(markup, 20)) <= 20


@pytest.mark.parametrize(
    ("value", "line"),
    [("a\nb", "a"), ("\n  \n  x   y ", "x y"), ("", ""), ("one two three four", "one two t…")],
)
def test_first_line_is_the_first_with_words(value: str, line: str) -> None:
    assert tree.first_line(tree.text(value), 10) == line


@pytest.mark.parametrize(
    "markup",
    [(ANI,), (Text("a"), Bold((Italic((ANI,)),))), (Quote((ANI,)),), (ListBlock(True, ((), (ANI,))),)],
)
def test_a_mention_is_found_however_deep(markup: Markup) -> None:
    assert tree.has_mention(markup)
    assert list(tree.mentions(markup)) == [ANI]


def test_text_that_looks_like_a_mention_is_none() -> None:
    assert not tree.has_mention(tree.text("@Ani <@U1> @everyone\n"))


# ---------------------------------------------------------------- cutting


@pytest.mark.parametrize(
    ("markup", "count", "rest"),
    [
        (tree.text("note: hi"), 6, tree.text("hi")),
        ((Bold((Text("note: hi"),)), Text(" you")), 6, (Bold((Text("hi"),)), Text(" you"))),
        ((Bold((Text("note:"),)), Text(" hi")), 6, (Text("hi"),)),
        ((Text(";"), Code("x = 1")), 1, (Code("x = 1"),)),
        ((Text(";"), Break(), ANI), 2, (ANI,)),
        ((Text(";"), CodeBlock("a\nb")), 1, (CodeBlock("a\nb"),)),
        ((Text(";"), CodeBlock("a\nb")), 3, (CodeBlock("\nb"),)),
        ((Link("https://a.example", "; here"),), 2, (Text("here (https://a.example)"),)),
        (tree.text("abc"), 0, tree.text("abc")),
        (tree.text("abc"), 9, ()),
    ],
)
def test_without_prefix_keeps_the_marks_of_the_rest(markup: Markup, count: int, rest: Markup) -> None:
    assert tree.without_prefix(markup, count) == rest


@given(trees(st.text(alphabet="ab .\n*", max_size=6)), st.integers(0, 40))
def test_without_prefix_drops_exactly_the_plain_characters(markup: Markup, count: int) -> None:
    # blank lines beside a block may be absorbed once the block is first
    assert tree.plain(tree.without_prefix(markup, count)).split() == tree.plain(markup)[count:].split()


@pytest.mark.parametrize(
    ("markup", "rest"),
    [
        (tree.text("  a b \n\n"), tree.text("a b")),
        ((Break(), Bold((Text(" "),)), Text(" "), Bold((Text(" a "), Break()))), (Bold((Text("a"),)),)),
        ((Text(" "), Break()), ()),
        ((Text(" "), CodeBlock("  a\n"), Text(" ")), (CodeBlock("  a\n"),)),
        ((), ()),
    ],
)
def test_stripped_takes_blank_space_from_both_ends(markup: Markup, rest: Markup) -> None:
    assert tree.stripped(markup) == rest


@given(trees())
def test_stripping_twice_changes_nothing_more(markup: Markup) -> None:
    once = tree.stripped(markup)
    assert tree.stripped(once) == once


# ---------------------------------------------------------------- storing


@pytest.mark.parametrize(
    ("markup", "stored"),
    [
        ((), '""'),
        ((Text("halo"),), '"halo"'),
        ((Text("a"), Break(), Text("b")), '"a\\nb"'),
        ((Text(""),), '[""]'),
        ((Text("a\nb"),), '["a\\nb"]'),
        ((Text("a"), Text("b")), '["a","b"]'),
        ((Text("a"), Break(), Bold((Text("b"),))), '["a",0,["b",["b"]]]'),
    ],
)
def test_what_is_stored_is_short_and_stays_as_it_is(markup: Markup, stored: str) -> None:
    assert tree.dumps(markup) == stored
    assert tree.loads(stored) == markup


@given(trees(wild_text.map(lambda value: value.replace("\ud800", ""))))
def test_what_is_stored_comes_back_the_same(markup: Markup) -> None:
    stored = tree.dumps(markup)
    assert tree.loads(stored) == markup
    assert "\n" not in stored
    stored.encode("utf-8")


def test_half_characters_are_stored_as_replacement_characters() -> None:
    assert tree.loads(tree.dumps((Text("a\ud800b"),))) == (Text("a\ufffdb"),)
    assert tree.loads(tree.dumps((Code("\udfff"), Break()))) == (Code("\ufffd"), Break())


@pytest.mark.parametrize(
    "stored",
    ["", "{}", "null", "3", "[3]", "[[]]", "[{}]", '[["z","a"]]', '[["b"]]', '[["b",3]]', '[["c",3]]', '[["a","x"]]'],
)
def test_what_was_not_stored_by_us_is_a_value_error(stored: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's messages are its own
        tree.loads(stored)


# ---------------------------------------------------------------- links


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("see https://a.example/x.", ["https://a.example/x"]),
        ("(https://a.example/x_(y))", ["https://a.example/x_(y)"]),
        ("*https://a.example*, HTTP://B.example!", ["https://a.example", "HTTP://B.example"]),
        ("https://a.example/?q=a&b=c#d", ["https://a.example/?q=a&b=c#d"]),
        ("https://10.0.0.1:8080/x http://localhost/", ["https://10.0.0.1:8080/x", "http://localhost/"]),
        ("https://user@evil.example https:// http://1.2.3.999 ftp://a.example javascript:alert(1)", []),
        ('<a href="https://a.example">', ["https://a.example"]),
    ],
)
def test_addresses_are_found_without_the_punctuation_around_them(value: str, found: list[str]) -> None:
    assert [value[start:end] for start, end in find_urls(value)] == found


def test_linkify_leaves_everything_else_as_it_is() -> None:
    markup = (Text("go to https://a.example now"), Code("https://b.example"), Bold((Text("https://c.example"),)))
    assert tree.linkify(markup) == (
        Text("go to "),
        Link("https://a.example", "https://a.example"),
        Text(" now"),
        Code("https://b.example"),
        Bold((Link("https://c.example", "https://c.example"),)),
    )


@given(wild_text)
def test_linkify_changes_no_word(value: str) -> None:
    assert tree.plain(tree.linkify(tree.text(value))) == tree.clean(value)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("HTTPS://A.example", "https://A.example"),
        ("mailto:a@b.example?subject=x", "mailto:a@b.example?subject=x"),
        ("tel:+62-812", "tel:+62-812"),
        ('https://a.example/"><script>', "https://a.example/%22%3E%3Cscript%3E"),
        ("https://a.example/a|b c", "https://a.example/a%7Cb%20c"),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/ü"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//a.example", None),
        ("https://good.example@evil.example", None),
        ("https://a.example:99999", None),
        ("https://a.example\\@b.example", None),
        ("https://a..example", None),
        ("https://xn--a.example", None),
        ("https://a.example/" + "x" * 5000, None),
        ("", None),
    ],
)
def test_only_harmless_addresses_may_be_clicked(url: str, safe: str | None) -> None:
    assert safe_url(url) == safe


@pytest.mark.parametrize(
    ("label", "url", "lies"),
    [
        ("our shop", "https://shop.example", False),
        ("shop.example", "https://www.shop.example/", False),
        ("https://bank.example", "https://evil.example", True),
        ("Bank.example/login", "https://evil.example", True),
        ("www.bank.example", "https://evil.example/www.bank.example", True),
        ("10.0.0.1", "https://evil.example", True),
        ("info@bank.example", "mailto:info@bank.example", False),
        ("see e.g. v2.0", "https://a.example", False),
    ],
)
def test_a_label_that_names_another_place_is_noticed(label: str, url: str, *, lies: bool) -> None:
    assert misleads(Link(url, label)) is lies


def test_huge_hostile_text_is_read_in_linear_time() -> None:
    for value in (
        "a" * 200_000,
        "https://" * 25_000,
        "a." * 100_000,
        "(" * 200_000,
        "https://a" + ")" * 200_000,
        "🇮" * 50_000,
    ):
        markup = tree.linkify(tree.text(value))
        assert tree.loads(tree.dumps(markup)) == markup
        tree.first_line(markup, 80)
        misleads(Link("https://a.example", value))
