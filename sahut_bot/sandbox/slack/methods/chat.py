"""chat.*: posting, changing and deleting as the app."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sahut_bot.sandbox.slack import timeline
from sahut_bot.sandbox.slack.access import find_message, find_user, joined, need_scope, visible, writable
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.blocks import message_blocks, with_ids
from sahut_bot.sandbox.slack.emoji_names import is_emoji_name
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.methods.files import share_in_message
from sahut_bot.sandbox.slack.model import PUBLIC, Channel, Ephemeral, Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

# Slack docs, chat.postMessage: longer text is truncated. chat.update refuses beyond 4000 (seen by several apps).
MAX_POST, MAX_UPDATE, MAX_MARKDOWN = 40_000, 4_000, 12_000
_MAX_ATTACHMENTS = 100
_MAX_METADATA = 8_000  # bytes; the size behind metadata_too_large is not documented
_MAX_USERNAME = 80


def post_message(ws: SlackWorkspace, args: Arguments) -> Json:
    channel = _target(ws, args)
    message = _bot_message(ws, args)
    if args.has("metadata"):
        message["metadata"] = metadata(args)
    thread_ts = args.ts("thread_ts", code="invalid_thread_ts")
    broadcast = args.flag("reply_broadcast")
    if thread_ts:
        parent = channel.messages.get(thread_ts)
        if parent is None or timeline.is_tombstone(parent):
            # Under a deleted parent Slack posts at channel level and answers ok (seen by several apps).
            thread_ts = ""
            broadcast = False
    timeline.add(ws, channel, message, thread_ts=thread_ts, broadcast=broadcast)
    share_in_message(ws, channel, message)
    ws.note_pings(channel, message, linked_names=args.flag("link_names") or args.text("parse") == "full")
    return {"channel": channel.id, "ts": message["ts"], "message": dict(message)}


def _target(ws: SlackWorkspace, args: Arguments) -> Channel:
    """A channel id, a public channel's name, or a user id, whose direct message is opened (Slack docs)."""
    wanted = args.need("channel", "channel_not_found")
    if wanted in ws.users:
        if ws.users[wanted].is_bot or ws.users[wanted].deleted:
            raise ApiError("channel_not_found")
        return ws.direct_channel(wanted)
    channel = ws.channels.get(wanted)
    if channel is None and wanted.startswith("#"):
        channel = next((one for one in ws.channels.values() if one.kind == PUBLIC and f"#{one.name}" == wanted), None)
    if channel is None or (channel.kind != PUBLIC and ws.bot_user_id not in channel.members):
        raise ApiError("channel_not_found")
    if channel.is_archived:
        raise ApiError("is_archived")
    if ws.bot_user_id not in channel.members:
        if "chat:write.public" not in ws.manifest.scopes:
            raise ApiError("not_in_channel")
        ws.scopes_used.add("chat:write.public")
    return channel


def _bot_message(ws: SlackWorkspace, args: Arguments) -> Json:
    message = content(ws, args, most=MAX_POST, truncate=True)
    for name in ("username", "icon_url", "icon_emoji"):
        if args.has(name):
            need_scope(ws, "chat:write.customize")
    author: Json = {"type": "message", "bot_id": ws.bot_id, "app_id": ws.app_id, "team": ws.team_id}
    if args.has("username") or args.has("icon_url") or args.has("icon_emoji"):
        # Under a custom name the post has no user (Slack docs, bot_message).
        author |= {"subtype": "bot_message", "username": args.text("username") or ws.users[ws.bot_user_id].display_name}
        if len(author["username"]) > _MAX_USERNAME:
            author["username"] = author["username"][:_MAX_USERNAME]
        author["icons"] = _icons(args)
    else:
        author |= {"user": ws.bot_user_id, "bot_profile": bot_profile(ws)}
    return author | message


def _icons(args: Arguments) -> Json:
    if args.has("icon_emoji"):  # the emoji wins (Slack docs, chat.postMessage)
        name = args.text("icon_emoji").strip(":")
        if not is_emoji_name(name):
            raise ApiError("invalid_name")
        return {"emoji": f":{name}:"}
    return {"image_64": args.text("icon_url")} if args.has("icon_url") else {}


def bot_profile(ws: SlackWorkspace) -> Json:
    return {
        "id": ws.bot_id,
        "app_id": ws.app_id,
        "name": ws.users[ws.bot_user_id].name,
        "icons": {},
        "deleted": False,
        "updated": ws.users[ws.bot_user_id].updated,
        "team_id": ws.team_id,
    }


def content(ws: SlackWorkspace, args: Arguments, *, most: int, truncate: bool = False) -> Json:
    """`text`, `blocks` and `attachments` of a call, checked. Raises no_text when there is nothing to show."""
    text = _text(args)
    if len(text) > most:
        if not truncate:
            raise ApiError("msg_too_long")
        text = text[:most]
    shown: Json = {"text": text}
    if raw_blocks := args.value("blocks"):
        shown["blocks"] = _blocks(ws, raw_blocks)
    if attachments := args.value("attachments"):
        if not isinstance(attachments, list):
            raise ApiError("invalid_attachments")
        if len(attachments) > _MAX_ATTACHMENTS:
            raise ApiError("too_many_attachments")
        shown["attachments"] = attachments
    if not text.strip() and len(shown) == 1:
        raise ApiError("no_text")
    return shown


