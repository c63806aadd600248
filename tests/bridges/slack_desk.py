"""The adapter at work against the Slack stand-in, with a list as the core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from aiohttp import web

from sahut_bot import manifest
from sahut_bot.bridges.teamchat.slack import SlackChat
from sahut_bot.bridges.teamchat.slack_config import SlackConfig
from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace
from sahut_bot.text import tree
from sahut_bot.types import (
    AgentEvent,
    AgentPost,
    Answer,
    Button,
    Card,
    CommandCall,
    Content,
    CustomerEvent,
    Fact,
    Health,
    Listing,
    Person,
    PersonChanged,
    Roster,
    Row,
    ThreadRef,
)

E = TypeVar("E")
T = TypeVar("T")

CARD = Card(
    conversation=1042,
    title="#1042 · Live chat · Budi",
    first_line="Where is my order?",
    facts=(Fact(label="Status", text="open"), Fact(label="Waiting since", instant=1_795_000_000.0)),
    mode_line="What you write here is sent.",
    buttons=(Button(label="Claim", command="claim #1042"), Button(label="Snooze…", command="snooze #1042")),
    more=(Button(label="History", command="history #1042"), Button(label="Block", command="contact #1042 block")),
    more_label="More…",
)


@dataclass
class ListSink:
    """Keeps what is handed in. `answers` by command name; `refusals` are raised by the next calls, one each."""

    events: list[AgentEvent] = field(default_factory=list)
    calls: list[CommandCall] = field(default_factory=list)
    homes: list[tuple[Person, str]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    refusals: list[Exception] = field(default_factory=list)
    slow: float = 0.0
    unread: list[tuple[str, bytes, str]] = field(default_factory=list)

    def _maybe_refuse(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)

    async def customer(self, event: CustomerEvent) -> None:
        raise AssertionError("a team chat has no customers")

    async def agent(self, event: AgentEvent) -> None:
        if not isinstance(event, PersonChanged | Roster):
            self._maybe_refuse()
        self.events.append(event)

    async def command(self, call: CommandCall) -> Answer:
        self._maybe_refuse()
        self.calls.append(call)
        if self.slow:
            await asyncio.sleep(self.slow)
        return self.answers.get(call.name, Answer())

    async def unreadable(self, source: str, body: bytes, error: str) -> None:
        self.unread.append((source, body, error))

    async def home(self, person: Person, query: str) -> Listing:
        self.homes.append((person, query))
        row = Row(
            number=1042,
            title="Budi",
            line="Where is my order?",
            detail="open",
            buttons=(Button(label="Claim", command="claim #1042"), Button(label="Snooze…", command="snooze #1042")),
        )
        filters = (Button(label="Mine", command="inbox mine"), Button(label="All", command="inbox all"))
        return Listing(title=f"Inbox {query}".strip(), rows=(row,), filters=filters)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def posts(self) -> list[AgentPost]:
        return self.of(AgentPost)

    def texts(self) -> list[str]:
        return [tree.plain(post.body) for post in self.posts]


@dataclass
class Desk:
    """Ana is an admin, Dewi a colleague, Gita a guest; Otto is not in the team channel, Sari is of another company."""

    ws: SlackWorkspace
    server: SlackServer
    chat: SlackChat
    sink: ListSink
    team: str
    ana: str
    dewi: str
    gita: str
    otto: str
    sari: str
    run: asyncio.Task[None] | None = None

    async def until(self, predicate: Callable[[], T], timeout: float = 8.0) -> T:
        """Polls, for what the stand-in cannot notice."""
        end = time.monotonic() + timeout
        while not (value := predicate()):
            if time.monotonic() > end:
                raise TimeoutError(f"not in {timeout} s; the sink has {self.sink.events} {self.sink.calls}")
            await asyncio.sleep(0.01)
        return value

    async def settle(self) -> None:
        """All events are acknowledged or lost."""
        await self.until(lambda: self.server.idle)

    async def thread(self, key: str = "card:1042") -> ThreadRef:
        return await self.chat.open_thread(CARD, self.team, key)

    async def listen(self) -> None:
        self.run = asyncio.create_task(self.chat.run(self.sink), name="slack-run")
        await self.until(lambda: self.chat.health is Health.CONNECTED)
        # The introductions are done when all three agents are known.
        await self.until(lambda: len(self.sink.of(PersonChanged)) >= 2)

    async def hang_up(self) -> None:
        await self.chat.stop()
        if self.run is not None:
            await self.run
            self.run = None


def make_workspace(*, socket: bool = True) -> tuple[SlackWorkspace, dict[str, Any]]:
    ws = SlackWorkspace(manifest.slack("https://inbox.example.com", socket_mode=socket))
    people: dict[str, Any] = {
        "ana": ws.add_user("Ana", is_admin=True),
        "dewi": ws.add_user("Dewi"),
        "gita": ws.add_user("Gita", guest="multi"),
        "otto": ws.add_user("Otto"),
        "sari": ws.add_user("Sari", stranger=True),
    }
    members = [people[name] for name in ("ana", "dewi", "gita", "sari")]
    people["team"] = ws.add_channel("team", members=members)
    return ws, people


@asynccontextmanager
async def desk(*, socket: bool = True, listening: bool = True, **changed: Any) -> AsyncIterator[Desk]:
    """`changed` are settings of the adapter."""
    ws, people = make_workspace(socket=socket)
    ws.limits.per_minute = {**ws.limits.per_minute, 1: 60}  # so that tests may connect more than once a minute
    server = SlackServer(ws)
    await server.start()
    config = SlackConfig(
        bot_token=ws.credentials.bot_token,
        channels=(people["team"],),
        app_token=ws.credentials.app_token if socket else "",
        signing_secret="" if socket else ws.credentials.signing_secret,
        api_url=server.api_url,
    )
    chat = SlackChat(replace(config, **changed), time.time)
    made = Desk(ws=ws, server=server, chat=chat, sink=ListSink(), **people)
    listener = web.AppRunner(_web_app(chat), access_log=None, shutdown_timeout=1)
    await listener.setup()
    try:
        site = web.TCPSite(listener, "127.0.0.1", 0)
        await site.start()
        server.http.app_url = f"http://127.0.0.1:{listener.addresses[0][1]}"
        await chat.start()
        if listening:
            await made.listen()
        yield made
    finally:
        await made.hang_up()
        await listener.cleanup()
        await server.stop()


def _web_app(chat: SlackChat) -> web.Application:
    async def serve(request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        status, headers, body = await chat.handle_http(kind, await request.read(), request.headers)
        headers.pop("content-length", None)
        return web.Response(status=status, headers=headers, body=body)

    app = web.Application()
    app.router.add_post("/slack/{kind}", serve)
    return app


def content(text: str, **more: Any) -> Content:
    return Content(body=tree.text(text), **more)
