"""What the adapter posts, changes and marks, and what it makes of Slack's refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sahut_bot.errors import AuthFailed, Permanent, PlaceClosed, RateLimited, Transient, Uncertain
from sahut_bot.types import Answer, Button, Form, Health, Mark, ThreadRef
from tests.bridges.slack_desk import CARD, Desk, content, desk


@pytest.fixture
async def quiet() -> AsyncIterator[Desk]:
    """Started, and not listening: what is tested here goes outwards only."""
    async with desk(listening=False) as made:
        yield made


# ---------------------------------------------------------------- cards


async def test_a_card_opens_a_thread_in_the_channel_that_slack_names(quiet: Desk):
    thread = await quiet.chat.open_thread(CARD, "#team", "card:1042")
    assert thread.place == quiet.team
    (message,) = quiet.ws.messages(quiet.team)
    assert message["ts"] == thread.external_id
    assert message["blocks"][0]["text"]["text"] == "#1042 · Live chat · Budi"
    payload = {"key": "card:1042", "conversation": 1042}
    assert message["metadata"] == {"event_type": "sahut", "event_payload": payload}


async def test_a_refreshed_card_is_changed_in_place(quiet: Desk):
    thread = await quiet.thread()
    changed = replace(CARD, title="#1042 · resolved")
    await quiet.chat.refresh(thread, changed)
    (message,) = quiet.ws.messages(quiet.team)
    assert message["blocks"][0]["text"]["text"] == "#1042 · resolved"
    assert message["metadata"]["event_payload"]["key"] == "card:1042"


async def test_refreshing_a_card_that_is_gone_says_that_the_thread_is_lost(quiet: Desk):
    thread = await quiet.thread()
    quiet.ws.driver.delete(quiet.ana, quiet.team, thread.external_id)
    with pytest.raises(Permanent) as refused:
        await quiet.chat.refresh(thread, CARD)
    assert refused.value.code == "thread_lost"


# ---------------------------------------------------------------- posts


async def test_a_customers_message_stands_under_the_customers_name_and_pings_nobody(quiet: Desk):
    thread = await quiet.thread()
    sent = await quiet.chat.post(
        thread, content("<!channel> *hi* @here http://evil.example", as_name="Ana", customer=True), "m:1"
    )
    message = quiet.ws.message(quiet.team, sent.external_id) or {}
    assert message["username"] == "Ana (customer)"
    assert message["thread_ts"] == thread.external_id
    assert "&lt;!channel&gt;" in message["text"]
    assert quiet.ws.pings == []
    (call,) = [call for call in quiet.ws.calls("chat.postMessage") if call.args.get("thread_ts")]
    assert (call.args["unfurl_links"], call.args["unfurl_media"]) == (False, False)
    assert sent.at == float(sent.external_id)


async def test_those_to_be_notified_are_mentioned_and_a_broadcast_shows_in_the_channel(quiet: Desk):
    thread = await quiet.thread()
    sent = await quiet.chat.post(thread, content("it is back", mention=(quiet.dewi,), broadcast=True), "m:1")
    assert [ping.target for ping in quiet.ws.pings] == [quiet.dewi]
    assert sent.external_id in [message["ts"] for message in quiet.ws.messages(quiet.team)]


async def test_a_notice_is_small_print_of_the_bot_and_may_have_buttons(quiet: Desk):
    thread = await quiet.thread()
    notice = content("Ana claimed this", quiet=True, buttons=(Button(label="Undo", command="undo #1042 7"),))
    sent = await quiet.chat.post(thread, notice, "a:1")
    message = quiet.ws.message(quiet.team, sent.external_id) or {}
    assert "username" not in message
    assert [block["type"] for block in message["blocks"]] == ["context", "actions"]


async def room_for_a_post(desk: Desk) -> None:
    while (wait := desk.chat.room(desk.team, "post")[1]) > 0:
        await asyncio.sleep(wait)


async def test_a_post_under_a_deleted_card_is_taken_back_and_the_thread_is_lost(quiet: Desk):
    thread = await quiet.thread()
    await quiet.chat.post(thread, content("one"), "m:1")
    quiet.ws.driver.delete(quiet.ana, quiet.team, thread.external_id)
    await room_for_a_post(quiet)
    with pytest.raises(Permanent) as refused:
        await quiet.chat.post(thread, content("two"), "m:2")
    assert refused.value.code == "thread_lost"
    assert all(message["subtype"] == "tombstone" for message in quiet.ws.messages(quiet.team))


async def test_a_stray_post_that_slack_will_not_delete_is_overwritten(quiet: Desk):
    thread = await quiet.thread()
    quiet.ws.driver.delete(quiet.ana, quiet.team, thread.external_id)
    with pytest.raises(Permanent):
        await quiet.chat.post(thread, content("secret", as_name="Budi", customer=True), "m:2")
    (stray,) = quiet.ws.messages(quiet.team)
    assert stray["text"] == "(moved to a new thread)"


async def test_an_edit_changes_the_post(quiet: Desk):
    thread = await quiet.thread()
    sent = await quiet.chat.post(thread, content("helo", as_name="Budi", customer=True), "m:1")
    await quiet.chat.edit(thread, sent.external_id, content("hello", as_name="Budi", customer=True))
    assert (quiet.ws.message(quiet.team, sent.external_id) or {})["text"] == "hello"


async def test_an_edit_too_long_for_slack_is_posted_whole_once_and_pointed_to(quiet: Desk):
    thread = await quiet.thread()
    sent = await quiet.chat.post(thread, content("short"), "m:1")
    text = "long words " * 800
    await room_for_a_post(quiet)
    for _ in range(2):
        await quiet.chat.edit(thread, sent.external_id, content(text))
    _, edited, whole = quiet.ws.thread(quiet.team, thread.external_id)
    assert edited["text"].startswith("long words")
    assert "further down" in edited["text"]
    assert whole["text"] == text


async def test_a_text_beyond_slacks_limit_says_how_much_is_missing(quiet: Desk):
    thread = await quiet.thread()
    sent = await quiet.chat.post(thread, content("x" * 60_000), "m:1")
    text = (quiet.ws.message(quiet.team, sent.external_id) or {})["text"]
    assert text.endswith("more characters do not fit into a Slack message.")


# ---------------------------------------------------------------- marks


@pytest.mark.parametrize("mark", list(Mark))
async def test_every_mark_can_be_set_and_taken_back_twice(quiet: Desk, mark: Mark):
    thread = await quiet.thread()
    ts = quiet.ws.driver.post(quiet.dewi, quiet.team, "hello", thread_ts=thread.external_id)
    for _ in range(2):
        await quiet.chat.mark(thread, ts, mark)
    assert len(quiet.ws.reactions(quiet.team, ts)) == 1
    for _ in range(2):
        await quiet.chat.unmark(thread, ts, mark)
    assert quiet.ws.reactions(quiet.team, ts) == {}


async def test_a_mark_on_a_message_that_is_gone_is_refused_by_slacks_word(quiet: Desk):
    thread = await quiet.thread()
    with pytest.raises(Permanent) as refused:
        await quiet.chat.mark(thread, "1795000000.000001", Mark.ACCEPTED)
    assert refused.value.code == "message_not_found"


async def test_a_sign_that_is_no_emoji_is_refused_without_asking_slack(quiet: Desk):
    thread = await quiet.thread()
    with pytest.raises(Permanent):
        await quiet.chat.mark(thread, thread.external_id, "no emoji")
    assert not quiet.ws.calls("reactions.add")


# ---------------------------------------------------------------- private words


async def test_a_whisper_is_seen_by_one_person_in_the_thread(quiet: Desk):
    thread = await quiet.thread()
    await quiet.chat.post(thread, content("hello"), "m:1")
    form = Form(command="snooze #1042", title="Snooze", submit="Snooze", fields=())
    answer = Answer(text="Budi owns this.", buttons=(Button(label="Drop", command="held 7 drop"),), form=form)
    await quiet.chat.whisper(thread, quiet.dewi, answer)
    (shown,) = quiet.ws.seen_by(quiet.dewi)
    assert (shown.text, shown.thread_ts, shown.visible) == ("Budi owns this.", thread.external_id, True)
    values = [element["value"] for element in shown.blocks[-1]["elements"]]
    assert values == ["snooze #1042", "held 7 drop"]
    assert quiet.ws.seen_by(quiet.ana) == []


async def test_a_whisper_to_somebody_who_left_is_refused(quiet: Desk):
    thread = await quiet.thread()
    with pytest.raises(Permanent) as refused:
        await quiet.chat.whisper(thread, quiet.otto, Answer(text="hello"))
    assert refused.value.code == "user_not_in_channel"


# ---------------------------------------------------------------- refusals and lost answers


async def test_a_429_is_obeyed_per_method_and_channel(quiet: Desk):
    thread = await quiet.thread()
    quiet.server.fail_next("chat.postMessage", status=429, retry_after=2)
    with pytest.raises(RateLimited) as refused:
        await quiet.chat.post(thread, content("one"), "m:1")
    assert refused.value.retry_after == 2.0
    room, wait = quiet.chat.room(quiet.team, "post")
    assert room == 0
    assert 1.5 < wait <= 2.0
    assert quiet.chat.room(quiet.team, "update")[0] > 0
    with pytest.raises(RateLimited):
        await quiet.chat.post(thread, content("one"), "m:1")
    assert quiet.ws.calls_during_retry_after == 0


async def test_posts_use_the_pace_and_never_break_it(quiet: Desk):
    quiet.ws.limits.post_burst = 3
    thread = await quiet.thread()
    started, sent = time.monotonic(), 1
    while sent < 6:
        try:
            await quiet.chat.post(thread, content(f"line {sent}"), f"m:{sent}")
            sent += 1
        except RateLimited as refused:
            await asyncio.sleep(refused.retry_after)
    assert quiet.ws.rate_violations == 0
    assert 2.5 < time.monotonic() - started < 4.5


async def test_a_lost_answer_to_a_post_is_uncertain_and_found_again(quiet: Desk):
    thread = await quiet.thread()
    quiet.server.fail_next("chat.postMessage", drop_after_effect=True)
    with pytest.raises(Uncertain):
        await quiet.chat.post(thread, content("one"), "m:1")
    found = await quiet.chat.find(thread, quiet.team, "m:1")
    assert found is not None
    assert found.external_id == quiet.ws.thread(quiet.team, thread.external_id)[1]["ts"]
    assert await quiet.chat.find(thread, quiet.team, "m:2") is None


async def test_a_lost_answer_to_a_card_is_uncertain_and_found_again(quiet: Desk):
    quiet.server.fail_next("chat.postMessage", drop_after_effect=True)
    with pytest.raises(Uncertain):
        await quiet.thread("card:1042")
    found = await quiet.chat.find(None, quiet.team, "card:1042")
    assert found is not None
    assert found.external_id == quiet.ws.messages(quiet.team)[0]["ts"]
    assert await quiet.chat.find(None, quiet.team, "card:1") is None


async def test_a_post_that_never_arrived_is_uncertain_and_not_found(quiet: Desk):
    thread = await quiet.thread()
    quiet.server.fail_next("chat.postMessage", drop_before_effect=True)
    with pytest.raises(Uncertain):
        await quiet.chat.post(thread, content("one"), "m:1")
    assert await quiet.chat.find(thread, quiet.team, "m:1") is None
    assert len(quiet.ws.calls("chat.postMessage")) == 2  # the SDK has not tried again by itself


async def test_somebody_elses_metadata_is_not_taken_for_ours(quiet: Desk):
    thread = await quiet.thread()
    ts = quiet.ws.driver.other_bot(quiet.team, "me too", thread_ts=thread.external_id)
    payload = {"event_type": "sahut", "event_payload": {"key": "m:1"}}
    quiet.ws.channels[quiet.team].messages[ts]["metadata"] = payload
    assert await quiet.chat.find(thread, quiet.team, "m:1") is None


async def test_a_post_is_found_in_a_long_thread(quiet: Desk):
    thread = await quiet.thread()
    for number in range(450):
        quiet.ws.driver.post(quiet.dewi, quiet.team, f"line {number}", thread_ts=thread.external_id)
    sent = await quiet.chat.post(thread, content("here"), "m:1")
    assert await quiet.chat.find(thread, quiet.team, "m:1") == sent


async def test_looking_into_a_thread_that_is_gone_finds_nothing(quiet: Desk):
    lost = ThreadRef(teamchat="slack", place=quiet.team, external_id="1795000000.000001")
    assert await quiet.chat.find(lost, quiet.team, "m:1") is None


async def test_a_lost_answer_to_an_update_or_a_mark_may_simply_be_tried_again(quiet: Desk):
    thread = await quiet.thread()
    quiet.server.fail_next("chat.update", drop_after_effect=True)
    with pytest.raises(Transient):
        await quiet.chat.refresh(thread, CARD)
    quiet.server.fail_next("reactions.add", drop_after_effect=True)
    with pytest.raises(Transient):
        await quiet.chat.mark(thread, thread.external_id, Mark.QUEUED)
    await quiet.chat.mark(thread, thread.external_id, Mark.QUEUED)


async def test_slack_that_cannot_be_reached_is_transient(quiet: Desk):
    thread = await quiet.thread()
    await quiet.server.stop()
    with pytest.raises((Uncertain, Transient)):  # the first may go into a connection that is just closing
        await quiet.chat.post(thread, content("one"), "m:1")
    await room_for_a_post(quiet)
    with pytest.raises(Transient):
        await quiet.chat.post(thread, content("one"), "m:1")
    await quiet.server.start()
    await quiet.chat.refresh(thread, CARD)


async def test_a_revoked_token_is_an_account_problem(quiet: Desk):
    thread = await quiet.thread()
    quiet.ws.token_error = "token_revoked"
    with pytest.raises(AuthFailed):
        await quiet.chat.post(thread, content("one"), "m:1")


async def test_what_is_for_a_closed_channel_waits_until_people_mend_it():
    async with desk(listening=False, posts_per_second=0) as made:
        thread = await made.thread()
        made.ws.driver.archive(made.ana, made.team)
        with pytest.raises(PlaceClosed) as refused:
            await made.chat.post(thread, content("one"), "m:1")
        assert refused.value.retry_after == 60
        made.ws.driver.archive(made.ana, made.team, undo=True)
        made.ws.driver.leave(made.ws.bot_user_id, made.team)
        for attempt in (made.chat.post(thread, content("one"), "m:1"), made.chat.find(thread, made.team, "m:1")):
            with pytest.raises(PlaceClosed):
                await attempt
        assert made.chat.health is Health.DEGRADED
        made.ws.driver.join(made.ws.bot_user_id, made.team)
        await made.chat.post(thread, content("one"), "m:1")
        assert made.chat.health is not Health.DEGRADED


async def test_every_kind_of_call_has_room_at_first(quiet: Desk):
    for method in ("post", "update", "react", "unreact", "whisper"):
        room, wait = quiet.chat.room(quiet.team, method)
        assert room > 0
        assert wait == 0.0
