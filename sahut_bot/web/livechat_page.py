"""The widget: the loader that sites embed, the page inside its frame, and the files of that page.

The page never runs inside the site: it is a frame on our own origin, which only the sites of the channel's list may
embed. Everything it loads comes from us.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sahut_bot.bridges.channels.livechat import FILES_PER_MESSAGE, TEXT_LIMIT, LiveChat
from sahut_bot.web.livechat_files import FILE_LIMIT
from sahut_bot.web.livechat_http import HttpError, Lobby, channel_of

STATIC = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def assets() -> dict[str, Path]:
    """The files of the page by name."""
    return {path.name: path for path in sorted((STATIC / "chat").iterdir()) if path.suffix in _TYPES}


@cache
def version() -> str:
    """Changes with any byte of any file, so that browsers may keep what they have for ever."""
    digest = hashlib.sha256()
    for name, path in assets().items():
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _read(name: str) -> str:
    return (STATIC / name).read_text("utf-8")


def routes(lobby: Lobby) -> list[Route]:
    pages = _Pages(lobby)
    return [
        Route("/livechat/{name}", pages.bare),
        Route("/livechat/{name}/", pages.page),
        Route("/livechat/{name}/widget.js", pages.loader),
        Route("/livechat/{name}/app/{version}/{file}", pages.asset),
    ]


class _Pages:
    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby

    async def bare(self, request: Request) -> Response:
        return RedirectResponse(f"{request.url.path}/", 308)

    async def page(self, request: Request) -> Response:
        try:
            channel = channel_of(self._lobby, request.scope)
        except HttpError as error:
            return JSONResponse({"error": error.code, "message": error.message}, error.status)
        return Response(
            await asyncio.to_thread(_page, channel, self._lobby.public_url),
            media_type="text/html",
            headers={
                "Content-Security-Policy": _policy(channel, request.headers.get("host", "")),
                "Cache-Control": "no-cache",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            },
        )

    async def loader(self, request: Request) -> Response:
        return self._file(request, STATIC / "widget.js", "public, max-age=300")

    async def asset(self, request: Request) -> Response:
        current = request.path_params["version"] == version()
        cache_for = "public, max-age=31536000, immutable" if current else "no-cache"
        return self._file(request, assets().get(request.path_params["file"]), cache_for)

    def _file(self, request: Request, path: Path | None, cache_for: str) -> Response:
        if path is None or request.path_params["name"] not in self._lobby.channels:
            return JSONResponse({"error": "not_found", "message": "There is nothing here."}, 404)
        headers = {
            "Cache-Control": cache_for,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=headers)


def _page(channel: LiveChat, public_url: str) -> str:
    config = {
        "channel": channel.name,
        "name": channel.options.display_name or channel.name,
        "language": channel.options.language,
        "form": channel.options.form,
        "greeting": channel.options.greeting,
        "origins": [*channel.options.origins, *([public_url] if public_url else [])],
        "textLimit": TEXT_LIMIT,
        "fileLimit": FILE_LIMIT,
        "filesPerMessage": FILES_PER_MESSAGE,
    }
    # Inside a script element only `<` could end it.
    words = json.dumps(config, ensure_ascii=True).replace("<", "\\u003c")
    return _read("chat/page.html").replace("__VERSION__", version()).replace("__CONFIG__", words)


def _policy(channel: LiveChat, host: str) -> str:
    # Some browsers do not count ws: as 'self', so the socket's address stands there in full.
    sockets = f" ws://{host} wss://{host}" if host and not set(host) & set(" ;,'\"") else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            f"connect-src 'self'{sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            " ".join(("frame-ancestors", "'self'", *channel.options.origins)),
        )
    )
