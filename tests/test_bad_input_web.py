"""What bad input gets, row by row (design 3.5): what knocks at the web, and what happens when a part is away.

The rows about threads are in `test_bad_input_thread.py`.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import pytest_asyncio
import sqlalchemy as sa

from sahut_bot import cli_store
from sahut_bot.app import App
from sahut_bot.inbox import unreadable
from sahut_bot.inbox.store import Tx
from sahut_bot.sandbox.slack.http_mode import HttpMode
from tests.rig import Inside, Json, Office, Scene, playing, scene

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TOO_LARGE = 3 * 1024 * 1024 + 1
ROUTES = ("events", "commands", "interactive")

here = pytest.mark.asyncio(loop_scope="module")


class Got(NamedTuple):
    status: int
    text: str
    headers: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """With Slack over signed HTTP, as only that has addresses to knock at."""
    async with scene(tmp_path_factory.mktemp("bad"), office=Office(socket=False)) as made:
        yield made


def app_of(made: Scene) -> App:
    assert made.program.app is not None
    return made.program.app


def mouth(office: Office) -> HttpMode:
    assert isinstance(office.server.delivery, HttpMode)
    return office.server.delivery


def spoken(office: Office, root: str, text: str, ts: str = "") -> Json:
    """What Slack sends when Dewi writes in a thread; without a `ts` it is a message that nobody can read."""
    event = {"type": "message", "channel": office.room, "user": office.dewi, "text": text, "thread_ts": root}
    event |= {"ts": ts, "event_ts": ts} if ts else {}
    known = {"team_id": office.ws.team_id, "api_app_id": office.ws.app_id}
    return {**known, "type": "event_callback", "event_id": f"Ev{text}", "event_time": int(time.time()), "event": event}


def genuine(made: Scene, kind: str, root: str, text: str) -> tuple[str, str]:
    """A body that would have an effect, and its content type."""
    office = made.office
    number = office.card(root).split()[0]
    if kind == "events":
        return json.dumps(spoken(office, root, text, f"{time.time():.6f}")), JSON
    who = {"team_id": office.ws.team_id, "user_id": office.dewi, "channel_id": office.room}
    if kind == "commands":
        return urlencode({**who, "command": "/sahut", "text": f"reply {number} {text}", "trigger_id": "1.1.a"}), FORM
    action = {"type": "button", "action_id": "sahut:claim", "value": f"claim {number}"}
    pressed = {
        "type": "block_actions",
        "user": {"id": office.dewi},
        "team": {"id": office.ws.team_id},
        "channel": {"id": office.room},
        "container": {"message_ts": root, "channel_id": office.room},
        "message": {"ts": root},
        "actions": [action],
    }
    return urlencode({"payload": json.dumps(pressed)}), FORM


async def knock(made: Scene, path: str, body: str | bytes, content_type: str, headers: dict[str, str]) -> Got:
    sent = {"Content-Type": content_type, **headers}
    data = io.BytesIO(body.encode() if isinstance(body, str) else body)
    async with made.http.post(f"{made.program.url}/{path}", data=data, headers=sent) as answer:
        return Got(answer.status, await answer.text(), dict(answer.headers))


async def signed(made: Scene, kind: str, body: str, content_type: str) -> Got:
    return await knock(made, f"slack/{kind}", body, content_type, mouth(made.office).sign(body))


async def refusals(made: Scene, route: str) -> float:
    """How many requests to a route /metrics says were refused."""
    async with made.http.get(f"{made.program.url}/metrics") as answer:
        text = await answer.text()
    found = re.findall(rf'^sahut_requests_refused_total\{{route="{route}",status="\d+"\}} (\S+)$', text, re.MULTILINE)
    return sum(map(float, found))


async def nothing_came_of_it(made: Scene, visitor: Any, root: str) -> None:
    """The next thing that happens is all that happened."""
    office = made.office
    await office.settled()
    lines = office.texts(root)
    assert "Unassigned" in office.card(root)
    post = office.post(office.dewi, root, "The last")
    await visitor.hears("The last")
    await office.marked(post, "✅")
    assert office.texts(root)[: len(lines)] == lines
    assert await app_of(made).store.read(unreadable.listing, 10) == []


# ---------------------------------------------------------------- wrong or missing signature, stale timestamp


def spoiled(made: Scene, body: str, how: str) -> dict[str, str]:
    """The headers of a request that is not Slack's, or not from now."""
    sender = mouth(made.office)
    if how == "missing":
        return {}
    sender.forge_signature = how == "wrong"
    sender.clock_skew = {"stale": -301.0, "ahead": 301.0}.get(how, 0.0)
    try:
        return sender.sign(body)
    finally:
        sender.forge_signature, sender.clock_skew = False, 0.0


