"""The service split over processes on PostgreSQL: what each role does, and who goes on when one of them goes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sahut_bot.app import App, Role
from sahut_bot.settings import load
from sahut_bot.types import Health
from tests.databases import until
from tests.rig import ROOT, Office, Visitor, lines, readyz

pytestmark = pytest.mark.postgres


class Parts:
    """Several processes' worth of the program in this one, each an `App` of its own on the same data."""

    def __init__(self, office: Office, folder: Path, url: str, stack: AsyncExitStack) -> None:
        self.office = office
        self._stack = stack
        file = folder / "settings.env"
        values = office.environment(folder, DATABASE_URL=url)
        file.write_text("\n".join(f"{name}={value}" for name, value in values.items()))
        self._settings = load(file)
        self.url = ""
        self.http: aiohttp.ClientSession

    async def start(self, role: Role) -> App:
        app = App(self._settings, role)
        await app.start()
        self._stack.push_async_callback(app.stop)
        if role.has(Role.WEB):
            host, port = app.address
            self.url = f"http://{host}:{port}"
            self.office.server.http.app_url = self.url
        return app

    async def talk(self, text: str) -> tuple[Visitor, str]:
        visitor = await Visitor(self.http, self).begin("Rina")
        await visitor.say(text)
        root = await self.office.root(text)
        await self.office.posted(root, text)
        return visitor, root


@asynccontextmanager
async def parts(folder: Path, url: str, *, socket: bool) -> AsyncIterator[Parts]:
    office = Office(socket=socket)
    office.server.switches.retry_delays = (0.1, 0.5, 1.0, 2.0)
    await office.server.start()
    try:
        async with AsyncExitStack() as stack:
            made = Parts(office, folder, url, stack)
            made.http = await stack.enter_async_context(aiohttp.ClientSession())
            yield made
    finally:
        await office.server.stop()


async def connected(app: App) -> None:
    await until(lambda: app.states().get("slack") is Health.CONNECTED)


# ---------------------------------------------------------------- each its part


async def test_over_socket_mode_the_gateway_hears_the_worker_sends_and_the_web_serves(
    postgres_url: str, tmp_path: Path
) -> None:
    async with parts(tmp_path, postgres_url, socket=True) as made:
        office = made.office
        web, worker, gateway = [await made.start(role) for role in (Role.WEB, Role.WORKER, Role.GATEWAY)]
        await office.sees(lambda: office.server.sockets.connections)
        await connected(gateway)
        await connected(worker)
        assert set(web.states()) == {"web"}
        assert (await readyz(made.url))["ready"]
        rina, root = await made.talk("Where is my order?")
        office.post(office.dewi, root, "On its way.")
        await rina.hears("On its way.")
        await rina.confirm()
        await office.press(office.dewi, root, "Resolve")
        await office.shows(root, "Resolved")
        assert len(office.server.sockets.connections) == 1


async def test_over_http_the_web_hears_and_the_gateway_has_nothing_to_hold(postgres_url: str, tmp_path: Path) -> None:
    async with parts(tmp_path, postgres_url, socket=False) as made:
        office = made.office
        web, worker, gateway = [await made.start(role) for role in (Role.WEB, Role.WORKER, Role.GATEWAY)]
        await connected(web)
        await connected(worker)
        assert set(gateway.states()) == {"web"}
        rina, root = await made.talk("Where is my order?")
        office.post(office.dewi, root, "On its way.")
        await rina.hears("On its way.")
        assert office.ws.lost_events == []


async def test_without_a_worker_all_is_taken_and_waits_for_one(postgres_url: str, tmp_path: Path) -> None:
    async with parts(tmp_path, postgres_url, socket=True) as made:
        office = made.office
        await made.start(Role.WEB)
        rina = await Visitor(made.http, made).begin("Rina")
        await rina.say("Is anybody there?")
        assert office.roots() == []
        await made.start(Role.WORKER)
        await office.root("Is anybody there?")


# ---------------------------------------------------------------- one of several


