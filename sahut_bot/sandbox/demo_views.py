"""What both sides see, as lines for a terminal: from the stand-in's and the visitor's records alone."""

from __future__ import annotations

import re
from typing import Any

from rich.text import Text

from sahut_bot.sandbox.demo_visitor import VisitorClient
from sahut_bot.sandbox.slack import SlackWorkspace
from sahut_bot.sandbox.slack.emoji_names import character

Json = dict[str, Any]

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)>")
_CODE = re.compile(r":([a-z0-9_+'-]+):")
_MARKS = re.compile("(?<!\u2060)[*](?!\u2060)|[\u2060\u200b-\u200d]")  # bold, and what is not seen


def customer_view(visitor: VisitorClient) -> list[Text]:
    """One entry a message; what changes changes in place."""
    return [_customer_line(one) for one in visitor.messages.values()]


def _customer_line(message: Json) -> Text:
    mine = message["from"] == "customer"
    line = Text()
    line.append("You: " if mine else f"{message.get('author') or 'Team'}: ", "bold cyan" if mine else "bold green")
    line.append("(deleted)" if message.get("deleted") else message["text"])
    for file in message["attachments"]:
        line.append(f"{' ' if message['text'] else ''}[{file['name']}, {file['size']} bytes]", "yellow")
    if message.get("edited"):
        line.append(" (edited)", "dim")
    return line


def team_view(workspace: SlackWorkspace, channel: str, root: str) -> list[Text]:
    """The card first, then each message of the thread with its marks."""
    messages = workspace.thread(channel, root)
    if not messages:
        return []
    card, *replies = messages
    return [*card_lines(workspace, card), *(_reply_line(workspace, one) for one in replies)]


def card_lines(workspace: SlackWorkspace, card: Json) -> list[Text]:
    title, facts, buttons = "", [], []
    for block in card.get("blocks", ()):
        if block["type"] == "header":
            title = block["text"]["text"]
        facts += [shown(workspace, one["text"]).replace("\n", " ") for one in block.get("fields", ())]
        if block["type"] == "actions":
            buttons += [one["text"]["text"] for one in block["elements"] if one["type"] == "button"]
    return [
        Text(title, "bold"),
        Text("  " + " · ".join(facts)),
        Text("  " + "  ".join(f"[{label}]" for label in buttons), "dim"),
    ]


def _reply_line(workspace: SlackWorkspace, message: Json) -> Text:
    person = workspace.users.get(message.get("user", ""))
    name = message.get("username") or (person.display_name if person else "someone")
    line = Text()
    line.append(f"{name}: ", "bold magenta" if person and not person.is_bot else "bold")
    line.append(said(workspace, message))
    for file in message.get("files", ()):
        line.append(f" [{file.get('name', 'file')}, {file.get('size', 0)} bytes]", "yellow")
    if message.get("edited") and person and not person.is_bot:
        line.append(" (edited)", "dim")
    for reaction in message.get("reactions", ()):
        line.append(f"  {character(reaction['name'])}")
    return line


def said(workspace: SlackWorkspace, message: Json) -> str:
    """A message in plain words, on one line."""
    return shown(workspace, message.get("text", "")).replace("\n", " ")


def shown(workspace: SlackWorkspace, mrkdwn: str) -> str:
    text = _DATE.sub(r"\1", mrkdwn)
    text = _PERSON.sub(lambda match: f"@{workspace.users[match[1]].display_name}", text)
    text = _MARKS.sub("", text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return _CODE.sub(lambda match: character(match[1]) or match[0], text)
