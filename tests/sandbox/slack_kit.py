"""Builders for the tests of the Slack stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
)
EVENTS = (
    "app_home_opened",
    "app_mention",
    "channel_archive",
    "channel_left",
    "channel_rename",
    "file_shared",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "reaction_added",
    "reaction_removed",
    "user_change",
)


def make_manifest(
    *, scopes: Sequence[str] = SCOPES, events: Sequence[str] = EVENTS, socket_mode: bool = True, without: str = ""
) -> dict[str, Any]:
    """A manifest like that of a real app; `without` leaves one scope out."""
    base = "https://bot.example.com"
    url = {} if socket_mode else {"url": f"{base}/slack/commands"}
    request = {} if socket_mode else {"request_url": f"{base}/slack/interactive"}
    return {
        "display_information": {"name": "Sahut"},
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
            "bot_user": {"display_name": "sahut", "always_online": True},
            "shortcuts": [
                {"name": "Internal note", "type": "message", "callback_id": "note", "description": "Write a note"},
                {"name": "New", "type": "global", "callback_id": "new", "description": "Write first"},
            ],
            "slash_commands": [
                {"command": "/sahut", "description": "Queue", "should_escape": True, **url},
                {"command": "/plain", "description": "Names as typed", **url},
            ],
        },
        "oauth_config": {"scopes": {"bot": [scope for scope in scopes if scope != without]}},
        "settings": {
            "event_subscriptions": {"bot_events": list(events)}
            | ({} if socket_mode else {"request_url": f"{base}/slack/events"}),
            "interactivity": {"is_enabled": True, **request},
            "socket_mode_enabled": socket_mode,
        },
    }


@asynccontextmanager
async def running(workspace: SlackWorkspace, *, app_url: str = "") -> AsyncIterator[SlackServer]:
    server = SlackServer(workspace, app_url=app_url)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def real_client(server: SlackServer) -> AsyncWebClient:
    """Without its own retries, so that what a test sees is what the server did."""
    return AsyncWebClient(server.workspace.credentials.bot_token, base_url=server.api_url, retry_handlers=[])


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(label: str = "Claim", action_id: str = "claim", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), "action_id": action_id, **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def text_input(block_id: str = "when", **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "value"}
    return {"type": "input", "block_id": block_id, "label": plain("When"), "element": element, **more}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    view = {"type": "modal", "callback_id": "form", "title": plain("Snooze"), "submit": plain("Go")}
    return {**view, "blocks": list(blocks) or [text_input()], **more}


def events_of(workspace: SlackWorkspace, kind: str = "") -> list[dict[str, Any]]:
    """The inner events so far, of one type or subtype."""
    inner = [envelope["event"] for envelope in workspace.events]
    return [event for event in inner if kind in ("", event["type"], event.get("subtype"))]


async def refused(awaitable: Any) -> dict[str, Any]:
    """The body of the refusal that the real client raised."""
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return dict(caught.value.response.data)


async def settled(server: SlackServer) -> None:
    """Waits until every event was acknowledged or given up."""
    await server.workspace.wait_for(lambda: server.idle)