async def test_of_two_gateways_one_holds_the_socket_and_the_other_takes_over_with_what_was_missed(
    postgres_url: str, tmp_path: Path
) -> None:
    async with parts(tmp_path, postgres_url, socket=True) as made:
        office = made.office
        for role in (Role.WEB, Role.WORKER):
            await made.start(role)
        first = await made.start(Role.GATEWAY)
        await office.sees(lambda: office.server.sockets.connections)
        second = await made.start(Role.GATEWAY)
        await connected(second)  # it is well: another one listens
        assert len(office.server.sockets.connections) == 1
        rina, root = await made.talk("Where is my order?")
        await first.stop()
        office.post(office.dewi, root, "On its way.")
        await office.sees(lambda: office.server.sockets.connections)
        await rina.hears("On its way.")
        assert len(office.server.sockets.connections) == 1


async def test_of_two_whole_programs_one_catches_up(postgres_url: str, tmp_path: Path) -> None:
    async with parts(tmp_path, postgres_url, socket=True) as made:
        office = made.office
        before = await made.start(Role.ALL)
        rina, root = await made.talk("Where is my order?")
        await before.stop()
        office.post(office.dewi, root, "While nobody listened.")
        looked = len(office.ws.calls("conversations.history"))
        both = [await made.start(Role.ALL) for _ in range(2)]
        await rina.hears("While nobody listened.")
        for app in both:
            await connected(app)
        assert len(office.ws.calls("conversations.history")) == looked + 1
        assert len(office.server.sockets.connections) == 1


# ---------------------------------------------------------------- as processes


class Process:
    """`sahut-bot run --role …`, with its log."""

    def __init__(self, office: Office, folder: Path, url: str, role: str) -> None:
        self.log = folder / f"log-{role}"
        self._role = role
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SAHUT_")}
        self._environment = {**kept, **office.environment(folder, DATABASE_URL=url)}
        self.child: asyncio.subprocess.Process

    async def start(self) -> int | None:
        """Gives the port, of one that has any."""
        begun = len(lines(self.log)) if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sahut_bot", "run", "--role", self._role),
                env=self._environment,
                stderr=log,
                cwd=ROOT,
            )
        await until(lambda: self._started(begun), 60)
        port: int | None = self._started(begun)[0]["port"]
        return port

    def _started(self, begun: int) -> list[dict[str, int | None]]:
        assert self.child.returncode is None, self.log.read_text()
        return [line for line in lines(self.log)[begun:] if line["event"] == "app.started"]

    async def end(self, how: signal.Signals) -> int:
        if self.child.returncode is None:
            self.child.send_signal(how)
        return await self.child.wait()


@pytest.mark.slow
@pytest.mark.crash
async def test_three_processes_do_the_main_job_and_survive_the_kill_of_each(postgres_url: str, tmp_path: Path) -> None:
    async with parts(tmp_path, postgres_url, socket=True) as made:
        office = made.office
        web, worker, gateway = [Process(office, tmp_path, postgres_url, role) for role in ("web", "worker", "gateway")]
        try:
            ports = await asyncio.gather(web.start(), worker.start(), gateway.start())
            assert [port is None for port in ports] == [False, True, True]
            made.url = f"http://127.0.0.1:{ports[0]}"
            await office.sees(lambda: office.server.sockets.connections)
            rina, root = await made.talk("Where is my order?")
            office.post(office.dewi, root, "On its way.")
            await rina.hears("On its way.")

            await gateway.end(signal.SIGKILL)
            office.post(office.dewi, root, "While the gateway was down.")
            await gateway.start()
            await rina.hears("On its way.", "While the gateway was down.")

            await worker.end(signal.SIGKILL)
            await rina.say("While the worker was down")
            await worker.start()
            await office.posted(root, "While the worker was down", 30)

            await web.end(signal.SIGKILL)
            office.post(office.dewi, root, "While the web was down.")
            made.url = f"http://127.0.0.1:{await web.start()}"
            await rina.hears("On its way.", "While the gateway was down.", "While the web was down.")
            assert office.texts(root, of="customer") == ["Where is my order?", "While the worker was down"]
            for process in (web, worker, gateway):
                assert await process.end(signal.SIGTERM) == 0
        finally:
            for process in (web, worker, gateway):
                await process.end(signal.SIGKILL)
