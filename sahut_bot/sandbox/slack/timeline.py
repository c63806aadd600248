"""Messages coming, changing and going in a channel, with the events each step causes.

Every step costs the same however long the channel is: the benchmark posts hundreds a second.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack import events
from sahut_bot.sandbox.slack.model import Channel, Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

TOMBSTONE_TEXT = "This message was deleted."
_ONLY_STORED = ("reactions",)


def add(
    ws: SlackWorkspace,
    channel: Channel,
    message: Json,
    *,
    thread_ts: str = "",
    broadcast: bool = False,
    event_subtype: str = "",
) -> Json:
    """Posts `message`, which gets its ts. `thread_ts` need not be a parent; the caller has judged that."""
    ts = channel.next_ts(ws.now())
    message["ts"] = ts
    if thread_ts:
        _attach(channel, message, thread_ts)
        channel.threads.setdefault(thread_ts, []).append(ts)
    if thread_ts and broadcast:
        message["subtype"] = "thread_broadcast"
    channel.messages[ts] = message
    if not thread_ts or broadcast:
        channel.top.append(ts)
    shown = dict(message)
    if event_subtype:
        shown["subtype"] = event_subtype
    if broadcast and thread_ts in channel.messages:
        shown["root"] = history_view(channel.messages[thread_ts])
    events.message_event(ws, channel, shown)
    events.mention_event(ws, channel, message)
    ws.touch("message", channel=channel.id, ts=ts, thread_ts=thread_ts)
    return message


def _attach(channel: Channel, message: Json, thread_ts: str) -> None:
    """Makes `message` a reply; its parent shows the counts (Slack docs, conversations.history)."""
    message["thread_ts"] = thread_ts
    parent = channel.messages.get(thread_ts)
    if parent is None:
        return
    if "user" in parent:
        message["parent_user_id"] = parent["user"]
    author = message.get("user") or message.get("bot_id", "")
    authors = parent.get("reply_users", [])
    parent["thread_ts"] = thread_ts
    parent["reply_count"] = parent.get("reply_count", 0) + 1
    parent["latest_reply"] = message["ts"]
    parent["reply_users"] = authors if author in authors else [*authors, author]
    parent["reply_users_count"] = len(parent["reply_users"])
    parent.setdefault("is_locked", False)
    parent.setdefault("subscribed", False)


def change(ws: SlackWorkspace, channel: Channel, ts: str, fields: Json, *, editor: str = "") -> Json:
    """Overwrites fields (None removes one) and tells of it as `message_changed`; `editor` leaves an edit mark."""
    message = channel.messages[ts]
    before = dict(message)
    for key, value in fields.items():
        if value is None:
            message.pop(key, None)
        else:
            message[key] = value
    event_ts = channel.next_ts(ws.now())
    if editor:
        message["edited"] = {"user": editor, "ts": event_ts}
    _tell_changed(ws, channel, message, before, event_ts)
    ws.touch("message_changed", channel=channel.id, ts=ts, thread_ts=message.get("thread_ts", ""))
    return message


def _tell_changed(ws: SlackWorkspace, channel: Channel, message: Json, before: Json, event_ts: str) -> None:
    events.message_event(
        ws,
        channel,
        {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "message": _inner(message),
            "previous_message": _inner(before),
            "ts": event_ts,
        },
    )


def _inner(message: Json) -> Json:
    return {key: value for key, value in message.items() if key not in ("metadata", *_ONLY_STORED)}


def remove(ws: SlackWorkspace, channel: Channel, ts: str) -> None:
    """Deletes. A parent with replies leaves a tombstone, told as a change; all else is `message_deleted`."""
    message = channel.messages[ts]
    if channel.threads.get(ts):
        _bury(ws, channel, message)
        return
    _forget(ws, channel, message)
    parent = channel.messages.get(message.get("thread_ts", ""))
    if parent is not None and parent["ts"] != ts:
        _detach(channel, parent)
        if is_tombstone(parent) and not channel.threads.get(parent["ts"]):
            _forget(ws, channel, parent)  # the last reply takes the tombstone along
    ws.touch("message_deleted", channel=channel.id, ts=ts, thread_ts=message.get("thread_ts", ""))


def is_tombstone(message: Json) -> bool:
    return message.get("subtype") == "tombstone"


def _bury(ws: SlackWorkspace, channel: Channel, message: Json) -> None:
    before = dict(message)
    kept = ("ts", "thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply", "is_locked")
    stone: Json = {
        "type": "message",
        "subtype": "tombstone",
        "text": TOMBSTONE_TEXT,
        "user": "USLACKBOT",
        "hidden": True,
    }
    stone |= {key: message[key] for key in kept if key in message}
    message.clear()
    message.update(stone)
    _tell_changed(ws, channel, message, before, channel.next_ts(ws.now()))
    ws.touch("message_changed", channel=channel.id, ts=message["ts"], thread_ts=message["ts"])


def _forget(ws: SlackWorkspace, channel: Channel, message: Json) -> None:
    ts = message["ts"]
    del channel.messages[ts]
    channel.threads.pop(ts, None)
    index = bisect_left(channel.top, ts_key(ts), key=ts_key)
    if index < len(channel.top) and channel.top[index] == ts:
        del channel.top[index]
    thread = channel.threads.get(message.get("thread_ts", ""), [])
    if ts in thread:
        thread.remove(ts)
    events.message_event(
        ws,
        channel,
        {
            "type": "message",
            "subtype": "message_deleted",
            "hidden": True,
            "deleted_ts": ts,
            "previous_message": _inner(message),
            "ts": channel.next_ts(ws.now()),
        },
    )


def _detach(channel: Channel, parent: Json) -> None:
    replies = channel.threads.get(parent["ts"], [])
    if not replies:
        for key in ("reply_count", "reply_users", "reply_users_count", "latest_reply", "is_locked", "subscribed"):
            parent.pop(key, None)
        if not is_tombstone(parent):
            parent.pop("thread_ts", None)
        return
    authors = [channel.messages[ts].get("user") or channel.messages[ts].get("bot_id", "") for ts in replies]
    parent |= {
        "reply_count": len(replies),
        "reply_users": list(dict.fromkeys(authors)),
        "reply_users_count": len(set(authors)),
        "latest_reply": replies[-1],
    }


def ts_key(ts: str) -> tuple[int, int]:
    """Order of two ts without going through a float."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds), int(fraction.ljust(6, "0") or 0)


