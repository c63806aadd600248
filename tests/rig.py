"""The whole program between a team's Slack and customers' browsers, driven and judged from outside alone.

`Office` is the Slack stand-in with its people, `Visitor` a customer at the live-chat API. `Inside` runs the program in
this process (with a clock that tests move), `Installed` as a process of its own; both take their settings from
`Office.environment` alone. Nothing here looks into the program's database.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar
from unittest.mock import patch

import aiohttp
import orjson

from sahut_bot import manifest, settings
from sahut_bot.app import PATIENCE as STORE_PATIENCE
from sahut_bot.app import App
from sahut_bot.inbox.store import EVERYTHING
from sahut_bot.sandbox.slack import Ack, Ephemeral, SlackServer, SlackWorkspace
from sahut_bot.sandbox.slack.emoji_names import character
from tests.databases import until

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE = 10.0
ROOT = Path(__file__).parents[1]
_ORDERS = itertools.count(1001)
_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_UNSEEN = re.compile("[\u2060\u200b-\u200d]")


class Office:
    """Ana is an admin, Dewi and Budi are agents, Gita is a guest, Sari of another company; Otto is not in the room."""

    def __init__(self, *, socket: bool = True, limits: bool = False) -> None:
        self.ws = SlackWorkspace(manifest.slack("https://inbox.example.com", socket_mode=socket))
        self.ws.limits.enabled = limits
        self.ws.limits.per_minute = {**self.ws.limits.per_minute, 1: 60}  # tests connect more than once a minute
        self.server = SlackServer(self.ws)
        self.socket = socket
        self.ana = self.ws.add_user("Ana", is_admin=True)
        self.dewi = self.ws.add_user("Dewi")
        self.budi = self.ws.add_user("Budi")
        self.gita = self.ws.add_user("Gita", guest="multi")
        self.sari = self.ws.add_user("Sari", stranger=True)
        self.otto = self.ws.add_user("Otto")
        self.room = self.ws.add_channel("team", members=[self.ana, self.dewi, self.budi, self.gita, self.sari])
        self.driver = self.ws.driver
        self.hurry: Callable[[], None] | None = None

    def environment(self, folder: Path, **more: str) -> dict[str, str]:
        """All settings; `more` without the prefix."""
        given = self.ws.credentials
        way_in = {"SLACK__APP_TOKEN": given.app_token} if self.socket else {}
        values = {
            "DATA_DIR": str(folder),
            "HTTP__PORT": "0",
            "TIMEZONE": "UTC",
            "ADMINS": f"slack:{self.ana}",
            "MEDIA__ALLOWED_HOSTS": f"http://127.0.0.1:{self.server.port}",
            "SLACK__BOT_TOKEN": given.bot_token,
            "SLACK__CHANNEL": self.room,
            "SLACK__API_URL": self.server.api_url,
            "SLACK__POSTS_PER_SECOND": "0",
            **(way_in or {"SLACK__SIGNING_SECRET": given.signing_secret}),
            "CHANNELS__WEB__KIND": "livechat",
            "CHANNELS__WEB__REPLY_HOLD_SECONDS": "0",
            **more,
        }
        return {f"SAHUT_{name}": value for name, value in values.items()}

    async def sees(self, predicate: Callable[[], T | None], timeout: float = PATIENCE) -> T:
        """The first true value of `predicate`."""
        try:
            value = await self.ws.wait_for(predicate, timeout)
            assert value is not None
            return value
        except TimeoutError:
            shown = "\n".join(f"{root}: {self.texts(root)}" for root in self.roots())
            raise AssertionError(f"not seen in {timeout} s; there is\n{shown}\n{self.ws.complaints}") from None

    # ------------------------------------------------------------ the channel

    def roots(self) -> list[str]:
        """The first messages of threads that the bot opened, oldest first; also one that came out there by mistake."""
        return [one["ts"] for one in self.ws.messages(self.room) if one.get("bot_id") == self.ws.bot_id]

    async def root(self, words: str = "") -> str:
        """The thread whose card holds `words`, as soon as there is one."""
        return await self.sees(lambda: next((ts for ts in self.roots() if words in self.card(ts)), ""))

    def card(self, root: str) -> str:
        """All that the card says, with the labels of its buttons in brackets."""
        blocks = (self.ws.message(self.room, root) or {}).get("blocks", ())
        return plain(" ".join(text for block in blocks for text in _texts(block)))

    def replies(self, root: str) -> list[Json]:
        return [one for one in self.ws.thread(self.room, root) if one["ts"] != root]

    def texts(self, root: str, *, of: str = "") -> list[str]:
        """What stands in the thread in order; `of` "customer" or "bot" or a person's id chooses."""
        return [plain(one["text"]) for one in self.replies(root) if of in ("", self._kind(one))]

    def _kind(self, message: Json) -> str:
        if message.get("bot_id") != self.ws.bot_id:
            return str(message.get("user"))
        return "customer" if "(customer)" in message.get("username", "") else "bot"

    def says(self, root: str, words: str) -> Json | None:
        """The newest message of the thread that holds `words`."""
        found = [one for one in self.replies(root) if words in plain(one["text"])]
        return found[-1] if found else None

    async def posted(self, root: str, words: str, timeout: float = PATIENCE) -> Json:
        """The same, as soon as there is one."""
        return await self.sees(lambda: self.says(root, words), timeout)

    async def shows(self, root: str, *words: str, no: str = "") -> None:
        """Waits until the card says all these words, and not `no`. A card is drawn a second after a change; where the
        program's clock is ours, that second passes at once.
        """

        def drawn() -> bool:
            card = self.card(root)
            return all(word in card for word in words) and not (no and no in card)

        if self.hurry is None:
            await self.sees(drawn)
            return
        end = time.monotonic() + PATIENCE
        while not drawn():
            assert time.monotonic() < end, f"{words} not on the card, {no!r} to be gone: {self.card(root)}"
            self.hurry()
            await asyncio.sleep(0.02)

    def marks(self, ts: str) -> str:
        """The bot's marks on a message, one after the other."""
        return "".join(character(name) for name in self.ws.reactions(self.room, ts))

    def files(self, root: str) -> list[tuple[str, bytes]]:
        shared = [file for one in self.replies(root) for file in one.get("files", ())]
        return [(file["name"], self.ws.files[file["id"]].content) for file in shared]

    def whispers(self, user: str) -> list[str]:
        """What was said to one person alone."""
        return [plain(one.text) for one in self.ws.seen_by(user)]

    def told(self, user: str, root: str) -> list[Ephemeral]:
        """What was shown in a thread to one person alone."""
        return [one for one in self.ws.seen_by(user) if one.thread_ts == root]

    async def question(self, user: str, root: str) -> Ephemeral:
        """The newest of them, once there is one."""
        return (await self.sees(lambda: self.told(user, root)))[-1]

    def pinged(self, user: str) -> list[str]:
        """The messages that notified a person."""
        return [ping.ts for ping in self.ws.pings if ping.target == user]

    # ------------------------------------------------------------ what agents do

    def post(self, who: str, root: str, text: str, **more: Any) -> str:
        return self.driver.post(who, self.room, text, thread_ts=root, **more)

    async def marked(self, ts: str, marks: str, timeout: float = PATIENCE) -> None:
        """Waits until a message carries exactly these marks."""
        try:
            await self.ws.wait_for(lambda: self.marks(ts) == marks, timeout)
        except TimeoutError:
            raise AssertionError(f"{marks!r} wanted, there is {self.marks(ts)!r}") from None

    async def press(self, who: str, on: str, label: str, **more: Any) -> None:
        taken(await self.driver.click(who, on, label, **more))

    async def form(self, who: str) -> Json:
        """The form that is open before a person."""
        return await self.sees(lambda: self.ws.surfaces.top(who))

    async def fill(self, who: str, **values: Any) -> dict[str, str]:
        """Fills the form by field name and sends it; gives the complaints by field name."""
        view = await self.form(who)
        blocks = {one["block_id"].partition(":")[2]: one["block_id"] for one in view["blocks"] if "block_id" in one}
        errors = await self.driver.submit_view(who, {blocks[name]: value for name, value in values.items()})
        return {block.partition(":")[2]: text for block, text in errors.items()}

    async def slash(self, who: str, command: str, text: str = "") -> str:
        """Types a slash command in the channel; gives the answer, which only the person sees."""
        before = len(self.ws.seen_by(who))
        taken(await self.driver.slash(who, self.room, command, text))
        return await self.sees(lambda: " ".join(self.whispers(who)[before:]))

    async def settled(self) -> None:
        """Every event was acknowledged or is lost."""
        await self.sees(lambda: self.server.idle)


