"""HTTP mode of the Slack stand-in: signed requests to the real slack_bolt behind a small web server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace
from tests.sandbox.slack_apps import listening, make_app
from tests.sandbox.slack_kit import actions, button, make_manifest, modal, real_client, running, settled

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Site:
    server: SlackServer
    workspace: SlackWorkspace
    app: AsyncApp
    ana: str
    team: str


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    workspace = SlackWorkspace(make_manifest(socket_mode=False))
    ana = workspace.add_user("Ana")
    team = workspace.add_channel("team", members=[ana])
    async with running(workspace) as server:
        server.switches.retry_delays = (0.0, 0.01, 0.02)
        app = make_app(server)
        async with listening(app) as url:
            server.http.app_url = url
            yield Site(server, workspace, app, ana, team)
            await settled(server)


async def test_the_url_is_verified(site: Site) -> None:
    assert await site.server.http.verify_url()
    site.server.http.forge_signature = True
    assert not await site.server.http.verify_url()


async def test_an_event_arrives_and_is_acknowledged(site: Site) -> None:
    heard: list[Body] = []

    @site.app.event("message")
    async def hear(event: Body) -> None:
        heard.append(event)

    site.workspace.driver.post(site.ana, site.team, "hello")
    await settled(site.server)
    assert [one["text"] for one in heard] == ["hello"]
    assert [one.outcome for one in site.server.http.attempts] == ["acknowledged"]


async def test_buttons_forms_and_commands_are_answered_in_the_body(site: Site) -> None:
    @site.app.event("message")
    async def ignore() -> None: ...

    @site.app.action(re.compile(".*"))
    async def take(ack: AsyncAck, body: Body) -> None:
        await ack()
        await real_client(site.server).views_open(trigger_id=body["trigger_id"], view=modal())

    @site.app.view("form")
    async def submitted(ack: AsyncAck, body: Body) -> None:
        if body["view"]["state"]["values"]["when"]["value"]["value"] == "2h":
            await ack()
        else:
            await ack(response_action="errors", errors={"when": "no"})

    @site.app.command("/sahut")
    async def command(ack: AsyncAck, body: Body) -> None:
        await ack(f"heard {body['text']}")

    driver = site.workspace.driver
    posted = await real_client(site.server).chat_postMessage(channel=site.team, text="card", blocks=[actions(button())])
    assert (await driver.click(site.ana, str(posted["ts"]), "Claim")).ok
    await site.workspace.wait_for(lambda: site.workspace.surfaces.top(site.ana))
    assert await driver.submit_view(site.ana, {"when": "never"}) == {"when": "no"}
    assert await driver.submit_view(site.ana, {"when": "2h"}) == {}
    assert (await driver.slash(site.ana, site.team, "/sahut", "inbox")).ok
    assert [one.text for one in site.workspace.seen_by(site.ana)] == ["heard inbox"]
    assert site.workspace.complaints == []


async def test_a_failing_event_comes_again_with_retry_headers(site: Site) -> None:
    seen: list[tuple[str, str]] = []

    @site.app.event("message")
    async def fail(request: Any) -> None:
        number = request.headers.get("x-slack-retry-num", ["0"])[0]
        seen.append((number, request.headers.get("x-slack-retry-reason", [""])[0]))
        if number != "2":
            raise RuntimeError("the store is away")

    @site.app.error
    async def quiet(error: Exception) -> None:
        del error

    site.workspace.driver.post(site.ana, site.team, "hello")
    await settled(site.server)
    assert seen == [("0", ""), ("1", "http_error"), ("2", "http_error")]
    assert site.workspace.lost_events == []


@pytest.mark.parametrize("fault", ["forged signature", "old stamp"])
async def test_what_is_not_genuine_is_refused_by_the_real_library(fault: str, site: Site) -> None:
    heard: list[Body] = []

    @site.app.event("message")
    async def hear(event: Body) -> None:
        heard.append(event)

    site.server.http.forge_signature = fault == "forged signature"
    site.server.http.clock_skew = -301.0 if fault == "old stamp" else 0.0
    site.workspace.driver.post(site.ana, site.team, "hello")
    await site.workspace.wait_for(lambda: site.workspace.lost_events)
    assert heard == []
    assert {one.outcome for one in site.server.http.attempts} == {"http_error"}


async def test_an_app_that_is_away_or_slow_is_tried_again(site: Site) -> None:
    server = site.server
    url, server.http.app_url = server.http.app_url, "http://127.0.0.1:1"
    site.workspace.driver.post(site.ana, site.team, "hello")
    await site.workspace.wait_for(lambda: site.workspace.lost_events)
    assert {one.outcome for one in server.http.attempts} == {"connection_failed"}
    assert not (await site.workspace.driver.slash(site.ana, site.team, "/sahut")).ok
    assert site.workspace.complaints == ["slash_commands: connection_failed"]
    server.http.app_url = url


async def test_slow_answers_time_out_and_no_retry_is_honoured() -> None:
    workspace = SlackWorkspace(make_manifest(socket_mode=False))
    ana = workspace.add_user("Ana")
    team = workspace.add_channel("team", members=[ana])
    hits: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        hits.append(request.headers.get("X-Slack-Retry-Num", "0"))
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    site = web.Application()
    site.router.add_post("/slack/events", refuse)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with running(workspace, app_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as server:
        server.switches.retry_delays = (0.0, 0.01, 0.02)
        workspace.driver.post(ana, team, "hello")
        await workspace.wait_for(lambda: workspace.lost_events)
        assert hits == ["0"]
        server.switches.ack_timeout = 0.0001
        workspace.driver.post(ana, team, "hello")
        await workspace.wait_for(lambda: len(workspace.lost_events) == 2)
        assert server.http.attempts[-1].outcome == "http_timeout"
    await runner.cleanup()
