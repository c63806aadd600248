"""The demo page's own routes: who may use them, and what they give away."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from sahut_bot.sandbox import demo
from sahut_bot.sandbox.demo import Demo

FOREIGN = {"Origin": "https://evil.example.com"}


@pytest.fixture
async def running(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Demo]:
    shutil.copy(sqlite_template, tmp_path / "sahut.db")
    async with demo.running(tmp_path, port=0, hold=0.2) as started:
        yield started


@pytest.fixture
async def client(running: Demo) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(running.url) as session:
        yield session


def ask(running: Demo, act: str, part: str = "admin", **args: object) -> dict[str, object]:
    return {"act": act, "user": running.stage.actor(part).id, "channel": running.stage.support, **args}


async def refusal(response: aiohttp.ClientResponse) -> tuple[int, str]:
    return response.status, (await response.json())["error"]


async def test_pages_load_nothing_from_elsewhere(client: aiohttp.ClientSession):
    for path in ("/", "/demo/shop", "/demo/shop?theme=dark"):
        async with client.get(path) as response:
            text = await response.text()
            assert response.status == 200
            assert "default-src 'self'" in response.headers["Content-Security-Policy"]
            assert "://" not in text.replace("http://www.w3.org", "")


async def test_static_files_are_those_of_the_page_alone(client: aiohttp.ClientSession):
    async with client.get("/demo/static/main.js") as response:
        assert response.content_type == "text/javascript"
    for name in ("..%2Fdemo.py", "%2e%2e/demo.py", "page.html", "nothing.js", "..%2f..%2f__init__.py"):
        async with client.get(f"/demo/static/{name}") as response:
            assert response.status == 404


async def test_other_sites_can_neither_act_nor_look(running: Demo, client: aiohttp.ClientSession):
    asked = ask(running, "post", text="hello")
    async with client.post("/demo/act", json=asked, headers=FOREIGN) as response:
        assert response.status == 403
    async with client.post("/demo/files", data={"user": "x"}, headers=FOREIGN) as response:
        assert response.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.ws_connect(f"/demo/feed?user={running.stage.actors[0].id}", headers=FOREIGN)
    assert running.stage.workspace.messages(running.stage.support) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"user": "U0NOBODY"}, "no such person"),
        ({"act": "fly"}, "no act 'fly'"),
        ({"channel": "C0NOWHERE"}, "no such channel"),
        ({"text": 7}, "text is not a text"),
        ({"text": ""}, "nothing to send"),
        ({"thread_ts": "1.5"}, "not the first message of a thread"),
    ],
)
async def test_what_a_person_cannot_do_is_refused_in_words(
    running: Demo, client: aiohttp.ClientSession, changed: dict[str, object], words: str
):
    async with client.post("/demo/act", json={**ask(running, "post", text="hello"), **changed}) as response:
        status, error = await refusal(response)
    assert status == 409
    assert words in error


async def test_what_is_no_request_is_refused(client: aiohttp.ClientSession):
    for body in (b"", b"[]", b"{", b'"post"'):
        async with client.post("/demo/act", data=body) as response:
            assert response.status == 400


async def test_feed_shows_what_the_person_may_see_and_again_after_a_change(
    running: Demo, client: aiohttp.ClientSession
):
    guest = running.stage.actor("guest").id
    async with client.ws_connect(f"/demo/feed?user={guest}") as feed:
        first = await feed.receive_json(timeout=10)
        assert [one["name"] for one in first["channels"]] == ["support"]
        async with client.post("/demo/act", json=ask(running, "post", text="hi :wave:")) as response:
            assert (await response.json())["ok"]
        while not (state := await feed.receive_json(timeout=10))["channels"][0]["messages"]:
            pass
        assert state["channels"][0]["messages"][0]["text"] == "hi :wave:"
        assert state["emoji"]["wave"] == "👋"


async def test_uploaded_page_is_only_ever_downloaded(running: Demo, client: aiohttp.ClientSession):
    form = aiohttp.FormData({"user": running.stage.actor("agent").id, "channel": running.stage.support, "text": ""})
    form.add_field("file", b"<script>alert(1)</script>", filename="evil.html", content_type="text/html")
    async with client.post("/demo/files", data=form) as response:
        assert (await response.json())["ok"]
    (message,) = running.stage.workspace.messages(running.stage.support)
    async with client.get(f"/demo/files/{message['files'][0]['id']}/evil.html") as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in response.headers["Content-Security-Policy"]
    async with client.get("/demo/files/F0NOTHING/x") as response:
        assert response.status == 404