@here
@pytest.mark.parametrize("kind", ROUTES)
@pytest.mark.parametrize("how", ["wrong", "missing", "stale", "ahead"])
async def test_request_that_slack_did_not_sign_now_is_refused_and_counted(shared: Scene, kind: str, how: str) -> None:
    rina, root = await shared.talk()
    before = await refusals(shared, f"slack/{kind}")
    body, content_type = genuine(shared, kind, root, "Forged")
    got = await knock(shared, f"slack/{kind}", body, content_type, spoiled(shared, body, how))
    assert got.status in (401, 403)
    assert await refusals(shared, f"slack/{kind}") == before + 1
    await nothing_came_of_it(shared, rina, root)


@here
@pytest.mark.parametrize("kind", ROUTES)
async def test_the_same_request_signed_is_taken(shared: Scene, kind: str) -> None:
    """Without this the refusals above would prove nothing."""
    rina, root = await shared.talk()
    got = await signed(shared, kind, *genuine(shared, kind, root, "Genuine"))
    assert got.status == 200, got
    if kind == "interactive":
        await shared.office.shows(root, "Dewi")
    else:
        await rina.hears("Genuine")


@here
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer nonsense", "Basic dXNlcjpwdw==", "Bearer {}x"])
async def test_visitor_without_a_token_that_holds_is_refused_and_counted(shared: Scene, token: str) -> None:
    rina, root = await shared.talk()
    before = await refusals(shared, "livechat/messages")
    headers = {"Authorization": token.format(rina._token)} if token else {}
    body = json.dumps({"id": "forged", "text": "Forged"})
    got = await knock(shared, "livechat/web/messages", body, JSON, headers)
    assert got.status == 401
    assert await refusals(shared, "livechat/messages") == before + 1
    assert len(await rina.read()) == 1
    await nothing_came_of_it(shared, rina, root)


# ---------------------------------------------------------------- over 3 MB, wrong content type, not JSON


@here
@pytest.mark.parametrize("kind", ROUTES)
@pytest.mark.parametrize("status", [413, 415, 400])
async def test_slack_body_too_large_or_mistyped_or_broken_is_refused(shared: Scene, kind: str, status: int) -> None:
    rina, root = await shared.talk()
    body, content_type = genuine(shared, kind, root, "Spoiled")
    if status == 413:
        body += " " * TOO_LARGE
    elif status == 415:
        content_type = "text/plain"
    else:
        body = {"events": "{not json", "commands": "nothing=here", "interactive": "payload=%7Bnot"}[kind]
    assert (await signed(shared, kind, body, content_type)).status == status
    await nothing_came_of_it(shared, rina, root)


@here
@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (413, json.dumps({"id": "a", "text": "x", "more": "y" * TOO_LARGE}), JSON),
        (413, json.dumps({"id": "a", "text": "x" * 4001}), JSON),
        (415, json.dumps({"id": "a", "text": "x"}), "text/plain"),
        (415, "id=a&text=x", FORM),
        (400, "{not json", JSON),
        (400, "[]", JSON),
        (400, b"\xff\xfe", JSON),
        (400, json.dumps({"id": "a", "text": ["x"]}), JSON),
        (400, json.dumps({"text": "x"}), JSON),
    ],
    ids=["3mb", "long", "plain", "form", "broken", "list", "bytes", "text", "no-id"],
)
async def test_visitors_body_too_large_or_mistyped_or_broken_is_refused(
    shared: Scene, status: int, body: str | bytes, content_type: str
) -> None:
    rina, root = await shared.talk()
    headers = {"Authorization": f"Bearer {rina._token}"}
    got = await knock(shared, "livechat/web/messages", body, content_type, headers)
    assert got.status == status
    assert set(json.loads(got.text)) == {"error", "message"}
    assert len(await rina.read()) == 1
    await nothing_came_of_it(shared, rina, root)


# ---------------------------------------------------------------- authentic, not understood


async def test_authentic_body_that_nobody_understands_is_kept_and_listed_and_replayed(tmp_path: Path) -> None:
    async with scene(tmp_path, office=Office(socket=False)) as made:
        office, app = made.office, app_of(made)
        rina, root = await made.talk()
        assert (await signed(made, "events", json.dumps(spoken(office, root, "Odd")), JSON)).status == 200
        (kept,) = await app.store.read(unreadable.listing, 10)
        assert kept.source == "slack"
        assert kept.error
        assert kept.size > 0
        assert await asyncio.to_thread(cli_store.events, app.settings, 10) == [kept]
        assert "still not understood" in await cli_store.replay(app.settings, kept.id)
        assert await asyncio.to_thread(cli_store.events, app.settings, 10) == [kept]
        assert "no event 999" in await cli_store.replay(app.settings, 999)
        office.post(office.dewi, root, "The last")
        await rina.hears("The last")


