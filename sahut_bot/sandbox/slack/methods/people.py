"""auth.test, bots.info and users.*."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack.access import find_user
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.methods.conversations import make_cursor, open_cursor
from sahut_bot.sandbox.slack.model import Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace


def auth_test(ws: SlackWorkspace, args: Arguments) -> Json:
    return {
        "url": f"https://{ws.domain}.slack.com/",
        "team": ws.team_name,
        "user": ws.users[ws.bot_user_id].name,
        "team_id": ws.team_id,
        "user_id": ws.bot_user_id,
        "bot_id": ws.bot_id,
        "is_enterprise_install": False,
    }


def bots_info(ws: SlackWorkspace, args: Arguments) -> Json:
    if args.text("bot") not in ("", ws.bot_id):
        raise ApiError("bot_not_found")
    return {
        "bot": {
            "id": ws.bot_id,
            "deleted": False,
            "name": ws.users[ws.bot_user_id].name,
            "updated": ws.users[ws.bot_user_id].updated,
            "app_id": ws.app_id,
            "user_id": ws.bot_user_id,
            "icons": {},
        }
    }


def users_info(ws: SlackWorkspace, args: Arguments) -> Json:
    user = find_user(ws, args.need("user", "user_not_found"))
    return {"user": user.as_json(with_email=_with_email(ws))}


def users_list(ws: SlackWorkspace, args: Arguments) -> Json:
    start = int(open_cursor(args.text("cursor"), "user") or 0)
    everyone = list(ws.users.values())
    limit = args.number("limit", len(everyone) or 1, most=1000)
    page = [user.as_json(with_email=_with_email(ws)) for user in everyone[start : start + limit]]
    end = start + limit
    cursor = make_cursor("user", str(end)) if end < len(everyone) else ""
    return {"members": page, "cache_ts": int(ws.now()), "response_metadata": {"next_cursor": cursor}}


def _with_email(ws: SlackWorkspace) -> bool:
    """Addresses need a scope of their own (Slack docs, users:read.email)."""
    if "users:read.email" not in ws.manifest.scopes:
        return False
    ws.scopes_used.add("users:read.email")
    return True
