"""Visitors' uploads: measured, looked into, put on disk, and only then written down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from sahut_bot import disk
from sahut_bot.bridges.channels.livechat import file_id
from sahut_bot.inbox import visitors
from sahut_bot.inbox.store import Store
from sahut_bot.inbox.visitors import Upload
from sahut_bot.text import tree
from sahut_bot.types import Instant
from sahut_bot.web.livechat_http import Answer, Call, HttpError, too_large, too_many
from sahut_bot.web.livechat_types import content_type_of

FILE_LIMIT = 25 * 1024 * 1024
UNUSED_SECONDS = 24 * 3600.0
"""An upload that no message takes is removed after a day."""
_AROUND = 64 * 1024  # boundaries, part headers and small fields beside the file
_HEAD = 4096
_CHUNK = 256 * 1024
_NAME_LIMIT = 120


async def post_file(call: Call) -> Answer:
    """`POST …/files`: one file in the multipart field `file`. Answers the id for a message's `attachments`."""
    visitor = call.visitor()
    too_many(call.lobby.gate.upload(visitor.external_id, call.address))
    if call.content_type != "multipart/form-data":
        raise HttpError(415, "content_type", "Send multipart/form-data.")
    limit = min(FILE_LIMIT, call.channel.capabilities.file_limit)
    try:
        file = await _received(call, limit)
        try:
            upload = await _keep(call, file, visitor.external_id)
        finally:
            await file.close()
    except HttpError as failure:
        if failure.status == 413:
            await call.drain()
        raise
    try:
        number = await call.lobby.store.write(visitors.add_upload, upload)
    except BaseException:
        await asyncio.to_thread((call.lobby.data_dir / upload.path).unlink, missing_ok=True)
        raise
    return Answer(
        {"file": file_id(number), "name": upload.name, "content_type": upload.content_type, "size": upload.size}
    )


async def _received(call: Call, limit: int) -> UploadFile:
    if call.announces_more_than(limit + _AROUND):
        raise too_large(limit)
    parser = MultiPartParser(Headers(scope=call.scope), _bounded(call, limit + _AROUND), max_files=1, max_fields=8)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HttpError(400, "multipart", f"The body is not the form that was announced. {error.message}") from None
    file = form.get("file")
    if not isinstance(file, UploadFile):
        await form.close()
        raise HttpError(400, "file", "There is no file in the field `file`.")
    if not file.size:
        await file.close()
        raise HttpError(400, "file", "The file is empty.")
    if file.size > limit:
        await file.close()
        raise too_large(limit)
    return file


async def _bounded(call: Call, limit: int) -> AsyncGenerator[bytes, None]:
    size = 0
    while chunk := await call.chunk():
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


async def _keep(call: Call, file: UploadFile, owner: str) -> Upload:
    """Judges and copies the file; when this returns it survives a crash. Raises a 415 for a type that can act."""
    name = file_name(file.filename or "")
    content_type = content_type_of(name, await file.read(_HEAD), file.content_type or "")
    if content_type is None:
        raise HttpError(415, "refused_type", "Files of this type are not taken.")
    await file.seek(0)
    path, size = await disk.keep(call.lobby.data_dir, _chunks(file), FILE_LIMIT, "too large")
    return Upload(
        channel=call.channel.name,
        owner=owner,
        name=name,
        content_type=content_type,
        size=size,
        path=path,
        at=call.lobby.now(),
    )


async def _chunks(file: UploadFile) -> AsyncGenerator[bytes, None]:
    while chunk := await file.read(_CHUNK):
        yield chunk


def file_name(name: str) -> str:
    """What a file is called: no path, nothing invisible, at most 120 characters with its ending kept."""
    if "%" in name and name.isascii() and " " not in name:
        name = unquote(name)  # some HTTP libraries write names like this, browsers only quotation marks
    line = re.sub(r"\s+", " ", tree.clean(re.split(r"[/\\]", name)[-1])).strip(" .")
    if len(line) > _NAME_LIMIT:
        stem, dot, ending = line.rpartition(".")
        line = f"{stem[: _NAME_LIMIT - len(ending) - 1]}.{ending}" if dot and len(ending) < 12 else line[:_NAME_LIMIT]
    return line or "file"


async def remove_unused(store: Store, data_dir: Path, now: Instant) -> int:
    """Removes uploads that no message took within a day. Returns how many."""
    paths = await store.write(visitors.drop_unused, now - UNUSED_SECONDS)
    for path in paths:
        await asyncio.to_thread((data_dir / path).unlink, missing_ok=True)
    return len(paths)
