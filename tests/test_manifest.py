"""The Slack manifest: what Slack's form accepts, and nothing that the adapter does not use."""

from __future__ import annotations

import json

import pytest

from sahut_bot import manifest
from sahut_bot.errors import ConfigError
from sahut_bot.sandbox.slack.manifest import Manifest


def test_the_stand_in_accepts_the_manifest_for_both_ways_of_connecting():
    over_socket = Manifest.parse(manifest.slack(None, socket_mode=True))
    assert over_socket.socket_mode
    over_http = Manifest.parse(manifest.slack("https://inbox.example", socket_mode=False))
    assert over_http.events_url == "https://inbox.example/slack/events"
    assert over_http.interactivity_url == "https://inbox.example/slack/interactive"
    assert {command.url for command in over_http.commands.values()} == {"https://inbox.example/slack/commands"}
    assert over_http.scopes == over_socket.scopes == set(manifest.scopes())


def test_over_http_the_public_address_is_needed():
    with pytest.raises(ConfigError, match="SAHUT_PUBLIC_URL"):
        manifest.slack(None, socket_mode=False)


def test_the_printed_form_reads_back_as_the_same_manifest():
    made = manifest.slack("https://inbox.example", socket_mode=False)
    assert json.loads(manifest.render(made)) == made


def test_slash_commands_escape_mentions_so_that_people_come_as_ids():
    assert all(command.should_escape for command in Manifest.parse(manifest.slack(None, True)).commands.values())


def test_there_are_no_more_shortcuts_than_slack_shows():
    assert len(manifest.SHORTCUTS) <= 5
    assert all(len(name) <= 24 for name, _ in manifest.SHORTCUTS.values())
