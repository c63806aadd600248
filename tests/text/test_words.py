"""The locale files and `say`."""

from __future__ import annotations

import ast
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

import sahut_bot
from sahut_bot.text.words import LANGUAGES, lines, say

PARAM = re.compile(r"\{(\w+)\}")


def raw(lang: str) -> str:
    return (files("sahut_bot") / "locales" / f"{lang}.json").read_text("utf-8")


def test_both_languages_have_the_same_keys() -> None:
    assert set(lines("en")) == set(lines("id"))


def test_each_key_has_the_same_params_in_both_languages() -> None:
    differing = {
        key: (line, lines("id")[key])
        for key, line in lines("en").items()
        if set(PARAM.findall(line)) != set(PARAM.findall(lines("id").get(key, line)))
    }
    assert differing == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_locale_files_are_flat_sorted_and_have_one_key_per_line(lang: str) -> None:
    pairs: list[tuple[str, object]] = json.loads(raw(lang), object_pairs_hook=list)
    keys = [key for key, _ in pairs]
    assert keys == sorted(set(keys)), "sort the keys; none may come twice"
    assert all(isinstance(line, str) and line.strip() for _, line in pairs)
    assert len(raw(lang).splitlines()) == len(pairs) + 2, "one key per line"


def test_params_are_inserted_literally() -> None:
    said = say("en", "time_past", words="{words} {0} {words!r:>99} %s \\1")
    assert "“{words} {0} {words!r:>99} %s \\1”" in said


def test_a_param_that_is_not_given_stays_visible() -> None:
    assert "{words}" in say("en", "time_past")


def test_an_unknown_language_speaks_english() -> None:
    assert say("xx", "time_missing") == say("en", "time_missing")
    assert say("../en", "time_missing") == say("en", "time_missing")
    assert say("id", "time_missing") != say("en", "time_missing")


def test_an_unknown_key_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        say("en", "no_such_line")


def _spoken() -> list[tuple[str, str, set[str], bool]]:
    """Every `say(…, "key", …)` and `UserError("key", …)` in the source: place, key, params, whether all are known."""
    found = []
    for path in sorted(Path(sahut_bot.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            at = {"say": 1, "UserError": 0}.get(name)
            if at is None or len(node.args) <= at:
                continue
            key = node.args[at]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                given = {word.arg for word in node.keywords if word.arg}
                complete = all(word.arg for word in node.keywords)
                found.append((f"{path.name}:{node.lineno}", key.value, given, complete))
    return found


def test_every_line_that_the_source_names_exists_and_gets_its_params() -> None:
    wrong = []
    for place, key, given, complete in _spoken():
        if key not in lines("en"):
            wrong.append(f"{place}: no line {key!r}")
        elif complete and set(PARAM.findall(lines("en")[key])) - given:
            wrong.append(f"{place}: {key!r} lacks {set(PARAM.findall(lines('en')[key])) - given}")
    assert wrong == []
