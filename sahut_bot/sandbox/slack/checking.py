"""The vocabulary of Block Kit checks: one `Checker` walks one message or view and collects Slack-like complaints.

Limits: Slack docs, Block Kit reference; the same numbers stand in the models of Slack's own SDK.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MESSAGE, MODAL, HOME = "message", "modal", "home"
MAX_ID = 255


@dataclass(slots=True, kw_only=True)
class Checker:
    surface: str
    errors: list[str] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)
    file_ids: list[tuple[str, str]] = field(default_factory=list)  # (file id, where it is named)
    text_total: int = 0
    markdown_total: int = 0
    focused: int = 0

    def fail(self, path: str, problem: str) -> None:
        self.errors.append(f"[ERROR] {problem} [json-pointer:{path}]")

    def fields(self, value: dict[str, Any], path: str, *, required: Iterable[str], allowed: Iterable[str]) -> bool:
        """All required fields there, none unknown: Slack refuses additional properties."""
        missing = [name for name in required if value.get(name) is None]
        unknown = set(value) - {"type", *required, *allowed}
        for name in missing:
            self.fail(path, f"missing required field: {name}")
        for name in sorted(unknown):
            self.fail(f"{path}/{name}", f"invalid additional property: {name}")
        return not missing

    def string(self, value: Any, path: str, limit: int, *, least: int = 0) -> bool:
        if not isinstance(value, str):
            self.fail(path, "must be a string")
        elif len(value) > limit:
            self.fail(path, f"must be less than {limit + 1} characters")
        elif len(value) < least:
            self.fail(path, f"must be more than {least - 1} characters")
        else:
            return True
        return False

    def flag(self, value: Any, path: str) -> None:
        if not isinstance(value, bool):
            self.fail(path, "must be a boolean")

    def items(self, value: Any, path: str, most: int, *, least: int = 1) -> list[Any]:
        """The value as a list of allowed length, else an empty one."""
        if not isinstance(value, list):
            self.fail(path, "must be an array")
        elif len(value) > most:
            self.fail(path, f"no more than {most} items allowed")
        elif len(value) < least:
            self.fail(path, f"no less than {least} items allowed")
        else:
            return value
        return []

    def text(self, value: Any, path: str, limit: int, *, plain: bool = False) -> None:
        """A text object of 1 to `limit` characters; `plain` forbids mrkdwn."""
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if not isinstance(value, dict) or value.get("type") not in kinds:
            self.fail(path, f"must be a text object of type {' or '.join(kinds)}")
            return
        extra = ("emoji",) if value["type"] == "plain_text" else ("verbatim",)
        if self.fields(value, path, required=("text",), allowed=extra) and self.string(
            value["text"], f"{path}/text", limit, least=1
        ):
            self.text_total += len(value["text"])

    def identifier(self, value: Any, path: str, seen: set[str]) -> None:
        if value is None:
            return
        if self.string(value, path, MAX_ID, least=1):
            if value in seen:
                self.fail(path, f"`{value}` already exists: it must be unique")
            seen.add(value)

    def confirm(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            self.fail(path, "must be an object")
            return
        self.fields(value, path, required=("title", "text", "confirm", "deny"), allowed=("style",))
        for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            if name in value:
                self.text(value[name], f"{path}/{name}", limit, plain=name != "text")
        self.style(value, path)

    def style(self, value: dict[str, Any], path: str) -> None:
        if value.get("style", "primary") not in ("primary", "danger"):
            self.fail(f"{path}/style", "must be primary or danger")

    def options(
        self, value: Any, path: str, *, most: int, least: int = 1, mrkdwn: bool = False, url: bool = False
    ) -> None:
        for index, option in enumerate(self.items(value, path, most, least=least)):
            where = f"{path}/{index}"
            if not isinstance(option, dict):
                self.fail(where, "must be an object")
                continue
            self.fields(option, where, required=("text", "value"), allowed=("description", *(("url",) if url else ())))
            self.text(option.get("text"), f"{where}/text", 75, plain=not mrkdwn)
            self.string(option.get("value"), f"{where}/value", 150, least=1)
            if "description" in option:
                self.text(option["description"], f"{where}/description", 75, plain=not mrkdwn)

    def chosen(self, initial: Any, options: list[Any], path: str) -> None:
        if initial not in options:
            self.fail(path, "must be equal to one of the provided options")
