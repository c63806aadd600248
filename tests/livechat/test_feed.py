"""What a visitor sees, what they never see, and what becomes known of what they have seen."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import sqlalchemy as sa

from sahut_bot.inbox.models import conversations
from sahut_bot.text.markup import Bold, Link, Mention, Text
from tests.databases import until
from tests.livechat.rig import Rig


def texts(feed: dict[str, Any]) -> list[str]:
    return [message["text"] for message in feed["messages"]]


async def test_reply_is_shown_with_its_author_and_goes_on_from_the_cursor(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    first = await visitor.feed()
    reply = await rig.team.reply(visitor.id, "answer")
    second = await visitor.feed(first["cursor"])
    (seen,) = second["messages"]
    assert seen["id"] == f"msg_{reply}"
    assert (seen["from"], seen["text"], seen["author"], seen["seen"]) == ("agent", "answer", "Ani Wijaya", False)
    assert texts(await visitor.feed()) == ["question", "answer"]
    assert (await visitor.feed(second["cursor"]))["messages"] == []


async def test_notes_and_what_is_not_accepted_are_never_in_the_feed(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    cursor = (await visitor.feed())["cursor"]
    note = await rig.team.reply(visitor.id, "this customer is difficult", kind="note", delivery="none")
    await rig.team.attach(note, "x", "internal.pdf", "application/pdf", 5)
    for state in ("held", "queued", "failed", "uncertain", "cancelled", "none"):
        await rig.team.reply(visitor.id, f"reply that is {state}", delivery=state)
    # Not even a note that claims to have been delivered.
    for state in ("accepted", "delivered", "read"):
        await rig.team.reply(visitor.id, "a note all the same", kind="note", delivery=state)
    await rig.team.reply(visitor.id, "answer")
    assert texts(await visitor.feed(cursor)) == ["answer"]
    assert texts(await visitor.feed()) == ["question", "answer"]
    await rig.team.change(visitor.id, note, body="edited note", edited_at=1.0)
    assert texts(await visitor.feed()) == ["question", "answer"]
    async with visitor.socket() as ws:
        frame = await ws.receive_json()
    assert texts(frame) == ["question", "answer"]


async def test_reply_that_is_accepted_late_comes_after_the_cursor(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    held = await rig.team.reply(visitor.id, "on hold", delivery="queued")
    await visitor.say("and another thing")
    cursor = (await visitor.feed())["cursor"]
    await rig.team.change(visitor.id, held, delivery="accepted")
    assert texts(await visitor.feed(cursor)) == ["on hold"]


async def test_edits_and_deletions_come_again_with_the_id(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    reply = await rig.team.reply(visitor.id, "anwser")
    cursor = (await visitor.feed())["cursor"]
    await rig.team.change(visitor.id, reply, body="answer", edited_at=1.0)
    page = await visitor.feed(cursor)
    (edited,) = page["messages"]
    assert (edited["id"], edited["text"], edited["edited"]) == (f"msg_{reply}", "answer", True)
    await rig.team.attach(reply, "x", "secret.pdf", "application/pdf", 5)
    await rig.team.change(visitor.id, reply, deleted_at=2.0)
    (deleted,) = (await visitor.feed(page["cursor"]))["messages"]
    assert (deleted["id"], deleted["text"], deleted["deleted"]) == (f"msg_{reply}", "", True)
    assert deleted["attachments"] == []
    assert deleted["html"] == ""


async def test_marks_are_shown_as_safe_html_and_hostile_text_as_text(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    hostile = "<img src=x onerror=alert(1)>"
    await rig.team.reply(
        visitor.id,
        (
            Text(hostile),
            Bold((Text("bold"),)),
            Link("https://example.com/?a=1&b=2", "here"),
            Link("javascript:alert(1)", "there"),
            Mention("user", "U1", "Ani"),
        ),
    )
    seen = (await visitor.feed())["messages"][-1]
    assert "<img" not in seen["html"]
    assert "<strong>bold</strong>" in seen["html"]
    assert 'href="https://example.com/?a=1&amp;b=2"' in seen["html"]
    assert 'href="javascript' not in seen["html"]
    assert "U1" not in seen["html"] + seen["text"]
    assert hostile in seen["text"]


async def test_long_histories_come_in_pages_without_gaps(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("first")
    for number in range(450):
        await rig.team.reply(visitor.id, str(number))
    seen: list[str] = []
    page: dict[str, Any] = {"cursor": "", "more": True}
    while page["more"]:
        page = await visitor.feed(page["cursor"])
        seen += texts(page)
    assert seen == ["first", *map(str, range(450))]


async def test_history_of_an_older_conversation_stays(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("before")
    resolved = sa.update(conversations).values(status="resolved", resolved_at=0.0)
    await rig.store.write(lambda tx: tx.execute(resolved).rowcount)
    await visitor.say("after")
    assert len({one.conversation_id for one in await rig.team.messages()}) == 2
    assert texts(await visitor.feed()) == ["before", "after"]


# ---------------------------------------------------------------- long poll


async def test_poll_wakes_at_once_when_a_reply_is_there(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    cursor = (await visitor.feed())["cursor"]
    delays = []
    for _ in range(5):
        poll = asyncio.create_task(visitor.feed(cursor, wait=25))
        await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 1)
        await asyncio.sleep(0.02)  # it has looked, and waits
        assert not poll.done()
        begun = time.perf_counter()
        await rig.team.reply(visitor.id, "answer")
        page = await poll
        delays.append(time.perf_counter() - begun)
        assert texts(page) == ["answer"]
        cursor = page["cursor"]
    assert min(delays) < 0.1, delays


async def test_poll_without_news_ends_with_the_same_cursor(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    cursor = (await visitor.feed())["cursor"]
    begun = time.perf_counter()
    page = await visitor.feed(cursor, wait=0.3)
    assert 0.25 < time.perf_counter() - begun < 3
    assert page == {"messages": [], "cursor": cursor, "more": False}


async def test_poll_of_somebody_new_waits_for_the_first_message(rig: Rig):
    visitor = await rig.visitor()
    poll = asyncio.create_task(visitor.feed(wait=25))
    await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 1)
    await visitor.say("from another tab")
    assert texts(await poll) == ["from another tab"]


async def test_news_of_others_does_not_end_a_poll(rig: Rig):
    one, other = await rig.visitor(), await rig.visitor()
    await one.say("mine")
    await other.say("theirs")
    poll = asyncio.create_task(one.feed((await one.feed())["cursor"], wait=25))
    await until(lambda: rig.lobby.presence.visits("web", one.id) == 1)
    await rig.team.reply(other.id, "for the other")
    await rig.team.reply(one.id, "for the one")
    assert texts(await poll) == ["for the one"]


async def test_poll_that_asks_for_it_is_told_of_typing_and_others_are_not(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    cursor = (await visitor.feed())["cursor"]
    deaf = asyncio.create_task(visitor.feed(cursor, wait=25))
    hears = asyncio.create_task(visitor.feed(cursor, wait=25, typing="1"))
    await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 2)
    await asyncio.sleep(0.02)
    await rig.lobby.channels["web"].typing(visitor.id, 5.0)
    page = await hears
    assert page["typing"] == {"on": True, "ttl": 5.0}
    assert page["messages"] == []
    assert not deaf.done()
    await rig.team.reply(visitor.id, "answer")
    assert texts(await deaf) == ["answer"]


async def test_poll_whose_client_left_is_over(rig: Rig):
    visitor = await rig.visitor()
    poll = asyncio.create_task(visitor.feed(wait=25))
    await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 1)
    poll.cancel()
    await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 0)


async def test_waiting_polls_do_not_hold_up_the_end_of_the_server(rig: Rig):
    visitor = await rig.visitor()
    poll = asyncio.create_task(visitor.feed(wait=25))
    await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 1)
    rig.lobby.presence.close()
    assert texts(await poll) == []


# ---------------------------------------------------------------- receipts


async def test_asking_on_after_a_reply_says_that_it_has_arrived(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    one = await rig.team.reply(visitor.id, "one")
    page = await visitor.feed()
    other = await rig.team.reply(visitor.id, "other")
    assert await rig.team.delivery(one) == "accepted"
    page = await visitor.feed(page["cursor"])
    assert (await rig.team.delivery(one), await rig.team.delivery(other)) == ("delivered", "accepted")
    await visitor.feed(page["cursor"])
    assert await rig.team.delivery(other) == "delivered"


async def test_receipts_tell_what_arrived_and_what_was_seen(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("question")
    one, other = await rig.team.reply(visitor.id, "one"), await rig.team.reply(visitor.id, "other")
    page = await visitor.feed()
    for body, states in (
        ({"delivered": page["cursor"]}, ("delivered", "delivered")),
        ({"read": [f"msg_{one}"]}, ("read", "delivered")),
        ({"read": [f"msg_{one}", f"msg_{other}", "msg_999", "nonsense", 7, None]}, ("read", "read")),
        ({"delivered": page["cursor"]}, ("read", "read")),
    ):
        async with rig.http.post(f"{visitor.url}/receipts", json=body, headers=visitor.auth) as answer:
            assert answer.status == 200
        assert (await rig.team.delivery(one), await rig.team.delivery(other)) == states
    assert all(message["seen"] for message in (await visitor.feed())["messages"] if message["from"] == "agent")


async def test_nobody_confirms_what_was_sent_to_somebody_else(rig: Rig):
    victim, thief = await rig.visitor(), await rig.visitor()
    await victim.say("question")
    await thief.say("hello")
    reply = await rig.team.reply(victim.id, "answer")
    body = {"delivered": "999999", "read": [f"msg_{reply}"]}
    async with rig.http.post(f"{thief.url}/receipts", json=body, headers=thief.auth) as answer:
        assert answer.status == 200
    assert await rig.team.delivery(reply) == "accepted"


@pytest.mark.parametrize("state", ["queued", "failed", "cancelled", "held"])
async def test_nobody_confirms_what_was_never_shown(rig: Rig, state: str):
    visitor = await rig.visitor()
    await visitor.say("question")
    reply = await rig.team.reply(visitor.id, "answer", delivery=state)
    body = {"delivered": "999999", "read": [f"msg_{reply}"]}
    async with rig.http.post(f"{visitor.url}/receipts", json=body, headers=visitor.auth) as answer:
        assert answer.status == 200
    assert await rig.team.delivery(reply) == state
