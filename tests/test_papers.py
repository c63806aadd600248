"""What is written about the program, held against the program."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sahut_bot import settings
from sahut_bot.inbox.commands import COMMANDS
from sahut_bot.settings import LivechatSettings, Settings
from sahut_bot.text import words

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
SOURCES = sorted((ROOT / "sahut_bot").rglob("*.py"))


def papers() -> Iterator[Path]:
    """Every text file of the project, as a checkout has them."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name not in {".env", "sahut.toml"})
    for folder in (".ci", "bench", "docs", "sahut_bot", "tests", "tools"):
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


# ---------------------------------------------------------------- settings


def example_lines() -> list[str]:
    return [line for line in (ROOT / ".env.example").read_text().splitlines() if re.match("#?SAHUT_", line)]


def test_the_example_names_each_setting_once():
    names = [line.lstrip("#").partition("=")[0].replace("__WEB__", "__<NAME>__") for line in example_lines()]
    assert sorted(names) == sorted(settings.variables())


def test_the_example_shows_the_defaults(tmp_path):
    shown = tmp_path / "shown.env"
    shown.write_text("\n".join(line.lstrip("#") for line in example_lines()))
    loaded = settings.load(shown)
    assert loaded.model_dump() == Settings(channels={"web": LivechatSettings(kind="livechat")}).model_dump()


# ---------------------------------------------------------------- README


def table(text: str, heading: str) -> list[str]:
    """The code in the first column of the table under a heading."""
    section = re.search(rf"^#+ {heading}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"README.md has no section {heading}"
    return [found.replace(r"\|", "|") for found in re.findall(r"^\| `(.+?)` \|", section[1], re.MULTILINE)]


@pytest.mark.skipif(not README.exists(), reason="there is no README.md")
def test_the_readme_lists_the_commands_as_they_are():
    shown = [f"{command.name} {command.usage}".strip() for command in COMMANDS if not command.hidden]
    assert table(README.read_text(), "Commands") == shown


@pytest.mark.skipif(not README.exists(), reason="there is no README.md")
def test_what_the_readme_points_at_is_there():
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", README.read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


# ---------------------------------------------------------------- locales


def spoken() -> Iterator[tuple[str, str]]:
    """Where and what: each key that is given to `say` or `UserError` as it stands, f-strings as patterns."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            match ast.unparse(node.func).split(".")[-1], node.args:
                case "say", [_, key] | [key]:
                    pass
                case "UserError", [key, *_]:
                    pass
                case _:
                    continue
            if pattern := as_pattern(key):
                yield f"{path.name}:{node.lineno}", pattern


def as_pattern(node: ast.AST) -> str:
    """A string or f-string as a pattern, if it looks like a locale key."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        pattern = re.escape(node.value)
    elif isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else None for part in node.values)
        pattern = "".join(re.escape(part) if isinstance(part, str) else r"[\w.]+" for part in parts)
    else:
        return ""
    return pattern if re.fullmatch(r"(\w|\\\.|\[\\w\.\]\+)+", pattern) and pattern != r"[\w.]+" else ""


def test_every_line_that_the_code_says_stands_in_the_locales():
    keys = list(words.lines("en"))
    missing = [f"{place} {key}" for place, key in spoken() if not any(re.fullmatch(key, known) for known in keys)]
    assert missing == []


def test_every_line_of_the_locales_is_said_somewhere():
    patterns = {
        pattern for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if (pattern := as_pattern(node))
    }
    said = re.compile("|".join(patterns))
    assert [key for key in words.lines("en") if not said.fullmatch(key)] == []


# ---------------------------------------------------------------- decisions


def test_the_index_lists_every_decision_in_order():
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert re.findall(r"^\| \[\d{4}\]\((.+?)\)", index, re.MULTILINE) == [path.name for path in ADRS]
    assert [path.name[:4] for path in ADRS] == [f"{number:04}" for number in range(1, len(ADRS) + 1)]


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.name[:4])
def test_a_decision_has_the_parts_of_the_template_and_fits_a_page(path):
    text = path.read_text()
    assert text.startswith(f"# {path.name[:4]}. ")
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Rejected"]
    assert text.count("\n") <= 50


def test_decisions_that_the_code_names_exist():
    named = {found for path in SOURCES for found in re.findall(r"docs/adr/(\d{4})", path.read_text())}
    assert named <= {path.name[:4] for path in ADRS}


def test_the_changelog_begins_with_what_is_not_released():
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("#")][:2] == ["# Changelog", "## Unreleased"]
    assert all(re.match(r"\* \*\([\w -]+\)\* ", line) for line in lines if line.startswith("*"))


# ---------------------------------------------------------------- packaging


def test_every_library_is_pinned_by_name_and_version_alone():
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in wanted}
    pinned = {plain(line.split("==")[0]) for line in pins}
    assert {name for name in names if plain(name) not in pinned} == set()


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# Folders of one machine, and the registries' hosts; written so that this line does not match itself.
FOREIGN = re.compile(r"/wor[k]/|/roo[t]/|/far[m]/|/hom[e]/\w|pyp[i]\.org|python[h]osted|npm[j]s\.org|deb\.[d]ebian")


def test_no_file_names_a_folder_of_one_machine_or_a_registry():
    found = []
    for path in papers():
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{number}" for number, line in enumerate(lines, 1) if FOREIGN.search(line)]
    assert found == []
