"""Reply or note: every rule of the design's section 3.2, and what may never happen whatever is typed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sahut_bot.inbox.commands import NAMES
from sahut_bot.inbox.judge import Fate, Verdict, judge
from sahut_bot.text import tree
from sahut_bot.text.markup import Bold, Break, Code, Italic, Link, ListBlock, Markup, Mention, Quote, Text

PREFIXES = (";", "//", "note:", "catatan:", "🔒", "🔒\ufe0f", ":lock:")
MENTIONS = (
    Mention("user", "U2", "Ben"),
    Mention("group", "S1", "billing"),
    Mention("channel", "C9", "team"),
    Mention("everyone", "here", "here"),
)


def judged(body: str | Markup, **facts: bool) -> Verdict:
    given_facts = {"is_agent": True, "mentions_bot": False, "reply_by_default": True, "owned_by_other": False}
    return judge(tree.text(body) if isinstance(body, str) else body, commands=NAMES, **{**given_facts, **facts})


def summary(verdict: Verdict) -> tuple[Fate, str]:
    return verdict.fate, tree.plain(verdict.body)


def cased(word: str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.sampled_from((char.lower(), char.upper())) for char in word)).map("".join)


# ---------------------------------------------------------------- 1. not an agent


@pytest.mark.parametrize("text", ["Hello", "; note", "!resolve", "reply: hello", ""])
@pytest.mark.parametrize("mentions_bot", [False, True])
def test_nothing_of_who_is_no_agent_is_anything_but_refused(text, mentions_bot):
    for mode in (False, True):
        verdict = judged(text, is_agent=False, mentions_bot=mentions_bot, reply_by_default=mode)
        assert verdict.fate is Fate.STRANGER


# ---------------------------------------------------------------- 2. commands


@pytest.mark.parametrize(
    ("text", "command", "rest"),
    [
        ("!snooze 2h", "snooze", "2h"),
        ("  !snooze   2h wake never ", "snooze", "2h wake never "),
        ("!Claim", "claim", ""),
        ("! claim", "claim", ""),
        ("！claim", "claim", ""),
        ("!RESOLVE: done", "resolve", "done"),
        ("!resolve\nbecause it is", "resolve", "because it is"),
        ("!note secret", "note", "secret"),
    ],
)
def test_line_that_starts_with_an_exclamation_mark_and_a_known_word_is_a_command(text, command, rest):
    verdict = judged(text)
    assert (verdict.fate, verdict.command, tree.plain(verdict.body)) == (Fate.COMMAND, command, rest)


@pytest.mark.parametrize("text", ["!thanks a lot", "!привет", "! wait", "!resolved", "!!resolve"])
def test_unknown_word_behind_the_exclamation_mark_is_held_whole(text):
    verdict = judged(text)
    assert verdict.fate is Fate.HELD
    assert tree.plain(verdict.body) == text


@pytest.mark.parametrize("text", ["!", "!!!", "!1", "Wow! claim it", "?!"])
def test_exclamation_mark_without_a_word_is_no_command(text):
    assert judged(text).fate is Fate.REPLY


def test_line_that_mentions_the_bot_is_a_command_wherever_the_mention_stood():
    verdict = judged("snooze 2h", mentions_bot=True)
    assert (verdict.fate, verdict.command, tree.plain(verdict.body)) == (Fate.COMMAND, "snooze", "2h")


def test_mention_of_the_bot_and_nothing_else_asks_for_help():
    assert judged("", mentions_bot=True).command == "help"


def test_mention_of_the_bot_with_an_unknown_word_is_held():
    verdict = judged("what do you think?", mentions_bot=True)
    assert (verdict.fate, verdict.reason) == (Fate.HELD, "unknown_command")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_note_that_mentions_the_bot_stays_a_note(prefix):
    verdict = judged(f"{prefix} ask about it", mentions_bot=True)
    assert verdict.fate is Fate.NOTE or verdict.command == "note"
    assert tree.plain(verdict.body) == "ask about it"


def test_command_keeps_the_mentions_and_marks_of_its_arguments():
    body = (Text("!assign "), MENTIONS[0])
    assert judged(body).body == (MENTIONS[0],)
    assert judged((Text("!reply "), Bold((Text("soon"),)))).body == (Bold((Text("soon"),)),)


# ---------------------------------------------------------------- 3. note prefixes


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("; hm", "hm"),
        (";hm", "hm"),
        ("// hm", "hm"),
        ("note: hm", "hm"),
        ("NOTE:hm", "hm"),
        ("Catatan: hm", "hm"),
        ("🔒 hm", "hm"),
        ("🔒\ufe0fhm", "hm"),
        (":lock: hm", "hm"),
        (":LOCK:hm", "hm"),
        ("\n ; hm", "hm"),
        ("; note: hm", "note: hm"),
        (";", ""),
    ],
)
def test_prefix_makes_a_note_and_is_not_part_of_it(text, rest):
    for mode in (False, True):
        assert summary(judged(text, reply_by_default=mode)) == (Fate.NOTE, rest)


def test_prefix_counts_under_marks_too():
    assert summary(judged((Bold((Text("note:"),)), Text(" hm")))) == (Fate.NOTE, "hm")
    assert judged((Code("; hm"),)).fate is Fate.NOTE


@pytest.mark.parametrize(
    "text",
    [
        "Note - he is angry",
        "note – he is angry",
        "notes: he is angry",
        "Note; he is angry",
        "note.",
        "note",
        "Note\nhe is angry",
        "note：he is angry",  # full width
        "ｎｏｔｅ：he is angry",
        "；he is angry",
        "／／he is angry",
        "/ / he is angry",
        "/note he is angry",
        "\\\\ he is angry",
        "[note] he is angry",
        "(internal) he is angry",
        "*note*: he is angry",
        "- note: he is angry",
        "internal: he is angry",
        "internal note: he is angry",
        "private: he is angry",
        "Catatan - dia marah",
        "catatan internal: dia marah",
        "ntoe: he is angry",
        "nte: he is angry",
        "not: he is angry",
        "Note : he is angry",
        "catatn: dia marah",
        "🔐 he is angry",
        "reply: note: he is angry",
        "reply: ; he is angry",
        "> he said\nnote: he is angry",
        "> he said\n; he is angry",
        "> note: he is angry",
        "> he said\n!resolve",
        "> !resolve",
    ],
)
def test_near_miss_of_a_note_is_held_whole(text):
    verdict = judged(text)
    assert verdict.fate is Fate.HELD
    assert tree.plain(verdict.body) in (tree.plain(tree.text(text)), text.removeprefix("reply: "))


def test_hidden_letters_do_not_hide_a_note():
    assert judged((Text("no\u200bte: he is angry"),)).fate is Fate.HELD


@pytest.mark.parametrize(
    "text",
    [
        "Note that we are closed on Sunday",
        "Notebooks: two",
        "Your note, please",
        "Nice: it works",
        "Dear Budi: hello",
        "Internal server errors are fixed",
        "https://example.com/note",
        "Catatan kami lengkap",
        "Private parking is free",
        "> what he said\nYes, that is right",
        "> only what he said",
        "/ means or",
    ],
)
def test_ordinary_words_are_no_near_miss(text):
    assert judged(text).fate is Fate.REPLY


# ---------------------------------------------------------------- 4. mentions


@pytest.mark.parametrize("mention", MENTIONS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda mention: (mention, Text(" can you look?")),
        lambda mention: (Text("Ask "), mention),
        lambda mention: (Text("reply: "), mention),
        lambda mention: (Quote((Text("he said "), mention)), Text("yes")),
        lambda mention: (Bold((Italic((mention,)),)),),
        lambda mention: (ListBlock(False, ((Text("one"),), (mention,))),),
    ],
)
def test_text_with_a_mention_is_a_note_however_deep_it_stands(mention, wrap):
    for mode in (False, True):
        assert judged(wrap(mention), reply_by_default=mode) == Verdict(fate=Fate.NOTE, body=wrap(mention))


def test_mention_in_a_command_is_its_argument():
    assert judged((Text("!assign "), MENTIONS[0])).fate is Fate.COMMAND


# ---------------------------------------------------------------- 5. the mode


def test_mode_reply_sends_and_mode_note_keeps():
    assert summary(judged("Hello")) == (Fate.REPLY, "Hello")
    assert summary(judged("Hello", reply_by_default=False)) == (Fate.NOTE, "Hello")


@pytest.mark.parametrize("text", ["reply: Hello", "Reply:Hello", " REPLY:  Hello"])
def test_word_reply_sends_in_both_modes_and_is_not_part_of_it(text):
    for mode in (False, True):
        assert summary(judged(text, reply_by_default=mode)) == (Fate.REPLY, "Hello")


@pytest.mark.parametrize("text", ["> quoted", "> quoted\nand mine"])
def test_leading_quote_decides_nothing(text):
    assert judged(text).fate is Fate.REPLY
    assert judged(text, reply_by_default=False).fate is Fate.NOTE
    assert judged((Quote((Text("quoted"),)), Text("and mine"))).fate is Fate.REPLY


def test_files_alone_follow_the_mode():
    assert judged(()).fate is Fate.REPLY
    assert judged((), reply_by_default=False).fate is Fate.NOTE


# ---------------------------------------------------------------- another owner


@pytest.mark.parametrize("text", ["Hello", "reply: Hello"])
def test_reply_in_another_agents_conversation_is_held(text):
    verdict = judged(text, owned_by_other=True)
    assert (verdict.fate, verdict.reason, tree.plain(verdict.body)) == (Fate.HELD, "other_owner", "Hello")


@pytest.mark.parametrize("text", ["; Hello", "note: Hello"])
def test_note_in_another_agents_conversation_is_a_note(text):
    assert judged(text, owned_by_other=True).fate is Fate.NOTE


# ---------------------------------------------------------------- whatever is typed

LEAVES = st.one_of(
    st.text(max_size=30).map(Text),
    st.just(Break()),
    st.text(max_size=10).map(Code),
    st.builds(Link, st.just("https://example.com"), st.text(max_size=10)),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda nodes: Bold(tuple(nodes))),
        st.lists(inner, max_size=3).map(lambda nodes: Quote(tuple(nodes))),
        st.lists(st.lists(inner, max_size=2).map(tuple), max_size=2).map(lambda items: ListBlock(True, tuple(items))),
    ),
    max_leaves=6,
)
BODIES = st.lists(TREES, max_size=4).map(tuple)
FACTS = st.fixed_dictionaries({name: st.booleans() for name in ("mentions_bot", "reply_by_default", "owned_by_other")})


@given(st.sampled_from(PREFIXES).flatmap(cased), st.text(max_size=60), FACTS)
@example("note:", "", {})
@example("NOTE:", " reply: hello", {"reply_by_default": False})
@example(";", "!snooze 2h", {})
def test_text_behind_a_note_prefix_is_never_a_reply(prefix, rest, facts):
    verdict = judged(prefix + rest, **facts)
    assert verdict.fate is not Fate.REPLY
    assert "reply" not in verdict.command


@given(BODIES, BODIES, st.sampled_from(MENTIONS), FACTS)
def test_text_with_a_mention_is_never_a_reply(before, after, mention, facts):
    assert judged((*before, mention, *after), **facts).fate is not Fate.REPLY


@given(BODIES, FACTS)
def test_every_text_gets_a_verdict_and_mode_note_sends_only_what_says_reply(body, facts):
    verdict = judged(body, **{**facts, "reply_by_default": False})
    if verdict.fate is Fate.REPLY:
        assert tree.plain(body).strip().lower().startswith("reply:")


@given(st.text(max_size=80), FACTS)
def test_who_is_no_agent_never_sends_or_commands(text, facts):
    assert judged(text, **facts, is_agent=False).fate is Fate.STRANGER
