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
    async def page(request: Request) -> Response:
        try:
            channel = channel_of(lobby, request.scope)
        except HttpError as failure:
            return JSONResponse({"error": failure.code, "message": failure.message}, failure.status)
        host = request.headers.get("host", "")
        return Response(
            await asyncio.to_thread(_page, channel, lobby.public_url),
            media_type="text/html",
            headers={
                "Content-Security-Policy": _policy(channel, host),
                "Cache-Control": "no-cache",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            },
        )

    async def bare(request: Request) -> Response:
        return RedirectResponse(f"{request.url.path}/", 308)

    async def loader(request: Request) -> Response:
        if request.path_params["name"] not in lobby.channels:
            return JSONResponse({"error": "unknown_channel"}, 404)
        return FileResponse(
            STATIC / "widget.js",
            media_type=_TYPES[".js"],
            headers={
                "Cache-Control": "public, max-age=300",
                "Cross-Origin-Resource-Policy": "cross-origin",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def asset(request: Request) -> Response:
        path = assets().get(request.path_params["file"])
        if path is None or request.path_params["name"] not in lobby.channels:
            return JSONResponse({"error": "not_found"}, 404)
        current = request.path_params["version"] == version()
        return FileResponse(
            path,
            media_type=_TYPES[path.suffix],
            headers={
                "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
                "X-Content-Type-Options": "nosniff",
            },
        )

    return [
        Route("/livechat/{name}", bare),
        Route("/livechat/{name}/", page),
        Route("/livechat/{name}/widget.js", loader),
        Route("/livechat/{name}/app/{version}/{file}", asset),
    ]


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
