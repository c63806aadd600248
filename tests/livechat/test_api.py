"""The documented API from outside: every answer of its table, and what the answers mean."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import aiohttp
import pytest

from sahut_bot.errors import Busy
from sahut_bot.inbox.store import Store
from sahut_bot.types import CustomerEvent
from tests.databases import Clock
from tests.livechat.rig import SHOP, Rig, channel, proof

JSON = {"Content-Type": "application/json"}


def message(**more: object) -> dict[str, object]:
    return {"id": str(uuid.uuid4()), "text": "Halo", **more}


# ---------------------------------------------------------------- what bad input gets


BAD_MESSAGES = [
    (b"not json", 400, "json"),
    (b"[1]", 400, "json"),
    (b'"text"', 400, "json"),
    (b"", 400, "json"),
    (b'{"id": "a", "text": "\xff"}', 400, "json"),
    (b'{"id": "a", "text": "\\ud800"}', 400, "json"),
    (b'{"text": "no id"}', 400, "id"),
    (b'{"id": "msg_5", "text": "x"}', 400, "id"),
    (b'{"id": "a b", "text": "x"}', 400, "id"),
    (b'{"id": "a"}', 400, "empty"),
    (b'{"id": "a", "text": " \\n "}', 400, "empty"),
    (b'{"id": "a", "text": 7}', 400, "text"),
    (b'{"id": "a", "text": "x", "attachments": "file_1"}', 400, "attachments"),
    (b'{"id": "a", "text": "x", "attachments": ["1"]}', 400, "attachments"),
    (b'{"id": "a", "text": "x", "attachments": ["file_99"]}', 400, "attachments"),
    (b'{"id": "a", "text": "' + b"x" * 4001 + b'"}', 413, "too_long"),
    (b'{"id": "a", "text": "' + b"x" * 70_000 + b'"}', 413, "too_large"),
    (b" " * 4_000_000, 413, "too_large"),
]


async def test_bad_messages_are_answered_and_store_nothing(rig: Rig):
    visitor = await rig.visitor()
    for body, status, code in BAD_MESSAGES:
        headers = {**visitor.auth, **JSON}
        async with rig.http.post(f"{visitor.url}/messages", data=io.BytesIO(body), headers=headers) as answer:
            assert answer.status == status, body[:60]
            refusal = await answer.json()
        assert refusal["error"] == code, body[:60]
        assert refusal["message"]
    assert await rig.team.messages() == []


async def test_longest_text_is_taken_however_it_is_escaped(rig: Rig):
    visitor = await rig.visitor()
    body = b'{"id": "a", "text": "' + b"\\ud83d\\ude00" * 4000 + b'"}'
    async with rig.http.post(f"{visitor.url}/messages", data=body, headers={**visitor.auth, **JSON}) as answer:
        assert answer.status == 200
    assert (await visitor.feed())["messages"][0]["text"] == "😀" * 4000


async def test_wrong_content_type_is_answered_415(rig: Rig):
    visitor = await rig.visitor()
    for path in ("messages", "session", "receipts", "files"):
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/octet-stream"):
            headers = {**visitor.auth, "Content-Type": content_type}
            async with rig.http.post(f"{visitor.url}/{path}", data=b'{"id": "a"}', headers=headers) as answer:
                assert answer.status == 415, (path, content_type)


FORGED = [None, "Bearer", "Bearer nonsense", "Bearer a." + "b" * 43, "Basic dXNlcg==", "Bearer " + "x" * 6000]


async def test_missing_or_forged_token_is_answered_401(rig: Rig):
    for method, path in (("POST", "messages"), ("GET", "messages"), ("POST", "files"), ("POST", "receipts")):
        for header in FORGED:
            headers = {} if header is None else {"Authorization": header}
            async with rig.http.request(method, f"{rig.base}/livechat/web/{path}", json={}, headers=headers) as answer:
                assert answer.status == 401, (method, path, header)
                assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_who_is_turned_away_is_counted(rig: Rig):
    async with rig.http.post(f"{rig.base}/livechat/web/messages", json={}):
        pass
    async with rig.http.post(f"{rig.base}/livechat/web/session", headers={"Origin": "https://evil.example"}):
        pass
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await rig.http.ws_connect(f"{rig.base}/livechat/web/ws", headers={"Origin": "https://evil.example"})
    async with rig.client().socket(token="nonsense") as ws:
        await ws.receive_json()
    assert rig.refused == [
        ("livechat/messages", 401),
        ("livechat/session", 403),
        ("livechat/ws", 403),
        ("livechat/ws", 401),
    ]


async def test_token_of_another_channel_is_answered_401(rig: Rig):
    visitor = await rig.visitor("web")
    async with rig.http.get(f"{rig.base}/livechat/other/messages", headers=visitor.auth) as answer:
        assert answer.status == 401


async def test_token_in_the_address_is_no_token(rig: Rig):
    visitor = await rig.visitor()
    async with rig.http.get(f"{visitor.url}/messages", params={"token": visitor.token}) as answer:
        assert answer.status == 401


async def test_unknown_channel_is_answered_404(rig: Rig):
    for path in ("session", "messages", "files", "receipts", "widget.js", "", "ws"):
        method = "GET" if path in ("widget.js", "", "ws") else "POST"
        async with rig.http.request(method, f"{rig.base}/livechat/nobody/{path}") as answer:
            assert answer.status == 404, path


async def test_unknown_method_is_answered_405(rig: Rig):
    async with rig.http.put(f"{rig.base}/livechat/web/messages", json={}) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST, GET, OPTIONS"


async def test_queries_that_mean_nothing_are_answered_400(rig: Rig):
    visitor = await rig.visitor()
    for query, code in (("after=x", "after"), ("after=-1", "after"), ("wait=soon", "wait"), ("wait=-5", "wait")):
        async with rig.http.get(f"{visitor.url}/messages?{query}", headers=visitor.auth) as answer:
            assert answer.status == 400, query
            assert (await answer.json())["error"] == code


class Refusing:
    """A sink whose database is away."""

    async def customer(self, event: CustomerEvent) -> None:
        raise Busy("away")


async def test_message_that_could_not_be_stored_is_answered_503(store: Store, tmp_path: Path, clock: Clock):
    rig = await Rig(store, tmp_path, clock, Refusing()).start()
    visitor = await rig.visitor()
    async with rig.http.post(f"{visitor.url}/messages", json=message(), headers=visitor.auth) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
    await rig.stop()


async def test_feed_that_cannot_be_read_is_answered_503(rig: Rig, tmp_path: Path):
    visitor = await rig.visitor()
    database = tmp_path / "sahut.db"
    database.rename(tmp_path / "away.db")
    database.mkdir()  # nothing has been read yet, so the next connection finds no database
    async with rig.http.get(f"{visitor.url}/messages", headers=visitor.auth) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
    database.rmdir()
    (tmp_path / "away.db").rename(database)
    assert (await visitor.feed())["messages"] == []


async def test_upload_that_cannot_be_stored_is_answered_503_and_leaves_no_file(rig: Rig):
    visitor = await rig.visitor()
    await rig.store.stop()
    answer = await visitor.upload(b"Halo", "a.txt", "text/plain")
    assert answer.status == 503
    answer.release()
    assert list((rig.lobby.data_dir / "files").glob("*/*")) == []


# ---------------------------------------------------------------- sessions


async def test_session_needs_no_body_and_gives_a_token(rig: Rig):
    async with rig.http.post(f"{rig.base}/livechat/web/session") as answer:
        assert answer.status == 200
        token = (await answer.json())["visitor"]
        assert answer.headers["Cache-Control"] == "no-store"
    async with rig.http.get(
        f"{rig.base}/livechat/web/messages", headers={"Authorization": f"Bearer {token}"}
    ) as answer:
        assert await answer.json() == {"messages": [], "cursor": "0", "more": False}


async def test_two_sessions_are_two_visitors_who_do_not_see_each_other(rig: Rig):
    one, other = await rig.visitor(), await rig.visitor()
    await one.say("mine")
    assert [seen["text"] for seen in (await one.feed())["messages"]] == ["mine"]
    assert (await other.feed())["messages"] == []


async def test_session_with_the_previous_token_goes_on_where_it_was(rig: Rig):
    one = await rig.visitor()
    await one.say("before")
    again = await rig.visitor(visitor=one.token)
    assert [seen["text"] for seen in (await again.feed())["messages"]] == ["before"]


async def test_wrong_proof_is_answered_401(rig: Rig):
    for given in ("", "0" * 64, proof("43")):
        asked = {"user_id": "42", "hash": given}
        async with rig.http.post(f"{rig.base}/livechat/web/session", json=asked) as answer:
            assert answer.status == 401


async def test_proven_user_finds_the_history_on_another_device(rig: Rig):
    one = await rig.visitor(user_id="42", hash=proof("42"), name="Budi", email="budi@example.com")
    await one.say("from the office")
    other = await rig.visitor(user_id="42", hash=proof("42"))
    assert [seen["text"] for seen in (await other.feed())["messages"]] == ["from the office"]


async def test_nobody_reads_a_history_by_naming_its_address(rig: Rig):
    one = await rig.visitor(user_id="42", hash=proof("42"), email="budi@example.com")
    await one.say("private")
    thief = await rig.visitor(email="budi@example.com", name="Budi")
    await thief.say("hello")
    assert [seen["text"] for seen in (await thief.feed())["messages"]] == ["hello"]


async def test_visitor_who_proves_a_user_keeps_the_chat_that_was_anonymous(rig: Rig):
    before = await rig.visitor()
    await before.say("anonymous")
    anonymous = before.id
    after = await rig.visitor(visitor=before.token, user_id="42", hash=proof("42"))
    await after.say("as a user")
    assert [seen["text"] for seen in (await after.feed())["messages"]] == ["anonymous", "as a user"]
    await rig.team.reply(anonymous, "to the old conversation")
    assert (await after.feed())["messages"][-1]["text"] == "to the old conversation"


async def test_name_and_address_of_the_session_reach_the_contact(rig: Rig):
    visitor = await rig.visitor(name="Budi", email="budi@example.com")
    await visitor.say("hi")
    row = await rig.team.identity(visitor.id)
    assert row is not None
    assert (row.name, row.email, row.verified) == ("Budi", "budi@example.com", False)


# ---------------------------------------------------------------- messages


async def test_message_is_answered_with_its_id_and_comes_back_in_the_feed(rig: Rig):
    visitor = await rig.visitor()
    sent = message(text="Halo\n<b>dunia</b> 👋")
    async with rig.http.post(f"{visitor.url}/messages", json=sent, headers=visitor.auth) as answer:
        assert answer.status == 200
        assert await answer.json() == {"id": sent["id"]}
    (seen,) = (await visitor.feed())["messages"]
    assert seen == {
        "id": sent["id"],
        "from": "customer",
        "text": "Halo\n<b>dunia</b> 👋",
        "attachments": [],
        "at": "2027-01-15T08:00:00.000Z",
    }


async def test_same_id_again_has_the_same_answer_and_no_second_effect(rig: Rig):
    visitor = await rig.visitor()
    sent = message()
    for text in ("Halo", "something else"):
        async with rig.http.post(
            f"{visitor.url}/messages", json={**sent, "text": text}, headers=visitor.auth
        ) as answer:
            assert (answer.status, await answer.json()) == (200, {"id": sent["id"]})
    assert [row.body for row in await rig.team.messages()] == ["Halo"]


async def test_same_id_of_another_visitor_is_another_message(rig: Rig):
    one, other = await rig.visitor(), await rig.visitor()
    await one.say("first", id="1")
    await other.say("second", id="1")
    assert [seen["text"] for seen in (await other.feed())["messages"]] == ["second"]


async def test_bodies_in_pieces_are_put_together(rig: Rig):
    visitor = await rig.visitor()

    async def pieces():
        for piece in (b'{"id": "a", ', b'"text": "in ', b'pieces"}'):
            yield piece

    async with rig.http.post(f"{visitor.url}/messages", data=pieces(), headers={**visitor.auth, **JSON}) as answer:
        assert answer.status == 200
    assert (await visitor.feed())["messages"][0]["text"] == "in pieces"


# ---------------------------------------------------------------- other sites


async def test_site_that_is_not_listed_is_answered_403(rig: Rig):
    visitor = await rig.visitor()
    for origin in ("https://evil.example", "null", f"{SHOP}.evil.example", "file://", "x", "http://shop.example"):
        for method, path in (("POST", "session"), ("POST", "messages"), ("GET", "messages"), ("POST", "files")):
            headers = {**visitor.auth, "Origin": origin}
            async with rig.http.request(method, f"{visitor.url}/{path}", json=message(), headers=headers) as answer:
                assert answer.status == 403, (origin, method, path)
                assert "Access-Control-Allow-Origin" not in answer.headers
            async with rig.http.options(f"{visitor.url}/{path}", headers={"Origin": origin}) as answer:
                assert answer.status == 403
    assert await rig.team.messages() == []


async def test_listed_site_may_post_and_read_the_answer(rig: Rig):
    visitor = await rig.visitor()
    headers = {**visitor.auth, "Origin": SHOP}
    async with rig.http.post(f"{visitor.url}/messages", json=message(), headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    async with rig.http.options(f"{visitor.url}/messages", headers={"Origin": SHOP}) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    bad = {"Origin": SHOP}
    async with rig.http.get(f"{visitor.url}/messages", headers=bad) as answer:
        assert answer.status == 401
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP  # so that the page can read why


async def test_own_pages_may_always(rig: Rig):
    async with rig.http.post(f"{rig.base}/livechat/web/session", headers={"Origin": rig.base}) as answer:
        assert answer.status == 200


async def test_public_address_counts_as_own_and_no_list_means_nobody_else(store: Store, tmp_path: Path, clock: Clock):
    alone = channel(origins=())
    rig = await Rig(store, tmp_path, clock, channels=[alone], public_url="https://chat.example:8443").start()
    for origin, status in (("https://chat.example:8443", 200), ("https://chat.example", 403), (SHOP, 403)):
        async with rig.http.post(f"{rig.base}/livechat/web/session", headers={"Origin": origin}) as answer:
            assert answer.status == status, origin
    await rig.stop()


async def test_origin_is_judged_before_the_socket_opens(rig: Rig):
    for headers in ({}, {"Origin": SHOP}, {"Origin": rig.base}):
        async with rig.http.ws_connect(f"{rig.base}/livechat/web/ws", headers=headers):
            pass
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await rig.http.ws_connect(f"{rig.base}/livechat/web/ws", headers=headers)
        assert refused.value.status == 403


async def test_page_may_be_framed_by_listed_sites_alone(rig: Rig):
    async with rig.http.get(f"{rig.base}/livechat/web/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert f"frame-ancestors 'self' {SHOP}" in policy.split("; ")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in page.split("<body>")[1].replace(" once", "").split("</svg>")[0]


async def test_every_file_that_the_page_names_is_there(rig: Rig):
    async with rig.http.get(f"{rig.base}/livechat/web", allow_redirects=True) as answer:
        assert str(answer.url).endswith("/livechat/web/")
        page = await answer.text()
    names = [part.split('"')[0] for part in page.split('="app/')[1:]]
    assert len(names) > 3
    for name in names:
        async with rig.http.get(f"{rig.base}/livechat/web/app/{name}") as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for odd in ("../page.html", "..%2f..%2fmedia.py", "page.html", "nothing.js"):
        async with rig.http.get(f"{rig.base}/livechat/web/app/1/{odd}") as answer:
            assert answer.status == 404


async def test_words_of_the_settings_cannot_leave_the_page_s_data(store: Store, tmp_path: Path, clock: Clock):
    hostile = channel(display_name="</script><script>alert(1)</script>", greeting="<!--")
    rig = await Rig(store, tmp_path, clock, channels=[hostile]).start()
    async with rig.http.get(f"{rig.base}/livechat/web/") as answer:
        page = await answer.text()
    assert page.count("</script>") == 2
    assert "alert(1)<" not in page
    await rig.stop()


async def test_loader_is_a_script_that_any_listed_site_can_load(rig: Rig):
    async with rig.http.get(f"{rig.base}/livechat/web/widget.js", headers={"Origin": SHOP}) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/javascript"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
