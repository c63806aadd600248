"""The app manifest: what the app may call, hears and offers. Beyond it everything is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sahut_bot.sandbox.slack.failure import ManifestError

# Slack docs, event reference: any one of the scopes is enough to subscribe.
EVENT_SCOPES: Mapping[str, tuple[str, ...]] = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "app_uninstalled": (),
    "tokens_revoked": (),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_left": ("channels:read",),
    "group_left": ("groups:read",),
    "channel_archive": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "channel_created": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "channel_rename": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "group_deleted": ("groups:read",),
    "group_rename": ("groups:read",),
    "user_change": ("users:read",),
    "team_join": ("users:read",),
    "file_created": ("files:read",),
    "file_shared": ("files:read",),
    "file_deleted": ("files:read",),
    "file_change": ("files:read",),
    "im_created": ("im:read",),
    "link_shared": ("links:read",),
    "team_rename": ("team:read",),
    "subteam_created": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
    "message_metadata_posted": ("metadata.message:read",),
}

KNOWN_SCOPES = frozenset(scope for scopes in EVENT_SCOPES.values() for scope in scopes) | {
    "bookmarks:read",
    "bookmarks:write",
    "channels:join",
    "channels:manage",
    "chat:write",
    "chat:write.customize",
    "chat:write.public",
    "commands",
    "emoji:read",
    "files:write",
    "groups:write",
    "im:read",
    "im:write",
    "links:write",
    "mpim:read",
    "mpim:write",
    "pins:read",
    "pins:write",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users.profile:read",
    "users:read.email",
    "users:write",
}

_SECTIONS = frozenset(("_metadata", "display_information", "features", "oauth_config", "settings"))
_MAX_COMMANDS, _MAX_SHORTCUTS = 50, 10  # Slack docs, manifest reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str
    url: str
    should_escape: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    callback_id: str
    label: str
    kind: str  # message or global


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    app_name: str
    bot_name: str
    scopes: frozenset[str]
    events: frozenset[str]
    commands: Mapping[str, Command] = field(default_factory=dict)
    shortcuts: Mapping[str, Shortcut] = field(default_factory=dict)
    home_tab: bool = False
    messages_tab: bool = False
    interactivity: bool = False
    socket_mode: bool = False
    events_url: str = ""
    interactivity_url: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Manifest:
        """Raises `ManifestError` where Slack's own form would refuse to save."""
        _only(raw, _SECTIONS, "manifest")
        features: Mapping[str, Any] = raw.get("features", {})
        settings: Mapping[str, Any] = raw.get("settings", {})
        subscriptions: Mapping[str, Any] = settings.get("event_subscriptions", {})
        interactivity: Mapping[str, Any] = settings.get("interactivity", {})
        name = str(raw.get("display_information", {}).get("name", ""))
        if not 1 <= len(name) <= 35:
            raise ManifestError("display_information.name must have 1 to 35 characters")
        home: Mapping[str, Any] = features.get("app_home", {})
        manifest = cls(
            app_name=name,
            bot_name=str(features.get("bot_user", {}).get("display_name", "")),
            scopes=frozenset(raw.get("oauth_config", {}).get("scopes", {}).get("bot", ())),
            events=frozenset(subscriptions.get("bot_events", ())),
            commands={command.name: command for command in map(_command, features.get("slash_commands", ()))},
            shortcuts={shortcut.callback_id: shortcut for shortcut in map(_shortcut, features.get("shortcuts", ()))},
            home_tab=bool(home.get("home_tab_enabled", False)),
            messages_tab=bool(home.get("messages_tab_enabled", False)),
            interactivity=bool(interactivity.get("is_enabled", False)),
            socket_mode=bool(settings.get("socket_mode_enabled", False)),
            events_url=str(subscriptions.get("request_url", "")),
            interactivity_url=str(interactivity.get("request_url", "")),
        )
        _check_grants(manifest)
        _check_delivery(manifest)
        return manifest


def _only(raw: Mapping[str, Any], allowed: frozenset[str], where: str) -> None:
    if unknown := set(raw) - allowed:
        raise ManifestError(f"{where}: unknown {', '.join(sorted(unknown))}")


def _command(raw: Mapping[str, Any]) -> Command:
    _only(raw, frozenset(("command", "url", "description", "usage_hint", "should_escape")), "slash command")
    name = str(raw.get("command", ""))
    if not name.startswith("/") or len(name) > 32 or not raw.get("description"):
        raise ManifestError(f"slash command {name!r} needs a leading slash, at most 32 characters and a description")
    return Command(name=name, url=str(raw.get("url", "")), should_escape=bool(raw.get("should_escape", False)))


def _shortcut(raw: Mapping[str, Any]) -> Shortcut:
    _only(raw, frozenset(("name", "type", "callback_id", "description")), "shortcut")
    label, kind, callback_id = (str(raw.get(key, "")) for key in ("name", "type", "callback_id"))
    if not 1 <= len(label) <= 24 or kind not in ("message", "global") or not 1 <= len(callback_id) <= 255:
        raise ManifestError(f"shortcut {label!r} needs a name of at most 24 characters, a type and a callback_id")
    if not 1 <= len(str(raw.get("description", ""))) <= 150:
        raise ManifestError(f"shortcut {label!r} needs a description of at most 150 characters")
    return Shortcut(callback_id=callback_id, label=label, kind=kind)


def _check_grants(manifest: Manifest) -> None:
    if unknown := manifest.scopes - KNOWN_SCOPES:
        raise ManifestError(f"unknown bot scopes: {', '.join(sorted(unknown))}")
    if unknown := manifest.events - set(EVENT_SCOPES):
        raise ManifestError(f"unknown bot events: {', '.join(sorted(unknown))}")
    for event in sorted(manifest.events):
        wanted = EVENT_SCOPES[event]
        if wanted and not manifest.scopes & set(wanted):
            raise ManifestError(f"event {event} needs the scope {' or '.join(wanted)}")
    if (manifest.commands or manifest.shortcuts) and "commands" not in manifest.scopes:
        raise ManifestError("slash commands and shortcuts need the scope commands")
    if len(manifest.commands) > _MAX_COMMANDS or len(manifest.shortcuts) > _MAX_SHORTCUTS:
        raise ManifestError("too many slash commands or shortcuts")
    if manifest.scopes and not manifest.bot_name:
        raise ManifestError("bot scopes need features.bot_user.display_name")


def _check_delivery(manifest: Manifest) -> None:
    if manifest.socket_mode:
        return
    if manifest.events and not manifest.events_url:
        raise ManifestError("without Socket Mode, event_subscriptions needs a request_url")
    if manifest.interactivity and not manifest.interactivity_url:
        raise ManifestError("without Socket Mode, interactivity needs a request_url")
    if without := [command.name for command in manifest.commands.values() if not command.url]:
        raise ManifestError(f"without Socket Mode, slash commands need a url: {', '.join(without)}")
