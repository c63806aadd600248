"""Files in the Slack stand-in: the three steps of an upload by the real client, and downloads with the token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sahut_bot.sandbox.slack import SlackWorkspace
from tests.sandbox.conftest import Scene
from tests.sandbox.slack_kit import events_of, refused


@pytest.fixture
async def http(workspace: SlackWorkspace) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {workspace.credentials.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


async def upload(client: AsyncWebClient, http: aiohttp.ClientSession, name: str, content: bytes) -> str:
    started = await client.files_getUploadURLExternal(filename=name, length=len(content))
    async with http.post(started["upload_url"], data=content) as response:
        assert response.status == 200
    return str(started["file_id"])


async def test_a_shared_file_appears_in_the_thread_after_the_call_has_returned(
    client: AsyncWebClient, http: aiohttp.ClientSession, workspace: SlackWorkspace, scene: Scene
) -> None:
    workspace.share_delay = 0.05
    parent = (await client.chat_postMessage(channel=scene.team, text="card"))["ts"]
    file_id = await upload(client, http, "bill.pdf", b"%PDF-1")
    done = await client.files_completeUploadExternal(
        files=[{"id": file_id, "title": "The bill"}], channel_id=scene.team, thread_ts=parent, initial_comment="here"
    )
    assert done["files"][0]["shares"] == {}
    assert len(workspace.thread(scene.team, parent)) == 1
    await workspace.wait_for(lambda: len(workspace.thread(scene.team, parent)) == 2)
    message = workspace.thread(scene.team, parent)[1]
    assert (message["text"], message["user"], message["bot_id"]) == ("here", workspace.bot_user_id, workspace.bot_id)
    (event,) = events_of(workspace, "file_share")
    assert event["files"][0]["id"] == file_id
    info = (await client.files_info(file=file_id))["file"]
    (share,) = info["shares"]["public"][scene.team]
    assert (share["ts"], share["thread_ts"], info["title"], info["size"]) == (message["ts"], parent, "The bill", 6)


async def test_the_whole_upload_helper_of_the_sdk_works(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    done = await client.files_upload_v2(channel=scene.team, filename="note.txt", content="hello", title="Note")
    await workspace.wait_for(lambda: workspace.messages(scene.team))
    assert workspace.files[done["files"][0]["id"]].content == b"hello"


async def test_the_length_must_be_exact_and_a_file_completes_once(
    client: AsyncWebClient, http: aiohttp.ClientSession, scene: Scene
) -> None:
    started = await client.files_getUploadURLExternal(filename="a.txt", length=5)
    async with http.post(started["upload_url"], data=b"four") as response:
        assert response.status == 400
    early = await refused(client.files_completeUploadExternal(files=[{"id": started["file_id"]}]))
    assert early["error"] == "file_not_found"
    file_id = await upload(client, http, "b.txt", b"x")
    await client.files_completeUploadExternal(files=[{"id": file_id}])
    again = await refused(client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=scene.team))
    assert again["error"] == "file_not_found"
    zero = await refused(client.files_getUploadURLExternal(filename="c.txt", length=0))
    assert zero["error"] == "file_upload_size_restricted"


async def test_sharing_needs_a_channel_that_the_bot_is_in(
    client: AsyncWebClient, http: aiohttp.ClientSession, workspace: SlackWorkspace, scene: Scene
) -> None:
    outside = workspace.add_channel("outside", with_bot=False)
    file_id = await upload(client, http, "a.txt", b"x")
    for channel, error in ((scene.secret, "channel_not_found"), (outside, "not_in_channel")):
        answer = await refused(client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=channel))
        assert answer["error"] == error


async def test_an_unshared_image_is_shown_by_a_block(
    client: AsyncWebClient, http: aiohttp.ClientSession, workspace: SlackWorkspace, scene: Scene
) -> None:
    picture = await upload(client, http, "cat.png", b"\x89PNG")
    paper = await upload(client, http, "bill.pdf", b"%PDF")
    await client.files_completeUploadExternal(files=[{"id": picture}, {"id": paper}])
    block = {"type": "image", "slack_file": {"id": picture}, "alt_text": "a cat"}
    posted = await client.chat_postMessage(channel=scene.team, text="x", username="Siti", blocks=[block])
    assert workspace.files[picture].shares[scene.team][0]["ts"] == posted["ts"]
    for wrong in (paper, "F0NONE"):
        block = {"type": "image", "slack_file": {"id": wrong}, "alt_text": "?"}
        answer = await refused(client.chat_postMessage(channel=scene.team, text="x", blocks=[block]))
        assert answer["error"] == "invalid_blocks"


async def test_a_download_needs_the_token_and_otherwise_gives_a_sign_in_page(
    client: AsyncWebClient, http: aiohttp.ClientSession, workspace: SlackWorkspace, scene: Scene
) -> None:
    workspace.driver.upload(scene.ana, scene.team, "photo.jpg", b"jpeg bytes")
    url = events_of(workspace, "file_share")[0]["files"][0]["url_private_download"]
    async with http.get(url) as response:
        assert (response.content_type, await response.read()) == ("image/jpeg", b"jpeg bytes")
    async with aiohttp.ClientSession() as stranger, stranger.get(url) as response:
        assert (response.status, response.content_type) == (200, "text/html")
    assert [call.ok for call in workspace.calls("download")] == [True, False]


async def test_files_elsewhere_are_hidden_from_the_bot(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    workspace.driver.upload(scene.ana, scene.secret, "secret.txt", b"x")
    (file_id,) = workspace.files
    assert (await refused(client.files_info(file=file_id)))["error"] == "file_not_found"


async def test_the_odd_kinds_of_files_say_little(
    client: AsyncWebClient, workspace: SlackWorkspace, scene: Scene
) -> None:
    for odd in ("tombstone", "hidden_by_limit", "external", "check_file_info"):
        workspace.driver.upload(scene.ana, scene.team, "a.txt", b"x", odd=odd)
    shown = [event["files"][0] for event in events_of(workspace, "file_share")]
    assert [set(one) for one in shown[:2]] == [{"id", "mode"}] * 2
    assert shown[2]["is_external"]
    assert "url_private_download" not in shown[2]
    assert shown[3]["file_access"] == "check_file_info"
    assert (await client.files_info(file=shown[3]["id"]))["file"]["url_private_download"]


async def test_a_deleted_file_leaves_a_tombstone_in_its_message(workspace: SlackWorkspace, scene: Scene) -> None:
    ts = workspace.driver.upload(scene.ana, scene.team, "a.txt", b"x")
    (file_id,) = workspace.files
    workspace.driver.delete_file(scene.ana, file_id)
    message = workspace.message(scene.team, ts)
    assert message is not None
    assert message["files"] == [{"id": file_id, "mode": "tombstone"}]
    assert "edited" not in events_of(workspace, "message_changed")[0]["message"]


async def test_several_files_can_go_with_one_message(workspace: SlackWorkspace, scene: Scene) -> None:
    workspace.driver.post(scene.ana, scene.team, "two", files=[("a.txt", b"1"), ("b.txt", b"2")])
    (event,) = events_of(workspace, "file_share")
    assert [one["name"] for one in event["files"]] == ["a.txt", "b.txt"]
