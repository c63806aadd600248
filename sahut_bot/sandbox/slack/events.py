"""From a change in the workspace to the Events API envelopes that Slack would send for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack.model import DIRECT, PRIVATE, PUBLIC, Channel, Json, Ping

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_MESSAGE_EVENT = {PUBLIC: "message.channels", PRIVATE: "message.groups", DIRECT: "message.im"}
_TEXT_PING = re.compile(
    r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|<!(here|channel|everyone)(?:\|[^>]*)?>|<!subteam\^(S[A-Z0-9]+)[^>]*>"
)
# With `link_names` or `parse=full` Slack also links bare names (Slack docs, chat.postMessage).
_BARE_PING = re.compile(r"(?<![\w<!])@(here|channel|everyone)\b")


def message_event(ws: SlackWorkspace, channel: Channel, event: Json) -> None:
    """A `message` event, for channels that the bot is in and whose kind the app subscribed to."""
    subscription = _MESSAGE_EVENT[channel.kind]
    if subscription not in ws.manifest.events or ws.bot_user_id not in channel.members:
        return
    shown = {key: value for key, value in event.items() if key != "metadata"}
    shown |= {"channel": channel.id, "channel_type": channel.kind}
    shown.setdefault("event_ts", shown["ts"])
    ws.emit(subscription, shown, shared=channel.is_ext_shared)


def mention_event(ws: SlackWorkspace, channel: Channel, message: Json) -> None:
    """The `app_mention` twin of a message, with its own event id. Not in direct messages (Slack docs, app_mention)."""
    if "app_mention" not in ws.manifest.events or channel.kind == DIRECT or ws.bot_user_id not in channel.members:
        return
    if f"<@{ws.bot_user_id}>" not in message.get("text", "") or message.get("bot_id") == ws.bot_id:
        return
    shown = {key: value for key, value in message.items() if key not in ("metadata", "subtype", "reactions")}
    shown |= {"type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}
    ws.emit("app_mention", shown, shared=channel.is_ext_shared)


def channel_event(ws: SlackWorkspace, channel: Channel, kind: str, event: Json) -> None:
    """An event of another type that only members of the channel get."""
    if ws.bot_user_id in channel.members:
        plain_event(ws, kind, event, shared=channel.is_ext_shared)


def plain_event(ws: SlackWorkspace, kind: str, event: Json, *, shared: bool = False) -> None:
    if kind in ws.manifest.events:
        ws.emit(kind, {"type": kind} | event, shared=shared)


def envelope(ws: SlackWorkspace, event: Json, *, shared: bool) -> Json:
    """The outer object (Slack docs, Events API). `authorizations` names one installation only."""
    return {
        "token": ws.credentials.verification_token,
        "team_id": ws.team_id,
        "context_team_id": ws.team_id,
        "context_enterprise_id": None,
        "api_app_id": ws.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": ws.new_id("Ev"),
        "event_time": int(ws.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": ws.team_id,
                "user_id": ws.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{ws.new_id('EC')}",
    }


def pings(channel: Channel, message: Json, *, linked_names: bool = False) -> list[Ping]:
    """Whom a message notifies: through markup in its text (shown when there are no blocks) and in its blocks."""
    found: list[str] = []
    text = message.get("text", "")
    if "<" in text:
        found += ["".join(groups) for groups in _TEXT_PING.findall(text)]
    if linked_names:
        found += _BARE_PING.findall(text)
    if blocks := message.get("blocks"):
        _walk(blocks, found)
    by = message.get("user") or message.get("bot_id", "")
    return [Ping(channel=channel.id, ts=message["ts"], target=target, by=by) for target in dict.fromkeys(found)]


def _walk(value: object, found: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _walk(item, found)
    elif isinstance(value, dict):
        match value.get("type"):
            case "mrkdwn" if "<" in value.get("text", ""):
                found += ["".join(groups) for groups in _TEXT_PING.findall(value["text"])]
            case "user" | "broadcast" | "usergroup" as kind:
                key = {"user": "user_id", "broadcast": "range", "usergroup": "usergroup_id"}[kind]
                found.append(str(value.get(key, "")))
            case _:
                for item in value.values():
                    if isinstance(item, (list, dict)):
                        _walk(item, found)
