"""The demo's one web page, beside the program's own routes on one port: the feed, the acts, files, the shop."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sahut_bot.sandbox import demo_acts
from sahut_bot.sandbox.demo_stage import CUSTOMERS, SHOP, Stage
from sahut_bot.sandbox.slack import DriverError
from sahut_bot.sandbox.slack.emoji_names import character

STATIC = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
SETTLE_SECONDS = 0.03
"""Many changes at once are one picture."""
_MAX_BODY, _MAX_FILES = 256 * 1024, 10
# Pictures that are shown in the page; all else is only ever downloaded.
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' ws: wss:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_CODE = re.compile(r":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):")
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class DemoPage:
    """`widget` is the path of the live-chat channel's widget, as in `/livechat/web/widget.js`."""

    def __init__(self, stage: Stage, widget: str) -> None:
        self._stage = stage
        self._workspace = stage.workspace
        self._widget = widget
        self._people = {actor.id for actor in stage.actors}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._page),
            Route("/demo/shop", self._shop),
            Route("/demo/static/{name}", self._static),
            Route("/demo/act", self._act, methods=["POST"]),
            Route("/demo/files", self._upload, methods=["POST"]),
            Route("/demo/files/{id}/{name}", self._file),
            WebSocketRoute("/demo/feed", self._feed),
        ]

    # ------------------------------------------------------------ pages

    async def _page(self, request: Request) -> Response:
        config = {
            "shop": SHOP,
            "support": self._stage.support,
            "actors": [{"id": one.id, "name": one.name, "part": one.part} for one in self._stage.actors],
            "commands": self._stage.manifest["features"]["slash_commands"],
            "shortcuts": self._stage.manifest["features"]["shortcuts"],
            "about": self._stage.manifest["display_information"]["description"],
        }
        return _filled("page.html", config=_in_script(config), preload=_preload())

    async def _shop(self, request: Request) -> Response:
        """The customer's side: any web site with the widget's one script tag."""
        theme = "dark" if request.query_params.get("theme") == "dark" else "light"
        people = [{"user_id": one.user_id, "name": one.name, "email": one.email, "hash": one.hash} for one in CUSTOMERS]
        return _filled(
            "shop.html", shop=escape(SHOP), widget=escape(self._widget), theme=theme, customers=_in_script(people)
        )

    async def _static(self, request: Request) -> Response:
        content = _assets().get(request.path_params["name"])
        if content is None:
            return JSONResponse({"error": "There is nothing here."}, 404)
        suffix = Path(request.path_params["name"]).suffix
        return Response(content, media_type=TYPES[suffix], headers=_HEADERS)

    # ------------------------------------------------------------ acts

    async def _act(self, request: Request) -> Response:
        if not _same_origin(request.headers):
            return _refused("Only the demo's own page may do this.", 403)
        body = await request.body()
        try:
            asked: Any = json.loads(body[: _MAX_BODY + 1])
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return _refused("That is not a JSON object.", 400)
        try:
            user = self._person(asked)
            return JSONResponse(
                {"ok": True, **await demo_acts.perform(self._workspace, demo_acts.said(asked, "act"), user, asked)}
            )
        except DriverError as error:
            return _refused(str(error), 409)

    async def _upload(self, request: Request) -> Response:
        """A message with files, as a form."""
        if not _same_origin(request.headers):
            return _refused("Only the demo's own page may do this.", 403)
        async with request.form(max_files=_MAX_FILES) as form:
            parts = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
            files = [(part.filename or "file", await part.read()) for part in parts]
            told = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            room = demo_acts.channel(self._workspace, told)
            ts = self._workspace.driver.post(
                self._person(told),
                room,
                told.get("text", ""),
                thread_ts=told.get("thread_ts", ""),
                files=files,
            )
        except DriverError as error:
            return _refused(str(error), 409)
        return JSONResponse({"ok": True, "ts": ts})

    def _person(self, asked: Mapping[str, Any]) -> str:
        user = demo_acts.said(asked, "user")
        if user not in self._people:
            raise DriverError("there is no such person")
        return user

    # ------------------------------------------------------------ what is to be seen

    async def _file(self, request: Request) -> Response:
        stored = self._workspace.files.get(request.path_params["id"])
        if stored is None or stored.mode != "hosted" or not stored.completed:
            return JSONResponse({"error": "There is no such file."}, 404)
        shown = stored.mimetype in _SHOWN
        return Response(
            stored.content,
            media_type=stored.mimetype if shown else "application/octet-stream",
            headers=_HEADERS
            | {
                "Content-Disposition": "inline" if shown else "attachment",
                "Content-Security-Policy": "sandbox; default-src 'none'",
            },
        )

    async def _feed(self, ws: WebSocket) -> None:
        """What one person sees, again after every change."""
        user = ws.query_params.get("user", "")
        if user not in self._people or not _same_origin(ws.headers):
            await ws.close(4403)
            return
        await ws.accept()
        notices = self._workspace.subscribe()
        gone = asyncio.create_task(_until_gone(ws), name="demo-feed-gone")
        try:
            while not gone.done():
                await ws.send_json(_with_emoji(self._workspace.snapshot(user)))
                news = asyncio.create_task(notices.get(), name="demo-feed-news")
                await asyncio.wait((news, gone), return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                await asyncio.sleep(SETTLE_SECONDS)
                while not notices.empty():
                    notices.get_nowait()
        except WebSocketDisconnect:
            pass
        finally:
            gone.cancel()
            self._workspace.unsubscribe(notices)


async def _until_gone(ws: WebSocket) -> None:
    try:
        while True:
            await ws.receive_text()
    except WebSocketDisconnect:
        return


@cache
def _assets() -> dict[str, bytes]:
    """What the pages load, by name; read once."""
    return {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.suffix in TYPES}


def _preload() -> str:
    """All modules at once, instead of one after the other as they name each other."""
    names = [name for name in _assets() if name.endswith(".js") and name != "shop.js"]
    return "\n".join(f'<link rel="modulepreload" href="/demo/static/{name}">' for name in names)


@cache
def _template(name: str) -> Template:
    return Template((STATIC / name).read_text("utf-8"))


def _filled(name: str, **values: str) -> Response:
    headers = {**_HEADERS, "Content-Security-Policy": _POLICY}
    return Response(_template(name).substitute(values), media_type="text/html", headers=headers)


def _in_script(value: object) -> str:
    # Inside a script element only `<` could end it.
    return json.dumps(value).replace("<", "\\u003c")


def _same_origin(headers: Mapping[str, str]) -> bool:
    """Browsers say where a request comes from; other sites have no business here."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _with_emoji(shown: dict[str, Any]) -> dict[str, Any]:
    """The stand-in names the emoji of messages; private answers and views may hold others."""
    others = json.dumps([shown["modal"], shown["home"], [one["ephemerals"] for one in shown["channels"]]])
    shown["emoji"] |= {name: sign for name in set(_CODE.findall(others)) if (sign := character(name))}
    return shown


def _refused(reason: str, status: int) -> Response:
    return JSONResponse({"ok": False, "error": reason}, status)
