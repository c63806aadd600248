"""Another Slack, written apart from the stand-in: it answers and tells the least that the documentation allows.

No `message` in answers unless asked for, no `latest_reply`, no time zones, no blocks and no client ids on what people
type, no `previous_message`; events over signed HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from sahut_bot.app import App
from sahut_bot.settings import Settings

Json = dict[str, Any]
T = TypeVar("T")

SECRET = "a signing secret"
ROOM, ANI, BOT = "C0ROOM", "U0ANI", "U0BOT"


class SparseSlack:
    """`echo`: answers to posts carry the message. `quiet_thread`: without its thread's ts."""

    def __init__(self, *, echo: bool = False, quiet_thread: bool = False) -> None:
        self.echo = echo
        self.quiet_thread = quiet_thread
        self.messages: list[Json] = []
        self.calls: list[tuple[str, Json]] = []
        self.posted: list[float] = []  # when, on a steady clock
        self.responses: list[Json] = []
        self.members = [ANI, BOT]
        self.failing: list[str] = []  # methods whose next call fails
        self.hidden = False  # threads cannot be read
        self.deaf_responses = False  # response addresses take nothing
        self.bot = ""  # where the program listens
        self._numbers = itertools.count(1)
        self._begun = time.time()

    # ------------------------------------------------------------ what the program calls

    async def api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        told: Json = dict(request.query)
        if request.content_type == "application/json":
            told |= await request.json()
        self.calls.append((method, told))
        if method in self.failing:
            self.failing.remove(method)
            return web.json_response({"ok": False, "error": "service_unavailable"})
        handler = getattr(self, method.replace(".", "_"), None)
        answer = handler(told) if handler else {"ok": False, "error": "unknown_method"}
        return web.json_response(answer)

    def auth_test(self, _told: Json) -> Json:
        return {"ok": True, "user_id": BOT, "bot_id": "B0BOT", "team_id": "T0"}

    def users_info(self, told: Json) -> Json:
        return {"ok": True, "user": {"id": told["user"], "name": told["user"].lower()}}

    def conversations_members(self, _told: Json) -> Json:
        return {"ok": True, "members": self.members}

    def chat_postMessage(self, told: Json) -> Json:
        self.posted.append(time.monotonic())
        message = {"ts": self.ts(), "bot_id": "B0BOT", "text": told["text"], "blocks": told.get("blocks", [])}
        if self.root(told.get("thread_ts", "")):
            message["thread_ts"] = told["thread_ts"]
        self.messages.append(message)
        shown = {key: value for key, value in message.items() if not (self.quiet_thread and key == "thread_ts")}
        return {"ok": True, "ts": message["ts"]} | ({"message": shown} if self.echo else {})

    def chat_update(self, told: Json) -> Json:
        return {"ok": True, "ts": told["ts"]}

    def chat_delete(self, told: Json) -> Json:
        self.messages = [one for one in self.messages if one["ts"] != told["ts"]]
        return {"ok": True, "ts": told["ts"]}

    def chat_postEphemeral(self, _told: Json) -> Json:
        return {"ok": True}

    def reactions_add(self, _told: Json) -> Json:
        return {"ok": True}

    def reactions_remove(self, _told: Json) -> Json:
        return {"ok": True}

    def conversations_history(self, told: Json) -> Json:
        since, until = float(told.get("oldest") or 0), float(told.get("latest") or "inf")
        at_top = [one for one in self.messages if "thread_ts" not in one and since <= float(one["ts"]) <= until]
        return {"ok": True, "messages": at_top[::-1]}

    def conversations_replies(self, told: Json) -> Json:
        if self.hidden:
            return {"ok": False, "error": "thread_not_found"}
        replies = [one for one in self.messages if one.get("thread_ts") == told["ts"]]
        return {"ok": True, "messages": [self.root(told["ts"]), *replies]}

    async def respond(self, request: web.Request) -> web.Response:
        if self.deaf_responses:
            return web.Response(status=404)
        self.responses.append(await request.json())
        return web.Response()

    # ------------------------------------------------------------ what people do

    def ts(self) -> str:
        return f"{self._begun + next(self._numbers) / 1000:.6f}"

    def root(self, ts: str) -> Json | None:
        return next((one for one in self.messages if one["ts"] == ts and "thread_ts" not in one), None)

    def roots(self) -> list[Json]:
        return [one for one in self.messages if "thread_ts" not in one]

    def replies(self, root: Json) -> list[str]:
        return [one["text"] for one in self.messages if one.get("thread_ts") == root["ts"]]

    async def types(self, root: Json, text: str, *, heard: bool = True) -> Json:
        message = {"ts": f"{time.time():.6f}", "user": ANI, "text": text, "thread_ts": root["ts"]}
        self.messages.append(message)
        if heard:
            await self.tell({"type": "message", "channel": ROOM, **message})
        return message

    async def deletes(self, message: Json) -> None:
        self.messages.remove(message)
        await self.tell({"type": "message", "subtype": "message_deleted", "channel": ROOM, "deleted_ts": message["ts"]})

    async def tell(self, event: Json) -> None:
        body = json.dumps({"type": "event_callback", "team_id": "T0", "event": event})
        assert await self.send("events", body, "application/json") == (200, "")

    async def slash(self, command: str, text: str) -> tuple[int, str]:
        """A slash command without a trigger."""
        form = {"command": command, "text": text, "user_id": ANI, "channel_id": ROOM, "team_id": "T0"}
        form["response_url"] = f"{self.url}respond"
        return await self.send("commands", urlencode(form), "application/x-www-form-urlencoded")

    async def send(self, path: str, body: str, content_type: str, *, signed: bool = True) -> tuple[int, str]:
        stamp = str(int(time.time()))
        proof = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": content_type}
        if signed:
            headers |= {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={proof}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.bot}/slack/{path}", data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    url = ""


