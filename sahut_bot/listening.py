"""A team chat at work in this process: started as often as it takes, then listening, standing by, and catching up.

Of several processes one leads (docs/adr/0016): it alone catches up what was missed, and holds the connection where
there may be one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import Any

import structlog

from sahut_bot.bridges.base import CanMiss, CanStandBy, Channel, Sink, TeamChat
from sahut_bot.errors import AuthFailed, Busy, PlatformError
from sahut_bot.inbox import heard, unsent
from sahut_bot.inbox.store import Store
from sahut_bot.types import AgentDelete, Health, Instant

log = structlog.get_logger(__name__)

NOTED_EVERY = 30.0
MARGIN = 120.0  # what is caught up twice has one effect
START_AGAIN = 5.0  # seconds, doubled up to a minute, until a team chat that could not start is tried again
_LONGEST = 60.0
_BUSY = 0.5
_PATIENCE = 0.5  # seconds after which a process that does not lead takes it that another one does


class Hears(Enum):
    """Which processes hear from a team chat."""

    NOWHERE = "nowhere"  # not here: this one posts
    EVERYWHERE = "everywhere"  # over HTTP: each one that serves it
    LEADER = "leader"  # over a connection: the one that holds it


class Listening:
    """`places` are the chat's team channels. `run` until cancelled; `note` before that, so that the next start knows
    until when everything was heard.
    """

    def __init__(
        self,
        chat: TeamChat,
        places: Sequence[str],
        hears: Hears,
        store: Store,
        sink: Sink,
        now: Callable[[], Instant],
    ) -> None:
        self._chat = chat
        self._places = places
        self._hears = hears
        self._store = store
        self._sink = sink
        self._now = now
        self._caught_up = False
        self._looking = asyncio.Event()  # for what was missed, or done with that

    async def run(self) -> None:
        await self._start()
        match self._hears:
            case Hears.NOWHERE:
                await self._stand_by()
            case Hears.EVERYWHERE:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(), name=f"{self._chat.kind}-run")
                    tasks.create_task(self._lead(self._keep_up), name=f"{self._chat.kind}-lead")
            case Hears.LEADER:
                await self._lead(self._listen, self._keep_up, otherwise=self._wait_for_another)

    async def _start(self) -> None:
        wait = START_AGAIN
        while True:
            try:
                await self._chat.start()
            except PlatformError as error:
                log.warning("teamchat.not_started", teamchat=self._chat.kind, reason=error.reason)
                await asyncio.sleep(_LONGEST if isinstance(error, AuthFailed) else wait)
                wait = min(wait * 2, _LONGEST)
            else:
                return

    async def _listen(self) -> None:
        """Not before somebody looks for what was missed: what is heard now would go before it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._looking.wait()
        await self._chat.run(self._sink)

    # ------------------------------------------------------------ one of several

    async def _lead(
        self,
        *works: Callable[[], Coroutine[Any, Any, None]],
        otherwise: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """Does `works` whenever this process leads, and `otherwise` while it waits for that."""
        while True:
            waiting = asyncio.create_task(otherwise(), name=f"{self._chat.kind}-stand-by") if otherwise else None
            try:
                async with self._store.lead(f"teamchat:{self._chat.kind}") as lost:
                    await _ended(waiting)
                    log.info("teamchat.leads", teamchat=self._chat.kind)
                    await while_leading(lost, *(work() for work in works))
                    log.warning("teamchat.lead_lost", teamchat=self._chat.kind)
            finally:
                await _ended(waiting)

    async def _wait_for_another(self) -> None:
        await asyncio.sleep(_PATIENCE)
        await self._stand_by()

    async def _stand_by(self) -> None:
        if isinstance(self._chat, CanStandBy):
            await self._chat.stand_by()

    # ------------------------------------------------------------ what was missed

    async def _keep_up(self) -> None:
        """Catches up what was missed, then writes down until when all was heard. Never returns."""
        after = await self._patiently(lambda: self._store.read(heard.until, self._chat.kind))
        self._looking.set()
        try:
            if after is None:  # the first start: nobody can have answered before it
                await self._patiently(lambda: self._store.write(heard.save, self._chat.kind, self._now()))
            else:
                await self._chat.catch_up(self._places, after - MARGIN, self._sink)
                await self._recheck()
            self._caught_up = True
            while True:
                await self.note()
                await asyncio.sleep(NOTED_EVERY)
        finally:
            self._caught_up = False
            self._looking.clear()

    async def _recheck(self) -> None:
        """Replies that waited when the program ended go on, save those that were deleted meanwhile."""
        if isinstance(self._chat, CanMiss):
            for waiting in await self._patiently(lambda: self._store.read(unsent.waiting, self._chat.kind)):
                try:
                    gone = await self._chat.missing(waiting.thread, waiting.posts)
                except PlatformError as error:
                    log.warning("teamchat.not_rechecked", teamchat=self._chat.kind, error=type(error).__name__)
                    continue
                for post in reversed(gone):  # the head of a lane last: behind it nothing moves
                    event = AgentDelete(thread=waiting.thread, external_id=post, at=self._now())
                    await self._patiently(partial(self._sink.agent, event))
        await self._patiently(lambda: self._store.write(unsent.let_go))

    async def note(self) -> None:
        """As long as the chat is connected, and what was missed before is caught up, we hear all of it."""
        if self._caught_up and self._chat.health is Health.CONNECTED:
            with suppress(Busy):  # the next time will do
                await self._store.write(heard.save, self._chat.kind, self._now())

    async def _patiently(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        while True:
            with suppress(Busy):
                return await work()
            await asyncio.sleep(_BUSY)


async def run_channel(channel: Channel, store: Store, sink: Sink) -> None:
    """Polls a channel in one process at a time, for as long as it has something to poll."""
    lost = True
    while lost:
        async with store.lead(f"channel:{channel.name}") as gone:
            lost = await while_leading(gone, channel.run(sink))


async def while_leading(lost: asyncio.Event, *works: Coroutine[Any, Any, None]) -> bool:
    """Until all of `works` are done, one of them fails (and is raised), or the lead is lost, which the answer tells."""

    async def together() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number, work in enumerate(works, 1):
                tasks.create_task(work, name=f"leading-{number}")

    working = asyncio.create_task(together(), name="leading")
    leading = asyncio.create_task(lost.wait(), name="lead")
    try:
        await asyncio.wait((working, leading), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(working)
        await _ended(leading)
    if not working.cancelled():
        working.result()
    return lost.is_set()


async def _ended(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait((task,))
