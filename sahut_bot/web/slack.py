"""Slack without Socket Mode: three routes whose bodies Slack signs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

BODY_LIMIT = 3 * 1024 * 1024
_DRAINED = 32 * 1024 * 1024
KINDS = ("events", "commands", "interactive")
Handle: TypeAlias = Callable[[str, bytes, Mapping[str, str]], Awaitable[tuple[int, Mapping[str, str], bytes]]]


def routes(handle: Handle, refused: Callable[[str, int], None]) -> list[Route]:
    """`handle` checks the signature and answers; `refused` counts what was turned away."""
    return [Route(f"/slack/{kind}", partial(_endpoint, handle, refused, kind), methods=["POST"]) for kind in KINDS]


async def _endpoint(handle: Handle, refused: Callable[[str, int], None], kind: str, request: Request) -> Response:
    try:
        body = await _body(request)
    except ClientDisconnect:
        return Response("The connection broke.\n", 400)  # for nobody
    if body is None:
        refused(f"slack/{kind}", 413)
        return Response("The body is too large.\n", 413)
    status, headers, answer = await handle(kind, body, request.headers)
    if status in (401, 403):
        refused(f"slack/{kind}", status)
    again = {"Retry-After": "1"} if status == 503 else {}
    return Response(answer, status, {**headers, **again})


async def _body(request: Request) -> bytes | None:
    """None when it is over the limit; no more than the limit is kept in memory. The rest is read for a while: a client
    that is still writing would see a broken connection instead of the answer.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _DRAINED:
            break
        if size <= BODY_LIMIT:
            chunks.append(chunk)
    return b"".join(chunks) if size <= BODY_LIMIT else None
