"""What one person sees: channels, messages, threads, private answers, modal and App Home, ready for JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack.emoji_names import character
from sahut_bot.sandbox.slack.methods.views import shown
from sahut_bot.sandbox.slack.model import DIRECT, Channel, Ephemeral, Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_NEWEST = 200  # messages a channel, as a client loads them first
_CODE = re.compile(r":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):")


def snapshot(ws: SlackWorkspace, user: str) -> Json:
    rooms = [room for room in ws.channels.values() if user in room.members]
    channels = [_channel(ws, room, user) for room in rooms]
    modal = ws.surfaces.top(user)
    home = ws.surfaces.homes.get(user)
    return {
        "team": {"id": ws.team_id, "name": ws.team_name},
        "me": user,
        "app": {
            "bot_user": ws.bot_user_id,
            "name": ws.users[ws.bot_user_id].display_name,
            "home_tab": ws.manifest.home_tab,
            "commands": sorted(ws.manifest.commands),
            "shortcuts": [
                {"callback_id": one.callback_id, "name": one.label, "type": one.kind}
                for one in ws.manifest.shortcuts.values()
            ],
        },
        "users": {one.id: _user(ws, one.id) for one in ws.users.values()},
        "channels": channels,
        "emoji": _emoji(channels),
        "modal": None if modal is None else shown(ws, modal) | {"errors": ws.surfaces.errors.get(modal["id"], {})},
        "home": None if home is None else shown(ws, home),
    }


def _user(ws: SlackWorkspace, user: str) -> Json:
    person = ws.users[user]
    guest = person.is_restricted or person.is_ultra_restricted
    return {"name": person.display_name, "deleted": person.deleted, "bot": person.is_bot, "guest": guest}


def _channel(ws: SlackWorkspace, room: Channel, user: str) -> Json:
    private = [one for one in ws.ephemerals if one.channel == room.id and one.user == user]
    private = [one for one in private if one.visible and not one.deleted]
    newest = room.top[-_NEWEST:]
    return {
        "id": room.id,
        "name": ws.users[ws.bot_user_id].display_name if room.kind == DIRECT else room.name,
        "kind": room.kind,
        "archived": room.is_archived,
        "members": list(room.members),
        "messages": [dict(room.messages[ts]) for ts in newest],
        "threads": {
            ts: [dict(room.messages[one]) for one in room.threads[ts]] for ts in newest if room.threads.get(ts)
        },
        "ephemerals": [_ephemeral(one) for one in private],
    }


def _emoji(channels: list[Json]) -> dict[str, str]:
    """Short name → character, for all that occur in texts, rich text and reactions."""
    names: set[str] = set()
    for channel in channels:
        messages = [*channel["messages"], *(one for thread in channel["threads"].values() for one in thread)]
        for message in messages:
            names.update(_CODE.findall(message["text"]), (one["name"] for one in message.get("reactions", ())))
            names.update(_CODE.findall(str(message.get("icons", ""))), _CODE.findall(str(message.get("blocks", ""))))
    found = {name: character(name) for name in sorted(names)}
    return {name: sign for name, sign in found.items() if sign}


def _ephemeral(one: Ephemeral) -> Json:
    return {"ts": one.ts, "thread_ts": one.thread_ts, "text": one.text, "blocks": one.blocks, "via": one.via}
