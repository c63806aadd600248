"""What people write in Slack reaches the core: once in meaning, in order, and never before it is stored."""

from __future__ import annotations

import json

import pytest

from sahut_bot.errors import Busy, NotUnderstood, Transient
from sahut_bot.text import tree
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    Answer,
    PersonChanged,
    Roster,
    ThreadLost,
)
from tests.bridges.slack_desk import CARD, Desk, content, desk


async def test_a_message_in_a_thread_is_handed_in_with_its_author(slack: Desk):
    thread = await slack.thread()
    ts = slack.ws.driver.post(slack.dewi, slack.team, "On its *way* :wave:", thread_ts=thread.external_id)
    (post,) = await slack.until(lambda: slack.sink.posts)
    assert (post.thread, post.external_id, post.caught_up, post.mentions_bot) == (thread, ts, False, False)
    assert (post.author.external_id, post.author.name, post.author.is_agent) == (slack.dewi, "Dewi", True)
    assert post.author.timezone == "Asia/Jakarta"
    assert tree.plain(post.body) == "On its way 👋"
    assert post.at == float(ts)
    await slack.settle()
    assert slack.server.delivery.attempts[-1].outcome == "acknowledged"


async def test_messages_of_one_thread_keep_their_order(slack: Desk):
    thread = await slack.thread()
    texts = [f"line {number}" for number in range(12)]
    for text in texts:
        slack.ws.driver.post(slack.ana, slack.team, text, thread_ts=thread.external_id)
    await slack.until(lambda: len(slack.sink.posts) == 12)
    if slack.ws.manifest.socket_mode:  # Slack's HTTP requests themselves come in any order
        assert slack.sink.texts() == texts
    assert sorted(slack.sink.texts()) == sorted(texts)


async def test_an_event_is_acknowledged_only_when_it_is_stored(slack: Desk):
    slack.server.switches.retry_delays = (0.05, 0.05, 0.05)
    thread = await slack.thread()
    slack.sink.refusals = [Busy("full"), Transient("away")]
    slack.ws.driver.post(slack.dewi, slack.team, "hello", thread_ts=thread.external_id)
    slack.server.switches.ack_timeout = 0.3
    await slack.until(lambda: slack.sink.posts)
    await slack.settle()
    attempts = [attempt.outcome for attempt in slack.server.delivery.attempts if attempt.outcome != "acknowledged"]
    assert len(attempts) == 2
    assert len(slack.sink.posts) == 1
    assert not slack.ws.lost_events


async def test_what_cannot_be_found_out_about_an_author_is_not_guessed(slack: Desk):
    slack.server.switches.retry_delays = (0.05, 0.05, 0.05)
    slack.server.switches.ack_timeout = 0.5
    slack.ws.driver.join(slack.otto, slack.team)
    await slack.until(lambda: [one for one in slack.sink.of(PersonChanged) if one.person.external_id == slack.otto])
    slack.chat._people.forget()
    slack.server.fail_next("users.info", status=503, match=lambda args: args.get("user") == slack.otto)
    thread = await slack.thread()
    slack.ws.driver.post(slack.otto, slack.team, "hello", thread_ts=thread.external_id)
    (post,) = await slack.until(lambda: slack.sink.posts)
    assert post.author.is_agent
    assert max(attempt.number for attempt in slack.server.delivery.attempts) == 1


async def test_a_repeated_event_is_handed_in_as_the_same_message(slack: Desk):
    thread = await slack.thread()
    slack.server.switches.duplicate = True
    ts = slack.ws.driver.post(slack.dewi, slack.team, "hello", thread_ts=thread.external_id)
    await slack.until(lambda: len(slack.sink.posts) == 2)
    assert {(post.thread, post.external_id) for post in slack.sink.posts} == {(thread, ts)}


async def test_a_mention_and_its_twin_are_the_same_message_without_the_mention(slack: Desk):
    thread = await slack.thread()
    text = f"<@{slack.ws.bot_user_id}> snooze 2h"
    slack.ws.driver.post(slack.dewi, slack.team, text, thread_ts=thread.external_id)
    await slack.until(lambda: len(slack.sink.posts) == 2)
    posts = slack.sink.posts
    assert {post.external_id for post in posts} == {posts[0].external_id}
    for post in posts:
        assert post.mentions_bot
        assert tree.plain(post.body) == "snooze 2h"


