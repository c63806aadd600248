"""The Slack manifest: what Slack's form accepts, and nothing that the adapter does not use."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from sahut_bot import manifest
from sahut_bot.bridges.teamchat import slack_api, slack_config, slack_limits
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


def test_the_manifest_is_what_the_adapter_says_it_uses():
    assert set(manifest.METHODS) == set(slack_api.METHODS) - {"apps.connections.open"}  # that one is the app token's
    assert set(manifest.EVENTS) == set(slack_config.BOT_EVENTS)
    assert manifest.scopes() == sorted(slack_config.BOT_SCOPES)
    assert set(manifest.COMMANDS) == set(slack_config.SLASH_COMMANDS)
    assert set(manifest.SHORTCUTS) == set(slack_config.SHORTCUTS)


def words_of_the_adapter() -> set[str]:
    """Every string and attribute in the adapter's code but for its own tables of methods, limits, scopes and events."""
    found: set[str] = set()
    for path in Path(slack_api.__file__).parent.glob("slack*.py"):
        tree = ast.parse(path.read_text())
        tables = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        inside = {id(inner) for table in tables for inner in ast.walk(table)}
        rest = [node for node in ast.walk(tree) if id(node) not in inside]
        found |= {node.value for node in rest if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        found |= {node.attr for node in rest if isinstance(node, ast.Attribute)}
    return found


def test_what_the_adapter_says_it_uses_it_does_use():
    words = words_of_the_adapter() | {slack_limits.POST, "apps.connections.open"}  # the SDK opens the socket
    unused = [name for name, method in slack_api.METHODS.items() if not {name, method.function} & words]
    assert unused == []
    events = {event.partition(".")[0] for event in slack_config.BOT_EVENTS}
    assert [event for event in sorted(events) if event not in words] == []
