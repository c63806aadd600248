"""Attachments on disk, below the data directory: written whole and durably, or not at all."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from sahut_bot.errors import Permanent


async def keep(data_dir: Path, chunks: AsyncIterator[bytes], limit: int, too_large: str) -> tuple[str, int]:
    """Writes a stream and returns its path below `data_dir` and its size in bytes.

    When this returns, the file survives a crash. Raises `Permanent(too_large)` beyond `limit` bytes, and what the
    stream raises; nothing is left behind then.
    """
    key = secrets.token_hex(16)
    path = Path("files") / key[:2] / key[2:]
    target = data_dir / path
    await asyncio.to_thread(_make, target.parent)
    size = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise Permanent(too_large, "too_large")
                await asyncio.to_thread(out.write, chunk)
            await asyncio.to_thread(_sync, out.fileno(), target.parent)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return str(path), size


def _make(directory: Path) -> None:
    """A new directory survives a crash once the one above it is synced."""
    if not directory.is_dir():
        _make(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
        _sync_directory(directory.parent)


def _sync(descriptor: int, directory: Path) -> None:
    os.fsync(descriptor)
    _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
