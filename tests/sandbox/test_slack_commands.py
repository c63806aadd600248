"""Shortcuts, slash commands and response URLs, with the real slack_bolt as the app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import DriverError, SlackServer, SlackWorkspace
from tests.sandbox.conftest import Scene
from tests.sandbox.slack_apps import Body, Heard, connected, listen_to_all, make_app, post_card
from tests.sandbox.slack_kit import (
    actions,
    button,
    settled,
)


@pytest.fixture
def heard() -> Heard:
    heard = Heard()
    heard.answer = {}
    return heard


@pytest.fixture
async def app(server: SlackServer, heard: Heard) -> AsyncIterator[AsyncApp]:
    app = make_app(server)
    listen_to_all(app, heard)
    async with connected(server, app):
        yield app
        await settled(server)


@pytest.mark.usefixtures("app")
async def test_a_message_shortcut_knows_the_thread_and_a_global_one_nothing(
    workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    parent = workspace.driver.post(scene.ana, scene.team, "parent")
    reply = workspace.driver.post(scene.budi, scene.team, "reply", thread_ts=parent)
    await workspace.driver.shortcut(scene.ana, reply, "note")
    await workspace.driver.global_shortcut(scene.ana, "new")
    on_message, anywhere = heard
    assert (on_message["message_ts"], on_message["message"]["thread_ts"]) == (reply, parent)
    assert not {"channel", "message", "response_url"} & set(anywhere)
    with pytest.raises(DriverError):
        await workspace.driver.shortcut(scene.ana, reply, "undeclared")
    with pytest.raises(DriverError):
        await workspace.driver.global_shortcut(scene.ana, "note")


@pytest.mark.usefixtures("app")
async def test_a_slash_command_has_no_thread_and_is_answered_privately(
    workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    ack = await workspace.driver.slash(scene.ana, scene.team, "/sahut", f"assign <@{scene.budi}> in <#{scene.team}>")
    assert ack.ok
    (body,) = heard
    assert body["text"] == f"assign <@{scene.budi}|budi> in <#{scene.team}|team>"
    assert not [key for key in body if "thread" in key or "message" in key]
    (answer,) = workspace.seen_by(scene.ana)
    assert (answer.text.startswith("heard assign"), answer.thread_ts) == (True, "")
    assert workspace.seen_by(scene.budi) == []
    with pytest.raises(DriverError):
        await workspace.driver.slash(scene.ana, scene.team, "/undeclared")


async def test_without_should_escape_names_arrive_as_typed(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    app = make_app(server)
    seen: list[str] = []

    @app.command("/plain")
    async def command(ack: AsyncAck, command: Body) -> None:
        seen.append(command["text"])
        await ack()

    async with connected(server, app):
        await workspace.driver.slash(scene.ana, scene.team, "/plain", f"assign <@{scene.budi}>")
    assert seen == ["assign @budi"]
    assert workspace.seen_by(scene.ana) == []


async def test_what_is_not_acknowledged_in_time_is_a_complaint(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    app = make_app(server)
    never = asyncio.Event()
    server.switches.ack_timeout = 0.05

    @app.command("/sahut")
    async def command() -> None:
        await never.wait()

    async with connected(server, app):
        ack = await workspace.driver.slash(scene.ana, scene.team, "/sahut")
        assert not ack.ok
        assert workspace.complaints == ["slash_commands: no acknowledgement in time"]
        never.set()
    assert not (await workspace.driver.slash(scene.ana, scene.team, "/sahut")).ok


async def test_a_response_url_works_five_times_within_thirty_minutes(
    server: SlackServer, client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    app = make_app(server)
    statuses: list[int] = []

    @app.event("message")
    async def ignore() -> None: ...

    @app.action("claim")
    async def claim(ack: AsyncAck, respond: AsyncRespond, body: Body) -> None:
        await ack()
        if statuses:
            clock = workspace.now
            workspace.now = lambda: clock() + 1801
            statuses.append((await respond("too late")).status_code)
            return
        statuses.append((await respond(text="to all", response_type="in_channel", replace_original=False)).status_code)
        statuses.append((await respond(text="in place", replace_original=True)).status_code)
        for number in range(4):
            answer = await respond(text=f"private {number}", replace_original=False, thread_ts=body["message"]["ts"])
            statuses.append(answer.status_code)

    async with connected(server, app):
        ts = await post_card(client, scene.team)
        await workspace.driver.click(scene.ana, ts, "Claim")
        await workspace.wait_for(lambda: len(statuses) == 6)
        message = workspace.message(scene.team, ts)
        assert message is not None
        assert message["text"] == "in place"
        assert statuses == [200, 200, 200, 200, 200, 404]
        assert [one.text for one in workspace.seen_by(scene.ana)] == ["private 0", "private 1", "private 2"]
        assert workspace.messages(scene.team)[-1]["text"] == "to all"
        second = await post_card(client, scene.team)
        await workspace.driver.click(scene.ana, second, "Claim")
        await workspace.wait_for(lambda: len(statuses) == 7)
        await settled(server)
    assert statuses[-1] == 404


async def test_an_ephemeral_is_clicked_replaced_and_deleted_through_its_response_url(
    server: SlackServer, client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    app = make_app(server)
    bodies: list[Body] = []

    @app.action("choose")
    async def choose(ack: AsyncAck, respond: AsyncRespond, body: Body) -> None:
        await ack()
        bodies.append(body)
        if body["actions"][0]["value"] == "away":
            await respond(delete_original=True)
        else:
            await respond(text="sure?", blocks=[actions(button("Away", "choose", value="away"))], replace_original=True)

    blocks = [actions(button("Send", "choose", value="send"))]
    shown = await client.chat_postEphemeral(channel=scene.team, user=scene.ana, text="held", blocks=blocks)
    async with connected(server, app):
        await workspace.driver.click(scene.ana, shown["message_ts"], "Send")
        await workspace.wait_for(lambda: workspace.seen_by(scene.ana)[0].text == "sure?")
        assert "message" not in bodies[0]
        assert bodies[0]["container"]["is_ephemeral"]
        await workspace.driver.click(scene.ana, shown["message_ts"], "Away")
        await workspace.wait_for(lambda: workspace.seen_by(scene.ana)[0].deleted)
    assert workspace.snapshot(scene.ana)["channels"][0]["ephemerals"] == []
