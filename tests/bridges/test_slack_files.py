"""Files both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from sahut_bot.errors import Permanent, Transient, Uncertain
from sahut_bot.types import PostedFile, RemoteFile, StoredFile, ThreadRef
from tests.bridges.slack_desk import Desk, content, desk

CONTENT = bytes(range(256)) * 2000


@pytest.fixture
def photo(tmp_path: Path) -> StoredFile:
    path = tmp_path / "photo"
    path.write_bytes(CONTENT)
    return StoredFile(id=7, name="photo.png", content_type="image/png", size=len(CONTENT), path=str(path))


CUSTOMER = content("", as_name="Budi", customer=True)


# ---------------------------------------------------------------- to Slack


async def test_a_file_is_shared_in_the_thread_with_its_senders_name(slack: Desk, photo: StoredFile):
    thread = await slack.thread()
    sent = await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    _, message = slack.ws.thread(slack.team, thread.external_id)
    assert message["ts"] == sent.external_id
    assert message["text"].startswith("Budi (customer)")
    (file,) = message["files"]
    assert (file["name"], file["title"], file["size"]) == ("photo.png", "photo.png", len(CONTENT))
    assert slack.ws.files[file["id"]].content == CONTENT


async def test_a_file_is_found_again_by_its_key(slack: Desk, photo: StoredFile):
    thread = await slack.thread()
    sent = await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert await slack.chat.find(thread, slack.team, "row:1") == sent
    assert await slack.chat.find(thread, slack.team, "row:2") is None


async def test_without_events_the_file_itself_tells_where_it_was_shared(photo: StoredFile):
    async with desk(listening=False) as quiet:
        thread = await quiet.thread()
        sent = await quiet.chat.post_file(thread, photo, content("look"), "row:1")
        assert sent.external_id == quiet.ws.thread(quiet.team, thread.external_id)[1]["ts"]


async def test_without_file_info_the_event_tells_it(slack: Desk, photo: StoredFile):
    slack.server.fail_next("files.info", error="unknown_method", times=50)
    slack.ws.share_delay = 0.4
    thread = await slack.thread()
    sent = await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert sent.external_id == slack.ws.thread(slack.team, thread.external_id)[1]["ts"]
    assert not slack.sink.of(PostedFile)


async def test_a_file_that_shows_up_too_late_is_told_by_its_key(
    slack: Desk, photo: StoredFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sahut_bot.bridges.teamchat.slack_files._SHARE_WAITS", (0.01, 0.01))
    slack.ws.share_delay = 0.5
    thread = await slack.thread()
    sent = await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert sent.external_id == ""
    (told,) = await slack.until(lambda: slack.sink.of(PostedFile))
    assert (told.thread, told.key) == (thread, "row:1")
    assert told.external_id == slack.ws.thread(slack.team, thread.external_id)[1]["ts"]


async def test_a_lost_answer_to_the_share_is_settled_by_looking(slack: Desk, photo: StoredFile):
    slack.server.fail_next("files.completeUploadExternal", drop_after_effect=True)
    thread = await slack.thread()
    sent = await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert [message["ts"] for message in slack.ws.thread(slack.team, thread.external_id)[1:]] == [sent.external_id]


async def test_a_share_that_never_happened_is_uncertain(slack: Desk, photo: StoredFile):
    slack.server.fail_next("files.completeUploadExternal", drop_before_effect=True)
    thread = await slack.thread()
    with pytest.raises(Uncertain):
        await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert await slack.chat.find(thread, slack.team, "row:1") is None


async def test_an_upload_that_fails_has_no_effect_and_may_be_repeated(slack: Desk, photo: StoredFile):
    slack.server.fail_next("upload", status=503)
    thread = await slack.thread()
    with pytest.raises(Transient):
        await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert len(slack.ws.thread(slack.team, thread.external_id)) == 2


async def test_a_file_that_left_our_disk_is_refused_for_good(slack: Desk, photo: StoredFile):
    thread = await slack.thread()
    photo = replace(photo, path=photo.path + ".gone")
    with pytest.raises(Permanent) as refused:
        await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert refused.value.code == "gone"


async def test_a_file_under_a_deleted_card_says_that_the_thread_is_lost(slack: Desk, photo: StoredFile):
    thread = await slack.thread()
    await slack.chat.post(thread, content("hello"), "m:1")
    slack.ws.driver.delete(slack.ana, slack.team, thread.external_id)
    with pytest.raises(Permanent) as refused:
        await slack.chat.post_file(thread, photo, CUSTOMER, "row:1")
    assert refused.value.code == "thread_lost"
    assert all(message.get("subtype") == "tombstone" for message in slack.ws.messages(slack.team))


# ---------------------------------------------------------------- from Slack


async def attached(slack: Desk, thread: ThreadRef, name: str = "scan.png", odd: str = "") -> RemoteFile:
    slack.ws.driver.upload(slack.dewi, slack.team, name, CONTENT, thread_ts=thread.external_id, text="here", odd=odd)
    (post,) = await slack.until(lambda: slack.sink.posts)
    (file,) = post.files
    return file


async def fetched(slack: Desk, file: RemoteFile) -> bytes:
    return b"".join([chunk async for chunk in slack.chat.fetch(file)])


async def test_an_agents_file_comes_with_the_message_and_is_fetched_with_the_token(slack: Desk):
    file = await attached(slack, await slack.thread())
    assert (file.name, file.content_type, file.size, file.refusal) == ("scan.png", "image/png", len(CONTENT), "")
    assert await fetched(slack, file) == CONTENT
    assert slack.sink.texts() == ["here"]


async def test_a_file_of_a_shared_channel_is_looked_up_first(slack: Desk):
    file = await attached(slack, await slack.thread(), odd="check_file_info")
    assert await fetched(slack, file) == CONTENT


@pytest.mark.parametrize("odd", ["tombstone", "hidden_by_limit", "external"])
async def test_a_file_without_bytes_says_why(socket: Desk, odd: str):
    file = await attached(socket, await socket.thread(), odd=odd)
    assert file.refusal
    with pytest.raises(Permanent) as refused:
        await fetched(socket, file)
    assert refused.value.reason == file.refusal


async def test_a_sign_in_page_is_not_taken_for_the_file(socket: Desk):
    file = await attached(socket, await socket.thread())
    stored = next(one for one in socket.ws.files.values() if one.name == "scan.png")
    stored.shares.clear()
    with pytest.raises(Permanent) as refused:
        await fetched(socket, file)
    assert refused.value.code == "no_access"


async def test_a_file_that_was_deleted_since_is_not_there(socket: Desk):
    file = await attached(socket, await socket.thread())
    socket.ws.driver.delete_file(socket.dewi, next(iter(socket.ws.files)))
    with pytest.raises(Permanent):
        await fetched(socket, file)


async def test_a_file_larger_than_allowed_is_refused_while_it_comes(socket: Desk, monkeypatch: pytest.MonkeyPatch):
    file = await attached(socket, await socket.thread())
    monkeypatch.setattr("sahut_bot.bridges.teamchat.slack_files.FILE_LIMIT", 300_000)
    with pytest.raises(Permanent) as refused:
        await fetched(socket, file)
    assert refused.value.code == "too_big"


@pytest.mark.parametrize(("status", "error"), [(503, Transient), (404, Permanent), (403, Permanent)])
async def test_a_download_that_fails_is_classified(socket: Desk, status: int, error: type[Exception]):
    file = await attached(socket, await socket.thread())
    socket.server.fail_next("download", status=status)
    with pytest.raises(error):
        await fetched(socket, file)


async def test_a_file_that_stops_short_comes_again_later(socket: Desk):
    file = await attached(socket, await socket.thread())
    with pytest.raises(Transient):
        await fetched(socket, replace(file, size=file.size + 1))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://files.slack.com/x",
        "https://files.slack.com.evil.example/x",
        "https://files.slack.com@evil.example/x",
        "https://user@files.slack.com/x",
        "https://files.slack.com:8443/x",
        "http://127.0.0.1:1/x",
        "http://localhost:1/x",
        "file:///etc/passwd",
        "https://[::1/x",
        "",
    ],
)
async def test_the_token_goes_to_slacks_hosts_alone(url: str):
    async with desk(listening=False) as quiet:
        file = RemoteFile(name="x", content_type="image/png", size=1, remote=json.dumps({"id": "F1", "url": url}))
        with pytest.raises(Permanent):
            await fetched(quiet, file)
        assert not quiet.ws.calls("download")


async def test_a_redirect_is_not_followed_and_an_allowed_host_gets_no_other_treatment():
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        if request.path == "/moved":
            raise web.HTTPFound("/elsewhere")
        return web.Response(body=b"x", content_type="image/png")

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with desk(listening=False, allowed_hosts=(host,)) as quiet:
            remote = json.dumps({"id": "F1", "url": f"{host}/file"})
            file = RemoteFile(name="x", content_type="image/png", size=1, remote=remote)
            assert await fetched(quiet, file) == b"x"
            moved = replace(file, remote=json.dumps({"id": "F1", "url": f"{host}/moved"}))
            with pytest.raises(Permanent) as refused:
                await fetched(quiet, moved)
            assert refused.value.code == "redirect"
    finally:
        await runner.cleanup()
    assert seen == ["/file", "/moved"]
