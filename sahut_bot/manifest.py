"""The Slack app as a manifest: exactly the scopes, events, commands and shortcuts that the adapter uses, and no more.

Scopes are not listed anywhere: they follow from the methods that the adapter calls and the events that it hears. A test
compares both tables with the adapter. Rules: Slack docs, app manifest reference, and each method's and event's page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sahut_bot.errors import ConfigError

_HISTORY = ("channels:history", "groups:history")
_CHANNEL = ("channels:read", "groups:read")

# What the adapter calls, with the bot scopes that it takes. `chat:write.customize` shows the customer's name.
METHODS: Mapping[str, tuple[str, ...]] = {
    "auth.test": (),
    "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write", "chat:write.customize"),
    "chat.update": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.info": _CHANNEL,
    "conversations.members": _CHANNEL,
    "conversations.replies": _HISTORY,
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "users.info": ("users:read",),
    "views.open": (),
    "views.publish": (),
    "views.update": (),
}

# What the adapter hears.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "member_joined_channel": _CHANNEL,
    "member_left_channel": _CHANNEL,
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "user_change": ("users:read",),
}

# Slash commands do not run in threads: these name the conversation, like `/snooze #1042 2h`.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "/sahut": ("Any command, outside threads", "snooze #1042 2h | inbox mine | search text | help"),
    "/claim": ("Make a conversation yours", "#1042"),
    "/assign": ("Hand a conversation to a colleague or a team", "#1042 @colleague"),
    "/snooze": ("Put a conversation away until later", "#1042 2h | tomorrow 9am | until reply"),
    "/resolve": ("Close a conversation", "#1042 [reason]"),
    "/inbox": ("What waits for an answer", "[all | mine | unassigned | team]"),
}

# Message shortcuts do run in threads. Slack shows five at most.
SHORTCUTS: Mapping[str, tuple[str, str]] = {
    "sahut_note": ("Internal note", "Write a note that the customer never sees"),
    "sahut_resolve": ("Resolve", "Close this conversation"),
    "sahut_snooze": ("Snooze", "Put this conversation away until later"),
    "sahut_assign": ("Assign", "Hand this conversation to a colleague or a team"),
    "sahut_more": ("More", "Everything else that can be done here"),
}


def scopes() -> list[str]:
    """The bot token's scopes, sorted."""
    needed = {scope for table in (METHODS, EVENTS) for scopes in table.values() for scope in scopes}
    return sorted({*needed, "commands"})


def slack(public_url: str | None, socket_mode: bool) -> dict[str, Any]:
    """The manifest. Without Socket Mode Slack must reach us: raises `ConfigError` if `public_url` is not known."""
    if not socket_mode and public_url is None:
        raise ConfigError("SAHUT_PUBLIC_URL is not set: without Socket Mode Slack must know where to reach the bot")

    base = None if socket_mode else f"{public_url}/slack"
    request_url = {} if base is None else {"request_url": f"{base}/events"}
    interactive_url = {} if base is None else {"request_url": f"{base}/interactive"}
    return {
        "display_information": {"name": "Sahut", "description": "Customer conversations as threads"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": False,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "sahut", "always_online": True},
            "shortcuts": [
                {"name": name, "type": "message", "callback_id": key, "description": description}
                for key, (name, description) in SHORTCUTS.items()
            ],
            "slash_commands": [_slash_command(command, base) for command in COMMANDS],
        },
        "oauth_config": {"scopes": {"bot": scopes()}},
        "settings": {
            "event_subscriptions": {**request_url, "bot_events": sorted(EVENTS)},
            "interactivity": {"is_enabled": True, **interactive_url},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }


def _slash_command(command: str, base: str | None) -> dict[str, Any]:
    description, hint = COMMANDS[command]
    url = {} if base is None else {"url": f"{base}/commands"}
    # Escaped, @colleague comes as an id, not as a name that two people may have.
    return {"command": command, **url, "description": description, "usage_hint": hint, "should_escape": True}


def render(manifest: Mapping[str, Any]) -> str:
    """As JSON, which Slack's form takes in both of its tabs, since JSON is YAML too."""
    return json.dumps(manifest, indent=2, ensure_ascii=False)
