"""Who may: scopes of the manifest, and the conversations that the app can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import DIRECT, PRIVATE, PUBLIC, Channel, Json, User

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_FAMILY = {PUBLIC: "channels", PRIVATE: "groups", DIRECT: "im"}


def need_scope(ws: SlackWorkspace, *any_of: str) -> None:
    """Raises `missing_scope`, telling what is needed and what the manifest grants (Slack docs, scopes)."""
    granted = ws.manifest.scopes.intersection(any_of)
    if not granted:
        raise ApiError("missing_scope", needed=any_of[0], provided=",".join(sorted(ws.manifest.scopes)))
    ws.scopes_used.update(granted)


def channel_scope(ws: SlackWorkspace, channel: Channel, suffix: str) -> None:
    """Such as channels:history, groups:history or im:history, by the kind of the conversation."""
    need_scope(ws, f"{_FAMILY[channel.kind]}:{suffix}")


def visible(ws: SlackWorkspace, args: Arguments, name: str = "channel") -> Channel:
    """A channel that exists for the app: private ones only when it is a member."""
    channel = ws.channels.get(args.text(name))
    if channel is None or (channel.kind != PUBLIC and ws.bot_user_id not in channel.members):
        raise ApiError("channel_not_found")
    return channel


def joined(ws: SlackWorkspace, channel: Channel) -> Channel:
    if ws.bot_user_id not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def writable(ws: SlackWorkspace, channel: Channel) -> Channel:
    if channel.is_archived:
        raise ApiError("is_archived")
    return joined(ws, channel)


def find_user(ws: SlackWorkspace, user_id: str, code: str = "user_not_found") -> User:
    user = ws.users.get(user_id)
    if user is None:
        raise ApiError(code)
    return user


def find_message(channel: Channel, ts: str) -> Json:
    message = channel.messages.get(ts)
    if message is None:
        raise ApiError("message_not_found")
    return message
