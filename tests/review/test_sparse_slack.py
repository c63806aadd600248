"""The whole program at another Slack-compatible server, one that says no more than it must."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sahut_bot.inbox import unreadable
from tests.review.sparse import ANI, ROOM, Customer, SparseSlack, running, seen, served


async def begun(slack: SparseSlack, text: str = "Hello") -> Customer:
    """A customer whose message stands in a thread."""
    customer = await Customer(slack.bot).arrives()
    await customer.writes(text)
    await seen(lambda: [root for root in slack.roots() if slack.replies(root) == [text]])
    return customer


@pytest.mark.parametrize(
    ("echo", "quiet_thread"), [(False, False), (True, True), (True, False)], ids=["no message", "no thread", "whole"]
)
async def test_conversation_goes_there_and_back(tmp_path: Path, echo: bool, quiet_thread: bool) -> None:
    async with served(SparseSlack(echo=echo, quiet_thread=quiet_thread)) as slack, running(slack, tmp_path):
        customer = await begun(slack)
        (root,) = slack.roots()
        await slack.types(root, "Hi there")
        await seen(lambda: [told for method, told in slack.calls if told.get("name") == "white_check_mark"])
        assert await customer.reads() == ["Hi there"]
        await customer.writes("Thanks")
        await seen(lambda: "Thanks" in slack.replies(root))
        assert slack.roots() == [root]
        assert "chat.delete" not in {method for method, _ in slack.calls}


async def test_post_that_really_came_out_in_the_channel_is_taken_back(tmp_path: Path) -> None:
    async with served(SparseSlack(echo=True)) as slack, running(slack, tmp_path):
        customer = await begun(slack)
        (first,) = slack.roots()
        slack.messages.clear()
        await customer.writes("Are you there")
        await seen(lambda: [one for one in slack.roots() if "Are you there" in slack.replies(one)])
        (again,) = slack.roots()
        assert again["ts"] != first["ts"]
        assert "chat.delete" in {method for method, _ in slack.calls}


async def test_deleting_cancels_though_nobody_says_what_was_deleted(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack, running(slack, tmp_path, hold=1.0):
        customer = await begun(slack)
        (root,) = slack.roots()
        wrong = await slack.types(root, "A wrong one")
        await slack.types(root, "A right one")
        await slack.deletes(wrong)
        await seen(lambda: [told for method, told in slack.calls if told.get("name") == "white_check_mark"])
        assert await customer.reads() == ["A right one"]
        assert not [
            told for method, told in slack.calls if method == "reactions.remove" and told["timestamp"] == wrong["ts"]
        ]


async def test_what_was_written_meanwhile_is_found_though_threads_do_not_say_when(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack:
        async with running(slack, tmp_path):
            customer = await begun(slack)
        (root,) = slack.roots()
        await slack.types(root, "Written meanwhile", heard=False)
        async with running(slack, tmp_path):
            await seen(lambda: [told for method, told in slack.calls if told.get("name") == "white_check_mark"])
            customer = await _again(customer, slack)
            assert await customer.reads() == ["Written meanwhile"]


async def test_reply_that_was_deleted_while_the_program_was_away_is_not_sent(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack:
        async with running(slack, tmp_path, hold=1.0):
            customer = await begun(slack)
            (root,) = slack.roots()
            withdrawn = [await slack.types(root, text) for text in ("One", "Two")]
            await slack.types(root, "Three")
        slack.messages = [one for one in slack.messages if one not in withdrawn]
        async with running(slack, tmp_path, hold=1.0):
            await seen(lambda: [told for method, told in slack.calls if told.get("name") == "white_check_mark"])
            customer = await _again(customer, slack)
            assert await customer.reads() == ["Three"]


async def test_replies_go_on_where_a_thread_cannot_be_looked_at(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack:
        async with running(slack, tmp_path, hold=1.0):
            customer = await begun(slack)
            await slack.types(slack.roots()[0], "One")
        slack.hidden = True
        async with running(slack, tmp_path, hold=1.0):
            await seen(lambda: [told for method, told in slack.calls if told.get("name") == "white_check_mark"])
            customer = await _again(customer, slack)
            assert await customer.reads() == ["One"]


async def _again(customer: Customer, slack: SparseSlack) -> Customer:
    """The same visitor at the program's new address."""
    back = Customer(slack.bot)
    back._headers = customer._headers
    return back


