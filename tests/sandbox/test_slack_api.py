"""The Web API of the Slack stand-in, called by the real client and, for odd encodings, by plain HTTP."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace
from tests.sandbox.conftest import Scene
from tests.sandbox.slack_kit import SCOPES, button, make_manifest, plain, real_client, refused, running


@pytest.fixture(autouse=True)
def no_limits(workspace: SlackWorkspace) -> None:
    workspace.limits.enabled = False


async def test_auth_test_names_team_bot_and_scopes(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    answer = await client.auth_test()
    assert answer["team_id"] == workspace.team_id
    assert answer["user_id"] == workspace.bot_user_id
    assert answer["bot_id"] == workspace.bot_id
    assert set(answer.headers["x-oauth-scopes"].split(",")) == set(SCOPES)


async def test_tokens_are_told_apart(server: SlackServer, workspace: SlackWorkspace) -> None:
    def client_with(token: str) -> AsyncWebClient:
        return AsyncWebClient(token, base_url=server.api_url, retry_handlers=[])

    good = workspace.credentials
    assert (await refused(client_with("xoxb-wrong").auth_test()))["error"] == "invalid_auth"
    assert (await refused(client_with("").auth_test()))["error"] == "not_authed"
    assert (await refused(client_with(good.app_token).auth_test()))["error"] == "not_allowed_token_type"
    bot = client_with(good.bot_token)
    assert (await refused(bot.apps_connections_open(app_token=good.bot_token)))["error"] == "not_allowed_token_type"
    assert (await bot.apps_connections_open(app_token=good.app_token))["url"].startswith("ws://127.0.0.1:")
    workspace.token_error = "token_revoked"
    assert (await refused(bot.auth_test()))["error"] == "token_revoked"


async def test_unknown_method_is_refused(client: AsyncWebClient) -> None:
    assert (await refused(client.api_call("chat.shout")))["error"] == "unknown_method"


@pytest.mark.parametrize("encoding", ["json", "form", "query"])
async def test_a_post_is_taken_in_all_three_encodings(
    encoding: str, server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    blocks = [{"type": "section", "text": plain("hello")}]
    args = {"channel": scene.team, "text": "hello"}
    headers = {"Authorization": f"Bearer {workspace.credentials.bot_token}"}
    url = f"{server.api_url}chat.postMessage"
    flat = {**args, "blocks": json.dumps(blocks)}
    async with aiohttp.ClientSession(headers=headers) as session:
        if encoding == "json":
            response = await session.post(url, json={**args, "blocks": blocks})
        elif encoding == "form":
            response = await session.post(url, data=flat)
        else:
            response = await session.post(url, params=flat)
        assert (await response.json())["ok"]
    (message,) = workspace.messages(scene.team)
    assert message["blocks"][0]["text"]["text"] == "hello"


async def test_a_token_counts_in_header_and_form_but_not_in_the_query(
    server: SlackServer, workspace: SlackWorkspace
) -> None:
    token = workspace.credentials.bot_token
    async with aiohttp.ClientSession() as session:
        by_form = await (await session.post(f"{server.api_url}auth.test", data={"token": token})).json()
        by_query = await (await session.post(f"{server.api_url}auth.test", params={"token": token})).json()
    assert by_form["ok"]
    assert by_query["error"] == "not_authed"


async def test_reading_methods_do_not_see_a_json_body(
    server: SlackServer, workspace: SlackWorkspace, scene: Scene
) -> None:
    headers = {"Authorization": f"Bearer {workspace.credentials.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        reply = await session.post(f"{server.api_url}users.info", json={"user": scene.ana})
        assert (await reply.json())["error"] == "user_not_found"
        broken = await session.post(
            f"{server.api_url}chat.postMessage", data=b"{oops", headers={"Content-Type": "application/json"}
        )
        assert (await broken.json())["error"] == "invalid_json"


async def test_post_reply_and_parent_counts_show_in_history(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    parent = await client.chat_postMessage(channel=scene.team, text="card")
    reply = await client.chat_postMessage(channel=scene.team, text="hi", thread_ts=parent["ts"])
    assert parent["message"]["bot_id"] == workspace.bot_id
    assert parent["message"]["user"] == workspace.bot_user_id
    assert reply["message"]["thread_ts"] == parent["ts"]
    history = await client.conversations_history(channel=scene.team)
    (shown,) = history["messages"]
    assert shown["thread_ts"] == parent["ts"]
    assert (shown["reply_count"], shown["latest_reply"]) == (1, reply["ts"])
    replies = await client.conversations_replies(channel=scene.team, ts=parent["ts"])
    assert [one["ts"] for one in replies["messages"]] == [parent["ts"], reply["ts"]]


async def test_a_custom_name_makes_a_bot_message_that_cannot_be_deleted(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    posted = await client.chat_postMessage(channel=scene.team, text="hi", username="Siti", icon_emoji=":wave:")
    message = posted["message"]
    assert (message["subtype"], message["username"], message["icons"]) == ("bot_message", "Siti", {"emoji": ":wave:"})
    assert "user" not in message
    answer = await refused(client.chat_delete(channel=scene.team, ts=posted["ts"]))
    assert answer["error"] == "cant_delete_message"
    changed = await client.chat_update(channel=scene.team, ts=posted["ts"], text="gone")
    assert changed["message"]["username"] == "Siti"
    workspace.customized_posts_stay = False
    await client.chat_delete(channel=scene.team, ts=posted["ts"])
    assert workspace.messages(scene.team) == []


async def test_posting_says_why_it_does_not_post(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    async def error(**args: object) -> str:
        return str((await refused(client.api_call("chat.postMessage", json=args)))["error"])

    outside = workspace.add_channel("outside", with_bot=False)
    archived = workspace.add_channel("old", members=[scene.ana])
    workspace.driver.archive(scene.ana, archived)
    assert await error(channel="C0NOWHERE", text="x") == "channel_not_found"
    assert await error(channel=scene.secret, text="x") == "channel_not_found"
    assert await error(channel=outside, text="x") == "not_in_channel"
    assert await error(channel=archived, text="x") == "is_archived"
    assert await error(channel=scene.team) == "no_text"
    assert await error(channel=scene.team, text="  ") == "no_text"
    assert await error(channel=scene.team, text="x", thread_ts="yesterday") == "invalid_thread_ts"
    assert await error(channel=scene.team, text="x", thread_ts=1700000000.0001) == "invalid_thread_ts"
    assert await error(channel=scene.team, text="x", metadata={"event_type": "x"}) == "invalid_metadata_schema"
    assert await error(channel=scene.team, text="x", metadata={"kind": "x"}) == "invalid_metadata_format"
    big = {"event_type": "x", "event_payload": {"k": "v" * 9000}}
    assert await error(channel=scene.team, text="x", metadata=big) == "metadata_too_large"
    assert await error(channel=scene.team, text="x", markdown_text="x") == "markdown_text_conflict"
    assert await error(channel=scene.team, attachments=[{"text": "x"}] * 101) == "too_many_attachments"
    assert workspace.messages(scene.team) == []


async def test_blocks_errors_say_where(client: AsyncWebClient, scene: Scene) -> None:
    blocks = [{"type": "actions", "elements": [button("x" * 76)]}]
    answer = await refused(client.chat_postMessage(channel=scene.team, text="x", blocks=blocks))
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"
    ]


async def test_long_posts_are_cut_and_long_updates_refused(client: AsyncWebClient, scene: Scene) -> None:
    posted = await client.chat_postMessage(channel=scene.team, text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    answer = await refused(client.chat_update(channel=scene.team, ts=posted["ts"], text="x" * 4_001))
    assert answer["error"] == "msg_too_long"


async def test_an_update_without_blocks_removes_them(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    blocks = [{"type": "section", "text": plain("card")}]
    posted = await client.chat_postMessage(channel=scene.team, text="card", blocks=blocks)
    await client.chat_update(channel=scene.team, ts=posted["ts"], text="bare")
    message = workspace.message(scene.team, posted["ts"])
    assert message is not None
    assert "blocks" not in message
    assert message["edited"]["user"] == workspace.bot_user_id


async def test_only_own_messages_are_changed(client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene) -> None:
    ts = workspace.driver.post(scene.ana, scene.team, "mine")
    assert (await refused(client.chat_update(channel=scene.team, ts=ts, text="x")))["error"] == "cant_update_message"
    assert (await refused(client.chat_delete(channel=scene.team, ts=ts)))["error"] == "cant_delete_message"
    gone = await refused(client.chat_update(channel=scene.team, ts="1.000001", text="x"))
    assert gone["error"] == "message_not_found"


@pytest.mark.parametrize("with_reply", [True, False])
async def test_a_reply_under_a_deleted_parent_lands_in_the_channel_with_ok(
    with_reply: bool, client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    parent = await client.chat_postMessage(channel=scene.team, text="card")
    if with_reply:
        await client.chat_postMessage(channel=scene.team, text="hi", thread_ts=parent["ts"])
    workspace.driver.delete(scene.ana, scene.team, parent["ts"])
    stray = await client.chat_postMessage(channel=scene.team, text="late", thread_ts=parent["ts"])
    assert "thread_ts" not in stray["message"]
    assert workspace.messages(scene.team)[-1]["text"] == "late"


async def test_a_reply_to_a_reply_does_not_join_the_thread(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    parent = await client.chat_postMessage(channel=scene.team, text="card")
    reply = await client.chat_postMessage(channel=scene.team, text="one", thread_ts=parent["ts"])
    await client.chat_postMessage(channel=scene.team, text="two", thread_ts=reply["ts"])
    assert [one["text"] for one in workspace.thread(scene.team, parent["ts"])] == ["card", "one"]


async def test_metadata_comes_back_only_when_asked_for(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    metadata = {"event_type": "sahut", "event_payload": {"key": "o1"}}
    posted = await client.chat_postMessage(channel=scene.team, text="card", metadata=metadata)
    bare = await client.conversations_replies(channel=scene.team, ts=posted["ts"])
    full = await client.conversations_replies(channel=scene.team, ts=posted["ts"], include_all_metadata=True)
    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == metadata
    assert "metadata" not in workspace.events[-1]["event"]


async def test_history_pages_backwards_and_keeps_to_its_span(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    posted = [workspace.driver.post(scene.ana, scene.team, f"m{number}") for number in range(7)]
    workspace.driver.post(scene.budi, scene.team, "in a thread", thread_ts=posted[0])
    seen: list[str] = []
    async for page in await client.conversations_history(channel=scene.team, limit=3):
        seen += [one["text"] for one in page["messages"]]
    assert seen == [f"m{number}" for number in reversed(range(7))]
    inner = await client.conversations_history(channel=scene.team, oldest=posted[2], latest=posted[4])
    assert [one["text"] for one in inner["messages"]] == ["m3"]
    inclusive = await client.conversations_history(
        channel=scene.team, oldest=posted[2], latest=posted[4], inclusive=True
    )
    assert [one["text"] for one in inclusive["messages"]] == ["m4", "m3", "m2"]
    assert (await refused(client.conversations_history(channel=scene.team, limit=1000)))["error"] == "invalid_limit"
    assert (await refused(client.conversations_history(channel=scene.team, cursor="?")))["error"] == "invalid_cursor"


async def test_replies_page_forwards_with_the_parent_on_each_page(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    parent = workspace.driver.post(scene.ana, scene.team, "parent")
    posted = [workspace.driver.post(scene.ana, scene.team, f"r{n}", thread_ts=parent) for n in range(5)]
    pages: list[list[str]] = []
    async for page in await client.conversations_replies(channel=scene.team, ts=parent, limit=3):
        pages.append([one["text"] for one in page["messages"]])
    assert pages == [["parent", "r0", "r1"], ["parent", "r2", "r3"], ["parent", "r4"]]
    later = await client.conversations_replies(channel=scene.team, ts=parent, oldest=posted[3])
    assert [one["text"] for one in later["messages"]] == ["parent", "r4"]
    lone = await client.conversations_replies(channel=scene.team, ts=posted[0])
    assert [one["text"] for one in lone["messages"]] == ["r0"]
    gone = await refused(client.conversations_replies(channel=scene.team, ts="1.000001"))
    assert gone["error"] == "thread_not_found"


async def test_reactions_check_names_and_repeats(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    ts = workspace.driver.post(scene.ana, scene.team, "hello")

    async def error(method: str, name: str, timestamp: str = ts) -> str:
        args = {"channel": scene.team, "name": name, "timestamp": timestamp}
        return str((await refused(client.api_call(f"reactions.{method}", params=args)))["error"])

    await client.reactions_add(channel=scene.team, name="hourglass_flowing_sand", timestamp=ts)
    assert await error("add", "hourglass_flowing_sand") == "already_reacted"
    assert await error("add", "⏳") == "invalid_name"
    assert await error("add", "not_an_emoji") == "invalid_name"
    assert await error("remove", "eyes") == "no_reaction"
    assert await error("add", "eyes", "1.000001") == "message_not_found"
    assert await error("add", "eyes", "yesterday") == "bad_timestamp"
    assert await error("add", "eyes", "") == "no_item_specified"
    workspace.driver.react(scene.budi, scene.team, ts, "hourglass_flowing_sand")
    got = await client.reactions_get(channel=scene.team, timestamp=ts)
    assert got["message"]["reactions"] == [
        {"name": "hourglass_flowing_sand", "users": [workspace.bot_user_id, scene.budi], "count": 2}
    ]
    await client.reactions_remove(channel=scene.team, name="hourglass_flowing_sand", timestamp=ts)
    assert workspace.reactions(scene.team, ts) == {"hourglass_flowing_sand": [scene.budi]}


async def test_ephemerals_reach_members_only_and_show_in_live_threads(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    card = await client.chat_postMessage(channel=scene.team, text="card")
    args: dict[str, Any] = {"channel": scene.team, "text": "only you"}
    await client.chat_postEphemeral(user=scene.ana, thread_ts=card["ts"], **args)
    workspace.driver.post(scene.budi, scene.team, "hello", thread_ts=card["ts"])
    await client.chat_postEphemeral(user=scene.ana, thread_ts=card["ts"], **args)
    assert [one.visible for one in workspace.seen_by(scene.ana)] == [False, True]
    answer = await refused(client.chat_postEphemeral(user=scene.outsider, **args))
    assert answer["error"] == "user_not_in_channel"
    assert [one["text"] for one in workspace.thread(scene.team, card["ts"])] == ["card", "hello"]


async def test_people_and_channels_are_described(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    guest = (await client.users_info(user=scene.gita))["user"]
    assert (guest["is_restricted"], guest["is_ultra_restricted"], guest["tz"]) == (True, False, "Asia/Jakarta")
    assert "email" not in guest["profile"]
    bot = (await client.users_info(user=workspace.bot_user_id))["user"]
    assert bot["is_bot"]
    assert bot["profile"]["bot_id"] == workspace.bot_id
    assert (await client.bots_info(bot=workspace.bot_id))["bot"]["user_id"] == workspace.bot_user_id
    channel = (await client.conversations_info(channel=scene.team, include_num_members=True))["channel"]
    assert (channel["is_member"], channel["num_members"], channel["name"]) == (True, 4, "team")
    names = [
        one["name"] for one in (await client.conversations_list(types="public_channel,private_channel"))["channels"]
    ]
    assert names == ["team"]
    mine = await client.users_conversations(types="public_channel")
    assert [one["id"] for one in mine["channels"]] == [scene.team]
    members: list[str] = []
    async for page in await client.conversations_members(channel=scene.team, limit=2):
        members += page["members"]
    assert members == [scene.ana, scene.budi, scene.gita, workspace.bot_user_id]
    everyone = await client.users_list(limit=100)
    assert len(everyone["members"]) == 5


async def test_a_permalink_leads_into_the_thread(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    parent = workspace.driver.post(scene.ana, scene.team, "parent")
    reply = workspace.driver.post(scene.ana, scene.team, "reply", thread_ts=parent)
    link = (await client.chat_getPermalink(channel=scene.team, message_ts=reply))["permalink"]
    assert link.endswith(f"/archives/{scene.team}/p{reply.replace('.', '')}?thread_ts={parent}&cid={scene.team}")


async def test_a_direct_message_is_opened_once(client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene) -> None:
    first = await client.conversations_open(users=scene.ana)
    again = await client.conversations_open(users=[scene.ana])
    assert first["channel"]["id"] == again["channel"]["id"]
    posted = await client.chat_postMessage(channel=scene.ana, text="psst")
    assert posted["channel"] == first["channel"]["id"]
    workspace.driver.deactivate(scene.ana)
    assert (await refused(client.conversations_open(users=scene.ana)))["error"] == "user_disabled"


@pytest.mark.parametrize(
    ("scope", "method", "args"),
    [
        ("chat:write", "chat.postMessage", {"text": "x"}),
        ("chat:write.customize", "chat.postMessage", {"text": "x", "username": "Siti"}),
        ("channels:history", "conversations.history", {}),
        ("channels:read", "conversations.info", {}),
        ("reactions:write", "reactions.add", {"name": "eyes", "timestamp": "1.000001"}),
        ("users:read", "users.info", {"user": "U1"}),
        ("files:write", "files.getUploadURLExternal", {"filename": "a.txt", "length": 1}),
        ("im:write", "conversations.open", {"channel": "", "users": "U1"}),
    ],
)
async def test_a_method_beyond_the_manifest_is_refused(scope: str, method: str, args: dict[str, object]) -> None:
    workspace = SlackWorkspace(make_manifest(without=scope, events=["app_home_opened"]))
    team = workspace.add_channel("team")
    async with running(workspace) as server:
        answer = await refused(real_client(server).api_call(method, params={"channel": team, **args}))
    assert (answer["error"], answer["needed"]) == ("missing_scope", scope)
    assert scope not in answer["provided"].split(",")


async def test_pings_of_a_post_are_recorded_whichever_way_they_are_written(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    await client.chat_postMessage(channel=scene.team, text=f"&lt;!channel&gt; <@{scene.ana}> @here")
    rich = {"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "here"}]}
    await client.chat_postMessage(channel=scene.team, text="x", blocks=[{"type": "rich_text", "elements": [rich]}])
    await client.chat_postMessage(channel=scene.team, text="@everyone", link_names=True)
    assert [ping.target for ping in workspace.pings] == [scene.ana, "here", "everyone"]


async def test_used_scopes_are_known_afterwards(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    await client.chat_postMessage(channel=scene.team, text="x")
    await client.users_info(user=scene.ana)
    assert workspace.scopes_used >= {"chat:write", "users:read"}
    assert "files:read" not in workspace.scopes_used
