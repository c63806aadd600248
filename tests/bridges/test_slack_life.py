"""Connecting, losing the connection, catching up, refusing what is not signed, and the doctor."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from sahut_bot import manifest
from sahut_bot.bridges.base import CanReplay, TeamChat
from sahut_bot.bridges.teamchat.slack import SlackChat
from sahut_bot.bridges.teamchat.slack_api import METHODS
from sahut_bot.bridges.teamchat.slack_config import BOT_EVENTS, BOT_SCOPES, SHORTCUTS, SLASH_COMMANDS, SlackConfig
from sahut_bot.bridges.teamchat.slack_limits import TIERS
from sahut_bot.errors import AuthFailed, Busy, Permanent, RateLimited, Transient
from sahut_bot.text import tree
from sahut_bot.types import Answer, Health, ThreadLost
from tests.bridges.slack_desk import CARD, Desk, ListSink, content, desk

# ---------------------------------------------------------------- the socket


async def test_the_adapter_is_a_team_chat(socket: Desk):
    chat: TeamChat = socket.chat
    assert isinstance(chat, CanReplay)
    assert chat.kind == "slack"


async def test_a_socket_that_is_cut_is_replaced(socket: Desk):
    socket.server.sockets.drop()
    await socket.until(lambda: socket.chat.health is Health.DEGRADED)
    await socket.until(lambda: socket.chat.health is Health.CONNECTED)
    thread = await socket.thread()
    socket.ws.driver.post(socket.dewi, socket.team, "hello", thread_ts=thread.external_id)
    await socket.until(lambda: socket.sink.posts)


async def test_a_socket_that_slack_wants_to_close_is_replaced_without_a_gap(socket: Desk):
    opened = socket.server.sockets.opened
    socket.server.sockets.refresh("warning")
    await socket.until(lambda: socket.server.sockets.opened == opened + 1)
    assert socket.chat.health is Health.CONNECTED
    await socket.until(lambda: len(socket.server.sockets.connections) == 1)
    thread = await socket.thread()
    socket.ws.driver.post(socket.dewi, socket.team, "hello", thread_ts=thread.external_id)
    await socket.until(lambda: socket.sink.posts)


async def test_slack_away_is_said_and_connected_again_when_it_is_back(socket: Desk):
    await socket.server.stop()
    await socket.until(lambda: socket.chat.health is Health.DEGRADED)
    await socket.server.start()
    await socket.until(lambda: socket.chat.health is Health.CONNECTED, timeout=15)


async def test_an_app_token_that_is_refused_is_said():
    async with desk(listening=False, app_token="xapp-wrong") as made:
        made.run = asyncio.create_task(made.chat.run(made.sink), name="slack-run")
        await made.until(lambda: made.chat.health is Health.BAD_CREDENTIALS)


async def test_a_bot_token_that_is_refused_stops_the_start():
    async with desk(listening=False) as made:
        config = SlackConfig(bot_token="xoxb-wrong", channels=(made.team,), api_url=made.server.api_url)
        chat = SlackChat(config, time.time)
        with pytest.raises(AuthFailed):
            await chat.start()
        assert chat.health is Health.BAD_CREDENTIALS
        await chat.stop()


async def test_a_start_without_slack_may_be_tried_again():
    async with desk(listening=False) as made:
        await made.server.stop()
        config = SlackConfig(
            bot_token=made.ws.credentials.bot_token, channels=(made.team,), api_url=made.server.api_url
        )
        chat = SlackChat(config, time.time)
        with pytest.raises(Transient):
            await chat.start()
        states = [chat.health]
        await made.server.start()
        await chat.start()
        states.append(chat.health)
        await chat.stop()
        states.append(chat.health)
        assert states == [Health.DEGRADED, Health.CONNECTED, Health.STOPPED]


async def test_events_in_work_are_acknowledged_before_their_socket_is_replaced(socket: Desk):
    thread = await socket.thread()
    socket.sink.slow = 0.5
    socket.sink.answers["claim"] = Answer(text="Yours.")
    click = asyncio.create_task(socket.ws.driver.click(socket.dewi, thread.external_id, "Claim"))
    await socket.until(lambda: socket.sink.calls)
    socket.server.sockets.refresh("warning")
    assert (await click).ok


async def test_stopping_twice_and_running_again_works(socket: Desk):
    await socket.hang_up()
    await socket.chat.stop()
    assert socket.chat.health is Health.STOPPED
    await socket.chat.start()
    await socket.listen()
    thread = await socket.thread()
    socket.ws.driver.post(socket.dewi, socket.team, "hello", thread_ts=thread.external_id)
    await socket.until(lambda: socket.sink.posts)


async def test_a_run_that_is_cancelled_leaves_nothing_behind(socket: Desk):
    assert socket.run is not None
    socket.run.cancel()
    await asyncio.gather(socket.run, return_exceptions=True)
    socket.run = None
    assert socket.chat.health is Health.STOPPED
    await socket.until(lambda: not socket.server.sockets.connections)


# ---------------------------------------------------------------- catching up


async def two_threads(slack: Desk) -> tuple[str, str, float]:
    """Two threads that were caught up until the time that is given with them."""
    first, second = await slack.thread("card:1"), await slack.thread("card:2")
    slack.ws.limits.enabled = False
    ts = slack.ws.driver.post(slack.dewi, slack.team, "before", thread_ts=first.external_id)
    return first.external_id, second.external_id, float(ts)


async def test_what_was_written_while_nobody_listened_is_handed_in_once_in_order():
    async with desk(listening=False) as made:
        first, second, after = await two_threads(made)
        made.ws.driver.post(made.dewi, made.team, "one", thread_ts=first)
        made.ws.driver.post(made.ana, made.team, "two", thread_ts=second)
        three = made.ws.driver.post(made.dewi, made.team, "threee", thread_ts=first)
        made.ws.driver.edit(made.dewi, made.team, three, "three")
        made.ws.driver.other_bot(made.team, "noise", thread_ts=first)
        made.ws.driver.post(made.dewi, made.team, "lunch?")
        human = made.ws.driver.post(made.dewi, made.team, "a thread of our own")
        made.ws.driver.post(made.ana, made.team, "yes", thread_ts=human)
        await made.chat.catch_up([made.team], after, made.sink)
        told = [(post.thread.external_id, tree.plain(post.body)) for post in made.sink.posts]
        assert [text for root, text in told if root == first] == ["one", "three"]
        assert [text for root, text in told if root == second] == ["two"]
        assert len(told) == 3
        assert all(post.caught_up and post.author.is_agent for post in made.sink.posts)
        report = made.chat.last_catch_up
        assert report is not None
        assert (report.threads, report.posts, report.unchecked) == (2, 3, {})
        assert report.since == pytest.approx(after - 72 * 3600)


async def test_long_histories_and_long_threads_are_caught_up_page_by_page():
    async with desk(listening=False) as made:
        made.ws.limits.enabled = False
        thread = await made.thread()
        after = time.time()
        for number in range(450):
            made.ws.driver.post(made.dewi, made.team, f"talk {number}")
            made.ws.driver.post(made.dewi, made.team, f"line {number}", thread_ts=thread.external_id)
        await made.chat.catch_up([made.team], after, made.sink)
        assert made.sink.texts() == [f"line {number}" for number in range(450)]


async def test_catching_up_notices_lost_threads_and_files():
    async with desk(listening=False) as made:
        first, second, after = await two_threads(made)
        made.ws.driver.upload(made.dewi, made.team, "scan.png", b"x", thread_ts=second)
        made.ws.driver.delete(made.ana, made.team, first)
        await made.chat.catch_up([made.team], after, made.sink)
        (lost,) = made.sink.of(ThreadLost)
        assert lost.thread.external_id == first
        (post,) = made.sink.posts
        assert [file.name for file in post.files] == ["scan.png"]


async def test_catching_up_waits_out_what_fails_for_now_and_says_what_it_could_not_see(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("sahut_bot.bridges.teamchat.slack_catchup._PAUSE", 0.01)
    async with desk(listening=False) as made:
        first, second, after = await two_threads(made)
        made.ws.driver.post(made.dewi, made.team, "one", thread_ts=first)
        made.ws.driver.post(made.dewi, made.team, "two", thread_ts=second)
        made.server.fail_next("conversations.history", status=503, times=2)
        made.server.fail_next("conversations.history", status=429, retry_after=1)
        made.server.fail_next("conversations.replies", error="thread_not_found", match=lambda args: args["ts"] == first)
        made.sink.refusals = [Busy("full"), Busy("full")]
        await made.chat.catch_up([made.team, "C0NOTHERE"], after, made.sink)
        assert made.sink.texts() == ["two"]
        assert made.chat.last_catch_up is not None
        assert made.chat.last_catch_up.unchecked == {
            f"{made.team}/{first}": "thread_not_found",
            "C0NOTHERE": "channel_not_found",
        }
        assert made.ws.calls_during_retry_after == 0


async def test_a_gap_in_the_socket_is_caught_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sahut_bot.bridges.teamchat.slack_socket.GAP", 0.05)
    async with desk() as made:
        thread = await made.thread()
        await made.server.stop()
        await made.until(lambda: made.chat.health is Health.DEGRADED)
        made.ws.driver.post(made.dewi, made.team, "hello", thread_ts=thread.external_id)
        over = time.monotonic() + 0.1
        await made.until(lambda: time.monotonic() > over)
        await made.server.start()
        (post,) = await made.until(lambda: made.sink.posts, timeout=20)
        assert post.caught_up


# ---------------------------------------------------------------- signed HTTP


def signed(desk: Desk, body: bytes, *, at: float | None = None, secret: str = "") -> dict[str, str]:
    stamp = str(int(at if at is not None else time.time()))
    key = (secret or desk.ws.credentials.signing_secret).encode()
    digest = hmac.new(key, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


EVENT = json.dumps({"type": "event_callback", "event": {"type": "emoji_changed"}}).encode()
FORM_TYPE = "application/x-www-form-urlencoded"


@pytest.fixture
async def http():
    async with desk(socket=False) as made:
        yield made


async def test_the_handshake_is_answered(http: Desk):
    assert await http.server.http.verify_url()


async def test_a_signed_event_that_we_do_not_know_is_acknowledged(http: Desk):
    status, _, _ = await http.chat.handle_http("events", EVENT, signed(http, EVENT))
    assert status == 200


@pytest.mark.parametrize("skew", [-400, 400])
async def test_a_stale_request_is_refused(http: Desk, skew: int):
    status, _, _ = await http.chat.handle_http("events", EVENT, signed(http, EVENT, at=time.time() + skew))
    assert status == 401


@pytest.mark.parametrize(
    "spoil",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=ü"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Request-Timestamp": "-5"},
    ],
)
async def test_a_request_that_is_not_signed_is_refused(http: Desk, spoil: dict[str, str]):
    status, _, _ = await http.chat.handle_http("events", EVENT, signed(http, EVENT) | spoil)
    assert status == 401


async def test_a_forged_event_has_no_effect(http: Desk):
    thread = await http.thread()
    http.server.http.forge_signature = True
    http.server.switches.retry_delays = ()
    http.ws.driver.post(http.dewi, http.team, "hello", thread_ts=thread.external_id)
    await http.until(lambda: http.ws.lost_events)
    assert not http.sink.posts


@pytest.mark.parametrize(
    ("kind", "content_type", "body", "status"),
    [
        ("events", "text/plain", EVENT, 415),
        ("events", "application/json", b"no json", 400),
        ("events", "application/json", b"[1]", 400),
        ("events", "application/json", b"\xff", 400),
        ("interactive", "application/json", b"{}", 415),
        ("interactive", FORM_TYPE, b"payload=no", 400),
        ("interactive", FORM_TYPE, b"payload=[1]", 400),
        ("interactive", FORM_TYPE, b"x=y", 400),
        ("interactive", FORM_TYPE, urlencode({"payload": '{"type":"new"}'}).encode(), 200),
        ("commands", FORM_TYPE, b"x=y", 400),
        ("elsewhere", "application/json", EVENT, 404),
    ],
)
async def test_what_slack_would_not_send_is_named(http: Desk, kind: str, content_type: str, body: bytes, status: int):
    headers = signed(http, body) | {"Content-Type": content_type}
    got, _, _ = await http.chat.handle_http(kind, body, headers)
    assert got == status
    assert not http.sink.unread


async def test_a_signed_event_that_lacks_its_parts_is_kept(http: Desk):
    body = json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode()
    status, _, _ = await http.chat.handle_http("events", body, signed(http, body))
    assert status == 200
    assert [(source, json.loads(kept), error) for source, kept, error in http.sink.unread] == [
        ("slack", json.loads(body), "no channel")
    ]


async def test_while_it_is_not_running_slack_is_asked_to_come_again(http: Desk):
    await http.hang_up()
    await http.chat.start()
    assert (await http.chat.handle_http("events", EVENT, signed(http, EVENT)))[0] == 503


async def test_without_a_signing_secret_nothing_comes_in(socket: Desk):
    headers = signed(socket, EVENT, secret="unset")
    assert (await socket.chat.handle_http("events", EVENT, headers))[0] == 401


# ---------------------------------------------------------------- manifest and doctor


def test_the_manifest_holds_what_the_adapter_uses():
    assert sorted(BOT_SCOPES) == manifest.scopes()
    assert set(BOT_EVENTS) == set(manifest.EVENTS)
    assert set(SLASH_COMMANDS) == set(manifest.COMMANDS)
    assert set(SHORTCUTS) == set(manifest.SHORTCUTS)
    assert set(METHODS) - {"apps.connections.open"} == set(manifest.METHODS)


def test_every_method_but_the_special_ones_has_a_pace():
    special = {"auth.test", "apps.connections.open", "chat.postMessage"}
    assert set(METHODS) - special == set(TIERS)


@pytest.mark.parametrize("socket_mode", [True, False])
async def test_the_doctor_finds_everything_in_place(socket_mode: bool):
    async with desk(socket=socket_mode, listening=False) as made:
        findings = await made.chat.doctor()
        assert [finding.name for finding in findings] == ["token", "scopes", "clock", f"channel {made.team}", "events"]
        assert all(finding.ok for finding in findings)


async def test_the_doctor_works_without_a_start_and_says_what_to_do():
    async with desk(listening=False) as made:
        out = made.ws.add_channel("out", with_bot=False)
        made.ws.manifest = replace(made.ws.manifest, scopes=made.ws.manifest.scopes - {"files:write"})
        config = SlackConfig(
            bot_token=made.ws.credentials.bot_token,
            channels=(made.team, out, "C0NOTHERE"),
            app_token="xapp-wrong",
            api_url=made.server.api_url,
        )
        findings = {finding.name: finding for finding in await SlackChat(config, lambda: time.time() + 500).doctor()}
        wrong = {name for name, finding in findings.items() if not finding.ok}
        assert wrong == {"scopes", "clock", f"channel {out}", "channel C0NOTHERE", "events"}
        assert "files:write" in findings["scopes"].message
        assert all(findings[name].fix for name in wrong)


async def test_the_doctor_stops_at_a_token_that_is_refused():
    async with desk(listening=False) as made:
        config = SlackConfig(bot_token="xoxb-wrong", channels=(made.team,), api_url=made.server.api_url)
        (finding,) = await SlackChat(config, time.time).doctor()
        assert not finding.ok
        assert finding.fix


async def test_the_doctor_says_when_nothing_can_be_heard():
    async with desk(listening=False, app_token="") as made:
        assert not (await made.chat.doctor())[-1].ok


def test_secrets_stay_out_of_what_is_printed():
    config = SlackConfig(bot_token="xoxb-1", channels=("C1",), app_token="xapp-1", signing_secret="s3cret")
    assert not {"xoxb-1", "xapp-1", "s3cret"} & set(repr(config).replace("'", " ").split())


async def test_limits_are_never_broken_in_a_busy_minute():
    """Many calls of every kind, as fast as the adapter lets them through."""
    async with desk(listening=False) as made:
        thread = await made.thread()
        sent = await made.chat.post(thread, content("hello"), "m:1")
        sink = ListSink()

        async def hammer(work, times: int) -> None:
            for _ in range(times):
                with contextlib.suppress(RateLimited):
                    await work()

        await asyncio.gather(
            hammer(lambda: made.chat.edit(thread, sent.external_id, content("x")), 60),
            hammer(lambda: made.chat.mark(thread, sent.external_id, "✅"), 60),
            hammer(lambda: made.chat.unmark(thread, sent.external_id, "✅"), 60),
            hammer(lambda: made.chat.whisper(thread, made.dewi, Answer(text="x")), 120),
            hammer(lambda: made.chat.post(thread, content("x"), "m:2"), 60),
            made.chat.catch_up([made.team], time.time(), sink),
        )
        assert made.ws.rate_violations == 0
        assert len([call for call in made.ws.calls("chat.update") if call.ok]) == 25


# ---------------------------------------------------------------- health


async def test_a_token_that_is_revoked_and_given_back_is_noticed_without_any_post(
    http: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sahut_bot.bridges.teamchat.slack_pulse._ASK_AGAIN", 0.05)
    thread = await http.thread()
    http.ws.token_error = "token_revoked"
    with pytest.raises(AuthFailed):
        await http.chat.post(thread, content("hello"), "m:1")
    await http.until(lambda: http.chat.health is Health.BAD_CREDENTIALS)
    http.ws.token_error = ""
    await http.until(lambda: http.chat.health is Health.CONNECTED)


async def test_an_api_that_is_away_is_said_and_noticed_when_it_is_back(http: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sahut_bot.bridges.teamchat.slack_pulse._ASK_AGAIN", 0.05)
    thread = await http.thread()
    http.server.fail_next("chat.update", status=503)
    http.server.fail_next("auth.test", status=503, times=2)
    with pytest.raises(Transient):
        await http.chat.refresh(thread, CARD)
    await http.until(lambda: http.chat.health is Health.DEGRADED)
    await http.until(lambda: http.chat.health is Health.CONNECTED)


async def test_a_refusal_of_one_message_says_nothing_about_the_connection(http: Desk):
    thread = await http.thread()
    http.server.fail_next("chat.update", error="invalid_blocks")
    with pytest.raises(Permanent):
        await http.chat.refresh(thread, CARD)
    http.server.fail_next("chat.update", status=429)
    with pytest.raises(RateLimited):
        await http.chat.refresh(thread, CARD)
    assert http.chat.health is Health.CONNECTED
