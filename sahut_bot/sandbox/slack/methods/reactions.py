"""reactions.*: the marks on messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack import timeline
from sahut_bot.sandbox.slack.access import find_message, visible, writable
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.emoji_names import is_emoji_name
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import Channel, Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

# Slack docs, reactions.add: too_many_reactions per person and too_many_emoji per message.
_MAX_OWN, _MAX_KINDS = 23, 50


def add(ws: SlackWorkspace, args: Arguments) -> Json:
    channel, ts, name = _item(ws, args)
    if not is_emoji_name(name):
        raise ApiError("invalid_name")
    message = find_message(channel, ts)
    if timeline.is_tombstone(message):
        raise ApiError("message_not_found")
    present = message.get("reactions", [])
    if sum(ws.bot_user_id in one["users"] for one in present) >= _MAX_OWN:
        raise ApiError("too_many_reactions")
    if len(present) >= _MAX_KINDS and all(one["name"] != name for one in present):
        raise ApiError("too_many_emoji")
    if not timeline.react(ws, channel, ts, name, ws.bot_user_id):
        raise ApiError("already_reacted")
    return {}


def remove(ws: SlackWorkspace, args: Arguments) -> Json:
    channel, ts, name = _item(ws, args)
    if not is_emoji_name(name):
        raise ApiError("invalid_name")
    find_message(channel, ts)
    if not timeline.unreact(ws, channel, ts, name, ws.bot_user_id):
        raise ApiError("no_reaction")
    return {}


def get(ws: SlackWorkspace, args: Arguments) -> Json:
    if not args.has("channel") or not args.has("timestamp"):
        raise ApiError("no_item_specified")
    channel = visible(ws, args)
    message = find_message(channel, args.ts("timestamp", code="bad_timestamp"))
    return {"type": "message", "channel": channel.id, "message": timeline.history_view(message)}


def _item(ws: SlackWorkspace, args: Arguments) -> tuple[Channel, str, str]:
    if not args.has("channel") or not args.has("timestamp"):
        raise ApiError("no_item_specified")
    channel = writable(ws, visible(ws, args))
    return channel, args.ts("timestamp", code="bad_timestamp"), args.need("name", "invalid_name")
