"""files.*: the three steps of an upload, and what files look like."""

from __future__ import annotations

import asyncio
import mimetypes
from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack import events, timeline
from sahut_bot.sandbox.slack.access import need_scope, writable
from sahut_bot.sandbox.slack.arguments import Arguments, invalid
from sahut_bot.sandbox.slack.blocks import message_blocks, with_ids
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import PUBLIC, Channel, Json, StoredFile

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_MAX_FILE = 1_000_000_000  # Slack docs, working with files: one gigabyte


def get_upload_url(ws: SlackWorkspace, args: Arguments) -> Json:
    name = args.need("filename")
    length = args.number("length", 0, most=_MAX_FILE, code="file_upload_size_restricted")
    if not length:
        raise invalid("length", "must be more than 0")
    stored = new_file(ws, ws.bot_user_id, name)
    stored.length = length
    stored.alt_text = args.text("alt_txt")
    ticket = ws.new_id("UP")
    ws.uploads[ticket] = stored.id
    return {"upload_url": f"{ws.base_url}/upload/v1/{ticket}", "file_id": stored.id}


def new_file(ws: SlackWorkspace, owner: str, name: str) -> StoredFile:
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file_id = ws.new_id("F")
    stored = StoredFile(id=file_id, name=name, title=name, mimetype=mimetype, owner=owner, created=int(ws.now()))
    ws.files[file_id] = stored
    return stored


def complete_upload(ws: SlackWorkspace, args: Arguments) -> Json:
    """Answers before the message exists: it comes a moment later (Slack docs, working with files)."""
    listed = args.value("files")
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise invalid("files", "must be an array of objects")
    files: list[StoredFile] = []
    for one in listed:
        stored = ws.files.get(str(one.get("id", "")))
        if stored is None or stored.owner != ws.bot_user_id or not stored.uploaded or stored.completed:
            raise ApiError("file_not_found")
        stored.title = str(one.get("title") or stored.name)
        files.append(stored)
    channel = _share_target(ws, args)
    message: Json = {"type": "message", "text": args.text("initial_comment"), "user": ws.bot_user_id}
    if blocks := args.value("blocks"):
        message["blocks"] = with_ids(message_blocks(blocks)[0], ws.new_id)
    thread_ts = args.ts("thread_ts", code="invalid_thread_ts")
    for stored in files:
        stored.completed = True
    answer = [file_json(ws, stored) for stored in files]
    if channel is not None:
        _share_soon(ws, channel, message, files, thread_ts)
    return {"files": answer}


def _share_target(ws: SlackWorkspace, args: Arguments) -> Channel | None:
    wanted = args.text("channel_id") or args.text("channels").split(",")[0]
    if not wanted:
        return None
    channel = ws.channels.get(wanted)
    if channel is None or (channel.kind != PUBLIC and ws.bot_user_id not in channel.members):
        raise ApiError("channel_not_found")
    return writable(ws, channel)


def _share_soon(ws: SlackWorkspace, channel: Channel, message: Json, files: list[StoredFile], thread_ts: str) -> None:
    def now() -> None:
        parent = channel.messages.get(thread_ts)
        lost = thread_ts and (parent is None or timeline.is_tombstone(parent))
        post_files(ws, channel, message, files, "" if lost else thread_ts)

    message |= {"bot_id": ws.bot_id, "app_id": ws.app_id, "team": ws.team_id}
    asyncio.get_running_loop().call_later(ws.share_delay, now)


def post_files(ws: SlackWorkspace, channel: Channel, message: Json, files: list[StoredFile], thread_ts: str) -> Json:
    """A message with files: the event has the subtype file_share, history has none."""
    message |= {"upload": True, "display_as_bot": False, "files": []}
    for stored in files:
        stored.completed = True
        message["files"].append(file_json(ws, stored))
    timeline.add(ws, channel, message, thread_ts=thread_ts, event_subtype="file_share")
    ts = message["ts"]
    for stored in files:
        note_share(ws, channel, stored, ts, message.get("thread_ts", ""))
    message["files"] = [file_json(ws, stored) for stored in files]
    ws.note_pings(channel, message)
    for stored in files:
        about: Json = {"file_id": stored.id, "user_id": stored.owner, "file": {"id": stored.id}}
        events.channel_event(ws, channel, "file_shared", about | {"channel_id": channel.id, "event_ts": ts})
    return message


