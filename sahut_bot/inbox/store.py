"""The one door to the database (design 4.5).

A transaction is a plain function `work(tx, …)`: it cannot await, so no network call hides in it. Works that wait
while one commit runs share the next one. If any of them raises, all are rolled back and each runs again alone, so a
work must be repeatable: time and randomness are arguments, and it never catches a database error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from sahut_bot.errors import Busy, ConfigError
from sahut_bot.inbox.models import workspace
from sahut_bot.inbox.store_group import EVERYTHING, Answered, Job, Publish, translated
from sahut_bot.inbox.store_postgres import PostgresBackend
from sahut_bot.inbox.store_sqlite import SqliteBackend
from sahut_bot.inbox.tx import Rows, Rx, Tx

__all__ = ["EVERYTHING", "Bell", "Rows", "Rx", "Store", "Tx", "count_statements"]

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

_LIMIT = 5000  # works that may wait; more than that is answered `Busy` at once
_HEALTH_TIMEOUT = 2.0


class _Backend(Protocol):
    dialect: str

    def put(self, job: Job) -> None: ...

    def engines(self) -> list[sa.Engine]: ...

    async def start(self, publish: Publish) -> None: ...

    async def stop(self) -> None: ...

    async def read(self, view: Callable[..., Any], *args: Any) -> Any: ...

    def acquire_run_lock(self) -> None: ...

    def lead(self, name: str) -> AbstractAsyncContextManager[asyncio.Event]: ...


class Bell(asyncio.Event):
    """Set by each commit that signals its topic: `clear` it, look, `wait`. `close` it, or use it as a context."""

    def __init__(self, topic: str, bells: dict[str, set[Bell]]) -> None:
        super().__init__()
        self._topic = topic
        self._bells = bells
        bells.setdefault(topic, set()).add(self)

    def close(self) -> None:
        others = self._bells.get(self._topic, set())
        others.discard(self)
        if not others:
            self._bells.pop(self._topic, None)

    def __enter__(self) -> Bell:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()


class Store:
    """`write`, `submit` and `read` raise `Busy` when the database is locked, full or away, or too much waits."""

    def __init__(self, backend: _Backend, limit: int = _LIMIT) -> None:
        self._backend = backend
        self._limit = limit
        self._waiting = 0
        self._open = False
        self._failing = False
        self._bells: dict[str, set[Bell]] = {}
        self._callbacks: list[Callable[[str], None]] = []
        self.dialect = backend.dialect

    @classmethod
    def open(cls, url: str, data_dir: Path, *, limit: int = _LIMIT, patience: float = 5.0) -> Store:
        """The store at `url`; an SQLite file without a directory of its own lies in `data_dir`.

        `patience`: seconds to wait for another process's lock. Raises `ConfigError`.
        """
        parsed = parse_url(url)
        if parsed.get_backend_name() == "postgresql":
            return cls(PostgresBackend(parsed, patience), limit)
        path = sqlite_path(parsed, data_dir)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(path.parent, error) from None
        return cls(SqliteBackend(path, patience), limit)

    @property
    def waiting(self) -> int:
        """Works that are queued or being committed."""
        return self._waiting

    async def start(self) -> None:
        await self._backend.start(self._publish)
        self._open = True

    async def stop(self) -> None:
        """Takes nothing new, commits what waits, closes."""
        self._open = False
        await self._backend.stop()

    def acquire_run_lock(self) -> None:
        """Keeps a second `run` off an SQLite file until `stop`. Raises `ConfigError` when there is one already."""
        try:
            self._backend.acquire_run_lock()
        except OSError as error:
            raise _unwritable(Path(error.filename or "?").parent, error) from None

    def lead(self, name: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """Waits until no other process leads `name`; while the context is open this one does.

        The event that it gives is set when the lead may be lost: stop what only one may do. On SQLite, where only one
        process runs, there is nobody to wait for.
        """
        return self._backend.lead(name)

    # ------------------------------------------------------------ works and views

    async def write(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work(tx, *args)` in a transaction; its result after the commit.

        Cancelling the awaiter drops a work that has not begun; one that has begun stands.
        """
        call = (lambda tx: work(tx, *args, **kwargs)) if kwargs else work
        result: T = await self._put(call, () if kwargs else args, batch=False)
        return result

    async def submit(self, batch_work: Callable[[Tx, Sequence[Item]], Sequence[T | Exception]], item: Item) -> T:
        """As `write`, for hot kinds: neighbours in the queue become one call `batch_work(tx, items)`.

        It answers each item in order; an exception among the answers is raised to that item's awaiter alone.
        """
        return await self.queue(batch_work, item)

    def queue(
        self, batch_work: Callable[[Tx, Sequence[Item]], Sequence[T | Exception]], item: Item
    ) -> asyncio.Future[T]:
        """As `submit`, but it stands in the queue when this returns, before whatever is written next."""
        return self._put(batch_work, (item,), batch=True)

    def _put(self, work: Callable[..., Any], args: tuple[Any, ...], *, batch: bool) -> asyncio.Future[Any]:
        if not self._open:
            raise Busy("the store is closed")
        if self._waiting >= self._limit:
            raise Busy("too much waits for the database")
        self._waiting += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._backend.put(Job(work, args, batch, future))
        return future

    def _publish(self, taken: int, answers: Sequence[Answered], topics: set[str]) -> None:
        self._waiting -= taken
        for topic in topics:
            self.ring(topic)
        for job, answer in answers:
            self._failing = isinstance(answer, Busy)
            if job.future.done():
                continue  # its awaiter was cancelled; the work stands
            if isinstance(answer, Exception):
                job.future.set_exception(answer)
            else:
                job.future.set_result(answer)

    async def read(self, view: Callable[Concatenate[Rx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `view(rx, *args)` on a snapshot beside the writer; it cannot write. Keep it short, page what is long."""
        try:
            result: T = await self._backend.read(lambda rx: view(rx, *args, **kwargs))
        except Exception as error:
            raised = translated(error, reading=True)
            if raised is error:
                raise
            raise raised from error
        return result

    async def healthy(self) -> bool:
        """Can it be read, and, where the last write failed, written? Answers within seconds."""
        try:
            async with asyncio.timeout(_HEALTH_TIMEOUT):
                await self.read(lambda rx: rx.execute(sa.text("SELECT 1")).scalar())
                if self._failing:
                    await self.write(_probe, time.monotonic())
        except (Busy, TimeoutError):
            return False
        return True

    # ------------------------------------------------------------ signals

    def listen(self, topic: str) -> Bell:
        """An event that each commit signalling `topic` sets; on PostgreSQL other processes' commits set it too."""
        return Bell(topic, self._bells)

    def on_signal(self, callback: Callable[[str], None]) -> None:
        """Calls `callback(topic)` after commits; `EVERYTHING` when signals may have been missed."""
        self._callbacks.append(callback)

    def ring(self, topic: str) -> None:
        """Wakes the listeners of this process, without a commit."""
        bells = self._bells.values() if topic == EVERYTHING else [self._bells.get(topic, set())]
        for some in bells:
            for bell in some:
                bell.set()
        for callback in self._callbacks:
            callback(topic)

    def engines(self) -> list[sa.Engine]:
        """For counting and measuring; nothing else may use them."""
        return self._backend.engines()


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{folder} cannot be written to ({error.strerror}): set SAHUT_DATA_DIR to a folder that can")


def parse_url(url: str) -> sa.URL:
    """Raises `ConfigError` for what no store can be opened on."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise ConfigError(
            "SAHUT_DATABASE_URL is no database URL; use sqlite+aiosqlite:///… or postgresql+asyncpg://…"
        ) from None
    if parsed.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise ConfigError(
            f"SAHUT_DATABASE_URL: {parsed.drivername} is not supported; use sqlite+aiosqlite or postgresql+asyncpg"
        )
    return parsed


def sqlite_path(url: sa.URL, data_dir: Path) -> Path:
    if url.database in (None, "", ":memory:"):
        raise ConfigError("SAHUT_DATABASE_URL: SQLite needs a file, as in sqlite+aiosqlite:///var/sahut.db")
    path = Path(str(url.database))
    return path if len(path.parts) > 1 else data_dir / path


def _probe(tx: Tx, now: float) -> None:
    tx.upsert(workspace, [{"key": "probe", "value": str(now)}], key=("key",), update=lambda new: {"value": new.value})


@contextmanager
def count_statements(store: Store) -> Iterator[list[str]]:
    """Collects the statements sent while it is open; an executemany counts once, as it is one round."""
    seen: list[str] = []

    def sent(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    for engine in store.engines():
        sa.event.listen(engine, "before_cursor_execute", sent)
    try:
        yield seen
    finally:
        for engine in store.engines():
            sa.event.remove(engine, "before_cursor_execute", sent)
