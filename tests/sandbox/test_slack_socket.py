"""Socket Mode of the Slack stand-in, with the real slack_bolt at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace
from tests.sandbox.conftest import Scene
from tests.sandbox.slack_apps import connected, make_app
from tests.sandbox.slack_kit import make_manifest, real_client, running, settled

Heard = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def quick_retries(server: SlackServer) -> None:
    server.switches.retry_delays = (0.0, 0.01, 0.02)
    server.switches.ack_timeout = 0.3


@pytest.fixture
def heard() -> Heard:
    return []


@pytest.fixture
def app(server: SlackServer, heard: Heard) -> AsyncApp:
    """Hears every event and notes it with its retry number."""
    app = make_app(server)

    @app.event("message")
    @app.event("app_mention")
    @app.event("reaction_added")
    async def hear(event: dict[str, Any], body: dict[str, Any]) -> None:
        heard.append({**event, "event_id": body["event_id"]})

    return app


def texts(heard: Heard) -> list[str]:
    return [one["text"] for one in heard]


async def test_an_event_is_heard_answered_and_acknowledged(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    server.switches.ack_timeout = 3.0
    app = make_app(server)

    @app.event("message")
    async def answer(event: dict[str, Any], say: Callable[..., Any]) -> None:
        if "bot_id" not in event:
            await say("pong", thread_ts=event["ts"])

    async with connected(server, app):
        ts = workspace.driver.post(scene.ana, scene.team, "ping")
        await workspace.wait_for(lambda: len(workspace.thread(scene.team, ts)) == 2)
        await settled(server)
    assert [one["text"] for one in workspace.thread(scene.team, ts)] == ["ping", "pong"]
    assert {one.outcome for one in server.sockets.attempts} == {"acknowledged"}


async def test_an_event_whose_listener_fails_comes_again_up_to_three_times(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    app = make_app(server)
    seen: list[str] = []

    @app.event("message")
    async def fail(body: dict[str, Any], request: Any) -> None:
        seen.append(request.headers.get("x-slack-retry-num", ["0"])[0])
        raise RuntimeError("the store is away")

    @app.error
    async def quiet(error: Exception) -> None:
        del error

    server.switches.ack_timeout = 0.05
    async with connected(server, app):
        workspace.driver.post(scene.ana, scene.team, "ping")
        await workspace.wait_for(lambda: workspace.lost_events)
    assert seen == ["0", "1", "2", "3"]
    assert [one.reason for one in server.sockets.attempts] == ["", "timeout", "timeout", "timeout"]
    assert len({one.event_id for one in server.sockets.attempts}) == 1


async def test_events_during_a_short_absence_come_with_the_retries(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    server.switches.retry_delays = (0.0, 0.2, 0.2)
    workspace.driver.post(scene.ana, scene.team, "nobody is there")
    async with connected(server, app):
        await workspace.wait_for(lambda: server.idle)
    assert texts(heard) == ["nobody is there"]
    assert workspace.lost_events == []


async def test_events_during_a_long_absence_are_lost(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    server.switches.offline = True
    async with connected(server, app):
        workspace.driver.post(scene.ana, scene.team, "lost")
        await workspace.wait_for(lambda: workspace.lost_events)
        server.switches.offline = False
        workspace.driver.post(scene.ana, scene.team, "found")
        await settled(server)
    assert texts(heard) == ["found"]
    assert [one["event"]["text"] for one in workspace.lost_events] == ["lost"]


async def test_each_event_goes_to_one_of_several_sockets(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    async with connected(server, app, sockets=3):
        for number in range(6):
            workspace.driver.post(scene.ana, scene.team, f"m{number}")
        await settled(server)
        assert server.sockets.opened == 3
    assert sorted(texts(heard)) == [f"m{number}" for number in range(6)]


async def test_the_same_event_can_come_twice(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    server.switches.duplicate = True
    async with connected(server, app):
        workspace.driver.post(scene.ana, scene.team, "echo")
        await settled(server)
        server.switches.duplicate = False
        server.delivery.redeliver(heard[0]["event_id"])
        await settled(server)
    assert texts(heard) == ["echo"] * 3
    assert len({one["event_id"] for one in heard}) == 1


async def test_a_reply_can_come_before_its_parent(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    server.switches.swap = True
    async with connected(server, app):
        parent = workspace.driver.post(scene.ana, scene.team, "parent")
        workspace.driver.post(scene.ana, scene.team, "reply", thread_ts=parent)
        await settled(server)
    assert texts(heard) == ["reply", "parent"]


async def test_events_can_be_held_and_released_in_any_order(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    async with connected(server, app):
        server.delivery.hold()
        for text in ("one", "two", "three"):
            workspace.driver.post(scene.ana, scene.team, text)
        assert not server.idle
        server.delivery.release(reverse=True)
        await settled(server)
    assert texts(heard) == ["three", "two", "one"]


async def test_events_can_come_late(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    server.switches.delay = 0.05
    async with connected(server, app):
        workspace.driver.post(scene.ana, scene.team, "late")
        assert not server.sockets.attempts
        await settled(server)
    assert texts(heard) == ["late"]


@pytest.mark.parametrize("how", ["warning", "refresh_requested", "drop"])
async def test_the_client_comes_back_after_a_disconnect(
    how: str, server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    async with connected(server, app):
        if how == "drop":
            server.sockets.drop()
        else:
            server.sockets.refresh(how)
        await workspace.wait_for(lambda: server.sockets.opened == 2)
        await workspace.wait_for(lambda: len(server.sockets.connections) == 1)
        workspace.driver.post(scene.ana, scene.team, "welcome back")
        await settled(server)
    assert texts(heard) == ["welcome back"]


async def test_an_unacknowledged_event_comes_again_on_the_new_socket(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    server.switches.retry_delays = (0.0, 0.3, 0.3)
    async with connected(server, app):
        server.sockets.drop()
        workspace.driver.post(scene.ana, scene.team, "into the gap")
        await settled(server)
    assert "into the gap" in texts(heard)


async def test_ping_is_answered_with_the_same_bytes_and_hello_tells_the_connections(server: SlackServer) -> None:
    client = real_client(server)
    url = (await client.apps_connections_open(app_token=server.workspace.credentials.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoping=False) as socket:
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["connection_info"]["app_id"] == server.workspace.app_id
        await socket.ping(b"sdk-ping-pong:1.5")
        pong = await socket.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1.5")


async def test_an_unknown_ticket_is_refused_and_an_eleventh_socket_sent_away(server: SlackServer) -> None:
    client = real_client(server)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{server.api_url.removesuffix('api/')}link?ticket=forged")
        sockets = []
        for _ in range(10):
            opened = await client.apps_connections_open(app_token=server.workspace.credentials.app_token)
            sockets.append(await session.ws_connect(opened["url"]))
        eleventh = await session.ws_connect(opened["url"])
        frame = await eleventh.receive_json()
        assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
        await asyncio.gather(*(socket.close() for socket in [*sockets, eleventh]))


async def test_socket_mode_off_in_the_manifest_disables_the_link() -> None:
    workspace = SlackWorkspace(make_manifest(socket_mode=False))
    async with running(workspace) as server, aiohttp.ClientSession() as session:
        opened = await real_client(server).apps_connections_open(app_token=workspace.credentials.app_token)
        async with session.ws_connect(opened["url"]) as socket:
            assert (await socket.receive_json())["reason"] == "link_disabled"


async def test_the_client_comes_back_after_the_server_was_away(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene, app: AsyncApp, heard: Heard
) -> None:
    async with connected(server, app):
        await server.stop()
        await server.start()
        await workspace.wait_for(lambda: server.sockets.connections)
        workspace.driver.post(scene.ana, scene.team, "again")
        await settled(server)
    assert texts(heard) == ["again"]