def taken(ack: Ack) -> None:
    assert ack.ok, ack.reason


def plain(text: str) -> str:
    """Without what is not seen."""
    text = _UNSEEN.sub("", _DATE.sub(r"\1", text))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _texts(block: Json) -> list[str]:
    if block["type"] == "actions":
        return [f"[{one['text']['text']}]" for one in block["elements"] if one["type"] == "button"]
    return [one["text"] for one in (block.get("text"), *block.get("fields", ()), *block.get("elements", ())) if one]


# ---------------------------------------------------------------- the program


class Program(Protocol):
    @property
    def url(self) -> str: ...


class Clock:
    """The machine's time, and what tests add to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Inside:
    """The program in this process. It may be stopped and started again, on the same data."""

    def __init__(self, office: Office, folder: Path, **more: str) -> None:
        self.office = office
        self.folder = folder
        self.clock = Clock()
        self.more = more
        self.patience = STORE_PATIENCE  # with a locked database, in seconds
        self.app: App | None = None
        self.url = ""

    async def start(self, *, connected: bool = True) -> Self:
        with patch.dict(os.environ, self.office.environment(self.folder, **self.more)):
            known = settings.load(env_file=None)
        self.app = App(known, now=self.clock, patience=self.patience)
        self.office.hurry = lambda: self.skip(1.0)
        opened = self.office.server.sockets.opened
        await self.app.start()
        host, port = self.app.address
        self.url = f"http://{host}:{port}"
        self.office.server.http.app_url = self.url
        if connected and self.office.socket:
            await self.office.sees(lambda: self.office.server.sockets.opened > opened)
        if connected:
            await self.ready()
        return self

    async def stop(self) -> None:
        if self.app is not None:
            app, self.app = self.app, None
            self.office.hurry = None
            await app.stop()

    def skip(self, seconds: float) -> None:
        """Moves the clock; everybody who waits for a time looks again."""
        self.clock.ahead += seconds
        assert self.app is not None
        self.app.store.ring(EVERYTHING)

    async def readyz(self) -> Json:
        return await readyz(self.url)

    async def ready(self, *, wanted: bool = True) -> Json:
        """Waits until /readyz says so; gives what it says."""
        async with asyncio.timeout(PATIENCE * 2):
            while (told := await self.readyz())["ready"] is not wanted:
                await asyncio.sleep(0.01)
        return told


async def readyz(url: str) -> Json:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
        told: Json = await answer.json()
        assert (answer.status == 200) is told["ready"]
        return told


class Installed:
    """`python -m sahut_bot run` as a process. Its log is kept beside its data."""

    def __init__(self, office: Office, folder: Path, **more: str) -> None:
        self.office = office
        self.folder = folder
        self.more = more
        self.url = ""
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def log(self) -> Path:
        return self.folder / f"log-{self.starts}"

    async def start(self) -> Self:
        self.starts += 1
        ours = self.office.environment(self.folder, **self.more)
        rest = {name: value for name, value in os.environ.items() if not name.startswith("SAHUT_")}
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sahut_bot", "run", env={**rest, **ours}, stderr=log, cwd=ROOT
            )
        port = await started(self.log, lambda: self.process is not None and self.process.returncode is not None)
        self.url = f"http://127.0.0.1:{port}"
        self.office.server.http.app_url = self.url
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Politely, as a supervisor does; gives the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()


async def started(log: Path, ended: Callable[[], bool]) -> int:
    """Waits for the line of the log that says where the program listens."""
    port: list[int] = []

    def told() -> bool:
        assert not ended(), log.read_text()
        port.extend(one["port"] for one in lines(log) if one.get("event") == "app.started")
        return bool(port)

    await until(told, PATIENCE * 3)
    return port[0]


def lines(log: Path) -> list[Json]:
    """What was logged so far."""
    found = [line for line in log.read_bytes().split(b"\n")[:-1] if line.startswith(b"{")]
    return [orjson.loads(line) for line in found]


# ---------------------------------------------------------------- the customer


class Visitor:
    """A customer, through the documented API. `messages` holds what they have read so far, by id."""

    def __init__(self, http: aiohttp.ClientSession, program: Program, channel: str = "web") -> None:
        self._http = http
        self.program = program
        self._channel = channel
        self._token = ""
        self.cursor = ""
        self.messages: dict[str, Json] = {}

    def _url(self, path: str) -> str:
        return f"{self.program.url}/livechat/{self._channel}/{path}"

    @property
    def _auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def begin(self, name: str = "") -> Self:
        asked = {"name": name} if name else {}
        async with self._http.post(self._url("session"), json=asked) as answer:
            assert answer.status == 200, await answer.text()
            self._token = (await answer.json())["visitor"]
        return self

    async def say(self, text: str, *, id: str = "", files: Sequence[tuple[str, bytes]] = ()) -> str:  # noqa: A002
        """Returning means that it was acknowledged with 200."""
        attachments = [await self.upload(name, content) for name, content in files]
        body = {"id": id or str(uuid.uuid4()), "text": text, "attachments": attachments}
        async with self._http.post(self._url("messages"), json=body, headers=self._auth) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["id"])

    async def upload(self, name: str, content: bytes) -> str:
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name, content_type="application/octet-stream")
        async with self._http.post(self._url("files"), data=form, headers=self._auth) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["file"])

    async def read(self) -> list[Json]:
        """Everything from the beginning, as after a reload of the page; confirms nothing."""
        return list((await self._get({}))["messages"])

    async def heard(self, predicate: Callable[[list[str]], T], timeout: float = PATIENCE) -> T:
        """Reads on as the widget does, until `predicate` holds for the texts of the replies that are there."""
        end = time.monotonic() + timeout
        while not (value := predicate(self.replies())):
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not heard in {timeout} s; there is {self.replies()}")
            try:
                page = await self._get({"after": self.cursor or "0", "wait": f"{min(left, 5):.3f}"})
            except aiohttp.ClientError:  # as the widget: once more
                await asyncio.sleep(0.05)
                continue
            self.messages |= {one["id"]: one for one in page["messages"]}
            self.cursor = page["cursor"]
        return value

    async def confirm(self) -> None:
        """The browser has all that was read so far."""
        await self._get({"after": self.cursor})

    async def hears(self, *texts: str) -> None:
        """Waits until the replies are exactly these, in this order."""
        await self.heard(lambda replies: replies == list(texts))

    def replies(self) -> list[str]:
        return [one["text"] for one in self.from_agents()]

    def from_agents(self) -> list[Json]:
        return [one for one in self.messages.values() if one["from"] == "agent" and not one.get("deleted")]

    async def download(self, attachment: Json) -> bytes:
        async with self._http.get(self.program.url + attachment["url"]) as answer:
            assert answer.status == 200
            return await answer.read()

    async def _get(self, query: Mapping[str, str]) -> Json:
        async with self._http.get(self._url("messages"), params=query, headers=self._auth) as answer:
            assert answer.status == 200, await answer.text()
            page: Json = await answer.json()
            return page


# ---------------------------------------------------------------- all together


class Scene:
    """A program at work between an office and visitors."""

    def __init__(self, office: Office, program: Inside, http: aiohttp.ClientSession) -> None:
        self.office = office
        self.program = program
        self.http = http

    async def visitor(self, name: str = "", channel: str = "web") -> Visitor:
        return await Visitor(self.http, self.program, channel).begin(name)

    async def talk(self, text: str = "", *, name: str = "Rina", channel: str = "web") -> tuple[Visitor, str]:
        """A visitor who has written, and the thread of it once the words stand there."""
        text = text or f"Where is my order {next(_ORDERS)}?"
        visitor = await self.visitor(name, channel)
        await visitor.say(text)
        root = await self.office.root(text)
        await self.office.sees(lambda: text in self.office.texts(root))
        return visitor, root


@asynccontextmanager
async def scene(folder: Path, *, office: Office | None = None, **more: str) -> AsyncIterator[Scene]:
    """An office, and the program connected to it. `more` are settings without their prefix."""
    office = office or Office()
    await office.server.start()
    try:
        async with playing(Inside(office, folder, **more)) as made:
            yield made
    finally:
        await office.server.stop()


@asynccontextmanager
async def playing(program: Inside, *, connected: bool = True) -> AsyncIterator[Scene]:
    """The program at an office that is open already, or without one that answers."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE * 3)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        try:
            await program.start(connected=connected)
            yield Scene(program.office, program, http)
        finally:
            await program.stop()
