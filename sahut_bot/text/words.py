"""What the program says to people, in English and Indonesian.

The lines live in `sahut_bot/locales/en.json` and `id.json`: one flat object each, sorted by key, one key per line, so
that several people can add lines without stepping on each other. Both files have the same keys, and a key has the same
`{params}` in both. A new line goes into both files at its sorted place.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "id")
_PARAM = re.compile(r"\{(\w+)\}")


@cache
def lines(lang: str) -> dict[str, str]:
    """All lines of a language by key."""
    loaded: dict[str, str] = json.loads((files("sahut_bot") / "locales" / f"{lang}.json").read_text("utf-8"))
    return loaded


def say(lang: str, key: str, **params: object) -> str:
    """The line `key` in `lang` (an unknown language speaks English), its `{params}` replaced.

    Params are inserted literally: braces inside them mean nothing. A param that is not given stays visible as
    `{name}`. A key that no file knows is a mistake in the program: `KeyError`.
    """
    line = lines(lang).get(key) if lang in LANGUAGES else None
    if line is None:
        line = lines("en")[key]
    if not params:
        return line
    return _PARAM.sub(lambda found: str(params.get(found[1], found[0])), line)