async def test_mentions_of_colleagues_stay_and_have_names(slack: Desk):
    thread = await slack.thread()
    slack.ws.driver.post(slack.dewi, slack.team, f"ask <@{slack.otto}>", thread_ts=thread.external_id)
    (post,) = await slack.until(lambda: slack.sink.posts)
    assert [(one.kind, one.id, one.name) for one in tree.mentions(post.body)] == [("user", slack.otto, "Otto")]
    assert not post.mentions_bot


async def test_talk_at_channel_level_is_not_ours(slack: Desk):
    slack.ws.driver.post(slack.dewi, slack.team, "lunch?")
    slack.ws.driver.act(slack.dewi, slack.team, "channel_topic", "new topic")
    await slack.settle()
    assert not slack.sink.posts
    assert not slack.sink.calls


async def test_a_mention_at_channel_level_is_a_command_once(slack: Desk):
    slack.server.switches.duplicate = True
    slack.ws.driver.post(slack.dewi, slack.team, f"<@{slack.ws.bot_user_id}> assign #1042 <@{slack.ana}>")
    await slack.until(lambda: slack.sink.calls)
    await slack.settle()
    (call,) = slack.sink.calls
    assert (call.name, call.text, call.thread) == ("assign", "#1042 @Ana", None)
    assert [one.id for one in tree.mentions(call.body)] == [slack.ana]
    assert call.actor.external_id == slack.dewi


async def test_the_answer_to_a_command_at_channel_level_is_private(slack: Desk):
    slack.sink.answers["why"] = Answer(text="Because.")
    slack.ws.driver.post(slack.dewi, slack.team, f"<@{slack.ws.bot_user_id}> why #1042")
    (shown,) = await slack.until(lambda: slack.ws.seen_by(slack.dewi))
    assert (shown.text, shown.thread_ts) == ("Because.", "")


async def test_edits_and_deletions_are_told(slack: Desk):
    thread = await slack.thread()
    ts = slack.ws.driver.post(slack.dewi, slack.team, "helo", thread_ts=thread.external_id)
    slack.ws.driver.edit(slack.dewi, slack.team, ts, "hello")
    (edit,) = await slack.until(lambda: slack.sink.of(AgentEdit))
    assert (edit.thread, edit.external_id, tree.plain(edit.body)) == (thread, ts, "hello")
    slack.ws.driver.delete(slack.dewi, slack.team, ts)
    (delete,) = await slack.until(lambda: slack.sink.of(AgentDelete))
    assert (delete.thread, delete.external_id) == (thread, ts)


async def test_link_previews_and_our_own_posts_and_changes_are_silent(slack: Desk):
    thread = await slack.thread()
    ts = slack.ws.driver.post(slack.dewi, slack.team, "see https://example.com", thread_ts=thread.external_id)
    slack.ws.driver.unfurl(slack.team, ts, "https://example.com")
    sent = await slack.chat.post(thread, content("hello", as_name="Budi", customer=True), "m:1")
    await slack.chat.edit(thread, sent.external_id, content("hello (edited)"))
    await slack.chat.refresh(thread, CARD)
    await slack.until(lambda: slack.sink.posts)
    await slack.settle()
    assert slack.sink.texts() == ["see https://example.com"]
    assert len([event for event in slack.sink.events if not isinstance(event, PersonChanged | Roster)]) == 1


@pytest.mark.parametrize("with_replies", [True, False])
async def test_a_deleted_card_is_a_lost_thread(slack: Desk, with_replies: bool):
    thread = await slack.thread()
    if with_replies:
        slack.ws.driver.post(slack.dewi, slack.team, "hello", thread_ts=thread.external_id)
    slack.ws.driver.delete(slack.ana, slack.team, thread.external_id)
    (lost,) = await slack.until(lambda: slack.sink.of(ThreadLost))
    assert lost.thread == thread


async def test_bots_are_never_handed_in(slack: Desk):
    thread = await slack.thread()
    slack.ws.driver.other_bot(slack.team, "from a workflow", thread_ts=thread.external_id)
    slack.ws.driver.other_bot(slack.team, "as Dewi", thread_ts=thread.external_id, on_behalf_of=slack.dewi)
    await slack.settle()
    assert not slack.sink.posts


@pytest.mark.parametrize("who", ["gita", "sari"])
async def test_guests_and_people_of_other_companies_are_no_agents(slack: Desk, who: str):
    thread = await slack.thread()
    slack.ws.driver.post(getattr(slack, who), slack.team, "hello", thread_ts=thread.external_id)
    (post,) = await slack.until(lambda: slack.sink.posts)
    assert not post.author.is_agent


