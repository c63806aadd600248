"""What Slack's composer makes of typed text: the `text` field and the one `rich_text` block.

Slack docs, formatting text and rich text block. A typed `<@U…>`, `<#C…>`, `<!here>` or `<!subteam^S…>` stands for a
pick from the mention menu; all other markup characters are escaped in `text` and literal in the block.
"""

from __future__ import annotations

import re

from sahut_bot.sandbox.slack.emoji_names import character, find_emoji, is_emoji_name, short_name
from sahut_bot.sandbox.slack.model import Json

_TOKEN = re.compile(
    r"<@(?P<user>[UW][A-Z0-9]+)>"
    r"|<#(?P<channel>C[A-Z0-9]+)(?:\|[^>]*)?>"
    r"|(?:<!|@)(?P<broadcast>here|channel|everyone)(?:>|\b)"
    r"|<!subteam\^(?P<group>S[A-Z0-9]+)>"
    r"|(?P<url>https?://[^\s<>]+)"
    r"|(?P<mail>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?P<bold>[^*\n]*[^*\s])\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^_\n]*[^_\s])_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>[^~\n]*[^~\s])~(?![\w~])"
    r"|:(?P<emoji>[a-z0-9_+'-]+):"
)
_LIST = re.compile(r"(?:(?P<bullet>[-•])|(?P<number>\d+)\.)\s+(?P<item>.+)\Z")
_MARK = {"bold": "*", "italic": "_", "strike": "~"}


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def compose(typed: str) -> tuple[str, list[Json]]:
    """The `text` and the `rich_text` elements of a typed message."""
    elements: list[Json] = []
    parts = re.split(r"```\n?", typed)
    if len(parts) % 2 == 0:  # an opened fence that never closes is plain text
        parts = [*parts[:-2], "```".join(parts[-2:])]
    texts: list[str] = []
    for index, part in enumerate(parts):
        if index % 2:
            code = part.rstrip("\n")
            elements.append(
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": code}], "border": 0}
            )
            texts.append(f"```{escape(code)}```")
        elif part:
            elements += _paragraphs(part, texts)
    return "\n".join(texts), elements


def _paragraphs(part: str, texts: list[str]) -> list[Json]:
    made: list[Json] = []
    plain: list[str] = []

    def flush() -> None:
        if plain:
            inner = inline("\n".join(plain))
            if inner:
                made.append({"type": "rich_text_section", "elements": inner})
                texts.append(render(inner))
            plain.clear()

    for line in part.strip("\n").split("\n"):
        if line.startswith("> ") or line == ">":
            flush()
            _quote(line[2:], made, texts)
        elif match := _LIST.match(line):
            flush()
            _list_item(match["item"], "ordered" if match["number"] else "bullet", made, texts)
        else:
            plain.append(line)
    flush()
    return made


def _quote(line: str, made: list[Json], texts: list[str]) -> None:
    inner = inline(line)
    texts.append(f"&gt; {render(inner)}")
    if made and made[-1]["type"] == "rich_text_quote":
        made[-1]["elements"] += [{"type": "text", "text": "\n"}, *inner]
    else:
        made.append({"type": "rich_text_quote", "elements": inner})


def _list_item(item: str, style: str, made: list[Json], texts: list[str]) -> None:
    if not (made and made[-1]["type"] == "rich_text_list" and made[-1]["style"] == style):
        made.append({"type": "rich_text_list", "style": style, "indent": 0, "border": 0, "elements": []})
    inner = inline(item)
    made[-1]["elements"].append({"type": "rich_text_section", "elements": inner})
    sign = f"{len(made[-1]['elements'])}." if style == "ordered" else "•"
    texts.append(f"{sign} {render(inner)}")


def inline(text: str, style: tuple[str, ...] = ()) -> list[Json]:
    found: list[Json] = []
    position = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "emoji" and not is_emoji_name(match["emoji"]):
            continue
        found += _plain(text[position : match.start()], style)
        position = match.end()
        if kind in _MARK:
            found += inline(match[kind], (*style, kind))
        else:
            found.append(_element(kind, match[kind], style))
    return found + _plain(text[position:], style)


def _element(kind: str, value: str, style: tuple[str, ...]) -> Json:
    element: Json
    match kind:
        case "user":
            element = {"type": "user", "user_id": value}
        case "channel":
            element = {"type": "channel", "channel_id": value}
        case "broadcast":
            element = {"type": "broadcast", "range": value}
        case "group":
            element = {"type": "usergroup", "usergroup_id": value}
        case "url":
            element = {"type": "link", "url": value}
        case "mail":
            element = {"type": "link", "url": f"mailto:{value}", "text": value}
        case "emoji":
            code = "-".join(f"{ord(sign):x}" for sign in character(value))
            element = {"type": "emoji", "name": value, "unicode": code}
        case _:
            return {"type": "text", "text": value, "style": {"code": True} | dict.fromkeys(style, True)}
    return element | ({"style": dict.fromkeys(style, True)} if style else {})


def _plain(text: str, style: tuple[str, ...]) -> list[Json]:
    styled: Json = {"style": dict.fromkeys(style, True)} if style else {}
    found: list[Json] = []
    position = 0
    for start, end, sign in find_emoji(text):
        name, tone = short_name(sign)
        if not name:
            continue
        if start > position:
            found.append({"type": "text", "text": text[position:start]} | styled)
        code = "-".join(f"{ord(one):x}" for one in sign)
        found.append({"type": "emoji", "name": name, "unicode": code} | ({"skin_tone": tone} if tone else {}))
        position = end
    if position < len(text):
        found.append({"type": "text", "text": text[position:]} | styled)
    return found


def render(elements: list[Json]) -> str:
    """The `text` that Slack derives from rich text elements."""
    return "".join(_rendered(element) for element in elements)


def _rendered(element: Json) -> str:
    match element["type"]:
        case "user":
            text = f"<@{element['user_id']}>"
        case "channel":
            text = f"<#{element['channel_id']}>"
        case "broadcast":
            text = f"<!{element['range']}>"
        case "usergroup":
            text = f"<!subteam^{element['usergroup_id']}>"
        case "link":
            label = element.get("text", "")
            text = f"<{element['url']}|{escape(label)}>" if label else f"<{escape(element['url'])}>"
        case "emoji":
            tone = f":skin-tone-{element['skin_tone']}:" if element.get("skin_tone") else ""
            text = f":{element['name']}:{tone}"
        case _:
            text = escape(element["text"])
    style = element.get("style", {})
    if style.get("code"):
        text = f"`{text}`"
    for name, mark in _MARK.items():
        if style.get(name):
            text = f"{mark}{text}{mark}"
    return text
