"""SIGKILL at named points of one conversation: nothing lost, order kept, nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.crash.forked import Forked, supervised
from tests.crash.story import Story
from tests.rig import Office

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash")]  # one server to fork from

ROWS = ("open", "mirror", "file", "fetch", "reply", "mark", "unmark", "card", "activity", "say")
POINTS = (
    "decoded:CustomerMessage",
    "decoded:CustomerMessage*2",
    "commit:receive",
    "committed:receive",
    "committed:receive*3",
    "commit:on_post",
    "committed:on_post",
    "committed:on_post*3",
    "commit:run",
    "committed:run",
    "commit:fire_due",
    "committed:fire_due",
    "commit:receipts",
    "commit:add_upload",
    "committed:add_upload",
    *(f"committed:_claim/{kind}" for kind in ROWS),
    *(f"performed:{kind}" for kind in ROWS),
    *(f"commit:_finish/{kind}" for kind in ROWS),
    *(f"committed:_finish/{kind}" for kind in ("open", "file", "reply")),
)
TWICE = ("performed:open|performed:open", "performed:mirror|commit:_finish/mirror", "performed:file|commit:_claim/file")
QUICK = ("committed:receive", "performed:open", "commit:_finish/file", "performed:reply", "commit:fire_due")
ON_POSTGRES = ("commit:receive", "committed:receive", "performed:open", "commit:_finish/reply", "committed:fire_due")


async def tell(office: Office, folder: Path, *points: str, **more: Any) -> None:
    program = Forked(office, folder, *points, **more)
    async with supervised(program), aiohttp.ClientSession() as http:
        story = Story(program.office, program, http)
        await story.tell()
        await story.judge()
        assert program.starts == len(points) + 1, "a point was not reached"


@pytest.mark.parametrize(
    "point", [point if point in QUICK else pytest.param(point, marks=pytest.mark.slow) for point in POINTS]
)
async def test_conversation_survives_a_kill(point: str, office: Office, sqlite_url: str, tmp_path: Path) -> None:
    await tell(office, tmp_path, point, DATABASE_URL=sqlite_url)


@pytest.mark.slow
@pytest.mark.parametrize("points", TWICE)
async def test_conversation_survives_two_kills(points: str, office: Office, sqlite_url: str, tmp_path: Path) -> None:
    await tell(office, tmp_path, *points.split("|"), DATABASE_URL=sqlite_url)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["commit:receive", "committed:receive", "committed:on_post"])
async def test_held_reply_survives_a_kill(point: str, office: Office, sqlite_url: str, tmp_path: Path) -> None:
    await tell(office, tmp_path, point, DATABASE_URL=sqlite_url, CHANNELS__WEB__REPLY_HOLD_SECONDS="0.3")


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("point", ON_POSTGRES)
async def test_conversation_on_postgres_survives_a_kill(
    point: str, office: Office, postgres_url: str, tmp_path: Path
) -> None:
    await tell(office, tmp_path, point, DATABASE_URL=postgres_url)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["commit:on_post", "committed:on_post*2", "commit:run", "committed:run"])
async def test_conversation_over_http_survives_a_kill(point: str, sqlite_url: str, tmp_path: Path) -> None:
    office = Office(socket=False)
    office.server.switches.ack_timeout = 1.0
    office.server.switches.retry_delays = (0.05, 0.2, 0.5, 1.0, 1.0)
    await tell(office, tmp_path, point, DATABASE_URL=sqlite_url)
