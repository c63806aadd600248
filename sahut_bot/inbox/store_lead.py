"""Who leads where several processes share a database: the holder of an advisory lock (design 4.9).

The lock lives as long as the connection it was taken on, so it goes with its process, and whoever leads watches that
connection.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

_ASK_AGAIN = 1.0  # seconds between tries to become the leader
_PING = 5.0
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@asynccontextmanager
async def lead(name: str, options: dict[str, Any]) -> AsyncIterator[asyncio.Event]:
    """Waits until nobody else leads `name`. The event is set once the lead may be lost; `options` connect asyncpg."""
    connection = await _won(_key(name), options)
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _connection: lost.set())
    watch = asyncio.create_task(_watch(connection, lost), name=f"lead-{name}")
    try:
        yield lost
    finally:
        watch.cancel()
        await asyncio.wait({watch})
        await _released(connection)


def _key(name: str) -> int:
    """Advisory locks are known by a 64-bit number."""
    return int.from_bytes(hashlib.sha256(f"sahut:{name}".encode()).digest()[:8], "big", signed=True)


async def _won(key: int, options: dict[str, Any]) -> Any:
    while True:
        with suppress(*_AWAY):
            connection = await _connected(options)
            won = False
            try:
                won = await connection.fetchval("SELECT pg_try_advisory_lock($1)", key, timeout=_PING)
            finally:
                if not won:
                    connection.terminate()
            if won:
                return connection
        await asyncio.sleep(_ASK_AGAIN)


async def _connected(options: dict[str, Any]) -> Any:
    """A connection that is being made when we are cancelled would be left behind, so it is waited for."""
    connecting = asyncio.create_task(asyncpg.connect(**options, timeout=_PING), name="lead-connect")
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        with suppress(*_AWAY):
            (await connecting).terminate()
        raise


async def _watch(connection: Any, lost: asyncio.Event) -> None:
    """A connection that does not answer counts as lost: the server may have given the lock to another."""
    while not lost.is_set():
        await asyncio.sleep(_PING)
        try:
            await connection.execute("SELECT 1", timeout=_PING)
        except _AWAY:
            lost.set()


async def _released(connection: Any) -> None:
    """Politely, so that the next one need not wait for the server to notice."""
    with suppress(*_AWAY):
        await connection.close(timeout=2)
    connection.terminate()
