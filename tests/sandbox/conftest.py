"""The Slack stand-in with one team: Ana and Budi are agents, Gita is a guest, the bot is called sahut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace
from tests.sandbox.slack_kit import make_manifest, real_client, running


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is where. `team` is the public channel with everyone and the bot, `secret` a private one without the bot."""

    ana: str
    budi: str
    gita: str
    outsider: str
    team: str
    secret: str


@pytest.fixture
def workspace() -> SlackWorkspace:
    return SlackWorkspace(make_manifest())


@pytest.fixture
def scene(workspace: SlackWorkspace) -> Scene:
    ana = workspace.add_user("Ana", is_admin=True)
    budi = workspace.add_user("Budi")
    gita = workspace.add_user("Gita", guest="multi")
    outsider = workspace.add_user("Otto")
    team = workspace.add_channel("team", members=[ana, budi, gita])
    secret = workspace.add_channel("secret", members=[ana], private=True, with_bot=False)
    return Scene(ana, budi, gita, outsider, team, secret)


@pytest.fixture
async def server(workspace: SlackWorkspace, scene: Scene) -> AsyncIterator[SlackServer]:
    async with running(workspace) as server:
        yield server


@pytest.fixture
def client(server: SlackServer) -> AsyncWebClient:
    return real_client(server)
