"""What the Slack adapter needs to know, and what the Slack app has to be allowed, to hear and to offer for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

API_URL: Final = "https://slack.com/api/"

BOT_SCOPES: Final = (
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
    "reactions:write",
    "users:read",
)
APP_SCOPES: Final = ("connections:write",)  # of the app-level token, for Socket Mode
BOT_EVENTS: Final = (
    "app_home_opened",
    "app_mention",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "user_change",
)
SLASH_COMMANDS: Final = ("/sahut", "/claim", "/assign", "/snooze", "/resolve", "/inbox")
SHORTCUTS: Final = {
    "sahut_note": "note",
    "sahut_resolve": "resolve",
    "sahut_snooze": "snooze",
    "sahut_assign": "assign",
    "sahut_more": "more",
}
"""The command that each message shortcut calls, by the shortcut's callback id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConfig:
    """`channels` are the team channels, the default one first. Socket Mode where there is an `app_token`, else signed
    HTTP. `posts_per_second` is per channel, 0 = no pacing of ours. `allowed_hosts` as in `bridges.http`.
    """

    bot_token: str = field(repr=False)
    channels: tuple[str, ...]
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    api_url: str = API_URL
    posts_per_second: float = 1.0
    catch_up_hours: float = 72.0
    allowed_hosts: tuple[str, ...] = ()
    lang: str = "en"