# ---------------------------------------------------------------- again, late, out of order


async def test_same_event_again_late_and_out_of_order_has_no_second_effect(tmp_path: Path) -> None:
    async with scene(tmp_path, office=Office(socket=False)) as made:
        office = made.office
        rina, root = await made.talk()
        for _ in range(2):
            assert await rina.say("Well?", id="same") == "same"
        stamps = [f"{time.time() + number:.6f}" for number in range(2)]
        bodies = [json.dumps(spoken(office, root, f"answer {n}", ts)) for n, ts in enumerate(stamps)]
        for body in (bodies[1], bodies[0], bodies[1], bodies[0]):
            assert (await signed(made, "events", body, JSON)).status == 200
        made.program.skip(3600)
        assert (await signed(made, "events", bodies[0], JSON)).status == 200
        office.post(office.dewi, root, "!priority high")
        await office.posted(root, "priority to high")
        for envelope in list(office.ws.events):
            office.server.delivery.redeliver(envelope["event_id"])
        await office.settled()
        office.post(office.dewi, root, "The last")
        await rina.hears("answer 1", "answer 0", "The last")
        assert office.texts(root, of="customer").count("Well?") == 1
        assert sum("priority to high" in line for line in office.texts(root, of="bot")) == 1


# ---------------------------------------------------------------- database locked or full


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another program holds the database."""
    holder = sqlite3.connect(folder / "sahut.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


async def written(made: Scene, visitor: Any, key: str, text: str) -> Got:
    headers = {"Authorization": f"Bearer {visitor._token}"}
    return await knock(made, "livechat/web/messages", json.dumps({"id": key, "text": text}), JSON, headers)


def says_try_again(got: Got) -> bool:
    return got.status == 503 and int(got.headers["Retry-After"]) >= 1


@pytest_asyncio.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Scene]:
    """It waits a tenth of a second for a locked database."""
    office = Office(socket=False)
    await office.server.start()
    program = Inside(office, tmp_path)
    program.patience = 0.1
    async with playing(program) as made:
        yield made
    await office.server.stop()


async def test_locked_database_is_503_until_it_is_free_and_nothing_is_lost(impatient: Scene) -> None:
    office = impatient.office
    rina, root = await impatient.talk()
    event = json.dumps(spoken(office, root, "Hello", f"{time.time():.6f}"))
    with locked(impatient.program.folder):
        assert says_try_again(await written(impatient, rina, "one", "While it is locked"))
        assert (await signed(impatient, "events", event, JSON)).status == 503
        told = await impatient.program.readyz()
        assert (told["ready"], told["database"]) == (False, "unavailable")
    # Whoever was told to try again tries again; what was stored before is still there.
    await impatient.program.ready()
    assert (await written(impatient, rina, "one", "While it is locked")).status == 200
    await office.posted(root, "While it is locked")
    assert (await signed(impatient, "events", event, JSON)).status == 200
    await rina.hears("Hello")
    assert [one["text"] for one in await rina.read()][1:] == ["While it is locked", "Hello"]


async def test_full_database_is_503_until_there_is_room_and_nothing_is_lost(impatient: Scene) -> None:
    def fill(tx: Tx) -> None:
        pages = tx.execute(sa.text("PRAGMA page_count")).scalar_one()
        tx.execute(sa.text(f"PRAGMA max_page_count = {pages}"))

    def make_room(tx: Tx) -> None:
        tx.execute(sa.text("PRAGMA max_page_count = 1000000"))

    store, text = app_of(impatient).store, "🦓" * 4000
    rina, root = await impatient.talk()
    await store.write(fill)
    taken: list[str] = []
    while (got := await written(impatient, rina, f"{len(taken)}", text)).status == 200:
        taken.append(text)
        assert len(taken) < 20, "it never became full"
    assert says_try_again(got)
    await store.write(make_room)
    assert (await written(impatient, rina, f"{len(taken)}", text)).status == 200
    await rina.say("The last")
    await impatient.office.posted(root, "The last")
    assert [one["text"] for one in await rina.read()][1:] == [*taken, text, "The last"]
    await impatient.program.ready()


# ---------------------------------------------------------------- team chat down


async def test_while_slack_is_down_all_is_taken_and_waits(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        office = made.office
        rina, root = await made.talk()
        await office.server.stop()
        told = await made.program.ready(wanted=False)
        assert told["database"] == "ok"
        assert told["adapters"]["slack"] != "connected"
        await rina.say("While Slack is down")  # 200, or it would raise
        waiting = await asyncio.to_thread(cli_store.outbox, app_of(made).settings, None, 10)
        assert waiting != []
        await office.server.start()
        await office.posted(root, "While Slack is down", 30)
        await made.program.ready()
        assert office.texts(root, of="customer").count("While Slack is down") == 1
