"""One commit's worth of works, and what a database error means. Shared by both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sahut_bot.errors import Busy
from sahut_bot.inbox.tx import Tx

# The topic of whatever may have been missed: every listener wakes.
EVERYTHING = "*"

# A work's answer: its result, or the exception that its awaiter gets.
Answered: TypeAlias = "tuple[Job, Any]"


@dataclass(slots=True, eq=False)
class Job:
    """A work that waits. In a batch work `args` holds one item."""

    work: Callable[..., Any]
    args: tuple[Any, ...]
    batch: bool
    future: asyncio.Future[Any]


class Publish(Protocol):
    def __call__(self, taken: int, answers: Sequence[Answered], topics: set[str]) -> None:
        """Called in the event loop, after the commit alone. `taken` jobs have left the queue."""


def run_group(connection: sa.Connection, jobs: Sequence[Job]) -> tuple[list[Answered], set[str]]:
    """Runs all `jobs` inside the connection's transaction. Raises at the first that fails: roll back, run singly."""
    tx = Tx(connection)
    answers: list[Answered] = []
    for unit in _units(jobs):
        if not unit[0].batch:
            answers.append((unit[0], unit[0].work(tx, *unit[0].args)))
            continue
        results = unit[0].work(tx, [job.args[0] for job in unit])
        answers += zip(unit, results, strict=True)
    return answers, tx.topics


def _units(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Neighbours with the same batch work become one call; the order is kept."""
    for _, unit in groupby(jobs, key=lambda job: (job.batch, job.work if job.batch else id(job))):
        yield list(unit)


class Trouble(Enum):
    AWAY = "away"  # locked, full or gone: nobody's fault, try again later
    CLASH = "clash"  # lost against another transaction: run it again at once
    FAULT = "fault"  # the work's own


_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
}
_PG_CLASH = ("40P01", "40001", "55P03")  # deadlock, serialization, lock time-out
_PG_READ_ONLY = "25006"
_PG_AWAY = ("08", "53", "57P", "57014", _PG_READ_ONLY)  # connection, resources, shutdown, cancelled, standby


def trouble(error: BaseException, *, reading: bool = False) -> Trouble:
    """`reading`: a refusal to write is then the view's own fault, and else a disk or a server gone read-only."""
    if isinstance(error, (OSError, TimeoutError)):
        return Trouble.AWAY
    if not isinstance(error, DBAPIError):
        return Trouble.FAULT
    if error.connection_invalidated:
        return Trouble.AWAY
    if isinstance(error.orig, sqlite3.Error):
        # Extended codes carry the primary one in their low byte.
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        away = code in _SQLITE_AWAY and not (reading and code == sqlite3.SQLITE_READONLY)
        return Trouble.AWAY if away else Trouble.FAULT
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in _PG_CLASH:
        return Trouble.CLASH
    away = state.startswith(_PG_AWAY) and not (reading and state == _PG_READ_ONLY)
    return Trouble.AWAY if away else Trouble.FAULT


def translated(error: Exception, *, reading: bool = False) -> Exception:
    """What the caller gets: `Busy` where trying again later helps, else the error itself."""
    if trouble(error, reading=reading) is Trouble.FAULT:
        return error
    busy = Busy(f"database: {type(error).__name__}")
    busy.__cause__ = error
    return busy
