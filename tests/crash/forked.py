"""Children that run the program and die at named points, and a supervisor that starts them again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from sahut_bot.dispatcher import LEASE
from tests.crash import child
from tests.databases import until
from tests.rig import PATIENCE, Office, started

T = TypeVar("T")

# Forked from a server that has all libraries loaded, so that a start takes a tenth of what it takes afresh.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([child.__name__])


class Forked:
    """The program in a child process that dies at the first of `points`, started again at the second, and so on."""

    def __init__(self, office: Office, folder: Path, *points: str, never: bool = False, **more: str) -> None:
        self.office = office
        self.folder = folder
        self.points = points
        self.never = never
        self.more = more
        self.url = ""
        self.starts = 0
        self.ahead = CONTEXT.Value("d", 0.0)
        self._process: Any = None

    async def start(self, *, connects: bool = True) -> None:
        """`connects`: over Socket Mode, and not another one."""
        point = self.points[self.starts] if self.starts < len(self.points) else ""
        self.starts += 1
        if self.starts > 1 and "DATABASE_URL" in self.more and self.more["DATABASE_URL"].startswith("postgresql"):
            # There another process may still be sending: what it had in hand is free when its lease has run out.
            self.ahead.value += LEASE + 1
        log = self.folder / f"log-{self.starts}"
        log.touch()
        environment = self.office.environment(self.folder, **self.more)
        opened = self.office.server.sockets.opened
        self._process = CONTEXT.Process(
            target=child.main, args=(environment, log, point, self.ahead, self.never), daemon=True
        )
        self._process.start()
        try:
            port = await started(log, lambda: not self.alive)
        except AssertionError:
            if self.killed:  # at a point on the way
                return
            raise
        self.url = f"http://127.0.0.1:{port}"
        self.office.hurry = lambda: self.skip(1.0)
        self.office.server.http.app_url = self.url
        if self.office.socket and connects:
            await until(lambda: self.office.server.sockets.opened > opened or not self.alive, PATIENCE)

    @property
    def alive(self) -> bool:
        return bool(self._process.is_alive())

    @property
    def killed(self) -> bool:
        return bool(self._process.exitcode == -signal.SIGKILL)

    def kill(self) -> None:
        self._process.kill()

    async def died(self) -> None:
        await until(lambda: not self.alive, PATIENCE * 2)
        assert self.killed, self._process.exitcode

    def skip(self, seconds: float) -> None:
        """Moves the clock of the child and of those that follow it."""
        self.ahead.value += seconds
        if self.alive:
            os.kill(self._process.pid, signal.SIGUSR1)

    async def stop(self) -> None:
        if self._process is not None and self._process.pid is not None:
            self._process.terminate()
            await until(lambda: not self.alive, PATIENCE * 2)

    async def revive(self) -> None:
        """Starts it again each time it was killed, until cancelled."""
        while True:
            await until(lambda: not self.alive, 3600)
            assert self.killed, self._process.exitcode
            await self.start()


@asynccontextmanager
async def supervised(program: Forked) -> AsyncIterator[Forked]:
    """A program that comes back whenever it is killed."""
    await program.office.server.start()
    try:
        await program.start()
        reviving = asyncio.create_task(program.revive(), name="supervisor")
        try:
            yield program
        finally:
            reviving.cancel()
            await asyncio.wait({reviving})
        if not reviving.cancelled():
            reviving.result()
    finally:
        await program.stop()
        await program.office.server.stop()


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Asks as a client does: again, when the connection broke or the answer was not 200."""
    async with asyncio.timeout(PATIENCE * 2):
        while True:
            try:
                return await ask()
            except (aiohttp.ClientError, AssertionError):
                await asyncio.sleep(0.05)
