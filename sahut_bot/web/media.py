"""Files of conversations by signed links that expire: for visitors, and for platforms that fetch by link.

Whoever holds a link can read that one file until the link expires; nobody can make one. What a browser would run or
render as a page is only ever offered for download.
"""

from __future__ import annotations

import asyncio
import hmac
import math
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from sahut_bot.errors import Busy
from sahut_bot.inbox import visitors
from sahut_bot.inbox.store import Store
from sahut_bot.types import Instant

LINK_SECONDS = 24 * 3600
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that a browser may show in place. No SVG and no HTML: those can act."""

_ACTIVE = re.compile(r"html|xml|svg|script|^text/(?!plain|csv)", re.IGNORECASE)
_LINK = re.compile(r"([1-9]\d{0,17})\.(\d{1,12})\.([\w-]{32})", re.ASCII)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}


class MediaLinks:
    """Makes and reads links. `secret` is the server's own."""

    def __init__(self, secret: bytes, now: Callable[[], Instant]) -> None:
        self._key = hmac.digest(secret, b"media links", "sha256")
        self._now = now

    def path(self, attachment: int, name: str) -> str:
        """Where the file can be read for at least a day. The same within an hour, so that browsers can cache it."""
        until = math.ceil(self._now() / 3600) * 3600 + LINK_SECONDS
        return f"/media/{attachment}.{until}.{self._signature(attachment, until)}/{quote(name, safe='')}"

    def attachment(self, link: str) -> int | None:
        """Which file a link is for; None for one that is forged or has expired."""
        found = _LINK.fullmatch(link)
        if found is None:
            return None
        attachment, until = int(found[1]), int(found[2])
        genuine = hmac.compare_digest(found[3], self._signature(attachment, until))
        return attachment if genuine and until > self._now() else None

    def _signature(self, attachment: int, until: int) -> str:
        digest = hmac.digest(self._key, f"{attachment}.{until}".encode(), "sha256")
        return urlsafe_b64encode(digest[:24]).decode()


def routes(links: MediaLinks, store: Store, data_dir: Path) -> list[Route]:
    async def media(request: Request) -> Response:
        attachment = links.attachment(request.path_params["link"])
        if attachment is None:
            return PlainTextResponse("This link has expired or is not one of ours.\n", 404, _HEADERS)
        try:
            file = await store.read(visitors.kept_file, attachment)
        except Busy:
            return PlainTextResponse("Try again in a moment.\n", 503, {"Retry-After": "1"})
        path = data_dir / file.path if file else None
        if file is None or path is None or not await asyncio.to_thread(path.is_file):
            return PlainTextResponse("This file is gone.\n", 404, _HEADERS)
        shown = file.content_type in SHOWN
        harmless = not _ACTIVE.search(file.content_type)
        return FileResponse(
            path,
            media_type=file.content_type if harmless else "application/octet-stream",
            filename=file.name,
            content_disposition_type="inline" if shown else "attachment",
            headers={**_HEADERS, "Cache-Control": "private, max-age=3600, immutable"},
        )

    return [
        Route("/media/{link}", media, methods=["GET"]),
        Route("/media/{link}/{name}", media, methods=["GET"]),
    ]
