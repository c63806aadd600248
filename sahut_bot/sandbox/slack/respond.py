"""Answers through a response_url (Slack docs, handling user interaction): five within thirty minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack import timeline
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.interactions import RESPONSE_URL_USES
from sahut_bot.sandbox.slack.methods.chat import MAX_POST, add_ephemeral, bot_profile, content
from sahut_bot.sandbox.slack.model import Channel, Ephemeral, Json, ResponseUrl

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace


def use(ws: SlackWorkspace, key: str, body: Json) -> None:
    """Raises `ApiError` with expired_url, used_url, no_text and the like."""
    url = ws.response_urls.get(key)
    if url is None or url.expires < ws.now():
        raise ApiError("expired_url")
    if url.uses >= RESPONSE_URL_USES:
        raise ApiError("used_url")
    url.uses += 1
    args = Arguments(body)
    if args.flag("delete_original"):
        _delete(ws, url)
    elif args.flag("replace_original"):
        _replace(ws, url, content(ws, args, most=MAX_POST, truncate=True))
    else:
        say(ws, ws.channels[url.channel], url.user, body, via="response_url")


def say(ws: SlackWorkspace, channel: Channel, user: str, body: Json, *, via: str) -> None:
    """A new message: to the person alone, or with `in_channel` to all. In a thread only if `thread_ts` says so."""
    args = Arguments(body)
    shown = content(ws, args, most=MAX_POST, truncate=True)
    thread_ts = args.ts("thread_ts", code="invalid_thread_ts")
    if args.text("response_type") != "in_channel":
        add_ephemeral(ws, channel, user, shown, thread_ts, via)
        return
    message: Json = {"type": "message", "user": ws.bot_user_id, "bot_id": ws.bot_id, "app_id": ws.app_id}
    message |= {"team": ws.team_id, "bot_profile": bot_profile(ws)} | shown
    timeline.add(ws, channel, message, thread_ts=thread_ts if thread_ts in channel.messages else "")
    ws.note_pings(channel, message)


def _delete(ws: SlackWorkspace, url: ResponseUrl) -> None:
    if url.ephemeral:
        _ephemeral(ws, url).deleted = True
        ws.touch("ephemeral", channel=url.channel, ts=url.message_ts, user=url.user)
    elif url.message_ts in ws.channels[url.channel].messages:
        timeline.remove(ws, ws.channels[url.channel], url.message_ts)
    else:
        raise ApiError("message_not_found")


def _replace(ws: SlackWorkspace, url: ResponseUrl, shown: Json) -> None:
    if url.ephemeral:
        original = _ephemeral(ws, url)
        original.text, original.blocks = shown["text"], shown.get("blocks", [])
        ws.touch("ephemeral", channel=url.channel, ts=url.message_ts, user=url.user)
        return
    message = ws.channels[url.channel].messages.get(url.message_ts)
    if message is None or message.get("bot_id") != ws.bot_id:
        raise ApiError("message_not_found")
    fields: Json = {"text": shown["text"], "blocks": shown.get("blocks"), "attachments": shown.get("attachments")}
    timeline.change(ws, ws.channels[url.channel], url.message_ts, fields, editor=ws.bot_user_id)


def _ephemeral(ws: SlackWorkspace, url: ResponseUrl) -> Ephemeral:
    found = next((one for one in ws.ephemerals if one.ts == url.message_ts and one.channel == url.channel), None)
    if found is None or found.deleted:
        raise ApiError("message_not_found")
    return found
