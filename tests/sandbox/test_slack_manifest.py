"""Manifests that Slack would not save."""

from __future__ import annotations

from typing import Any

import pytest

from sahut_bot.sandbox.slack import Manifest, ManifestError
from tests.sandbox.slack_kit import SCOPES, make_manifest


def test_a_good_manifest_is_read_for_both_ways_of_delivery() -> None:
    socket = Manifest.parse(make_manifest())
    assert socket.socket_mode
    assert socket.scopes == set(SCOPES)
    assert socket.commands["/sahut"].should_escape
    assert socket.shortcuts["note"].kind == "message"
    http = Manifest.parse(make_manifest(socket_mode=False))
    assert http.events_url.endswith("/slack/events")


def without_url(manifest: dict[str, Any]) -> None:
    manifest["settings"]["socket_mode_enabled"] = False


def long_shortcut(manifest: dict[str, Any]) -> None:
    manifest["features"]["shortcuts"][0]["name"] = "x" * 25


def bare_command(manifest: dict[str, Any]) -> None:
    manifest["features"]["slash_commands"][0]["command"] = "sahut"


def unknown_section(manifest: dict[str, Any]) -> None:
    manifest["feature"] = {}


def unknown_scope(manifest: dict[str, Any]) -> None:
    manifest["oauth_config"]["scopes"]["bot"].append("chat:shout")


def unknown_event(manifest: dict[str, Any]) -> None:
    manifest["settings"]["event_subscriptions"]["bot_events"].append("message.everything")


def event_without_scope(manifest: dict[str, Any]) -> None:
    manifest["oauth_config"]["scopes"]["bot"].remove("reactions:read")


def command_without_scope(manifest: dict[str, Any]) -> None:
    manifest["oauth_config"]["scopes"]["bot"].remove("commands")


def nameless(manifest: dict[str, Any]) -> None:
    manifest["display_information"] = {"name": ""}


@pytest.mark.parametrize(
    "spoil",
    [
        without_url,
        long_shortcut,
        bare_command,
        unknown_section,
        unknown_scope,
        unknown_event,
        event_without_scope,
        command_without_scope,
        nameless,
    ],
)
def test_a_spoiled_manifest_is_refused(spoil: Any) -> None:
    manifest = make_manifest()
    spoil(manifest)
    with pytest.raises(ManifestError):
        Manifest.parse(manifest)
