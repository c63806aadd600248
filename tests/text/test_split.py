"""Splitting long text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.text.clean import length
from sahut_bot.text.markup import Bold, Break, Code, CodeBlock, Italic, Link, ListBlock, Markup, Mention, Quote, Text
from sahut_bot.text.split import split
from sahut_bot.text.tree import plain, text
from tests.text.trees import trees, wild_text, words

UNITS = ["chars", "utf16", "bytes"]


def verbose(markup: Markup) -> str:
    """A renderer that makes everything longer."""
    return "{" + re.sub(r"[&<>*]", "[escaped]", plain(markup)) + "}" + "." * str(markup).count("Bold")


def read(markup: Markup, limit: int) -> list[str]:
    return [plain(piece) for piece in split(markup, limit, "chars", plain)]


def test_what_fits_stays_as_it_is() -> None:
    markup = (Text(" a "), Bold((Text("b"),)))
    assert split(markup, 10, "chars", plain) == [markup]


@pytest.mark.parametrize("markup", [(), (Text("  "),), (Break(), Text("\t")), (Bold(()),)])
def test_nothing_to_say_makes_no_piece(markup: Markup) -> None:
    assert split(markup, 10, "chars", plain) == []


def test_cuts_between_paragraphs_first() -> None:
    assert read(text("First one. And more.\n\nSecond one.\nStill it."), 38) == [
        "First one. And more.",
        "Second one.\nStill it.",
    ]


def test_cuts_between_lines_where_no_paragraph_ends() -> None:
    assert read(text("First line. More of it\nsecond line is here"), 30) == [
        "First line. More of it",
        "second line is here",
    ]


def test_cuts_between_sentences_where_no_line_ends() -> None:
    assert read(text("Is it so? It must be. It is so indeed."), 30) == ["Is it so? It must be.", "It is so indeed."]
    assert read(text("これは文です。これも文です。"), 10) == ["これは文です。", "これも文です。"]


def test_cuts_between_words_where_no_sentence_ends() -> None:
    assert read(text("a number such as 3.14 has no sentence in it"), 20) == [
        "a number such as",
        "3.14 has no sentence",
        "in it",
    ]


def test_cuts_between_letters_where_no_word_ends() -> None:
    family = "👨‍👩‍👧‍👦"
    assert read(text("x" * 25), 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert read(text(family * 5), 20) == [family * 2, family * 2, family]


def test_marks_close_and_open_again_at_a_cut() -> None:
    markup = (Bold((Text("one two "), Italic((Text("three four"),)))),)
    assert split(markup, 12, "chars", plain) == [
        (Bold((Text("one two"),)),),
        (Bold((Italic((Text("three four"),)),)),),
    ]


def test_a_code_block_stays_fenced_and_keeps_its_indents() -> None:
    code = "def f():\n    return 1\n\ndef g():\n    return 2"
    pieces = split((CodeBlock(code),), 24, "chars", plain)
    assert pieces == [(CodeBlock("def f():\n    return 1"),), (CodeBlock("def g():\n    return 2"),)]
    assert split((CodeBlock("    aaaa\n    bbbb\n    cccc"),), 10, "chars", plain) == [
        (CodeBlock("    aaaa"),),
        (CodeBlock("    bbbb"),),
        (CodeBlock("    cccc"),),
    ]


def test_a_block_that_fits_alone_is_not_torn() -> None:
    markup = (Text("some words before"), CodeBlock("x = 1\ny = 2\nz = 3"), Text("some words after"))
    assert split(markup, 20, "chars", plain) == [(markup[0],), (markup[1],), (markup[2],)]


def test_a_quote_is_quoted_in_every_piece() -> None:
    assert read((Quote((Text("aaaa aaaa"), Break(), Text("bbbb bbbb"))),), 12) == ["> aaaa aaaa", "> bbbb bbbb"]


def test_a_cut_list_keeps_its_numbers_and_a_whole_one_stays_a_list() -> None:
    items = tuple((Text(f"item number {number}"),) for number in range(1, 6))
    assert read((ListBlock(True, items),), 45) == [
        "1. item number 1\n2. item number 2",
        "3. item number 3\n4. item number 4",
        "5. item number 5",
    ]
    assert split((Text("x" * 40), ListBlock(False, items[:2])), 45, "chars", plain)[1:] == [
        (ListBlock(False, items[:2]),)
    ]


def test_an_item_that_is_cut_has_one_bullet() -> None:
    pieces = read((Text("do:"), ListBlock(False, ((Text("aaaa bbbb cccc dddd"),), (Text("eeee"),))), Text("done")), 17)
    assert pieces == ["do:\n• aaaa bbbb", "cccc dddd\n• eeee", "done"]


def test_a_link_is_not_cut_unless_it_alone_is_too_long() -> None:
    link = Link("https://a.example/" + "x" * 10, "the shop")
    assert split((Text("some words here "), link), 50, "chars", plain) == [(Text("some words here"),), (link,)]
    pieces = split((link,), 16, "chars", plain)
    assert all(isinstance(node, Text) for piece in pieces for node in piece)
    assert "".join(read((link,), 16)).replace(" ", "") == plain((link,)).replace(" ", "")


def test_a_limit_in_bytes_counts_bytes() -> None:
    pieces = split(text("é" * 600), 1000, "bytes", plain)
    assert [len(plain(piece).encode()) for piece in pieces] == [1000, 200]


def test_marks_that_do_not_fit_are_dropped_before_letters_are() -> None:
    markup: Markup = (Text("abc"),)
    for _ in range(40):
        markup = (Bold(markup),)
    assert [words(piece) for piece in split(markup, 10, "chars", verbose)] == ["a", "b", "c"]


def test_a_limit_below_one_letter_is_refused() -> None:
    with pytest.raises(ValueError, match="no letter fits"):
        split(text("<<"), 5, "chars", verbose)


@given(wild_text, st.integers(24, 200), st.sampled_from(UNITS))
def test_pieces_of_any_text_fit_and_join_again(value: str, limit: int, unit: str) -> None:
    for render in (plain, verbose):
        pieces = split(text(value), limit, unit, render)
        assert all(length(render(piece), unit) <= limit for piece in pieces)
        assert "".join(map(words, pieces)) == words(text(value))
        assert all(words(piece) for piece in pieces)


simple_words = st.text(alphabet="abc .\n", max_size=40)


@given(trees(simple_words), st.integers(40, 120), st.sampled_from(UNITS))
def test_pieces_of_any_tree_fit_and_keep_every_letter_in_order(markup: Markup, limit: int, unit: str) -> None:
    pieces = split(markup, limit, unit, verbose)
    assert all(length(verbose(piece), unit) <= limit for piece in pieces)
    joined = iter("".join(map(words, pieces)))
    assert all(letter in joined for letter in words(markup))  # bullets and long links' addresses may stand between


@pytest.mark.parametrize(
    "markup",
    [
        text("word " * 40_000),
        text("<" * 200_000),
        text("\n" * 100_000 + "a" * 100_000),
        text("🇮🇩" * 50_000),
        tuple(Bold((Text("ab"),)) for _ in range(60_000)),
        (ListBlock(True, tuple((Text("item"), Code("c")) for _ in range(20_000))),),
        (Quote((CodeBlock("x\n" * 100_000),)),),
        tuple(Mention("user", "U1", "Ani") for _ in range(20_000)),
    ],
    ids=["words", "escapes", "breaks", "flags", "marks", "list", "code", "mentions"],
)
def test_two_hundred_kilobytes_split_without_blowing_up(markup: Markup) -> None:
    renders = 0

    def counting(piece: Markup) -> str:
        nonlocal renders
        renders += len(piece) > 1 or len(plain(piece)) > 10
        return verbose(piece)

    pieces = split(markup, 4000, "chars", counting)
    assert renders <= 12 * len(pieces) + 2
    assert len(pieces) < 600