async def test_joining_leaving_guesthood_and_deactivation_change_who_is_an_agent(slack: Desk):
    def told(user: str) -> list[bool]:
        return [one.person.is_agent for one in slack.sink.of(PersonChanged) if one.person.external_id == user]

    slack.ws.driver.join(slack.otto, slack.team)
    await slack.until(lambda: told(slack.otto) == [True])
    slack.ws.driver.leave(slack.otto, slack.team)
    await slack.until(lambda: told(slack.otto) == [True, False])
    slack.ws.driver.make_guest(slack.dewi)
    await slack.until(lambda: told(slack.dewi) == [True, False])
    slack.ws.driver.make_full(slack.dewi)
    await slack.until(lambda: told(slack.dewi) == [True, False, True])
    slack.ws.driver.deactivate(slack.dewi)
    await slack.until(lambda: told(slack.dewi) == [True, False, True, False])
    slack.ws.driver.rename(slack.ana, "Ana Maria")
    await slack.until(lambda: [one for one in slack.sink.of(PersonChanged) if one.person.name == "Ana Maria"])


async def test_everybody_in_the_team_channel_is_introduced_on_start(slack: Desk):
    await slack.until(lambda: len(slack.sink.of(PersonChanged)) == 2)
    assert {one.person.name for one in slack.sink.of(PersonChanged)} == {"Ana", "Dewi"}


async def test_somebody_who_left_while_nobody_listened_is_no_agent(slack: Desk):
    thread = await slack.thread()
    slack.server.switches.offline = True
    slack.server.switches.retry_delays = (0.0,)
    slack.ws.driver.leave(slack.dewi, slack.team)
    await slack.until(lambda: slack.ws.lost_events)
    slack.server.switches.offline = False
    slack.chat._people.forget()
    slack.ws.driver.join(slack.dewi, slack.team)
    slack.ws.driver.make_guest(slack.dewi)
    slack.ws.driver.post(slack.dewi, slack.team, "hello", thread_ts=thread.external_id)
    (post,) = await slack.until(lambda: slack.sink.posts)
    assert not post.author.is_agent


async def test_a_reply_that_is_shown_in_the_channel_too_is_a_reply(slack: Desk):
    thread = await slack.thread()
    slack.ws.driver.post(slack.dewi, slack.team, "all: hello", thread_ts=thread.external_id, broadcast=True)
    (post,) = await slack.until(lambda: slack.sink.posts)
    assert post.thread == thread


async def test_events_out_of_order_are_all_handed_in(slack: Desk):
    thread = await slack.thread()
    slack.server.delivery.hold()
    ts = slack.ws.driver.post(slack.dewi, slack.team, "helo", thread_ts=thread.external_id)
    slack.ws.driver.edit(slack.dewi, slack.team, ts, "hello")
    slack.server.delivery.release(reverse=True)
    await slack.until(lambda: slack.sink.posts)
    await slack.until(lambda: slack.sink.of(AgentEdit))


async def test_what_cannot_be_read_is_kept_and_can_be_read_again_later(slack: Desk):
    thread = await slack.thread()
    slack.sink.refusals = [RuntimeError("a mistake of ours")]
    slack.ws.driver.post(slack.dewi, slack.team, "hello", thread_ts=thread.external_id)
    ((source, body, error),) = await slack.until(lambda: slack.sink.unread)
    assert (source, error) == ("slack", "RuntimeError")
    await slack.settle()
    assert not slack.sink.posts
    await slack.chat.replay(body, slack.sink)
    assert slack.sink.texts() == ["hello"]


async def test_a_kept_event_can_be_read_by_a_program_that_is_not_running():
    async with desk(listening=False) as quiet:
        thread = await quiet.thread()
        ts = quiet.ws.driver.post(quiet.dewi, quiet.team, "hello", thread_ts=thread.external_id)
        await quiet.chat.stop()
        (envelope,) = [one for one in quiet.ws.events if one["event"]["ts"] == ts]
        await quiet.chat.replay(json.dumps(envelope).encode(), quiet.sink)
        assert quiet.sink.texts() == ["hello"]
        with pytest.raises(NotUnderstood):
            await quiet.chat.replay(b"no json", quiet.sink)
        with pytest.raises(NotUnderstood):
            await quiet.chat.replay(b'{"event": {"type": "message"}}', quiet.sink)


async def test_who_left_while_nobody_listened_is_missing_from_the_roster(slack):
    await slack.until(lambda: slack.sink.of(Roster))
    assert slack.sink.of(Roster)[-1].members == {slack.ana, slack.dewi}
