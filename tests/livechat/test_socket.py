"""The widget's socket: resume, typing, messages, receipts, and who is turned away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.databases import until
from tests.livechat.rig import Rig, frame


async def test_socket_begins_with_the_whole_history_even_when_there_is_none(rig: Rig):
    visitor = await rig.visitor()
    async with visitor.socket() as ws:
        assert await ws.receive_json() == {"type": "messages", "messages": [], "cursor": "0", "more": False}


async def test_socket_shows_replies_as_they_come(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    async with visitor.socket() as ws:
        assert [seen["text"] for seen in (await frame(ws, "messages"))["messages"]] == ["question"]
        for number in range(3):
            await rig.team.reply(visitor.id, f"answer {number}")
            page = await frame(ws, "messages")
            assert [seen["text"] for seen in page["messages"]] == [f"answer {number}"]


async def test_socket_resumes_where_the_last_one_was_cut(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    async with visitor.socket() as ws:
        cursor = (await frame(ws, "messages"))["cursor"]
    await rig.team.reply(visitor.id, "missed 1")
    await rig.team.reply(visitor.id, "missed 2")
    async with visitor.socket(after=cursor) as ws:
        page = await frame(ws, "messages")
    assert [seen["text"] for seen in page["messages"]] == ["missed 1", "missed 2"]


async def test_long_histories_come_in_several_frames(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("first")
    for number in range(250):
        await rig.team.reply(visitor.id, str(number))
    async with visitor.socket() as ws:
        pages = [await frame(ws, "messages"), await frame(ws, "messages")]
    assert [page["more"] for page in pages] == [True, False]
    assert sum(len(page["messages"]) for page in pages) == 251


async def test_message_over_the_socket_is_acknowledged_stored_and_shown_in_every_tab(rig: Rig):
    visitor = await rig.visitor()
    async with visitor.socket() as ws, visitor.socket() as other:
        await frame(ws, "messages")
        await frame(other, "messages")
        for _ in range(2):  # the second time is a retry
            await ws.send_json({"type": "message", "id": "abc-1", "text": "Halo"})
            assert await frame(ws, "sent") == {"type": "sent", "id": "abc-1"}
        assert [seen["id"] for seen in (await frame(other, "messages"))["messages"]] == ["abc-1"]
    assert len(await rig.team.messages()) == 1


async def test_message_that_is_refused_is_named_and_the_socket_goes_on(rig: Rig):
    visitor = await rig.visitor()
    async with visitor.socket() as ws:
        await ws.send_json({"type": "message", "id": "abc-1", "text": "x" * 5000})
        refusal = await frame(ws, "failed")
        assert (refusal["id"], refusal["error"]) == ("abc-1", "too_long")
        for nonsense in ("[]", "no json", '{"type": "message"}', '{"type": 7}', '{"type": "dance"}'):
            await ws.send_str(nonsense)
        await ws.send_json({"type": "ping"})
        await frame(ws, "pong")


async def test_typing_is_shown_to_that_visitor_alone(rig: Rig):
    visitor, other = await rig.visitor(), await rig.visitor()
    async with visitor.socket() as ws, other.socket() as elsewhere:
        await frame(ws, "messages")
        await frame(elsewhere, "messages")
        await rig.lobby.channels["web"].typing(visitor.id, 5.0)
        assert await frame(ws, "typing") == {"type": "typing", "on": True, "ttl": 5.0}
        await rig.lobby.channels["web"].typing(visitor.id, 0.0)
        assert (await frame(ws, "typing"))["on"] is False
        await elsewhere.send_json({"type": "ping"})
        assert (await elsewhere.receive_json())["type"] == "pong"


async def test_receipts_over_the_socket(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    reply = await rig.team.reply(visitor.id, "answer")
    async with visitor.socket() as ws:
        page = await frame(ws, "messages")
        assert await rig.team.delivery(reply) == "accepted"
        for receipt, state in (({"delivered": page["cursor"]}, "delivered"), ({"read": [f"msg_{reply}"]}, "read")):
            await ws.send_json({"type": "receipt", **receipt})
            await ws.send_json({"type": "ping"})
            await frame(ws, "pong")
            assert await rig.team.delivery(reply) == state


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"type": "hello", "token": "nonsense"}, 4401),
        ({"type": "hello"}, 4401),
        ({"type": "hello", "token": 7}, 4401),
        ({"type": "message", "id": "1", "text": "x"}, 4400),
        ([], 4400),
    ],
)
async def test_who_does_not_say_hello_with_a_token_is_told_and_cut_off(rig: Rig, hello: Any, code: int):
    async with rig.http.ws_connect(f"{rig.base}/livechat/web/ws") as ws:
        await ws.send_json(hello)
        assert (await ws.receive_json())["type"] == "error"
        await ws.receive()
        assert ws.close_code == code
    assert await rig.team.messages() == []


async def test_token_after_its_time_opens_no_socket(rig: Rig):
    visitor = await rig.visitor()
    rig.clock.advance(500 * 86400)
    async with visitor.socket() as ws:
        assert (await ws.receive_json())["error"] == "unauthorized"


async def test_one_visitor_cannot_open_sockets_without_end(rig: Rig):
    visitor = await rig.visitor()
    sockets = []
    for _ in range(rig.lobby.limits.sockets):
        ws = await rig.http.ws_connect(f"{visitor.url}/ws")
        await ws.send_json({"type": "hello", "token": visitor.token})
        await frame(ws, "messages")
        sockets.append(ws)
    async with visitor.socket() as ws:
        assert (await ws.receive_json())["error"] == "too_many"
    await sockets.pop().close()
    await until(lambda: rig.lobby.presence.visits("web", visitor.id) < rig.lobby.limits.sockets)
    async with visitor.socket() as ws:
        await frame(ws, "messages")
    for ws in sockets:
        await ws.close()


async def test_sockets_are_closed_when_the_server_stops(rig: Rig):
    visitor = await rig.visitor()
    async with visitor.socket() as ws:
        await frame(ws, "messages")
        rig.lobby.presence.close()
        async with asyncio.timeout(5):
            await ws.receive()
        assert ws.close_code == 1012
