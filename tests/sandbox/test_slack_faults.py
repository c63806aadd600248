"""Rate limits and scripted faults of the Slack stand-in, as the real client meets them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace
from tests.sandbox.conftest import Scene
from tests.sandbox.slack_kit import refused


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(workspace: SlackWorkspace) -> Clock:
    clock = Clock()
    workspace.limits.clock = clock
    return clock


async def test_posting_is_limited_per_channel_with_a_short_burst(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, clock: Clock
) -> None:
    other = workspace.add_channel("other")
    for _ in range(workspace.limits.post_burst):
        await client.chat_postMessage(channel=scene.team, text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=scene.team, text="x")
    response = caught.value.response
    assert (response.status_code, response.data) == (429, {"ok": False, "error": "ratelimited"})
    assert response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel=other, text="x")
    assert (workspace.rate_violations, workspace.calls_during_retry_after) == (1, 0)
    await refused(client.chat_postMessage(channel=scene.team, text="x"))
    assert (workspace.rate_violations, workspace.calls_during_retry_after) == (1, 1)
    clock.now += 1
    await client.chat_postMessage(channel=scene.team, text="x")
    assert workspace.rate_violations == 1


async def test_other_methods_are_limited_by_their_tier(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, clock: Clock
) -> None:
    posted = await client.chat_postMessage(channel=scene.team, text="x")
    for number in range(50):
        await client.chat_update(channel=scene.team, ts=str(posted["ts"]), text=f"{number}")
    await refused(client.chat_update(channel=scene.team, ts=str(posted["ts"]), text="one too many"))
    await client.conversations_info(channel=scene.team)
    for _ in range(20):
        await client.users_list()
    assert (await refused(client.users_list()))["error"] == "ratelimited"
    assert workspace.rate_violations == 2
    clock.now += 60
    await client.chat_update(channel=scene.team, ts=str(posted["ts"]), text="a minute later")


async def test_limits_can_be_switched_off(client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.limits.enabled = False
    await asyncio.gather(*(client.chat_postMessage(channel=scene.team, text="x") for _ in range(40)))
    assert len(workspace.messages(scene.team)) == 40
    assert workspace.rate_violations == 0


async def test_a_scripted_429_has_no_effect_and_counts_who_does_not_wait(
    server: SlackServer, client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene, clock: Clock
) -> None:
    workspace.limits.enabled = False
    server.fail_next("chat.postMessage", status=429, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=scene.team, text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    assert workspace.messages(scene.team) == []
    clock.now += 6
    await refused(client.chat_postMessage(channel=scene.team, text="too early"))
    assert (workspace.rate_violations, workspace.calls_during_retry_after) == (0, 1)
    clock.now += 1
    await client.chat_postMessage(channel=scene.team, text="in time")


@pytest.mark.parametrize("status", [500, 503])
async def test_a_broken_gateway_answers_html(
    status: int, server: SlackServer, client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    server.fail_next("chat.postMessage", status=status)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=scene.team, text="x")
    assert caught.value.response.status_code == status
    assert workspace.messages(scene.team) == []


async def test_an_error_is_scripted_for_some_calls_only(
    server: SlackServer, client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    server.fail_next("chat.postMessage", error="fatal_error", times=2, match=lambda args: args["text"] == "bad")
    await client.chat_postMessage(channel=scene.team, text="good")
    for _ in range(2):
        assert (await refused(client.chat_postMessage(channel=scene.team, text="bad")))["error"] == "fatal_error"
    await client.chat_postMessage(channel=scene.team, text="bad")
    assert [one["text"] for one in workspace.messages(scene.team)] == ["good", "bad"]
    assert [call.error for call in workspace.calls("chat.postMessage")] == ["", "fatal_error", "fatal_error", ""]


@pytest.mark.parametrize(("after", "count"), [(True, 1), (False, 0)])
async def test_a_dropped_socket_leaves_the_caller_in_doubt(
    after: bool, count: int, server: SlackServer, client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    server.fail_next("chat.postMessage", drop_after_effect=after, drop_before_effect=not after)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=scene.team, text="x")
    assert len(workspace.messages(scene.team)) == count


async def test_the_sdks_own_retry_posts_twice_when_the_answer_is_lost(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    with_retries = AsyncWebClient(workspace.credentials.bot_token, base_url=server.api_url)
    server.fail_next("chat.postMessage", drop_after_effect=True)
    await with_retries.chat_postMessage(channel=scene.team, text="x")
    assert [one["text"] for one in workspace.messages(scene.team)] == ["x", "x"]


async def test_a_hanging_call_takes_effect_and_ends_with_the_server(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    server.fail_next("chat.postMessage", hang=3600)
    impatient = AsyncWebClient(workspace.credentials.bot_token, base_url=server.api_url, retry_handlers=[], timeout=1)
    call = asyncio.ensure_future(impatient.chat_postMessage(channel=scene.team, text="x"))
    await workspace.wait_for(lambda: workspace.messages(scene.team))
    await server.stop()
    await asyncio.gather(call, return_exceptions=True)
    assert call.done()


async def test_calls_carry_monotonic_times_and_arguments(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    await client.chat_postMessage(channel=scene.team, text="one")
    await client.chat_postMessage(channel=scene.team, text="two")
    first, second = workspace.calls("chat.postMessage")
    assert first.at <= second.at
    assert (second.args["text"], second.ok, second.status) == ("two", True, 200)


async def test_waiting_ends_with_a_timeout_or_the_predicates_own_error(workspace: SlackWorkspace, scene: Scene) -> None:
    with pytest.raises(TimeoutError):
        await workspace.wait_for(lambda: False, timeout=0.01)
    asked: list[int] = []

    def fails_when_asked_again() -> bool:
        if asked:
            raise ValueError("asked again")
        asked.append(1)
        return False

    asyncio.get_running_loop().call_soon(workspace.driver.post, scene.ana, scene.team, "a change")
    with pytest.raises(ValueError, match="asked again"):
        await workspace.wait_for(fails_when_asked_again)