def note_share(ws: SlackWorkspace, channel: Channel, stored: StoredFile, ts: str, thread_ts: str) -> None:
    if any(share["ts"] == ts for share in stored.shares.get(channel.id, ())):
        return
    share: Json = {"ts": ts, "channel_name": channel.name, "team_id": ws.team_id, "share_user_id": stored.owner}
    if thread_ts:
        share["thread_ts"] = thread_ts
    stored.shares.setdefault(channel.id, []).append(share)
    ws.touch("file", file=stored.id)


def share_in_message(ws: SlackWorkspace, channel: Channel, message: Json) -> None:
    """An image block that names an uploaded file shares it where it is shown."""
    for block in message.get("blocks", ()):
        if block["type"] == "image" and "slack_file" in block:
            stored = ws.files[block["slack_file"]["id"]]
            note_share(ws, channel, stored, message["ts"], message.get("thread_ts", ""))


def info(ws: SlackWorkspace, args: Arguments) -> Json:
    stored = ws.files.get(args.need("file", "file_not_found"))
    if stored is None or not readable(ws, stored):
        raise ApiError("file_not_found")
    if stored.mode == "tombstone":
        raise ApiError("file_deleted")
    return {"file": file_json(ws, stored, full=True), "comments": [], "response_metadata": {"next_cursor": ""}}


def readable(ws: SlackWorkspace, stored: StoredFile) -> bool:
    """The app sees its own files and those shared where it is a member."""
    shared = any(ws.bot_user_id in ws.channels[channel].members for channel in stored.shares)
    return stored.owner == ws.bot_user_id or shared


def delete(ws: SlackWorkspace, args: Arguments) -> Json:
    need_scope(ws, "files:write")
    stored = ws.files.get(args.need("file", "file_not_found"))
    if stored is None:
        raise ApiError("file_not_found")
    if stored.owner != ws.bot_user_id:
        raise ApiError("cant_delete_file")
    stored.mode, stored.content = "tombstone", b""
    return {}


def file_json(ws: SlackWorkspace, stored: StoredFile, *, full: bool = False) -> Json:
    """The odd kinds say little: tombstones, files hidden by the plan's limit, and those to be looked up first."""
    if stored.mode in ("tombstone", "hidden_by_limit"):
        return {"id": stored.id, "mode": stored.mode}
    if stored.access == "check_file_info" and not full:
        return {"id": stored.id, "mode": "file_access", "file_access": "check_file_info"}
    link = f"{ws.base_url}/files-pri/{ws.team_id}-{stored.id}"
    shown: Json = {
        "id": stored.id,
        "created": stored.created,
        "timestamp": stored.created,
        "name": stored.name,
        "title": stored.title,
        "mimetype": stored.mimetype,
        "filetype": stored.name.rpartition(".")[2].lower() if "." in stored.name else "",
        "pretty_type": stored.mimetype.partition("/")[2].upper(),
        "user": stored.owner,
        "user_team": ws.team_id,
        "editable": False,
        "size": stored.length,
        "mode": stored.mode,
        "is_external": stored.mode == "external",
        "is_public": any(ws.channels[channel].kind == PUBLIC for channel in stored.shares),
        "public_url_shared": False,
        "display_as_bot": False,
        "file_access": "visible",
        "url_private": f"{link}/{stored.name}",
        "url_private_download": f"{link}/download/{stored.name}",
        "permalink": f"https://{ws.domain}.slack.com/files/{stored.owner}/{stored.id}/{stored.name}",
        "channels": [channel for channel in stored.shares if ws.channels[channel].kind == PUBLIC],
        "groups": [],
        "ims": [],
        "shares": _shares(ws, stored),
    }
    if stored.mode == "external":
        del shown["url_private_download"]
    if stored.alt_text:
        shown["alt_txt"] = stored.alt_text
    return shown


def _shares(ws: SlackWorkspace, stored: StoredFile) -> Json:
    shares: Json = {}
    for channel, places in stored.shares.items():
        side = "public" if ws.channels[channel].kind == PUBLIC else "private"
        shares.setdefault(side, {})[channel] = [dict(place) for place in places]
    return shares
