"""Buttons, menus, forms and App Home, with the real slack_bolt as the app."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import DriverError, SlackServer, SlackWorkspace
from tests.sandbox.conftest import Scene
from tests.sandbox.slack_apps import Heard, connected, listen_to_all, make_app, post_card
from tests.sandbox.slack_kit import (
    actions,
    button,
    events_of,
    make_manifest,
    modal,
    plain,
    refused,
    settled,
    text_input,
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
async def test_a_click_carries_container_message_value_and_trigger(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    parent = await post_card(client, scene.team)
    reply = await post_card(client, scene.team, thread_ts=parent)
    assert (await workspace.driver.click(scene.ana, reply, "Claim")).ok
    (body,) = heard
    assert body["container"] == {
        "type": "message",
        "message_ts": reply,
        "channel_id": scene.team,
        "is_ephemeral": False,
        "thread_ts": parent,
    }
    assert body["message"]["thread_ts"] == parent
    assert (body["actions"][0]["action_id"], body["actions"][0]["value"]) == ("claim", "claim #1")
    assert body["user"]["id"] == scene.ana
    assert body["channel"]["name"] == "team"
    assert body["response_url"].startswith(workspace.base_url)
    assert body["state"]["values"]["bar"]["when"]["selected_option"] is None
    assert workspace.complaints == []


@pytest.mark.usefixtures("app")
async def test_a_choice_carries_the_option(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    ts = await post_card(client, scene.team)
    await workspace.driver.select(scene.budi, ts, "when", "Tomorrow")
    assert heard[0]["actions"][0]["selected_option"]["value"] == "1d"
    assert heard[0]["state"]["values"]["bar"]["when"]["selected_option"]["value"] == "1d"
    with pytest.raises(DriverError):
        await workspace.driver.select(scene.budi, ts, "when", "Next year")
    with pytest.raises(DriverError):
        await workspace.driver.click(scene.outsider, ts, "Claim")
    with pytest.raises(DriverError):
        await workspace.driver.click(scene.ana, ts, "No such button")


@pytest.mark.usefixtures("app")
async def test_a_modal_goes_through_errors_to_the_end(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    await workspace.driver.click(scene.ana, await post_card(client, scene.team), "Claim")
    view = modal(text_input(), text_input("why", optional=True), private_metadata="#1")
    opened = await client.views_open(trigger_id=heard[0]["trigger_id"], view=view)
    assert opened["view"]["state"]["values"]["when"]["value"]["value"] is None
    with pytest.raises(DriverError):
        await workspace.driver.submit_view(scene.ana)  # a required field is empty
    heard.answer = {"response_action": "errors", "errors": {"when": "in the past"}}
    assert await workspace.driver.submit_view(scene.ana, {"when": "yesterday"}) == {"when": "in the past"}
    assert workspace.snapshot(scene.ana)["modal"]["errors"] == {"when": "in the past"}
    heard.answer = {}
    assert await workspace.driver.submit_view(scene.ana, {"when": "2h"}) == {}
    assert workspace.surfaces.top(scene.ana) is None
    submitted = heard[-1]
    assert submitted["type"] == "view_submission"
    assert submitted["view"]["private_metadata"] == "#1"
    assert submitted["view"]["state"]["values"]["when"]["value"] == {"type": "plain_text_input", "value": "2h"}
    assert workspace.complaints == []


@pytest.mark.usefixtures("app")
async def test_a_submission_can_update_push_and_clear(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    await workspace.driver.click(scene.ana, await post_card(client, scene.team), "Claim")
    await client.views_open(trigger_id=heard[0]["trigger_id"], view=modal())
    heard.answer = {"response_action": "update", "view": modal(text_input("second"))}
    await workspace.driver.submit_view(scene.ana, {"when": "2h"})
    top = workspace.surfaces.top(scene.ana)
    assert top is not None
    assert top["blocks"][0]["block_id"] == "second"
    heard.answer = {"response_action": "push", "view": modal(text_input("third"))}
    await workspace.driver.submit_view(scene.ana, {"second": "x"})
    assert len(workspace.surfaces.modals[scene.ana]) == 2
    heard.answer = {"response_action": "clear"}
    await workspace.driver.submit_view(scene.ana, {"third": "x"})
    assert workspace.surfaces.modals[scene.ana] == []
    assert workspace.complaints == []


@pytest.mark.usefixtures("app")
async def test_a_bad_answer_to_a_submission_is_a_complaint(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    await workspace.driver.click(scene.ana, await post_card(client, scene.team), "Claim")
    await client.views_open(trigger_id=heard[0]["trigger_id"], view=modal())
    heard.answer = {"response_action": "errors", "errors": {"no such block": "x"}}
    await workspace.driver.submit_view(scene.ana, {"when": "2h"})
    assert workspace.surfaces.top(scene.ana) is not None
    assert len(workspace.complaints) == 1


@pytest.mark.usefixtures("app")
async def test_closing_is_told_where_asked_for(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    await workspace.driver.click(scene.ana, await post_card(client, scene.team), "Claim")
    await client.views_open(trigger_id=heard[0]["trigger_id"], view=modal(notify_on_close=True))
    await workspace.driver.close_view(scene.ana)
    assert (heard[-1]["type"], heard[-1]["is_cleared"]) == ("view_closed", False)
    assert workspace.surfaces.top(scene.ana) is None


@pytest.mark.usefixtures("app")
async def test_an_open_modal_is_updated_with_its_hash_and_keeps_what_was_typed(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    await workspace.driver.click(scene.ana, await post_card(client, scene.team), "Claim")
    view = (await client.views_open(trigger_id=heard[0]["trigger_id"], view=modal()))["view"]
    await workspace.driver.select(scene.ana, "modal", "when", "2h")
    longer = modal(text_input(), text_input("why", optional=True))
    await client.views_update(view_id=view["id"], hash=view["hash"], view=longer)
    answer = await refused(client.views_update(view_id=view["id"], hash=view["hash"], view=longer))
    assert answer["error"] == "hash_conflict"
    assert (await refused(client.views_update(view_id="V0NONE", view=modal())))["error"] == "not_found"
    await workspace.driver.submit_view(scene.ana)
    assert heard[-1]["view"]["state"]["values"]["when"]["value"]["value"] == "2h"


@pytest.mark.usefixtures("app")
async def test_a_trigger_works_once_and_for_three_seconds(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    ts = await post_card(client, scene.team)
    await workspace.driver.click(scene.ana, ts, "Claim")
    first = heard[-1]["trigger_id"]
    await client.views_open(trigger_id=first, view=modal())
    assert (await refused(client.views_open(trigger_id=first, view=modal())))["error"] == "exchanged_trigger_id"
    assert (await refused(client.views_open(trigger_id="123.abc", view=modal())))["error"] == "invalid_trigger_id"
    await workspace.driver.click(scene.ana, ts, "Claim")
    clock = workspace.now
    workspace.now = lambda: clock() + 3.1
    late = await refused(client.views_open(trigger_id=heard[-1]["trigger_id"], view=modal()))
    assert late["error"] == "expired_trigger_id"


@pytest.mark.usefixtures("app")
async def test_home_is_published_opened_and_operated(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    workspace.driver.open_home(scene.ana)
    rows = [actions(button("Open", "open", value=f"#{number}"), block_id=f"row{number}") for number in (1, 2)]
    await client.views_publish(user_id=scene.ana, view={"type": "home", "blocks": rows})
    workspace.driver.open_home(scene.ana)
    first, second = events_of(workspace, "app_home_opened")
    assert "view" not in first
    assert second["view"]["type"] == "home"
    with pytest.raises(DriverError):
        await workspace.driver.click(scene.ana, "home", "open")  # two rows have it
    await workspace.driver.click(scene.ana, "home", "open", value="#2")
    (body,) = heard
    assert body["container"]["type"] == "view"
    assert body["view"]["id"] == second["view"]["id"]
    assert body["actions"][0]["block_id"] == "row2"
    assert "response_url" not in body
    await client.views_open(trigger_id=body["trigger_id"], view=modal())
    assert workspace.snapshot(scene.ana)["modal"]["title"]["text"] == "Snooze"
    assert workspace.snapshot(scene.budi)["modal"] is None


@pytest.mark.usefixtures("app")
async def test_external_menus_ask_the_app(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, heard: Heard
) -> None:
    await workspace.driver.click(scene.ana, await post_card(client, scene.team), "Claim")
    menu = {"type": "external_select", "action_id": "person", "min_query_length": 1}
    view = modal({"type": "input", "block_id": "who", "label": plain("Who"), "element": menu})
    await client.views_open(trigger_id=heard[0]["trigger_id"], view=view)
    assert (await workspace.driver.suggest(scene.ana, "modal", "who", "budi"))[0]["value"] == "budi"
    await workspace.driver.submit_view(scene.ana, {"Who": {"text": plain("Budi"), "value": "budi"}})
    assert heard[-1]["view"]["state"]["values"]["who"]["person"]["selected_option"]["value"] == "budi"


async def test_interactivity_switched_off_in_the_manifest_makes_dead_buttons(scene: Scene) -> None:
    manifest = make_manifest()
    manifest["settings"]["interactivity"]["is_enabled"] = False
    workspace = SlackWorkspace(manifest)
    ana = workspace.add_user("Ana")
    workspace.surfaces.homes[ana] = {"id": "V1", "blocks": [actions(button(), block_id="b")]}
    with pytest.raises(DriverError):
        await workspace.driver.click(ana, "home", "Claim")