@asynccontextmanager
async def served(slack: SparseSlack) -> AsyncIterator[SparseSlack]:
    site = web.Application()
    site.router.add_route("*", "/api/{method}", slack.api)
    site.router.add_post("/respond", slack.respond)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield slack
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(slack: SparseSlack, folder: Path, hold: float = 0.0, rate: float = 0.0) -> AsyncIterator[App]:
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "http": {"port": 0},
            "slack": {
                "bot_token": "xoxb-sparse",
                "channel": ROOM,
                "signing_secret": SECRET,
                "api_url": f"{slack.url}api/",
                "posts_per_second": rate,
            },
            "channels": {"web": {"kind": "livechat", "reply_hold_seconds": hold}},
        }
    )
    app = App(settings)
    await app.start()
    slack.bot = "http://{}:{}".format(*app.address)
    try:
        await seen(lambda: all(state == "connected" for state in app.states().values()))
        yield app
    finally:
        await app.stop()


class Customer:
    """Somebody at the live-chat API."""

    def __init__(self, bot: str) -> None:
        self._chat = f"{bot}/livechat/web"
        self._headers: dict[str, str] = {}

    async def _ask(self, method: str, path: str, **more: Any) -> Json:
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.request(method, f"{self._chat}/{path}", **more) as answer,
        ):
            assert answer.status == 200, await answer.text()
            told: Json = await answer.json()
            return told

    async def arrives(self) -> Customer:
        token = (await self._ask("POST", "session"))["visitor"]
        self._headers = {"Authorization": f"Bearer {token}"}
        return self

    async def writes(self, text: str, **more: object) -> None:
        await self._ask("POST", "messages", json={"id": f"m-{text[:40]}".replace(" ", "-"), "text": text, **more})

    async def reads(self) -> list[str]:
        feed = await self._ask("GET", "messages")
        return [one["text"] for one in feed["messages"] if one["from"] == "agent"]


async def seen(look: Callable[[], T], timeout: float = 10.0) -> T:
    """The first true value of `look`."""
    async with asyncio.timeout(timeout):
        while not (value := look()):
            await asyncio.sleep(0.01)
        return value
