"""The shape of the code, read from its source: who imports whom, what stands in one place only, how long things are."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "sahut_bot"

CORE = ("errors", "types")
# Builds the rest from the settings, and so knows every adapter by name. Only the top may import the top.
TOP = ("app", "builders", "cli", "cli_store", "doctor", "sandbox.demo", "__main__")
# For each part, what of ours it may import, by the longest name that fits. Nobody may import what is not named.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "": (),  # the version
    "errors": (),
    "text.markup": (),
    "types": ("text.markup",),
    "text": (*CORE, "text"),
    "rules": (*CORE, "text", "rules"),
    "inbox": (*CORE, "text", "rules", "inbox"),
    "bridges": (*CORE, "text", "bridges"),
    "sandbox": (*CORE, "text", "sandbox"),
    "settings": ("errors",),
    "logs": (),
    "intake": (*CORE, "text", "inbox", "bridges.base"),
    "disk": ("errors",),
    "performer": (*CORE, "text", "inbox", "bridges.base", "disk"),
    "dispatcher": (*CORE, "text", "inbox", "bridges.base"),
    "scheduler": (*CORE, "text", "inbox"),
    "housekeeping": (*CORE, "inbox", "scheduler"),
    "listening": (*CORE, "inbox", "bridges.base"),
    "web": (*CORE, "text", "inbox", "bridges", "disk", "web"),
    "manifest": ("errors",),
} | dict.fromkeys(TOP, ("",))

# Libraries that have one place each, and the standard library's doors to the outside.
FENCES: dict[str, str] = {
    "sqlalchemy|alembic|aiosqlite|asyncpg|sqlite3": r"inbox/",
    "slack_bolt|slack_sdk": r"bridges/teamchat/slack",
    "discord": r"bridges/teamchat/discord",
    "apscheduler": r"scheduler\.py",
    "fastapi|starlette|uvicorn": r"web/|app\.py|cli\.py|sandbox/demo",
    "aiohttp": r"bridges/|sandbox/",
    "pydantic_settings|tzlocal|dotenv": r"settings\.py",
    "typer|rich": r"cli|sandbox/demo|doctor\.py",
    "emoji|babel": r"text/|sandbox/",
    "logging": r"logs\.py|bridges/http\.py",  # the latter to silence a library
}
# The same for names that are called or read: dotted name -> where.
NAME_FENCES: dict[str, str] = {
    r"os\.(environ|environb|getenv|putenv)": r"settings\.py",
    # The stand-ins have clocks of their own, as the vendors do; APScheduler knows no clock but the machine's.
    r"time\.time|datetime\.(now|utcnow|today)|date\.today": r"app\.py|cli|doctor\.py|scheduler\.py|sandbox/",
    r".*\.(commit|rollback|begin_nested)": r"inbox/store|inbox/migrations/",
}
# Without email, which is a contact's field too.
PLATFORMS = frozenset({"slack", "discord", "whatsapp", "instagram", "messenger", "telegram", "livechat"})

FILE_LINES, FUNCTION_LINES = 400, 40
# Longer on purpose; each with its reason.
LONG_FILES = {"types.py": "the one vocabulary that all parts share, with next to no logic"}
LONG_FUNCTIONS: dict[str, str] = {}


@dataclass(frozen=True)
class Module:
    path: Path

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT / PACKAGE).as_posix()

    @property
    def name(self) -> str:
        """Dotted, below the package; a package's `__init__` goes by the package's name."""
        return self.place.removesuffix(".py").replace("/", ".").removesuffix("__init__").removesuffix(".")

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything imported; `from a import b` counts as `a.b`."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def at(self, line: int) -> str:
        return f"{PACKAGE}/{self.place}:{line}"


MODULES = [Module(path) for path in sorted((ROOT / PACKAGE).rglob("*.py"))]
WRITTEN = [module for module in MODULES if "inbox/migrations/" not in module.place]


def part_of(name: str) -> str:
    """The longest entry of MAY_IMPORT that holds the module; the module's own name where there is none."""
    words = name.split(".")
    for end in range(len(words), 0, -1):
        if (part := ".".join(words[:end])) in MAY_IMPORT:
            return part
    return name


def inside(name: str, part: str) -> bool:
    return not part or name == part or name.startswith(part + ".")


def none(problems: Iterable[str]) -> None:
    found = list(problems)
    assert not found, "\n" + "\n".join(found)


