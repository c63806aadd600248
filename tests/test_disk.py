"""Attachments on disk: whole, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sahut_bot import disk
from sahut_bot.errors import Permanent, Transient


async def chunks(*pieces: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if error:
        raise error


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_was_streamed_lies_below_the_data_directory_for_nobody_else_to_read(tmp_path: Path) -> None:
    data = tmp_path / "not" / "there" / "yet"
    path, size = await disk.keep(data, chunks(b"ab", b"", b"cde"), 5, "too large")
    assert (data / path).read_bytes() == b"abcde"
    assert size == 5
    assert (data / path).stat().st_mode & 0o777 == 0o600
    assert (data / path).parent.stat().st_mode & 0o777 == 0o700


async def test_two_files_never_share_a_path(tmp_path: Path) -> None:
    paths = {(await disk.keep(tmp_path, chunks(b"same"), 10, "too large"))[0] for _ in range(5)}
    assert len(paths) == 5


async def test_stream_that_grows_too_large_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="too large") as refused:
        await disk.keep(tmp_path, chunks(b"abc", b"def"), 5, "too large")
    assert refused.value.code == "too_large"
    assert files(tmp_path) == []


async def test_stream_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        await disk.keep(tmp_path, chunks(b"abc", error=Transient("away")), 5, "too large")
    assert files(tmp_path) == []


async def test_empty_file_is_a_file(tmp_path: Path) -> None:
    path, size = await disk.keep(tmp_path, chunks(), 5, "too large")
    assert ((tmp_path / path).read_bytes(), size) == (b"", 0)
