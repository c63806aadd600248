"""What an event from Slack says, in our words. Pure; nobody is looked up and nothing is decided here.

Rules: docs, Events API and the message event with its subtypes. A subtype that is not known to be a person's message
is not one, and what bots write (workflows and ourselves included) never is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sahut_bot.bridges.http import FILE_LIMIT
from sahut_bot.bridges.teamchat.slack_config import BOT_EVENTS
from sahut_bot.errors import NotUnderstood
from sahut_bot.text.clean import clean_name
from sahut_bot.text.words import say
from sahut_bot.types import Instant, RemoteFile

Event: TypeAlias = Mapping[str, Any]

METADATA = "sahut"  # the event type of the metadata on our posts
_TYPED = frozenset(("", "file_share", "thread_broadcast", "me_message"))
_SLACKBOT = "USLACKBOT"
_KINDS = frozenset(name.partition(".")[0] for name in BOT_EVENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are in the workspace. `url` is the workspace's own address."""

    user_id: str
    bot_id: str
    team_id: str
    url: str = ""
    enterprise_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A person's message, new or edited. Without `thread_ts` it stands at channel level."""

    channel: str
    ts: str
    thread_ts: str
    user: str
    text: str
    blocks: Any
    files: tuple[RemoteFile, ...]
    at: Instant
    edited: bool = False
    mention: bool = False  # heard as app_mention

    @property
    def posted_at(self) -> Instant:
        return _seconds(self.ts, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    channel: str
    thread_ts: str
    ts: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class RootGone:
    """The first message of a thread is gone, which may have been ours."""

    channel: str
    ts: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Files of ours have appeared; without `thread_ts` at channel level, where they do not belong."""

    channel: str
    thread_ts: str
    ts: str
    files: tuple[str, ...]
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Somebody joined or left a channel."""

    channel: str
    user: str
    joined: bool
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChanged:
    user: Event
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened:
    user: str
    view: Event


class UnknownEvent(NotUnderstood):
    """An event of a kind that the app's manifest does not ask for."""


Heard: TypeAlias = Typed | Deleted | RootGone | Shared | Moved | ProfileChanged | HomeOpened


def check_known(body: Event) -> None:
    """Raises `UnknownEvent`."""
    if (kind := _text(_mapping(body.get("event")), "type")) not in _KINDS:
        raise UnknownEvent(f"unknown event {kind[:50]}")


def hear(body: Event, me: Identity, lang: str) -> list[Heard]:
    """What an Events API body says that matters to us; empty for all that does not.

    Raises `NotUnderstood` for an event of a kind we know that lacks what makes it one.
    """
    event = _mapping(body.get("event"))
    at = _seconds(event.get("event_ts"), _seconds(body.get("event_time"), 0.0))
    kind = _text(event, "type")
    if kind in {"message", "app_mention"}:
        return list(_message(event, me, lang, at))
    if kind in {"member_joined_channel", "member_left_channel"}:
        joined = kind == "member_joined_channel"
        return [Moved(channel=_needed(event, "channel"), user=_needed(event, "user"), joined=joined, at=at)]
    if kind == "user_change":
        _needed(_mapping(event.get("user")), "id")
        return [ProfileChanged(user=_mapping(event.get("user")), at=at)]
    if kind == "app_home_opened" and event.get("tab", "home") == "home":
        return [HomeOpened(user=_needed(event, "user"), view=_mapping(event.get("view")))]
    return []


def _message(event: Event, me: Identity, lang: str, at: Instant) -> Iterator[Heard]:
    channel = _needed(event, "channel")
    subtype = _text(event, "subtype")
    if subtype == "message_changed":
        yield from _changed(channel, event, me, lang, at)
    elif subtype == "message_deleted":
        yield from _deleted(channel, event, me, at)
    elif is_ours(event, me):
        yield from _shared(channel, event)
    else:
        _needed(event, "ts")
        if typed := read_typed(channel, event, lang):
            yield typed


def read_typed(channel: str, message: Event, lang: str) -> Typed | None:
    """A message object as it stands in an event or in history; None unless a person typed it."""
    user, ts = _text(message, "user"), _text(message, "ts")
    if not user or not ts or user == _SLACKBOT or _is_bots(message) or _text(message, "subtype") not in _TYPED:
        return None
    return Typed(
        channel=channel,
        ts=ts,
        thread_ts=_text(message, "thread_ts"),
        user=user,
        text=_text(message, "text"),
        blocks=message.get("blocks"),
        files=read_files(message.get("files"), lang),
        at=_seconds(ts, 0.0),
        mention=message.get("type") == "app_mention",
    )


def read_edited_at(message: Event) -> Instant:
    """When somebody last edited it; 0 for never."""
    return _seconds(_mapping(message.get("edited")).get("ts"), 0.0)


def _changed(channel: str, event: Event, me: Identity, lang: str, at: Instant) -> Iterator[Heard]:
    message, before = _mapping(event.get("message")), _mapping(event.get("previous_message"))
    if _text(message, "subtype") == "tombstone":
        if not before or is_ours(before, me):
            yield RootGone(channel=channel, ts=_text(message, "ts"), at=at)
        return
    # Link previews, file processing and our own chat.update come as changes too; a person's edit leaves a mark.
    if not message.get("edited") or is_ours(message, me) or _text(message, "text") == before.get("text"):
        return
    typed = read_typed(channel, message, lang)
    if typed and typed.thread_ts and typed.thread_ts != typed.ts:
        yield Typed(
            channel=channel,
            ts=typed.ts,
            thread_ts=typed.thread_ts,
            user=typed.user,
            text=typed.text,
            blocks=typed.blocks,
            files=typed.files,
            at=at,
            edited=True,
        )


def _deleted(channel: str, event: Event, me: Identity, at: Instant) -> Iterator[Heard]:
    before = _mapping(event.get("previous_message"))
    ts = _text(event, "deleted_ts") or _text(before, "ts")
    thread_ts = _text(before, "thread_ts")
    if not ts:
        raise NotUnderstood("no deleted_ts")
    if _text(before, "subtype") == "tombstone" or (is_ours(before, me) and thread_ts in {"", ts}):
        yield RootGone(channel=channel, ts=ts, at=at)
    elif not before:  # a server that does not say what it was: let both be tried
        yield Deleted(channel=channel, thread_ts=ts, ts=ts, at=at)
        yield RootGone(channel=channel, ts=ts, at=at)
    elif not is_ours(before, me) and not _is_bots(before) and thread_ts not in {"", ts}:
        yield Deleted(channel=channel, thread_ts=thread_ts, ts=ts, at=at)


def _shared(channel: str, event: Event) -> Iterator[Heard]:
    files = event.get("files")
    ids = tuple(_text(file, "id") for file in files if isinstance(file, Mapping)) if isinstance(files, list) else ()
    thread_ts = _text(event, "thread_ts")
    if ids:
        ts = _needed(event, "ts")
        yield Shared(channel=channel, thread_ts=thread_ts, ts=ts, files=ids, at=_seconds(ts, 0.0))


def is_ours(message: Event, me: Identity) -> bool:
    """Whether this bot posted it, under whatever name."""
    return bool(message) and (
        (bool(me.bot_id) and _text(message, "bot_id") == me.bot_id) or _text(message, "user") == me.user_id
    )


def _is_bots(message: Event) -> bool:
    return bool(message.get("bot_id")) or _text(message, "subtype") == "bot_message"


def our_key(message: Event) -> str:
    """The key that we put on a post of ours; empty if there is none."""
    metadata = _mapping(message.get("metadata"))
    payload = _mapping(metadata.get("event_payload"))
    return _text(payload, "key") if _text(metadata, "event_type") == METADATA else ""


# ---------------------------------------------------------------- files


def read_files(files: Any, lang: str) -> tuple[RemoteFile, ...]:
    """The files of a message, each fetchable or with the reason why it is not (docs, file object)."""
    if not isinstance(files, list):
        return ()
    return tuple(read_file(file, lang) for file in files if isinstance(file, Mapping))


def read_file(file: Event, lang: str) -> RemoteFile:
    """`remote` holds the file's id and address; without an address the id is looked up when it is fetched."""
    size = file.get("size")
    size = size if isinstance(size, int) and size > 0 else 0
    url = _text(file, "url_private_download") or _text(file, "url_private")
    remote = {"id": _text(file, "id"), "url": url}
    return RemoteFile(
        name=clean_name(_text(file, "name") or _text(file, "title")) or "file",
        content_type=_text(file, "mimetype") or "application/octet-stream",
        size=size,
        remote=json.dumps(remote),
        refusal=_refusal(file, size, url, lang),
    )


def _refusal(file: Event, size: int, url: str, lang: str) -> str:
    mode = _text(file, "mode")
    if mode == "tombstone":
        return say(lang, "slack.file.deleted")
    if mode == "hidden_by_limit":
        return say(lang, "slack.file.hidden")
    if mode in {"external", "canvas", "quip", "list"} or file.get("is_external") is True:
        return say(lang, "slack.file.elsewhere")
    if size > FILE_LIMIT:
        return say(lang, "file.too_big", limit=f"{FILE_LIMIT // 1024 // 1024} MB")
    if not url and _text(file, "file_access") != "check_file_info":
        return say(lang, "file.not_found")
    return ""


# ---------------------------------------------------------------- reading what may be anything


def _text(value: Event, key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _needed(value: Event, key: str) -> str:
    if not (found := _text(value, key)):
        raise NotUnderstood(f"no {key}")
    return found


def _mapping(value: Any) -> Event:
    return value if isinstance(value, Mapping) else {}


def _seconds(value: Any, default: Instant) -> Instant:
    """A ts as a time. As an identity it stays the string that it is: a float would lose digits."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return default
    return seconds if math.isfinite(seconds) else default