async def test_form_without_a_trigger_becomes_a_button(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack, running(slack, tmp_path):
        await begun(slack)
        assert (await slack.slash("/snooze", "#1"))[0] == 200
        (answer,) = await seen(lambda: slack.responses)
        assert [element["text"]["text"] for block in answer["blocks"] for element in block.get("elements", ())]
        assert "views.open" not in {method for method, _ in slack.calls}


@pytest.mark.slow
async def test_colleagues_are_known_though_slack_stumbles_while_it_tells_of_them(tmp_path: Path) -> None:
    slack = SparseSlack()
    slack.members.append("U0BEN")
    slack.failing = ["users.info", "users.info", "conversations.members"]
    async with served(slack), running(slack, tmp_path):
        await begun(slack)
        await seen(lambda: [told for method, told in slack.calls if told.get("user") == "U0BEN"])
        await slack.slash("/assign", "#1 <@U0BEN>")
        await seen(lambda: slack.responses)
        assert slack.responses[0]["text"] == "#1 is assigned."


async def test_answer_whose_address_is_gone_is_whispered(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack, running(slack, tmp_path):
        await begun(slack)
        slack.deaf_responses = True
        assert (await slack.slash("/claim", "#99"))[0] == 200
        (told,) = await seen(lambda: [told for method, told in slack.calls if method == "chat.postEphemeral"])
        assert "#99" in told["text"]


async def test_certificate_may_be_tried_without_a_signature_and_nothing_else(tmp_path: Path) -> None:
    form = "application/x-www-form-urlencoded"
    async with served(SparseSlack()) as slack, running(slack, tmp_path):
        assert await slack.send("commands", "ssl_check=1&token=x", form, signed=False) == (200, "")
        assert (await slack.send("commands", f"command=%2Fclaim&user_id={ANI}&ssl_check=1", form, signed=False))[
            0
        ] == 401


async def test_fields_of_a_message_may_be_null(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack, running(slack, tmp_path):
        customer = await Customer(slack.bot).arrives()
        await customer.writes("Hello", attachments=None, page="https://shop.example.com")
        await seen(lambda: [root for root in slack.roots() if slack.replies(root) == ["Hello"]])


async def test_what_is_authentic_and_not_understood_is_kept_and_listed_one_of_a_kind(tmp_path: Path) -> None:
    strange = [
        {"type": "event_callback", "event": {"type": "something_new", "user": ANI}},
        {"type": "event_callback", "event": {"type": "something_new", "user": "another"}},
        {"type": "event_callback", "event": "no object"},
        {"type": "event_callback", "event": {"type": ["no", "text"]}},
        {"type": "event_callback", "event": {"type": "message"}, "authorizations": {"no": "list"}},
        {"type": "something_else"},
        {"hello": "world"},
    ]
    async with served(SparseSlack()) as slack, running(slack, tmp_path) as app:
        for told in strange:
            body = json.dumps(told)
            assert await slack.send("events", body, "application/json") == (200, "")
            assert (await slack.send("events", body, "application/json", signed=False))[0] == 401
        kept = await app.store.read(unreadable.listing, 10)
        assert sorted(entry.error for entry in kept) == [
            *["no event"] * 4,
            "unknown event ",
            "unknown event something_new",
        ]


@pytest.mark.parametrize("field", ["team_id", "event_id", "event_time", "api_app_id", "enterprise_id"])
@pytest.mark.parametrize("value", [None, 5, "text", [], [5], {}, {"id": []}])
async def test_odd_envelopes_are_heard_all_the_same(shared: SparseSlack, field: str, value: object) -> None:
    (root,) = shared.roots()
    message = {"ts": f"{time.time():.6f}", "user": ANI, "text": "; noted", "thread_ts": root["ts"]}
    envelope = {"type": "event_callback", "team_id": "T0", field: value}
    envelope["event"] = {"type": "message", "channel": ROOM, **message}
    before = len(shared.calls)
    assert await shared.send("events", json.dumps(envelope), "application/json") == (200, "")
    await seen(lambda: [told for _, told in shared.calls[before:] if told.get("timestamp") == message["ts"]])


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[SparseSlack]:
    async with served(SparseSlack()) as slack, running(slack, tmp_path):
        await begun(slack)
        yield slack
