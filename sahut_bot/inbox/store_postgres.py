"""The store on PostgreSQL: works run over asyncpg through `run_sync`; a connection of its own hears other processes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sahut_bot.inbox.store_group import EVERYTHING, Answered, Job, Publish, Trouble, run_group, translated, trouble
from sahut_bot.inbox.store_lead import lead
from sahut_bot.inbox.tx import Rx

_CHANNEL = "sahut"
_NOTIFY_PAUSE = 0.005  # seconds between notifications: more often costs commits, later costs nobody anything
_PING = 15.0
_RECONNECT = (0.1, 5.0)
_TRIES = 6
# A plan made while a table was empty is a disaster at a million rows, so plans are made for the values at hand.
_SESSION = {"application_name": "sahut-bot", "plan_cache_mode": "force_custom_plan", "jit": "off"}


def _engine(url: sa.URL, size: int, lock_timeout: float) -> AsyncEngine:
    session = {**_SESSION, "lock_timeout": str(int(lock_timeout * 1000))}
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"server_settings": session, "timeout": 10, "command_timeout": 60},
    )


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Whatever keeps a server from taking a connection, it is away."""
    try:
        connection = await engine.connect()
    except DBAPIError as error:
        raise ConnectionError(str(error.orig)) from error
    try:
        yield connection
    finally:
        await connection.close()


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class _CommitUnknownError(Exception):
    """The connection died during COMMIT: stored or not, only a look can tell."""


class PostgresBackend:
    dialect = "postgresql"
    group = 64  # works run in the event loop; a longer group would hold everything else up

    def __init__(self, url: sa.URL, lock_timeout: float) -> None:
        self._url = url
        self._writer = _engine(url, 1, lock_timeout)
        self._readers = _engine(url, 4, lock_timeout).execution_options(postgresql_readonly=True)
        self._queue: deque[Job] = deque()
        self._more = asyncio.Event()
        self._ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._call = asyncio.Event()  # somebody should be told, or the listening connection died

    def engines(self) -> list[sa.Engine]:
        return [self._writer.sync_engine, self._readers.sync_engine]

    def put(self, job: Job) -> None:
        self._queue.append(job)
        self._more.set()

    async def start(self, publish: Publish) -> None:
        self._ended.clear()
        self._tasks = [
            asyncio.create_task(self._run(publish), name="store-writer"),
            asyncio.create_task(self._listen(publish), name="store-listener"),
        ]

    async def stop(self) -> None:
        self._ended.set()
        self._more.set()
        if self._tasks:
            writer, listener = self._tasks
            await writer
            self._call.set()
            await listener
            self._tasks = []
        await self._writer.dispose()
        await self._readers.dispose()

    async def read(self, view: Callable[..., Any], *args: Any) -> Any:
        try:
            return await self._view(view, args)
        except Exception as error:
            if trouble(error, reading=True) is not Trouble.AWAY:
                raise
            return await self._view(view, args)  # the pooled connection was dead; a new one may not be

    async def _view(self, view: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        async with _connected(self._readers) as connection:
            return await connection.run_sync(lambda sync: view(Rx(sync), *args))

    def acquire_run_lock(self) -> None:
        """Any number of processes may share the work here."""

    def lead(self, name: str) -> AbstractAsyncContextManager[asyncio.Event]:
        return lead(name, {**self._options(), "server_settings": {"application_name": "sahut-bot lead"}})

    def _options(self) -> dict[str, Any]:
        """How to connect without SQLAlchemy."""
        options = dict(self._writer.dialect.create_connect_args(self._url)[1])
        options.pop("prepared_statement_cache_size", None)
        return options

    # ------------------------------------------------------------ writing

    async def _run(self, publish: Publish) -> None:
        while not (self._ended.is_set() and not self._queue):
            await self._more.wait()
            taken = [self._queue.popleft() for _ in range(min(self.group, len(self._queue)))]
            if not self._queue and not self._ended.is_set():
                self._more.clear()
            jobs = [job for job in taken if not job.future.cancelled()]
            if jobs:
                await self._commit(jobs, publish)
            publish(len(taken), [], set())

    async def _commit(self, jobs: Sequence[Job], publish: Publish) -> None:
        try:
            answers, topics = await self._tried(jobs)
        except Exception as error:  # noqa: BLE001 - whatever a work raises belongs to its awaiter
            if len(jobs) > 1 and trouble(error) is not Trouble.AWAY:
                for job in jobs:
                    await self._commit([job], publish)
                return
            answers, topics = [(job, translated(error)) for job in jobs], set()
        publish(0, answers, topics)
        if topics:
            self._call.set()

    async def _tried(self, jobs: Sequence[Job]) -> tuple[list[Answered], set[str]]:
        """Loses against another transaction a few times before it gives up; survives a restart of the server."""
        left = _TRIES if len(jobs) == 1 else 1
        stale = True
        while True:
            try:
                return await self._once(jobs)
            except _CommitUnknownError as unknown:
                raise ConnectionError("lost during commit") from unknown
            except Exception as error:
                what = trouble(error)
                left -= what is Trouble.CLASH
                if what is Trouble.AWAY and stale:
                    stale = False  # the pooled connection was dead; a new one may not be
                elif what is not Trouble.CLASH or left <= 0:
                    raise

    async def _once(self, jobs: Sequence[Job]) -> tuple[list[Answered], set[str]]:
        async with _connected(self._writer) as connection:
            transaction = await connection.begin()
            done = await connection.run_sync(run_group, jobs)
            try:
                await transaction.commit()
            except Exception as error:
                if trouble(error) is Trouble.AWAY:
                    raise _CommitUnknownError from error
                raise
            return done

    # ------------------------------------------------------------ hearing other processes

    async def _listen(self, publish: Publish) -> None:
        """Whatever may have been missed while the connection was away counts as signalled.

        It ends by itself and is never cancelled: a connection being made would leak.
        """
        options = self._options()
        pause = _RECONNECT[0]
        while not self._ended.is_set():
            try:
                connection = await asyncpg.connect(**options, timeout=5, server_settings=_SESSION)
                try:
                    await self._hear(connection, publish)
                    pause = _RECONNECT[0]
                    await self._serve(connection)
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await _happens(self._ended, pause)
                pause = min(pause * 2, _RECONNECT[1])

    async def _hear(self, connection: Any, publish: Publish) -> None:
        def heard(_connection: object, sender: int, _channel: str, _payload: str) -> None:
            if sender != connection.get_server_pid():
                publish(0, [], {EVERYTHING})

        connection.add_termination_listener(lambda _connection: self._call.set())
        await connection.add_listener(_CHANNEL, heard)
        publish(0, [], {EVERYTHING})

    async def _serve(self, connection: Any) -> None:
        """Tells the others after commits, on the listening connection itself so that our own word is known as ours."""
        while not (self._ended.is_set() or connection.is_closed()):
            if not await _happens(self._call, _PING):
                await connection.execute("SELECT 1", timeout=5)
            elif not self._ended.is_set():
                self._call.clear()
                await connection.execute(f"SELECT pg_notify('{_CHANNEL}', '')", timeout=5)
                await asyncio.sleep(_NOTIFY_PAUSE)