def _text(args: Arguments) -> str:
    """Slack docs, chat.postMessage: `markdown_text` stands alone and has its own limit."""
    if not args.has("markdown_text"):
        return args.text("text")
    if args.has("text") or args.has("blocks"):
        raise ApiError("markdown_text_conflict")
    if len(args.text("markdown_text")) > MAX_MARKDOWN:
        raise ApiError("msg_too_long")
    return args.text("markdown_text")


def _blocks(ws: SlackWorkspace, raw: Any) -> list[Json]:
    blocks, checker = message_blocks(raw)
    for file_id, path in checker.file_ids:
        stored = ws.files.get(file_id)
        if stored is None or not stored.completed or not stored.mimetype.startswith("image/"):
            problem = f"[ERROR] invalid slack file [json-pointer:{path}]"
            raise ApiError("invalid_blocks", errors=[problem], response_metadata={"messages": [problem]})
    return with_ids(blocks, ws.new_id)


def metadata(args: Arguments) -> Json:
    """Slack docs, message metadata: an event type and an object, of ids rather than texts."""
    given = args.value("metadata")
    if not isinstance(given, dict) or set(given) - {"event_type", "event_payload", "entities"}:
        raise ApiError("invalid_metadata_format")
    if not isinstance(given.get("event_type"), str) or not given["event_type"]:
        raise ApiError("invalid_metadata_schema")
    if not isinstance(given.get("event_payload"), dict):
        raise ApiError("invalid_metadata_schema")
    if len(json.dumps(given).encode()) > _MAX_METADATA:
        raise ApiError("metadata_too_large")
    return given


def update(ws: SlackWorkspace, args: Arguments) -> Json:
    channel = writable(ws, visible(ws, args))
    message = find_message(channel, args.need("ts"))
    if message.get("bot_id") != ws.bot_id:
        raise ApiError("cant_update_message")
    shown = content(ws, args, most=MAX_UPDATE)
    # Without blocks an update removes them (Slack docs, chat.update).
    fields: Json = {"text": shown["text"], "blocks": shown.get("blocks"), "attachments": shown.get("attachments")}
    if args.has("metadata"):
        fields["metadata"] = metadata(args)
    timeline.change(ws, channel, message["ts"], fields, editor=ws.bot_user_id)
    share_in_message(ws, channel, message)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": dict(message)}


def delete(ws: SlackWorkspace, args: Arguments) -> Json:
    channel = joined(ws, visible(ws, args))
    message = find_message(channel, args.need("ts"))
    mine = message.get("bot_id") == ws.bot_id
    if not mine or (message.get("subtype") == "bot_message" and ws.customized_posts_stay):
        raise ApiError("cant_delete_message")
    timeline.remove(ws, channel, message["ts"])
    return {"channel": channel.id, "ts": args.text("ts")}


def post_ephemeral(ws: SlackWorkspace, args: Arguments) -> Json:
    channel = writable(ws, visible(ws, args))
    user = find_user(ws, args.need("user"), "user_not_in_channel")
    if user.id not in channel.members:
        raise ApiError("user_not_in_channel")
    shown = content(ws, args, most=MAX_POST, truncate=True)
    for name in ("username", "icon_url", "icon_emoji"):
        if args.has(name):
            need_scope(ws, "chat:write.customize")
    made = add_ephemeral(ws, channel, user.id, shown, args.ts("thread_ts", code="invalid_thread_ts"))
    return {"message_ts": made.ts}


def add_ephemeral(
    ws: SlackWorkspace, channel: Channel, user: str, shown: Json, thread_ts: str = "", via: str = "chat.postEphemeral"
) -> Ephemeral:
    """In a thread it shows only when the thread is active (Slack docs, chat.postEphemeral)."""
    made = Ephemeral(
        channel=channel.id,
        user=user,
        ts=channel.next_ts(ws.now()),
        text=shown["text"],
        blocks=shown.get("blocks", []),
        thread_ts=thread_ts,
        visible=not thread_ts or bool(channel.threads.get(thread_ts)),
        via=via,
    )
    ws.ephemerals.append(made)
    ws.touch("ephemeral", channel=channel.id, ts=made.ts, user=user, thread_ts=thread_ts)
    return made


def get_permalink(ws: SlackWorkspace, args: Arguments) -> Json:
    channel = visible(ws, args)
    message = find_message(channel, args.need("message_ts"))
    return {"channel": channel.id, "permalink": permalink(ws, channel, message)}


def permalink(ws: SlackWorkspace, channel: Channel, message: Json) -> str:
    ts, thread_ts = message["ts"], message.get("thread_ts", "")
    link = f"https://{ws.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return f"{link}?thread_ts={thread_ts}&cid={channel.id}" if thread_ts and thread_ts != ts else link
