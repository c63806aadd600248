"""The store on SQLite: one writer thread over a synchronous engine, readers on aiosqlite."""

from __future__ import annotations

import asyncio
import fcntl
import queue
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from sahut_bot.errors import ConfigError
from sahut_bot.inbox.store_group import Answered, Job, Publish, Trouble, run_group, translated, trouble
from sahut_bot.inbox.tx import Rx

_WRITER = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536", "wal_autocheckpoint=4000")
_READER = ("query_only=ON", "cache_size=-16384")
_READERS = 4


def writer_engine(path: Path, busy_timeout: float) -> sa.Engine:
    """Every transaction is BEGIN IMMEDIATE: a work never finds the lock taken half-way."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True)
    _on_connect(engine, (*_WRITER, f"busy_timeout={int(busy_timeout * 1000)}"), "BEGIN IMMEDIATE")
    return engine


def _on_connect(engine: sa.Engine, pragmas: Sequence[str], begin: str) -> None:
    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)


class SqliteBackend:
    dialect = "sqlite"
    group = 256

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self.path = path
        self._writer = writer_engine(path, busy_timeout)
        self._readers = create_async_engine(
            f"sqlite+aiosqlite:///{path}", pool_size=_READERS, max_overflow=0, hide_parameters=True
        )
        _on_connect(self._readers.sync_engine, (*_READER, f"busy_timeout={int(busy_timeout * 1000)}"), "BEGIN")
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sa.Connection | None = None
        self._lock_file: IO[str] | None = None

    def put(self, job: Job) -> None:
        self._queue.put(job)

    def engines(self) -> list[sa.Engine]:
        return [self._writer, self._readers.sync_engine]

    async def start(self, publish: Publish) -> None:
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop, publish), name="store-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        if self._thread:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._writer.dispose()
        await self._readers.dispose()
        if self._lock_file:
            self._lock_file.close()
            self._lock_file = None

    async def read(self, view: Callable[..., Any], *args: Any) -> Any:
        async with self._readers.connect() as connection, connection.begin():
            return await connection.run_sync(lambda sync: view(Rx(sync), *args))

    def acquire_run_lock(self) -> None:
        """The kernel drops it with the process, so nothing is left behind by a crash."""
        handle = self.path.with_name(self.path.name + ".lock").open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            raise ConfigError(f"another sahut-bot runs on {self.path}; stop it first") from None
        self._lock_file = handle

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[asyncio.Event]:
        """The run lock has settled it."""
        yield asyncio.Event()

    # ------------------------------------------------------------ the writer thread

    def _run(self, loop: asyncio.AbstractEventLoop, publish: Publish) -> None:
        def tell(taken: int, answers: Sequence[Answered], topics: set[str]) -> None:
            loop.call_soon_threadsafe(publish, taken, answers, topics)

        more = True
        while more:
            taken, more = self._take()
            # Cancelled before it began: dropped.
            jobs = [job for job in taken if not job.future.cancelled()]
            if jobs:
                self._commit(jobs, tell)
            tell(len(taken), [], set())
        self._disconnect()

    def _commit(self, jobs: Sequence[Job], tell: Publish) -> None:
        try:
            answers, topics = self._once(jobs)
        except Exception as error:  # noqa: BLE001 - whatever a work raises belongs to its awaiter
            # A database that is away is away for each of them; waiting again for each would help nobody.
            if trouble(error) is Trouble.AWAY:
                self._disconnect()
            elif len(jobs) > 1:
                for job in jobs:
                    self._commit([job], tell)
                return
            answers, topics = [(job, translated(error)) for job in jobs], set()
        tell(0, answers, topics)

    def _once(self, jobs: Sequence[Job]) -> tuple[list[Answered], set[str]]:
        connection = self._connection = self._connection or self._writer.connect()
        with connection.begin():
            done = run_group(connection, jobs)
            if not getattr(connection.connection.dbapi_connection, "in_transaction", True):
                # A full disk ends the whole transaction by itself; nothing of it may be called stored.
                raise RuntimeError("a work went on after a database error")
        return done

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _take(self) -> tuple[list[Job], bool]:
        """Waits for one, then takes what else waits: no timer. The second value is false at the end."""
        job = self._queue.get()
        jobs: list[Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) >= self.group:
                return jobs, True
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False
