"""Brings a database up to date, under a lock, once for any number of processes that ask at the same time."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from sahut_bot.errors import ConfigError
from sahut_bot.inbox.store import parse_url, sqlite_path
from sahut_bot.inbox.store_sqlite import writer_engine

HEAD = "0001"
_LOCK = 0x5A401  # any number, as long as it is always this one
_PATIENCE = 60.0


def migrate(url: str, data_dir: Path) -> None:
    """Blocks; inside a running event loop call it in a thread. Two queries when there is nothing to do.

    Raises `ConfigError` when the database is newer than the program, or cannot be reached.
    """
    parsed = parse_url(url)
    try:
        if parsed.get_backend_name() == "postgresql":
            asyncio.run(_migrate_postgres(parsed))
        else:
            _migrate_sqlite(sqlite_path(parsed, data_dir))
    except (OSError, DBAPIError) as error:
        raise ConfigError(f"the database cannot be opened: {type(error).__name__}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error)
    return text.splitlines()[0] if text else ""


def _migrate_sqlite(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = writer_engine(path, _PATIENCE)
    try:
        with engine.connect() as connection:
            if _is_current(connection):
                return
        with _file_lock(path.with_name(path.name + ".migrate")), engine.connect() as connection:
            _upgrade(connection)
    finally:
        engine.dispose()


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


async def _migrate_postgres(url: sa.URL) -> None:
    engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 10})
    try:
        async with engine.connect() as connection:
            if await connection.run_sync(_is_current):
                return
        async with engine.connect() as connection:
            async with connection.begin():  # the lock is the connection's and outlives the transaction
                await connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _is_current(connection: sa.Connection) -> bool:
    """Also false for a database without tables."""
    # The table first: asked for its row at once, it may come into being between the question and the look at why.
    if not sa.inspect(connection).has_table("alembic_version"):
        connection.rollback()
        return False
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    connection.rollback()
    if found is not None and str(found) > HEAD:
        raise ConfigError(f"the database was made by a newer sahut-bot ({found}); this one knows {HEAD}")
    return found == HEAD


def _upgrade(connection: sa.Connection) -> None:
    """Alembic looks again under the lock, so whoever waited for it finds nothing left to do."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
