"""A team's Slack: the stand-in with its people, what they do there, and what stands there for all or for one to see."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sahut_bot import manifest
from sahut_bot.sandbox.slack import Ack, Ephemeral, SlackServer, SlackWorkspace
from sahut_bot.sandbox.slack.emoji_names import character

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE = 10.0  # seconds for each thing to come true
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