def test_every_module_has_its_place_in_the_layers():
    none(f"{m.at(1)} is in no layer; name it in MAY_IMPORT" for m in MODULES if part_of(m.name) not in MAY_IMPORT)


def test_every_module_imports_only_from_the_layers_below():
    none(
        f"{module.at(line)} ({part_of(module.name) or 'top'}) may not import {imported}"
        for module in MODULES
        for line, imported in module.imports()
        if imported.startswith(PACKAGE + ".")
        and (name := imported.removeprefix(PACKAGE + ".")) != "__version__"
        and not any(inside(name, allowed) for allowed in MAY_IMPORT.get(part_of(module.name), ()))
    )


@pytest.mark.parametrize("name", ["types", "errors", "text.markup"])
def test_the_core_knows_the_standard_library_alone(name):
    (module,) = (module for module in MODULES if module.name == name)
    none(
        f"{module.at(line)} imports {imported}"
        for line, imported in module.imports()
        if imported.split(".")[0] not in {*sys.stdlib_module_names, PACKAGE}
    )


@pytest.mark.parametrize(("libraries", "home"), FENCES.items())
def test_each_library_is_used_in_its_one_place(libraries, home):
    none(
        f"{module.at(line)} imports {imported}, which belongs to {home}"
        for module in MODULES
        for line, imported in module.imports()
        if re.match(rf"({libraries})\b", imported) and not re.match(home, module.place)
    )


@pytest.mark.parametrize(("names", "home"), NAME_FENCES.items())
def test_each_door_to_the_outside_is_used_in_its_one_place(names, home):
    none(
        f"{module.at(node.lineno)} uses {name}, which belongs to {home}"
        for module in MODULES
        for node in module.nodes
        if isinstance(node, ast.Attribute)
        and re.fullmatch(names, name := ast.unparse(node))
        and not re.match(home, module.place)
    )


def test_no_module_but_a_platforms_own_compares_with_the_platforms_name():
    none(
        f"{module.at(node.lineno)} asks for {name!r}; ask for a capability instead"
        for module in WRITTEN
        if not module.place.startswith("sandbox/") and part_of(module.name) not in TOP
        for node in module.nodes
        if isinstance(node, ast.Compare | ast.MatchValue)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant) and isinstance(name := inner.value, str)
        if name in PLATFORMS and name not in module.path.stem
    )


def test_imports_stand_at_the_top_but_where_starting_fast_matters():
    none(
        f"{module.at(inner.lineno)} imports inside a function, which hides a cycle"
        for module in WRITTEN
        if part_of(module.name) not in TOP
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    )


def test_every_task_has_a_name():
    """Who owns and awaits it, ruff asks (RUF006); the name says it where a task is reported as lost."""
    none(
        f"{module.at(node.lineno)} starts a task without a name"
        for module in MODULES
        for node in module.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in {"create_task", "ensure_future"} and "name" not in {key.arg for key in node.keywords}
    )


def log_calls() -> Iterator[tuple[Module, ast.Call]]:
    levels = {"debug", "info", "warning", "error", "critical", "exception"}
    for module in MODULES:
        for node in module.nodes:
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in levels
                and re.fullmatch(r"(self\.)?_?(log|logger)", ast.unparse(node.func.value))
            ):
                yield module, node


def test_log_events_are_fixed_names_and_carry_no_text():
    problems = []
    for module, call in log_calls():
        event = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if not isinstance(event, str) or not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", event) or len(call.args) > 1:
            problems.append(f"{module.at(call.lineno)}: log a fixed name like outbox.sent, the rest as keys")
        if private := {"text", "body", "token", "secret", "content"} & {keyword.arg for keyword in call.keywords}:
            problems.append(f"{module.at(call.lineno)} logs {', '.join(sorted(private))}")
    none(problems)


def test_files_stay_short_enough_to_read():
    none(
        f"{module.at(1)} has {lines} lines; split it by noun"
        for module in WRITTEN
        if (lines := module.text.count("\n")) > FILE_LINES and module.place not in LONG_FILES
    )


def test_functions_stay_short_enough_to_read():
    none(
        f"{module.at(node.lineno)} {node.name} has {lines} lines; split it"
        for module in WRITTEN
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
        and f"{module.place}:{node.name}" not in LONG_FUNCTIONS
    )


def test_no_exception_is_listed_that_is_not_needed():
    places = {module.place for module in WRITTEN}
    assert set(LONG_FILES) <= places
    assert {name.split(":")[0] for name in LONG_FUNCTIONS} <= places
