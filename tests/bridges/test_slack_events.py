"""What Slack's events say to us, one payload at a time."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.bridges.teamchat.slack_events import (
    Deleted,
    Identity,
    Moved,
    ProfileChanged,
    RootGone,
    Shared,
    Typed,
    hear,
    read_file,
)
from sahut_bot.errors import NotUnderstood

ME = Identity(user_id="UBOT", bot_id="BBOT", team_id="T1")
ROOT, REPLY = "1795000000.000100", "1795000009.000200"


def envelope(**event: Any) -> dict[str, Any]:
    return {"type": "event_callback", "event_id": "Ev1", "event_time": 1795000010, "event": event}


def message(**event: Any) -> dict[str, Any]:
    told = {"type": "message", "channel": "C1", "user": "U1", "text": "hello", "ts": REPLY, "thread_ts": ROOT}
    return envelope(**(told | event))


def heard(body: dict[str, Any]) -> list[Any]:
    return hear(body, ME, "en")


def test_a_reply_in_a_thread_is_typed():
    (typed,) = heard(message())
    assert isinstance(typed, Typed)
    assert (typed.channel, typed.ts, typed.thread_ts, typed.user, typed.text) == ("C1", REPLY, ROOT, "U1", "hello")
    assert typed.at == 1795000009.0002
    assert not typed.edited


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast", "me_message"])
def test_these_subtypes_are_what_a_person_typed(subtype: str):
    (typed,) = heard(message(subtype=subtype))
    assert isinstance(typed, Typed)


@pytest.mark.parametrize(
    "subtype",
    ["channel_join", "channel_topic", "bot_message", "reminder_add", "huddle_thread", "new"],
)
def test_other_subtypes_are_not(subtype: str):
    assert heard(message(subtype=subtype)) == []


@pytest.mark.parametrize(
    "author",
    [{"bot_id": "B9"}, {"user": "USLACKBOT"}, {"user": ""}, {"user": "UBOT"}, {"bot_id": "BBOT", "user": None}],
)
def test_bots_and_ourselves_are_not_people(author: dict[str, Any]):
    assert heard(message(**author)) == []


def edit(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    told = {"type": "message", "user": "U1", "ts": REPLY, "thread_ts": ROOT}
    return envelope(
        type="message",
        subtype="message_changed",
        hidden=True,
        channel="C1",
        ts="1795000020.000300",
        event_ts="1795000020.000300",
        previous_message=told | before,
        message=told | after,
    )


def test_an_edit_comes_with_the_new_text_and_the_old_ts():
    (typed,) = heard(edit({"text": "a"}, {"text": "b", "edited": {"user": "U1", "ts": "1795000020.000000"}}))
    assert (typed.edited, typed.text, typed.ts, typed.at) == (True, "b", REPLY, 1795000020.0003)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"text": "a"}, {"text": "a", "attachments": [{}]}),
        ({"text": "a"}, {"text": "a", "edited": {"user": "U1"}}),
        ({"text": "a"}, {"text": "b"}),
        ({"text": "a", "bot_id": "BBOT"}, {"text": "b", "bot_id": "BBOT", "edited": {}}),
        ({"text": "a"}, {"text": "b", "edited": {"user": "U1"}, "thread_ts": None}),
        ({"text": "a"}, {"text": "b", "edited": {"user": "U1"}, "thread_ts": REPLY}),
    ],
    ids=["preview", "same text", "no edit mark", "our own update", "not in a thread", "first message"],
)
def test_changes_that_no_agent_made_in_a_thread_are_none(before: dict[str, Any], after: dict[str, Any]):
    assert heard(edit(before, after)) == []


def deletion(**previous: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": REPLY}
    return envelope(**told, event_ts="1795000020.5", **({"previous_message": previous} if previous else {}))


def test_a_deleted_reply_is_told():
    assert heard(deletion(user="U1", ts=REPLY, thread_ts=ROOT)) == [
        Deleted(channel="C1", thread_ts=ROOT, ts=REPLY, at=1795000020.5)
    ]


def test_a_deleted_first_message_of_ours_is_a_lost_thread():
    assert heard(deletion(bot_id="BBOT", ts=REPLY)) == [RootGone(channel="C1", ts=REPLY, at=1795000020.5)]
    assert heard(deletion(bot_id="BBOT", ts=REPLY, thread_ts=REPLY)) == [
        RootGone(channel="C1", ts=REPLY, at=1795000020.5)
    ]


@pytest.mark.parametrize(
    "previous",
    [{"bot_id": "BBOT", "ts": REPLY, "thread_ts": ROOT}, {"user": "U1", "ts": REPLY}, {"bot_id": "B9", "ts": REPLY}],
    ids=["our reply", "somebody's own talk", "another bot's"],
)
def test_other_deletions_are_none_of_ours(previous: dict[str, Any]):
    assert heard(deletion(**previous)) == []


def test_a_deletion_that_does_not_say_what_it_was_is_tried_both_ways():
    assert [type(one) for one in heard(deletion())] == [Deleted, RootGone]


@pytest.mark.parametrize("previous", [{"bot_id": "BBOT", "ts": ROOT}, {}])
def test_a_tombstone_over_a_card_is_a_lost_thread(previous: dict[str, Any]):
    stone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": ROOT, "thread_ts": ROOT, "text": "deleted"}
    body = envelope(
        type="message",
        subtype="message_changed",
        channel="C1",
        event_ts="1795000020.5",
        message=stone,
        previous_message=previous,
    )
    assert heard(body) == [RootGone(channel="C1", ts=ROOT, at=1795000020.5)]


def test_a_tombstone_over_somebody_elses_thread_is_none_of_ours():
    stone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": ROOT}
    previous = {"user": "U1", "ts": ROOT}
    body = envelope(type="message", subtype="message_changed", channel="C1", message=stone, previous_message=previous)
    assert heard(body) == []


def test_a_file_of_ours_in_a_thread_is_told():
    body = message(user="UBOT", bot_id="BBOT", subtype="file_share", files=[{"id": "F1"}, {"id": "F2"}])
    assert heard(body) == [Shared(channel="C1", thread_ts=ROOT, ts=REPLY, files=("F1", "F2"), at=1795000009.0002)]


def test_joining_leaving_and_changing_are_told():
    assert heard(envelope(type="member_joined_channel", user="U1", channel="C1", event_ts="5.0")) == [
        Moved(channel="C1", user="U1", joined=True, at=5.0)
    ]
    assert heard(envelope(type="member_left_channel", user="U1", channel="C1", event_ts="5.0")) == [
        Moved(channel="C1", user="U1", joined=False, at=5.0)
    ]
    assert heard(envelope(type="user_change", user={"id": "U1"}, event_ts="5.0")) == [
        ProfileChanged(user={"id": "U1"}, at=5.0)
    ]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message"},
        {"type": "message", "channel": "C1"},
        {"type": "message", "channel": "C1", "subtype": "message_deleted"},
        {"type": "member_joined_channel", "channel": "C1"},
        {"type": "user_change", "user": "U1"},
        {"type": "app_home_opened"},
    ],
)
def test_known_events_without_what_makes_them_are_not_understood(event: dict[str, Any]):
    with pytest.raises(NotUnderstood):
        heard(envelope(**event))


def test_unknown_events_say_nothing():
    assert heard(envelope(type="emoji_changed")) == []
    assert heard({}) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
KEYS = [
    "type",
    "subtype",
    "channel",
    "ts",
    "thread_ts",
    "user",
    "text",
    "files",
    "message",
    "previous_message",
    "edited",
]
events = st.dictionaries(st.sampled_from(KEYS), json_values | st.sampled_from(["message", "message_changed", "1.2"]))


@given(events, events, events)
def test_whatever_slack_could_send_is_read_or_not_understood(event: Any, inner: Any, before: Any):
    with contextlib.suppress(NotUnderstood):
        heard({"event": event})
    with contextlib.suppress(NotUnderstood):
        heard({"event": {"type": "message", "channel": "C1"} | event})
    for subtype in ("message_changed", "message_deleted"):
        body = {"type": "message", "channel": "C1", "subtype": subtype, "message": inner, "previous_message": before}
        with contextlib.suppress(NotUnderstood):
            heard({"event": body | {"deleted_ts": event.get("ts")}})


# ---------------------------------------------------------------- files

FILE = {
    "id": "F1",
    "name": "photo.png",
    "mimetype": "image/png",
    "size": 1234,
    "mode": "hosted",
    "url_private": "https://files.slack.com/x",
    "url_private_download": "https://files.slack.com/x/download",
}


def test_a_file_is_named_sized_and_fetchable():
    file = read_file(FILE, "en")
    assert (file.name, file.content_type, file.size, file.refusal) == ("photo.png", "image/png", 1234, "")
    assert json.loads(file.remote) == {"id": "F1", "url": "https://files.slack.com/x/download"}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"mode": "tombstone"}, "deleted"),
        ({"mode": "hidden_by_limit"}, "plan"),
        ({"mode": "external"}, "only linked"),
        ({"is_external": True}, "only linked"),
        ({"mode": "canvas"}, "only linked"),
        ({"size": 26 * 1024 * 1024}, "larger than 25 MB"),
        ({"url_private": "", "url_private_download": ""}, "no such file"),
    ],
)
def test_odd_files_say_why_they_cannot_be_fetched(odd: dict[str, Any], reason: str):
    assert reason in read_file(FILE | odd, "en").refusal


def test_a_file_of_a_shared_channel_is_looked_up_later():
    file = read_file({"id": "F1", "mode": "file_access", "file_access": "check_file_info"}, "en")
    assert file.refusal == ""
    assert json.loads(file.remote) == {"id": "F1", "url": ""}