def history_view(message: Json, *, with_metadata: bool = False) -> Json:
    """A copy as history shows it: metadata only when asked for."""
    shown = dict(message)
    if not with_metadata:
        shown.pop("metadata", None)
    return shown


def react(ws: SlackWorkspace, channel: Channel, ts: str, name: str, user: str) -> bool:
    """False if it is there already."""
    message = channel.messages[ts]
    reactions: list[Json] = [dict(one) for one in message.get("reactions", ())]
    found = next((one for one in reactions if one["name"] == name), None)
    if found is None:
        reactions.append({"name": name, "users": [user], "count": 1})
    elif user in found["users"]:
        return False
    else:
        found["users"] = [*found["users"], user]
        found["count"] += 1
    message["reactions"] = reactions
    _tell_reaction(ws, channel, message, "reaction_added", name, user)
    return True


def unreact(ws: SlackWorkspace, channel: Channel, ts: str, name: str, user: str) -> bool:
    """False if it is not there."""
    message = channel.messages[ts]
    reactions: list[Json] = [dict(one) for one in message.get("reactions", ())]
    found = next((one for one in reactions if one["name"] == name and user in one["users"]), None)
    if found is None:
        return False
    found["users"] = [one for one in found["users"] if one != user]
    found["count"] = len(found["users"])
    message["reactions"] = [one for one in reactions if one["count"]]
    if not message["reactions"]:
        del message["reactions"]
    _tell_reaction(ws, channel, message, "reaction_removed", name, user)
    return True


def _tell_reaction(ws: SlackWorkspace, channel: Channel, message: Json, kind: str, name: str, user: str) -> None:
    event: Json = {
        "user": user,
        "reaction": name,
        "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
        "event_ts": channel.next_ts(ws.now()),
    }
    if "user" in message:
        event["item_user"] = message["user"]  # absent on posts under a custom name (Slack docs, reaction_added)
    events.channel_event(ws, channel, kind, event)
    ws.touch(kind, channel=channel.id, ts=message["ts"], thread_ts=message.get("thread_ts", ""))
