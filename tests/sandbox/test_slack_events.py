"""Which events people's doings cause: judged on the workspace alone, without any server."""

from __future__ import annotations

import pytest

from sahut_bot.sandbox.slack import DriverError, SlackWorkspace
from tests.sandbox.conftest import Scene
from tests.sandbox.slack_kit import events_of, make_manifest


def test_a_message_arrives_in_a_full_envelope(workspace: SlackWorkspace, scene: Scene) -> None:
    ts = workspace.driver.post(scene.ana, scene.team, "hello *there* 👋🏽")
    (envelope,) = workspace.events
    assert envelope["type"] == "event_callback"
    assert envelope["team_id"] == workspace.team_id
    assert envelope["authorizations"][0]["user_id"] == workspace.bot_user_id
    event = envelope["event"]
    assert (event["type"], event["ts"], event["event_ts"], event["channel_type"]) == ("message", ts, ts, "channel")
    assert event["text"] == "hello *there* :wave::skin-tone-4:"
    assert event["blocks"][0]["type"] == "rich_text"
    assert event["client_msg_id"]


def test_a_mention_arrives_twice_under_two_event_ids(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.post(scene.ana, scene.team, f"<@{workspace.bot_user_id}> snooze 2h")
    first, second = workspace.events
    assert [first["event"]["type"], second["event"]["type"]] == ["message", "app_mention"]
    assert first["event"]["ts"] == second["event"]["ts"]
    assert first["event_id"] != second["event_id"]


def test_a_reply_names_thread_and_parent_author_and_a_broadcast_its_root(
    workspace: SlackWorkspace, scene: Scene
) -> None:
    parent = workspace.driver.post(scene.ana, scene.team, "parent")
    workspace.driver.post(scene.budi, scene.team, "reply", thread_ts=parent)
    workspace.driver.post(scene.budi, scene.team, "loud", thread_ts=parent, broadcast=True)
    _, reply, loud = events_of(workspace)
    assert (reply["thread_ts"], reply["parent_user_id"]) == (parent, scene.ana)
    assert (loud["subtype"], loud["root"]["text"]) == ("thread_broadcast", "parent")
    assert [one["text"] for one in workspace.messages(scene.team)] == ["parent", "loud"]


def test_an_edit_is_a_hidden_message_changed_with_both_versions(workspace: SlackWorkspace, scene: Scene) -> None:
    ts = workspace.driver.post(scene.ana, scene.team, "befor")
    workspace.driver.edit(scene.ana, scene.team, ts, "before")
    event = events_of(workspace, "message_changed")[0]
    assert event["hidden"]
    assert event["ts"] != ts
    assert (event["message"]["ts"], event["message"]["text"], event["previous_message"]["text"]) == (
        ts,
        "before",
        "befor",
    )
    assert event["message"]["edited"]["user"] == scene.ana


def test_a_preview_is_a_change_without_an_edit_mark(workspace: SlackWorkspace, scene: Scene) -> None:
    ts = workspace.driver.post(scene.ana, scene.team, "see https://example.com")
    workspace.driver.unfurl(scene.team, ts, "https://example.com")
    assert "edited" not in events_of(workspace, "message_changed")[0]["message"]


def test_a_deleted_parent_with_replies_becomes_a_tombstone_until_its_last_reply_goes(
    workspace: SlackWorkspace, scene: Scene
) -> None:
    driver = workspace.driver
    parent = driver.post(scene.ana, scene.team, "parent")
    reply = driver.post(scene.budi, scene.team, "reply", thread_ts=parent)
    driver.delete(scene.ana, scene.team, parent)
    changed = events_of(workspace, "message_changed")[0]
    assert (changed["message"]["subtype"], changed["message"]["user"]) == ("tombstone", "USLACKBOT")
    assert changed["previous_message"]["text"] == "parent"
    assert [one["text"] for one in workspace.thread(scene.team, parent)][1:] == ["reply"]
    driver.delete(scene.budi, scene.team, reply)
    gone = events_of(workspace, "message_deleted")
    assert [one["deleted_ts"] for one in gone] == [reply, parent]
    assert gone[1]["previous_message"]["subtype"] == "tombstone"
    assert workspace.messages(scene.team) == []


def test_a_deleted_reply_is_message_deleted_and_lowers_the_count(workspace: SlackWorkspace, scene: Scene) -> None:
    parent = workspace.driver.post(scene.ana, scene.team, "parent")
    first = workspace.driver.post(scene.budi, scene.team, "one", thread_ts=parent)
    second = workspace.driver.post(scene.ana, scene.team, "two", thread_ts=parent)
    workspace.driver.delete(scene.ana, scene.team, second)
    assert events_of(workspace, "message_deleted")[0]["previous_message"]["thread_ts"] == parent
    shown = workspace.messages(scene.team)[0]
    assert (shown["reply_count"], shown["latest_reply"], shown["reply_users"]) == (1, first, [scene.budi])


def test_a_file_arrives_as_file_share_and_stands_in_history_without_subtype(
    workspace: SlackWorkspace, scene: Scene
) -> None:
    ts = workspace.driver.upload(scene.ana, scene.team, "bill.pdf", b"%PDF", text="the bill")
    event = events_of(workspace, "file_share")[0]
    assert (event["files"][0]["name"], event["files"][0]["mimetype"]) == ("bill.pdf", "application/pdf")
    message = workspace.message(scene.team, ts)
    assert message is not None
    assert "subtype" not in message
    assert events_of(workspace, "file_shared")[0]["channel_id"] == scene.team


def test_reactions_name_the_item(workspace: SlackWorkspace, scene: Scene) -> None:
    ts = workspace.driver.post(scene.ana, scene.team, "hello")
    workspace.driver.react(scene.budi, scene.team, ts, "eyes")
    workspace.driver.unreact(scene.budi, scene.team, ts, "eyes")
    added, removed = events_of(workspace, "reaction_added")[0], events_of(workspace, "reaction_removed")[0]
    assert added["item"] == {"type": "message", "channel": scene.team, "ts": ts}
    assert (added["user"], added["item_user"], added["reaction"]) == (scene.budi, scene.ana, "eyes")
    assert removed["reaction"] == "eyes"


def test_joining_and_leaving_are_a_message_and_an_event_each(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.join(scene.outsider, scene.team, inviter=scene.ana)
    workspace.driver.leave(scene.outsider, scene.team)
    kinds = [(event["type"], event.get("subtype")) for event in events_of(workspace)]
    assert kinds == [
        ("message", "channel_join"),
        ("member_joined_channel", None),
        ("message", "channel_leave"),
        ("member_left_channel", None),
    ]


def test_a_removed_bot_hears_only_that_it_was_removed(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.leave(workspace.bot_user_id, scene.team)
    workspace.driver.post(scene.ana, scene.team, "without you")
    assert [event["type"] for event in events_of(workspace)] == ["channel_left"]


def test_changes_of_people_come_as_user_change(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.make_guest(scene.budi, single_channel=True)
    workspace.driver.rename(scene.ana, "Ana Putri")
    workspace.driver.deactivate(scene.budi)
    guest, renamed, gone = (event["user"] for event in events_of(workspace, "user_change"))
    assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, True)
    assert renamed["profile"]["display_name"] == "Ana Putri"
    assert gone["deleted"]
    with pytest.raises(DriverError):
        workspace.driver.post(scene.budi, scene.team, "still here?")


def test_strangers_carry_their_own_team(workspace: SlackWorkspace, scene: Scene) -> None:
    stranger = workspace.add_user("Extern", stranger=True)
    workspace.driver.join(stranger, scene.team)
    workspace.driver.post(stranger, scene.team, "hello from outside")
    envelope = workspace.events[-1]
    assert envelope["is_ext_shared_channel"]
    assert envelope["event"]["user_team"] != workspace.team_id
    assert workspace.users[stranger].as_json(with_email=False)["is_stranger"]


def test_other_apps_and_system_lines_are_messages_too(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.other_bot(scene.team, "deploy done")
    workspace.driver.other_bot(scene.team, "on behalf", on_behalf_of=scene.ana)
    workspace.driver.act(scene.ana, scene.team, "channel_topic", "set the topic")
    bot, person, topic = events_of(workspace)
    assert (bot["subtype"], bot["bot_id"] != workspace.bot_id) == ("bot_message", True)
    assert (person["user"], "bot_id" in person) == (scene.ana, True)
    assert topic["subtype"] == "channel_topic"


def test_private_channels_and_direct_messages_say_their_type(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.post(scene.ana, scene.secret, "the bot is not here")
    workspace.driver.join(workspace.bot_user_id, scene.secret)
    workspace.driver.post(scene.ana, scene.secret, "now it is")
    workspace.driver.direct_message(scene.ana, "psst")
    kinds = [event["channel_type"] for event in events_of(workspace, "message") if "subtype" not in event]
    assert kinds == ["group", "im"]


def test_events_beyond_the_manifest_are_not_sent() -> None:
    workspace = SlackWorkspace(make_manifest(events=["app_mention"]))
    ana = workspace.add_user("Ana")
    team = workspace.add_channel("team", members=[ana])
    ts = workspace.driver.post(ana, team, f"hello <@{workspace.bot_user_id}>")
    workspace.driver.react(ana, team, ts, "eyes")
    workspace.driver.rename(ana, "A")
    assert [event["type"] for event in events_of(workspace)] == ["app_mention"]


def test_an_edit_that_adds_the_mention_calls_the_bot(workspace: SlackWorkspace, scene: Scene) -> None:
    ts = workspace.driver.post(scene.ana, scene.team, "resolve")
    workspace.driver.edit(scene.ana, scene.team, ts, f"<@{workspace.bot_user_id}> resolve")
    (mention,) = events_of(workspace, "app_mention")
    assert mention["ts"] == ts
    assert mention["edited"]["user"] == scene.ana


def test_people_cannot_do_what_the_client_would_not_let_them(workspace: SlackWorkspace, scene: Scene) -> None:
    driver = workspace.driver
    parent = driver.post(scene.ana, scene.team, "parent")
    reply = driver.post(scene.ana, scene.team, "reply", thread_ts=parent)
    with pytest.raises(DriverError):
        driver.post(scene.outsider, scene.team, "let me in")
    with pytest.raises(DriverError):
        driver.post(scene.ana, scene.team, "/sahut in a message")
    with pytest.raises(DriverError):
        driver.post(scene.ana, scene.team, "deep", thread_ts=reply)
    with pytest.raises(DriverError):
        driver.edit(scene.budi, scene.team, parent, "not mine")
    with pytest.raises(DriverError):
        driver.delete(scene.budi, scene.team, parent)
    with pytest.raises(DriverError):
        driver.react(scene.ana, scene.team, parent, "no_such_emoji")


def test_the_same_moment_gives_the_same_ts_in_two_channels() -> None:
    workspace = SlackWorkspace(make_manifest(), now=lambda: 1_800_000_000.0)
    ana = workspace.add_user("Ana")
    one, two = (workspace.add_channel(name, members=[ana]) for name in ("one", "two"))
    first, second = workspace.driver.post(ana, one, "a"), workspace.driver.post(ana, two, "b")
    assert first == second
    assert workspace.driver.post(ana, one, "c") > first


async def test_subscribers_hear_of_changes_and_snapshots_show_what_one_person_sees(
    workspace: SlackWorkspace, scene: Scene
) -> None:
    queue = workspace.subscribe()
    parent = workspace.driver.post(scene.ana, scene.team, "hello 🎉")
    workspace.driver.post(scene.budi, scene.team, "hi", thread_ts=parent)
    workspace.driver.react(scene.budi, scene.team, parent, "eyes")
    notices = [queue.get_nowait()["kind"] for _ in range(queue.qsize())]
    assert notices == ["message", "message", "reaction_added"]
    shown = workspace.snapshot(scene.budi)
    (channel,) = shown["channels"]
    assert [one["text"] for one in channel["messages"]] == ["hello :tada:"]
    assert [one["text"] for one in channel["threads"][parent]] == ["hi"]
    assert shown["emoji"] == {"eyes": "👀", "tada": "🎉"}
    assert {one["name"] for one in workspace.snapshot(scene.ana)["channels"]} == {"team", "secret"}
    workspace.unsubscribe(queue)
    workspace.driver.post(scene.ana, scene.team, "nobody listens")
    assert queue.empty()


def test_what_happens_to_the_channel_is_told_by_its_kind(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.rename_channel(scene.ana, scene.team, "support")
    workspace.driver.archive(scene.ana, scene.team)
    workspace.driver.archive(scene.ana, scene.team, undo=True)  # channel_unarchive is not subscribed
    renamed, archived = events_of(workspace)
    assert (renamed["type"], renamed["channel"]["name"]) == ("channel_rename", "support")
    assert (archived["type"], archived["channel"], archived["user"]) == ("channel_archive", scene.team, scene.ana)


def test_a_deleted_channel_takes_its_files_from_view(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.upload(scene.ana, scene.team, "a.txt", b"x")
    workspace.driver.delete_channel(scene.ana, scene.team)
    (stored,) = workspace.files.values()
    assert scene.team not in workspace.channels
    assert stored.shares == {}


def test_an_uninstalled_app_is_told_and_its_token_dies() -> None:
    workspace = SlackWorkspace(make_manifest(events=["app_uninstalled", "tokens_revoked"]))
    workspace.driver.uninstall()
    assert [event["type"] for event in events_of(workspace)] == ["tokens_revoked", "app_uninstalled"]
    assert workspace.token_error == "account_inactive"


def test_a_long_thread_is_counted_on_its_parent(workspace: SlackWorkspace, scene: Scene) -> None:
    parent = workspace.driver.post(scene.ana, scene.team, "parent")
    for number in range(1000):
        workspace.driver.post(scene.budi, scene.team, f"{number}", thread_ts=parent)
    shown = workspace.messages(scene.team)[0]
    assert (shown["reply_count"], shown["reply_users"]) == (1000, [scene.budi])
    assert len(workspace.thread(scene.team, parent)) == 1001
