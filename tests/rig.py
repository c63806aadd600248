"""The whole program between a team's Slack and customers' browsers, driven and judged from outside alone.

`Inside` runs the program in this process, with a clock that tests move, `Installed` as a process of its own; both take
their settings from `Office.environment` alone. Nothing here looks into the program's database.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self
from unittest.mock import patch

import aiohttp
import orjson

from sahut_bot import settings
from sahut_bot.app import PATIENCE as STORE_PATIENCE
from sahut_bot.app import App
from sahut_bot.inbox.store import EVERYTHING
from tests.databases import until
from tests.office import PATIENCE, Json, Office, plain, taken
from tests.visitor import Visitor

__all__ = ["PATIENCE", "Clock", "Inside", "Installed", "Json", "Office", "Scene", "Visitor", "plain", "taken"]

ROOT = Path(__file__).parents[1]
_ORDERS = itertools.count(1001)


class Clock:
    """The machine's time, and what tests add to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Inside:
    """The program in this process. It may be stopped and started again, on the same data."""

    def __init__(self, office: Office, folder: Path, **more: str) -> None:
        self.office = office
        self.folder = folder
        self.clock = Clock()
        self.more = more
        self.patience = STORE_PATIENCE  # with a locked database, in seconds
        self.app: App | None = None
        self.url = ""

    async def start(self, *, connected: bool = True) -> Self:
        with patch.dict(os.environ, self.office.environment(self.folder, **self.more)):
            known = settings.load(env_file=None)
        self.app = App(known, now=self.clock, patience=self.patience)
        self.office.hurry = lambda: self.skip(1.0)
        opened = self.office.server.sockets.opened
        await self.app.start()
        host, port = self.app.address
        self.url = f"http://{host}:{port}"
        self.office.server.http.app_url = self.url
        if connected and self.office.socket:
            await self.office.sees(lambda: self.office.server.sockets.opened > opened)
        if connected:
            await self.ready()
        return self

    async def stop(self) -> None:
        if self.app is not None:
            app, self.app = self.app, None
            self.office.hurry = None
            await app.stop()

    def skip(self, seconds: float) -> None:
        """Moves the clock; everybody who waits for a time looks again."""
        self.clock.ahead += seconds
        assert self.app is not None
        self.app.store.ring(EVERYTHING)

    async def readyz(self) -> Json:
        return await readyz(self.url)

    async def ready(self, *, wanted: bool = True) -> Json:
        """Waits until /readyz says so; gives what it says."""
        async with asyncio.timeout(PATIENCE * 2):
            while (told := await self.readyz())["ready"] is not wanted:
                await asyncio.sleep(0.01)
        return told


async def readyz(url: str) -> Json:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
        told: Json = await answer.json()
        assert (answer.status == 200) is told["ready"]
        return told


class Installed:
    """`python -m sahut_bot run` as a process. Its log is kept beside its data."""

    def __init__(self, office: Office, folder: Path, **more: str) -> None:
        self.office = office
        self.folder = folder
        self.more = more
        self.url = ""
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def log(self) -> Path:
        return self.folder / f"log-{self.starts}"

    async def start(self) -> Self:
        self.starts += 1
        ours = self.office.environment(self.folder, **self.more)
        rest = {name: value for name, value in os.environ.items() if not name.startswith("SAHUT_")}
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sahut_bot", "run", env={**rest, **ours}, stderr=log, cwd=ROOT
            )
        port = await started(self.log, lambda: self.process is not None and self.process.returncode is not None)
        self.url = f"http://127.0.0.1:{port}"
        self.office.server.http.app_url = self.url
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Politely, as a supervisor does; gives the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()


async def started(log: Path, ended: Callable[[], bool]) -> int:
    """Waits for the line of the log that says where the program listens."""
    port: list[int] = []

    def told() -> bool:
        assert not ended(), log.read_text()
        port.extend(one["port"] for one in lines(log) if one.get("event") == "app.started")
        return bool(port)

    await until(told, PATIENCE * 3)
    return port[0]


def lines(log: Path) -> list[Json]:
    """What was logged so far."""
    found = [line for line in log.read_bytes().split(b"\n")[:-1] if line.startswith(b"{")]
    return [orjson.loads(line) for line in found]


# ---------------------------------------------------------------- all together


class Scene:
    """A program at work between an office and visitors."""

    def __init__(self, office: Office, program: Inside, http: aiohttp.ClientSession) -> None:
        self.office = office
        self.program = program
        self.http = http

    async def visitor(self, name: str = "", channel: str = "web") -> Visitor:
        return await Visitor(self.http, self.program, channel).begin(name)

    async def talk(self, text: str = "", *, name: str = "Rina", channel: str = "web") -> tuple[Visitor, str]:
        """A visitor who has written, and the thread of it once the words stand there."""
        text = text or f"Where is my order {next(_ORDERS)}?"
        visitor = await self.visitor(name, channel)
        await visitor.say(text)
        root = await self.office.root(text)
        await self.office.sees(lambda: text in self.office.texts(root))
        return visitor, root


@asynccontextmanager
async def scene(folder: Path, *, office: Office | None = None, **more: str) -> AsyncIterator[Scene]:
    """An office, and the program connected to it. `more` are settings without their prefix."""
    office = office or Office()
    await office.server.start()
    try:
        async with playing(Inside(office, folder, **more)) as made:
            yield made
    finally:
        await office.server.stop()


@asynccontextmanager
async def playing(program: Inside, *, connected: bool = True) -> AsyncIterator[Scene]:
    """The program at an office that is open already, or without one that answers."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE * 3)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        try:
            await program.start(connected=connected)
            yield Scene(program.office, program, http)
        finally:
            await program.stop()
