"""A site that embeds the widget, on an origin of its own, and a browser that visits it."""

from __future__ import annotations

import html
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, Frame, FrameLocator, Page, async_playwright, expect
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sahut_bot.web.site import Server, Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The worst a site may do to what is embedded in it.
HOSTILE_STYLE = """
  * { color: red !important; font-family: monospace !important; }
  div, button, iframe, span { display: none !important; position: static !important; transform: scale(.1) !important; }
"""


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        await running.close()


class Shop:
    """`bot` is the address that the script comes from."""

    def __init__(self) -> None:
        self.bot = ""
        self.script = ""  # attributes of the script element
        self.style = ""
        self.before = ""  # HTML before it
        self.policy = ""
        other = "/{name}"
        routes = [Route("/", self._page), Route(other, self._icon)]
        self._server = Server(Site(routes, other), "127.0.0.1", 0)

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()

    @property
    def origin(self) -> str:
        """Another origin than the bot's."""
        return f"http://127.0.0.1:{self._server.address[1]}"

    @property
    def foreign(self) -> str:
        """Another site as well: the browser of these tests denies our frame its storage there, as strict ones do."""
        return f"http://localhost:{self._server.address[1]}"

    async def _page(self, request: Request) -> Response:
        page = (
            f"<!doctype html><html lang=en><title>Shop</title><style>{self.style}</style>{self.before}<h1>Shop</h1>"
            f'<script async src="{html.escape(self.bot)}/livechat/web/widget.js" {self.script}></script>'
        )
        headers = {"Content-Security-Policy": self.policy.replace("BOT", self.bot)} if self.policy else {}
        return HTMLResponse(page, headers=headers)

    async def _icon(self, request: Request) -> Response:
        return Response(status_code=204)


class Visit:
    """A browser of one person: a context, a page, what went wrong in it, and the widget's parts."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        # A browser says so itself when a request fails, which some tests want to happen.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    @classmethod
    async def begin(cls, running: Browser, **context: Any) -> Visit:
        made = await running.new_context(**context)
        return cls(made, await made.new_page())

    async def tab(self) -> Visit:
        return Visit(self.context, await self.context.new_page())

    @property
    def bubble(self) -> Any:
        return self.page.locator("sahut-chat .bubble")

    @property
    def chat(self) -> FrameLocator:
        return self.page.frame_locator("sahut-chat iframe")

    async def open(self, origin: str) -> None:
        await self.page.goto(origin)
        await self.bubble.click()
        await expect(self.chat.locator("#text")).to_be_focused()

    async def write(self, text: str) -> None:
        await self.chat.locator("#text").fill(text)
        await self.chat.locator("#text").press("Enter")

    @property
    def frame(self) -> Frame:
        return next(one for one in self.page.frames if "/livechat/web/" in one.url)

    async def token(self) -> str:
        return str(await self.frame.evaluate("JSON.parse(localStorage.getItem('sahut:web:me')).token"))
