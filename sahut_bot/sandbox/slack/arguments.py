"""Arguments of a Web API call, from all the places where Slack takes them.

Slack docs, Web API basics: query string, form body, or (for methods that write) a JSON body. Objects in forms and
queries are JSON in a string. Reading methods ignore a JSON body.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import Json

_TS = re.compile(r"\d{1,12}\.\d{1,6}\Z")
_LOOSE_TS = re.compile(r"\d{1,12}(\.\d{1,6})?\Z")


class Arguments:
    """Typed access to raw arguments. All raise `ApiError`."""

    def __init__(self, raw: Json) -> None:
        self.raw = raw

    def has(self, name: str) -> bool:
        return self.raw.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        value = self.raw.get(name)
        if value is None:
            return default
        if isinstance(value, bool | int | float):
            return str(value)
        if not isinstance(value, str):
            raise invalid(name, "must be a string")
        return value

    def need(self, name: str, code: str = "") -> str:
        value = self.text(name)
        if not value:
            raise ApiError(code) if code else invalid(name, "missing required field")
        return value

    def ts(self, name: str, *, code: str = "", loose: bool = False) -> str:
        """A message's ts, always as a string: a float would lose digits."""
        value = self.raw.get(name)
        if value in (None, ""):
            return ""
        if not isinstance(value, str) or not (_LOOSE_TS if loose else _TS).match(value):
            raise ApiError(code) if code else invalid(name, "must be a message ts")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.raw.get(name)
        if value in (None, ""):
            return default
        return value in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, *, most: int, least: int = 1, code: str = "invalid_limit") -> int:
        value = self.raw.get(name)
        if value in (None, ""):
            return default
        try:
            number = int(str(value))
        except ValueError:
            raise ApiError(code) from None
        if not least <= number <= most:
            raise ApiError(code)
        return number

    def value(self, name: str) -> Any:
        """An object or array, native or as JSON in a string."""
        value = self.raw.get(name)
        if not isinstance(value, str) or not value:
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise invalid(name, "is not JSON") from None


def invalid(name: str, problem: str) -> ApiError:
    return ApiError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {problem} [json-pointer:/{name}]"]})
