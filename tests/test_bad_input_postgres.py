"""What happens while PostgreSQL is away (design 3.5): try again later, `/readyz` says so, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Cluster
from tests.rig import Office, Scene, Visitor, scene

pytestmark = pytest.mark.postgres

Shut = Callable[[bool], Any]


@pytest.fixture
async def shut(cluster: Cluster, postgres_database: str) -> AsyncIterator[Shut]:
    """Sends everybody away and lets nobody in, as a server that is stopped; and the opposite."""

    async def change(away: bool) -> None:
        await asyncio.to_thread(cluster.script, f"ALTER DATABASE {postgres_database} ALLOW_CONNECTIONS {not away}")
        if away:
            await asyncio.to_thread(
                cluster.run,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                f" WHERE datname = '{postgres_database}' AND pid <> pg_backend_pid()",
            )

    yield change
    await change(False)


async def posted(made: Scene, visitor: Visitor, key: str, text: str) -> tuple[int, str]:
    """The status and Retry-After that the widget gets."""
    body = {"id": key, "text": text}
    url = f"{made.program.url}/livechat/web/messages"
    async with made.http.post(url, json=body, headers=visitor._auth) as answer:
        return answer.status, answer.headers.get("Retry-After", "")


async def heard(made: Scene, kind: str, body: str) -> tuple[int, str]:
    """The status and Retry-After that Slack gets for a genuine request."""
    office = made.office
    headers = {"Content-Type": "application/json", **office.server.http.sign(body)}
    async with made.http.post(f"{made.program.url}/slack/{kind}", data=body, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After", "")


def typed(office: Office, root: str, text: str) -> str:
    ts = f"{float(root) + 5:.6f}"
    event = {"type": "message", "channel": office.room, "user": office.dewi, "text": text}
    event |= {"ts": ts, "event_ts": ts, "thread_ts": root}
    envelope = {"type": "event_callback", "team_id": office.ws.team_id, "api_app_id": office.ws.app_id}
    return json.dumps({**envelope, "event_id": f"Ev{uuid.uuid4().hex[:8]}", "event": event})


async def test_database_that_is_away_is_503_until_it_is_back_and_nothing_is_lost(
    postgres_url: str, tmp_path: Path, shut: Shut
) -> None:
    async with scene(tmp_path, office=Office(socket=False), DATABASE_URL=postgres_url) as made:
        office = made.office
        rina, root = await made.talk()
        event = typed(office, root, "From Slack meanwhile")
        await shut(True)
        told = await made.program.ready(wanted=False)
        assert told["database"] == "unavailable"
        assert await posted(made, rina, "k1", "Meanwhile") == (503, "1")
        assert await heard(made, "events", event) == (503, "1")
        assert made.program.app is not None
        assert made.program.app.broken is not None
        assert not made.program.app.broken.done()  # it lives on
        await shut(False)
        await made.program.ready()
        # Whoever was told so tries again.
        assert (await posted(made, rina, "k1", "Meanwhile"))[0] == 200
        assert (await heard(made, "events", event))[0] == 200
        await office.posted(root, "Meanwhile")
        await rina.hears("From Slack meanwhile")
        post = office.post(office.dewi, root, "All is well again.")
        await rina.hears("From Slack meanwhile", "All is well again.")
        await office.marked(post, "✅")
        assert office.texts(root, of="customer").count("Meanwhile") == 1
