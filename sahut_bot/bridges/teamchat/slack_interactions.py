"""What a person asked for by a button, menu, shortcut, form or slash command. Pure (docs, interactivity payloads)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from sahut_bot.bridges.teamchat.slack_config import SHORTCUTS
from sahut_bot.bridges.teamchat.slack_events import Event
from sahut_bot.bridges.teamchat.slack_views import Belongs, field_values
from sahut_bot.text import slack as dialect
from sahut_bot.text import tree
from sahut_bot.text.markup import Bold, Italic, ListBlock, Markup, Mention, Node, Quote, Strike
from sahut_bot.types import CommandCall, Instant, Person, ThreadRef


class Surface(Enum):
    """Where somebody pressed something, and so where the answer belongs."""

    MESSAGE = "message"  # for all to see: the answer is shown to the person alone, in that thread
    EPHEMERAL = "ephemeral"  # shown to the person alone: the answer takes its place
    MODAL = "modal"
    FORM = "form"  # a modal that was sent
    HOME = "home"
    SLASH = "slash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request. `command` is a whole line without a slash; `thread_ts` is empty outside of threads."""

    surface: Surface
    user: str
    command: str
    marked: str = ""  # `command` as Slack wrote it, with its marks
    fields: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    thread_ts: str = ""
    about: str = ""
    trigger: str = ""
    response_url: str = ""
    view: Event = field(default_factory=dict)
    home: str | None = None  # the query of the App Home it came from

    @property
    def belongs(self) -> Belongs:
        return Belongs(channel=self.channel, thread=self.thread_ts, about=self.about, home=self.home)

    @property
    def thread(self) -> ThreadRef | None:
        if not self.channel or not self.thread_ts:
            return None
        return ThreadRef(teamchat="slack", place=self.channel, external_id=self.thread_ts)


def read_interaction(body: Event) -> Asked | None:
    """None for what asks nothing of us: links, closed modals, kinds we do not know."""
    match body.get("type"):
        case "block_actions":
            return _pressed(body)
        case "message_action":
            return _shortcut(body)
        case "view_submission":
            return _sent(body)
        case _:
            return None


def read_slash(form: Event) -> Asked:
    """A slash command, which never knows a thread. `/sahut x` is the command x, `/x` too."""
    words = str(form.get("text") or "").strip()
    name = str(form.get("command") or "").lstrip("/")
    line = words if name == "sahut" else f"{name} {words}".strip()
    return Asked(
        surface=Surface.SLASH,
        user=str(form.get("user_id") or ""),
        command=tree.plain(dialect.parse(line)) or "help",
        marked=line,
        channel=str(form.get("channel_id") or ""),
        trigger=str(form.get("trigger_id") or ""),
        response_url=str(form.get("response_url") or ""),
    )


def _pressed(body: Event) -> Asked | None:
    command = next(_commands(body.get("actions")), "")
    if not command:
        return None
    view = _mapping(body.get("view"))
    if view:
        return _pressed_in_view(body, view, command)
    container, message = _mapping(body.get("container")), _mapping(body.get("message"))
    ephemeral = container.get("is_ephemeral") is True or message.get("is_ephemeral") is True
    ts = str(container.get("message_ts") or message.get("ts") or "")
    thread_ts = str(message.get("thread_ts") or container.get("thread_ts") or "")
    return Asked(
        surface=Surface.EPHEMERAL if ephemeral else Surface.MESSAGE,
        user=_id(body.get("user")),
        command=command,
        channel=str(container.get("channel_id") or _id(body.get("channel"))),
        thread_ts=thread_ts or ("" if ephemeral else ts),
        trigger=str(body.get("trigger_id") or ""),
        response_url=str(body.get("response_url") or ""),
    )


def _pressed_in_view(body: Event, view: Event, command: str) -> Asked:
    belongs = Belongs.loads(view.get("private_metadata"))
    home = view.get("type") == "home"
    return Asked(
        surface=Surface.HOME if home else Surface.MODAL,
        user=_id(body.get("user")),
        command=command,
        channel=belongs.channel,
        thread_ts=belongs.thread,
        about=belongs.about,
        trigger=str(body.get("trigger_id") or ""),
        view=view,
        home=belongs.home or "" if home else belongs.home,
    )


def _commands(actions: Any) -> Iterator[str]:
    for action in actions if isinstance(actions, list) else ():
        if not isinstance(action, Mapping) or action.get("url"):
            continue  # a link opens by itself and is only reported
        chosen = action.get("selected_option")
        value = chosen.get("value") if isinstance(chosen, Mapping) else action.get("value")
        if isinstance(value, str) and value:
            yield value


def _shortcut(body: Event) -> Asked | None:
    command = SHORTCUTS.get(str(body.get("callback_id") or ""))
    message = _mapping(body.get("message"))
    ts = str(body.get("message_ts") or message.get("ts") or "")
    if not command or not ts:
        return None
    return Asked(
        surface=Surface.MESSAGE,
        user=_id(body.get("user")),
        command=command,
        channel=_id(body.get("channel")),
        thread_ts=str(message.get("thread_ts") or ts),
        about=ts,
        trigger=str(body.get("trigger_id") or ""),
        response_url=str(body.get("response_url") or ""),
    )


def _sent(body: Event) -> Asked | None:
    view = _mapping(body.get("view"))
    belongs = Belongs.loads(view.get("private_metadata"))
    if not belongs.command:
        return None
    return Asked(
        surface=Surface.FORM,
        user=_id(body.get("user")),
        command=belongs.command,
        fields=field_values(view),
        channel=belongs.channel,
        thread_ts=belongs.thread,
        about=belongs.about,
        trigger=str(body.get("trigger_id") or ""),
        view=view,
        home=belongs.home,
    )


# ---------------------------------------------------------------- as a call

_NUMBER = re.compile(r"\s*#\d+\b\s*")


def as_call(asked: Asked, person: Person, names: Mapping[str, str], at: Instant) -> CommandCall:
    """The call that the core understands. Its `body` begins after the conversation's number."""
    name, _, text = asked.command.strip().partition(" ")
    body: Markup = ()
    if asked.marked:
        body = after_words(dialect.parse(asked.marked, None, names), name)
        text = tree.plain(dialect.parse(asked.marked, None, names))[len(name) :].strip()
    return CommandCall(
        actor=person,
        name=name.lower(),
        text=text.strip(),
        fields=asked.fields,
        thread=asked.thread,
        about=asked.about,
        body=body,
        at=at,
    )


def after_words(line: Markup, name: str) -> Markup:
    """What follows the command's name, and the conversation's number if one is named."""
    rest = tree.stripped(tree.without_prefix(tree.stripped(line), len(name)))
    number = _NUMBER.match(tree.plain(rest))
    return tree.stripped(tree.without_prefix(rest, number.end())) if number else rest


def without_mention(body: Markup, user: str) -> Markup:
    """A line without the mentions of `user`, however deep."""
    return tree.stripped(tuple(_without(body, user)))


def _without(body: Markup, user: str) -> Iterator[Node]:
    for node in body:
        match node:
            case Mention(kind="user", id=found) if found == user:
                continue
            case Bold(children) | Italic(children) | Strike(children) | Quote(children):
                if kept := tuple(_without(children, user)):
                    yield replace(node, children=kept)
            case ListBlock(ordered, items):
                yield ListBlock(ordered, tuple(tuple(_without(item, user)) for item in items))
            case _:
                yield node


def _mapping(value: Any) -> Event:
    return value if isinstance(value, Mapping) else {}


def _id(value: Any) -> str:
    return str(value.get("id") or "") if isinstance(value, Mapping) else str(value or "")
