"""conversations.* and users.conversations."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack import timeline
from sahut_bot.sandbox.slack.access import channel_scope, find_user, joined, need_scope, visible
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import DIRECT, PRIVATE, PUBLIC, Channel, Json
from sahut_bot.sandbox.slack.timeline import ts_key

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_KINDS = {"public_channel": PUBLIC, "private_channel": PRIVATE, "im": DIRECT, "mpim": "mpim"}
_READ_SCOPE = {PUBLIC: "channels:read", PRIVATE: "groups:read", DIRECT: "im:read", "mpim": "mpim:read"}


def info(ws: SlackWorkspace, args: Arguments) -> Json:
    channel = visible(ws, args)
    channel_scope(ws, channel, "read")
    return {"channel": channel_json(ws, channel, with_count=args.flag("include_num_members"))}


def channel_json(ws: SlackWorkspace, channel: Channel, *, with_count: bool = False) -> Json:
    if channel.kind == DIRECT:
        shown: Json = {"id": channel.id, "created": channel.created, "is_im": True, "is_archived": False}
        return shown | {"is_org_shared": False, "user": channel.peer, "is_user_deleted": ws.users[channel.peer].deleted}
    shown = {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == PUBLIC,
        "is_group": channel.kind == PRIVATE,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.kind == PRIVATE,
        "created": channel.created,
        "creator": channel.creator,
        "is_archived": channel.is_archived,
        "is_general": False,
        "is_member": ws.bot_user_id in channel.members,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "shared_team_ids": [ws.team_id],
        "context_team_id": ws.team_id,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }
    return shown | ({"num_members": len(channel.members)} if with_count else {})


def list_all(ws: SlackWorkspace, args: Arguments) -> Json:
    kinds = _kinds(ws, args)
    rooms = [one for one in ws.channels.values() if one.kind in kinds]
    rooms = [one for one in rooms if one.kind == PUBLIC or ws.bot_user_id in one.members]
    return _channel_page(ws, args, rooms, with_count=True)


def users_conversations(ws: SlackWorkspace, args: Arguments) -> Json:
    kinds = _kinds(ws, args)
    user = args.text("user") or ws.bot_user_id
    find_user(ws, user)
    rooms = [one for one in ws.channels.values() if one.kind in kinds and user in one.members]
    rooms = [one for one in rooms if one.kind == PUBLIC or ws.bot_user_id in one.members]
    return _channel_page(ws, args, rooms, with_count=False)


def _kinds(ws: SlackWorkspace, args: Arguments) -> set[str]:
    names = args.text("types") or "public_channel"
    kinds: set[str] = set()
    for name in names.split(","):
        if name.strip() not in _KINDS:
            raise ApiError("invalid_types")
        kinds.add(_KINDS[name.strip()])
    for kind in sorted(kinds):
        need_scope(ws, _READ_SCOPE[kind])
    return kinds


def _channel_page(ws: SlackWorkspace, args: Arguments, rooms: list[Channel], *, with_count: bool) -> Json:
    if args.flag("exclude_archived"):
        rooms = [one for one in rooms if not one.is_archived]
    start, limit = _start(args), args.number("limit", 100, most=999)
    shown = [channel_json(ws, one, with_count=with_count) for one in rooms[start : start + limit]]
    return {"channels": shown, "response_metadata": {"next_cursor": _next(start + limit, len(rooms))}}


def members(ws: SlackWorkspace, args: Arguments) -> Json:
    """Deactivated people stay listed: only their own record says that they are gone."""
    channel = visible(ws, args)
    channel_scope(ws, channel, "read")
    start, limit = _start(args), args.number("limit", 100, most=999)
    everyone = list(channel.members)
    page = everyone[start : start + limit]
    return {"members": page, "response_metadata": {"next_cursor": _next(start + limit, len(everyone))}}


def _start(args: Arguments) -> int:
    return int(open_cursor(args.text("cursor"), "at") or 0)


def _next(end: int, total: int) -> str:
    return make_cursor("at", str(end)) if end < total else ""


def make_cursor(kind: str, value: str) -> str:
    return base64.b64encode(f"{kind}:{value}".encode()).decode()


def open_cursor(cursor: str, kind: str) -> str:
    """The value inside a cursor of ours. Raises invalid_cursor for any other."""
    if not cursor:
        return ""
    try:
        found, _, value = base64.b64decode(cursor.encode(), validate=True).decode().partition(":")
    except ValueError:
        raise ApiError("invalid_cursor") from None
    if found != kind:
        raise ApiError("invalid_cursor")
    return value


def history(ws: SlackWorkspace, args: Arguments) -> Json:
    """Channel level only, newest first (Slack docs, conversations.history)."""
    channel = visible(ws, args)
    channel_scope(ws, channel, "history")
    joined(ws, channel)
    low, high = _span(channel.top, args, 0)
    if cursor := open_cursor(args.text("cursor"), "next_ts"):
        high = min(high, bisect_left(channel.top, ts_key(cursor), key=ts_key))
    start = max(low, high - args.number("limit", 100, most=999))
    page = channel.top[start:high]
    with_metadata = args.flag("include_all_metadata")
    shown = [timeline.history_view(channel.messages[ts], with_metadata=with_metadata) for ts in reversed(page)]
    more = start > low
    answer: Json = {"messages": shown, "has_more": more, "pin_count": 0, "channel_actions_ts": None}
    return answer | ({"response_metadata": {"next_cursor": make_cursor("next_ts", page[0])}} if more else {})


def _span(line: list[str], args: Arguments, low: int) -> tuple[int, int]:
    """The part of a time line between `oldest` and `latest`; `inclusive` takes the borders in."""
    oldest = args.ts("oldest", code="invalid_ts_oldest", loose=True)
    latest = args.ts("latest", code="invalid_ts_latest", loose=True)
    inclusive = args.flag("inclusive")
    high = len(line)
    if oldest:
        cut = bisect_left if inclusive else bisect_right
        low = max(low, cut(line, ts_key(oldest), key=ts_key))
    if latest:
        cut = bisect_right if inclusive else bisect_left
        high = cut(line, ts_key(latest), key=ts_key)
    return low, max(low, high)


def replies(ws: SlackWorkspace, args: Arguments) -> Json:
    """Oldest first; the parent leads every page, whatever `oldest` says (Slack docs, conversations.replies)."""
    channel = visible(ws, args)
    channel_scope(ws, channel, "history")
    joined(ws, channel)
    ts = args.ts("ts", code="thread_not_found")
    if not ts or ts not in channel.messages:
        raise ApiError("thread_not_found")
    line = channel.threads.get(ts, [])
    low, high = _span(line, args, 0)
    if cursor := open_cursor(args.text("cursor"), "next_reply"):
        low = max(low, bisect_left(line, ts_key(cursor), key=ts_key))
    end = min(high, low + max(1, args.number("limit", 1000, most=1000) - 1))
    with_metadata = args.flag("include_all_metadata")
    page = [ts, *line[low:end]]
    shown = [timeline.history_view(channel.messages[one], with_metadata=with_metadata) for one in page]
    more = end < high
    answer: Json = {"messages": shown, "has_more": more}
    return answer | ({"response_metadata": {"next_cursor": make_cursor("next_reply", line[end])}} if more else {})


def open_direct(ws: SlackWorkspace, args: Arguments) -> Json:
    """One person only: the direct message with the app."""
    if args.has("channel"):
        channel = visible(ws, args)
        return {"channel": {"id": channel.id}, "no_op": True, "already_open": True}
    names = [one.strip() for one in args.need("users", "users_list_not_supplied").split(",")]
    need_scope(ws, "im:write" if len(names) == 1 else "mpim:write")
    if len(names) > 1:
        raise ApiError("method_not_supported_for_channel_type")  # the stand-in keeps no group messages
    user = find_user(ws, names[0])
    if user.deleted:
        raise ApiError("user_disabled")
    if user.is_bot:
        raise ApiError("cannot_dm_bot")
    channel = ws.direct_channel(user.id)
    return {"channel": channel_json(ws, channel) if args.flag("return_im") else {"id": channel.id}}
