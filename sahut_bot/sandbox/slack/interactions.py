"""Payloads of buttons, menus, shortcuts, forms and slash commands, with their triggers and response URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sahut_bot.sandbox.slack import timeline
from sahut_bot.sandbox.slack.model import DIRECT, PRIVATE, Channel, Ephemeral, Json, ResponseUrl, Trigger
from sahut_bot.sandbox.slack.views import initial_state

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

# Slack docs, handling user interaction.
TRIGGER_SECONDS, RESPONSE_URL_SECONDS, RESPONSE_URL_USES = 3.0, 1800.0, 5


def new_trigger(ws: SlackWorkspace, user: str, view: str = "") -> str:
    trigger = Trigger(id=f"{ws.new_id('TR')}.{ws.new_id('')}", user=user, expires=ws.now() + TRIGGER_SECONDS, view=view)
    ws.triggers[trigger.id] = trigger
    return trigger.id


def new_response_url(
    ws: SlackWorkspace, channel: Channel, user: str, *, message_ts: str = "", ephemeral: bool = False
) -> str:
    key = ws.new_id("RU")
    ws.response_urls[key] = ResponseUrl(
        key=key,
        channel=channel.id,
        user=user,
        expires=ws.now() + RESPONSE_URL_SECONDS,
        message_ts=message_ts,
        ephemeral=ephemeral,
    )
    return f"{ws.base_url}/actions/{ws.team_id}/{key}"


def _base(ws: SlackWorkspace, kind: str, user: str) -> Json:
    person = ws.users[user]
    return {
        "type": kind,
        "token": ws.credentials.verification_token,
        "team": {"id": ws.team_id, "domain": ws.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": ws.app_id,
    }


def _named(channel: Channel) -> Json:
    """Private names are not told in interactions (Slack docs, slash commands)."""
    name = {PRIVATE: "privategroup", DIRECT: "directmessage"}.get(channel.kind, channel.name)
    return {"id": channel.id, "name": name}


def on_message(ws: SlackWorkspace, user: str, channel: Channel, message: Json, action: Json) -> Json:
    thread_ts = message.get("thread_ts", "")
    container: Json = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id, "is_ephemeral": False}
    if thread_ts:
        container["thread_ts"] = thread_ts
    return _base(ws, "block_actions", user) | {
        "container": container,
        "trigger_id": new_trigger(ws, user),
        "channel": _named(channel),
        "message": timeline.history_view(message),
        "state": {"values": _merged(initial_state(message.get("blocks", [])), action)},
        "response_url": new_response_url(ws, channel, user, message_ts=message["ts"]),
        "actions": [action],
    }


def on_ephemeral(ws: SlackWorkspace, user: str, shown: Ephemeral, action: Json) -> Json:
    """There is no `message` in it: Slack does not store ephemerals."""
    channel = ws.channels[shown.channel]
    container: Json = {"type": "message", "message_ts": shown.ts, "channel_id": channel.id, "is_ephemeral": True}
    if shown.thread_ts:
        container["thread_ts"] = shown.thread_ts
    return _base(ws, "block_actions", user) | {
        "container": container,
        "trigger_id": new_trigger(ws, user),
        "channel": _named(channel),
        "state": {"values": _merged(initial_state(shown.blocks), action)},
        "response_url": new_response_url(ws, channel, user, message_ts=shown.ts, ephemeral=True),
        "actions": [action],
    }


def on_view(ws: SlackWorkspace, user: str, view: Json, action: Json) -> Json:
    return _base(ws, "block_actions", user) | {
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": new_trigger(ws, user, view["id"]),
        "view": view,
        "actions": [action],
    }


def _merged(values: dict[str, dict[str, Json]], action: Json) -> dict[str, dict[str, Json]]:
    inside = values.get(action["block_id"], {})
    if action["action_id"] in inside:
        keys = inside[action["action_id"]]
        inside[action["action_id"]] = {key: action.get(key) for key in keys}
    return values


def suggestion(ws: SlackWorkspace, user: str, view: Json, block: Json, element: Json, query: str) -> Json:
    return _base(ws, "block_suggestion", user) | {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": query,
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
    }


def submission(ws: SlackWorkspace, user: str, view: Json) -> Json:
    return _base(ws, "view_submission", user) | {
        "trigger_id": new_trigger(ws, user, view["id"]),
        "view": view,
        "response_urls": [],
    }


def closed(ws: SlackWorkspace, user: str, view: Json, *, cleared: bool) -> Json:
    return _base(ws, "view_closed", user) | {"view": view, "is_cleared": cleared}


def message_shortcut(ws: SlackWorkspace, user: str, channel: Channel, message: Json, callback_id: str) -> Json:
    return _base(ws, "message_action", user) | {
        "action_ts": channel.next_ts(ws.now()),
        "callback_id": callback_id,
        "trigger_id": new_trigger(ws, user),
        "response_url": new_response_url(ws, channel, user, message_ts=message["ts"]),
        "message_ts": message["ts"],
        "channel": _named(channel),
        "message": timeline.history_view(message),
    }


def global_shortcut(ws: SlackWorkspace, user: str, callback_id: str) -> Json:
    """It knows neither channel nor message."""
    return _base(ws, "shortcut", user) | {
        "action_ts": f"{ws.now():.6f}",
        "callback_id": callback_id,
        "trigger_id": new_trigger(ws, user),
    }


def slash_command(ws: SlackWorkspace, user: str, channel: Channel, command: str, text: str) -> dict[str, str]:
    """A form of strings, without any hint of a thread (Slack docs, slash commands)."""
    named = _named(channel)
    return {
        "token": ws.credentials.verification_token,
        "team_id": ws.team_id,
        "team_domain": ws.domain,
        "channel_id": channel.id,
        "channel_name": named["name"],
        "user_id": user,
        "user_name": ws.users[user].name,
        "command": command,
        "text": text,
        "api_app_id": ws.app_id,
        "is_enterprise_install": "false",
        "response_url": new_response_url(ws, channel, user),
        "trigger_id": new_trigger(ws, user),
    }


def action_of(block: Json, element: Json, value: Any, ts: str) -> Json:
    """One entry of `actions`: what was pressed or chosen, with the value under its kind's key."""
    kept = ("type", "action_id", "text", "value", "style", "placeholder", "confirm", "url")
    action = {key: element[key] for key in kept if key in element}
    return action | {"block_id": block["block_id"], "action_ts": ts} | (value or {})
