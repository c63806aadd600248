"""The program as it is installed, a process of its own that knows nothing but its environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.rig import Installed, Office, Visitor, lines, readyz


@asynccontextmanager
async def running(office: Office, folder: Path) -> AsyncIterator[Installed]:
    office.server.switches.retry_delays = (0.1, 0.5, 1.0)
    await office.server.start()
    program = Installed(office, folder)
    try:
        yield await program.start()
        assert await program.stop() == 0
    finally:
        await program.stop()
        await office.server.stop()


@pytest.mark.parametrize("way", ["socket", pytest.param("http", marks=pytest.mark.slow)])
async def test_it_does_its_main_job_and_stops_politely(way: str, tmp_path: Path) -> None:
    office = Office(socket=way == "socket")
    async with running(office, tmp_path) as program, aiohttp.ClientSession() as http:
        if way == "socket":
            await office.sees(lambda: office.server.sockets.connections)
        else:
            assert await office.server.http.verify_url()
        rina = await Visitor(http, program).begin("Rina")
        await rina.say("Where is my order?", files=[("receipt.pdf", b"receipt")])
        root = await office.root("Where is my order?")
        await office.sees(lambda: office.files(root) == [("receipt.pdf", b"receipt")])
        await office.press(office.dewi, root, "Claim")
        await office.posted(root, "Dewi took it")
        note = office.post(office.dewi, root, "; he is angry")
        await office.marked(note, "🔒")
        office.driver.upload(office.dewi, office.room, "label.png", b"label", thread_ts=root, text="A label:")
        await rina.hears("A label:")
        assert await rina.download(rina.from_agents()[0]["attachments"][0]) == b"label"
        await office.press(office.dewi, root, "Snooze…")
        assert await office.fill(office.dewi, when="tomorrow 9am") == {}
        await office.posted(root, "Dewi snoozed it until")
        await rina.say("Any news?")
        assert (await office.posted(root, "Any news?"))["ts"] in office.pinged(office.dewi)
        await office.slash(office.dewi, "/resolve", office.card(root).split()[0])
        await office.shows(root, "Resolved")
        office.driver.open_home(office.dewi)
        await office.sees(lambda: office.ws.surfaces.homes.get(office.dewi))
        assert (await readyz(program.url))["ready"]
        async with http.get(f"{program.url}/metrics") as answer:
            assert answer.status == 200
        assert "angry" not in str(await rina.read())
    assert office.ws.complaints == []
    log = program.log.read_text()
    assert [one for one in lines(program.log) if one["level"] in ("warning", "error")] == []
    for secret in ("order", "angry", "news", office.ws.credentials.bot_token, office.ws.credentials.app_token):
        assert secret not in log


@pytest.mark.slow
async def test_started_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    office = Office()
    async with running(office, tmp_path) as program, aiohttp.ClientSession() as http:
        rina = await Visitor(http, program).begin("Rina")
        await rina.say("Where is my order?")
        root = await office.root("Where is my order?")
        await office.posted(root, "Where is my order?")
        assert await program.stop() == 0
        office.server.switches.retry_delays = ()
        office.post(office.dewi, root, "It is on its way.")
        await program.start()
        await rina.hears("It is on its way.")
