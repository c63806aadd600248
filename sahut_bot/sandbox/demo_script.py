"""`demo --script`: one conversation from the first message to the reopening.

Each step is judged by what the Slack stand-in and the customer's own client have seen, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sahut_bot.sandbox import demo_views
from sahut_bot.sandbox.demo_stage import CUSTOMERS, Stage
from sahut_bot.sandbox.demo_visitor import VisitorClient
from sahut_bot.sandbox.slack import Ack, DriverError
from sahut_bot.sandbox.slack.emoji_names import character

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE = 10.0  # seconds for each thing to come true
QUESTION = "Hi! My order 88213 has not arrived yet. Can you check? <!channel> *please*"
NOTE = "; third parcel this courier lost, offer a free one"
FIRST_DRAFT = "Hello Rina, I will chekc with the courier."
REPLY = "Hello Rina, I will check with the courier."
RECEIPT, LABEL = b"%PDF-1.4 receipt 88213", b"\x89PNG\r\n\x1a\n a new label"
NEWS, THANKS = "Any news?", "It arrived today, but the bag is torn."


class NotTrueError(Exception):
    """A step did not come true. The text says what was waited for."""


class Play:
    """The steps, in order; `bram` is the agent."""

    def __init__(self, stage: Stage, visitor: VisitorClient) -> None:
        self.stage = stage
        self.slack = stage.workspace
        self.visitor = visitor
        self.room = stage.support
        self.bram = stage.actor("agent").id
        self.root = ""
        self.answered = ""

    @property
    def steps(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        return [
            ("Rina writes: a thread with a card, and her words as text", self.customer_writes),
            ("Bram claims it with the card's button", self.claim),
            ("Bram keeps a note in the team", self.note),
            ("Bram replies; the reply is held and Rina sees that somebody writes", self.reply_is_held),
            ("Bram corrects it within the hold; Rina gets the corrected text alone", self.edit_within_the_hold),
            ("sent, delivered, seen: the marks follow what happened", self.delivered_and_seen),
            ("Rina sends a file, byte by byte", self.file_from_customer),
            ("Bram sends a file, byte by byte", self.file_from_agent),
            ("Bram snoozes it with the form", self.snooze),
            ("Rina writes: it wakes and calls Bram", self.wake),
            ("Bram resolves it", self.resolve),
            ("Rina writes again: it is open again, and still Bram's", self.reopen),
            ("Rina's history holds every reply, in order, and no note", self.nothing_leaked),
        ]

    # ------------------------------------------------------------ waiting

    async def team_sees(self, what: str, predicate: Callable[[], T | None]) -> T:
        """The first true value of `predicate`."""
        try:
            seen = await self.slack.wait_for(predicate, PATIENCE)
        except TimeoutError:
            raise NotTrueError(f"the team should see {what}") from None
        assert seen is not None
        return seen

    async def customer_sees(self, what: str, predicate: Callable[[], T]) -> T:
        try:
            return await self.visitor.wait_for(predicate, PATIENCE)
        except TimeoutError:
            raise NotTrueError(f"the customer should see {what}") from None

    def replies(self) -> list[Json]:
        return self.slack.thread(self.room, self.root)[1:]

    def posted(self, words: str) -> Json | None:
        """The newest message of the thread that says `words`."""
        found = [one for one in self.replies() if words in demo_views.said(self.slack, one)]
        return found[-1] if found else None

    def marks(self, ts: str) -> set[str]:
        return {character(name) for name in self.slack.reactions(self.room, ts)}

    def card_says(self, *words: str) -> bool:
        card = self.slack.message(self.room, self.root) or {}
        text = "\n".join(line.plain for line in demo_views.card_lines(self.slack, card))
        return all(word in text for word in words)

    async def press(self, label: str) -> None:
        _taken(await self.slack.driver.click(self.bram, self.root, label), label)

    # ------------------------------------------------------------ the steps

    async def customer_writes(self) -> None:
        await self.visitor.write(QUESTION)
        await self.team_sees("a card in the channel", lambda: self.slack.messages(self.room))
        self.root = self.slack.messages(self.room)[0]["ts"]
        labels = ("[Claim]", "[Resolve]", "[Snooze…]", "[Assign…]", "[More…]")
        await self.team_sees("her name, the status and five buttons", lambda: self.card_says("Rina", "Open", *labels))
        posted = await self.team_sees("what she wrote, word by word", lambda: self.posted(QUESTION))
        if not posted.get("username", "").startswith("Rina Wijaya"):
            raise NotTrueError("the message should stand under her name")
        if self.slack.pings:
            raise NotTrueError("a customer's text should ping nobody")

    async def claim(self) -> None:
        await self.press("Claim")
        await self.team_sees("Bram as the owner", lambda: self.card_says("Bram Setiawan", "[Release]"))

    async def note(self) -> None:
        ts = self.slack.driver.post(self.bram, self.room, NOTE, thread_ts=self.root)
        await self.team_sees("🔒 on the note", lambda: "🔒" in self.marks(ts))

    async def reply_is_held(self) -> None:
        self.answered = self.slack.driver.post(self.bram, self.room, FIRST_DRAFT, thread_ts=self.root)
        await self.team_sees("⏳ on the reply", lambda: "⏳" in self.marks(self.answered))
        await self.customer_sees("that somebody writes", lambda: True in self.visitor.typing)

    async def edit_within_the_hold(self) -> None:
        self.slack.driver.edit(self.bram, self.room, self.answered, REPLY)
        got = await self.customer_sees("the reply", self.visitor.from_agents)
        if [one["text"] for one in got] != [REPLY]:
            raise NotTrueError(f"the customer should see the corrected reply alone, not {[one['text'] for one in got]}")

    async def delivered_and_seen(self) -> None:
        await self.team_sees("✅ on the reply", lambda: "✅" in self.marks(self.answered))
        await self.visitor.confirm_delivered()
        await self.team_sees("📬 on the reply", lambda: "📬" in self.marks(self.answered))
        await self.visitor.confirm_seen(self.visitor.from_agents()[-1]["id"])
        await self.team_sees("👀 alone on the reply", lambda: self.marks(self.answered) == {"👀"})

    async def file_from_customer(self) -> None:
        await self.visitor.write("My receipt.", [("receipt.pdf", "application/pdf", RECEIPT)])
        await self.team_sees("the file in the thread", lambda: self._file_in_thread("receipt.pdf"))
        if self._file_in_thread("receipt.pdf") != RECEIPT:
            raise NotTrueError("the file in the thread should be the one that was sent")

    def _file_in_thread(self, name: str) -> bytes:
        files = [file for one in self.replies() for file in one.get("files", ()) if file.get("name") == name]
        return self.slack.files[files[-1]["id"]].content if files else b""

    async def file_from_agent(self) -> None:
        self.slack.driver.upload(self.bram, self.room, "label.png", LABEL, thread_ts=self.root, text="A new label:")
        got = await self.customer_sees("the file", lambda: self._attachments("label.png"))
        if await self.visitor.download(got[-1]) != LABEL:
            raise NotTrueError("the customer should get the file that was sent")

    def _attachments(self, name: str) -> list[Json]:
        shown = [file for one in self.visitor.from_agents() for file in one["attachments"]]
        return [file for file in shown if file["name"] == name]

    async def snooze(self) -> None:
        await self.press("Snooze…")
        view = await self.team_sees("a form", lambda: self.slack.surfaces.top(self.bram))
        problems = await self.slack.driver.submit_view(self.bram, {"Or another time": "tomorrow 9am"})
        if problems:
            raise NotTrueError(f"the form should be taken: {problems}")
        await self.team_sees("the form gone", lambda: self.slack.surfaces.top(self.bram) is not view)
        await self.team_sees("the snooze on the card", lambda: self.card_says("Snoozed"))

    async def wake(self) -> None:
        await self.visitor.write(NEWS)
        await self.team_sees("the conversation open", lambda: self.card_says("Status Open"))
        await self.team_sees("a call for Bram", lambda: self._called_in(NEWS))

    def _called_in(self, words: str) -> bool:
        message = self.posted(words)
        return message is not None and any(
            ping.ts == message["ts"] and ping.target == self.bram for ping in self.slack.pings
        )

    async def resolve(self) -> None:
        await self.press("Resolve")
        await self.team_sees("it resolved", lambda: self.card_says("Status Resolved", "[Reopen]"))

    async def reopen(self) -> None:
        await self.visitor.write(THANKS)
        await self.team_sees("it open, with Bram", lambda: self.card_says("Status Open", "Bram Setiawan", "[Resolve]"))
        await self.team_sees("a call for Bram", lambda: self._called_in(THANKS))
        if len(self.slack.messages(self.room)) != 1:
            raise NotTrueError("all of it should be one thread")

    async def nothing_leaked(self) -> None:
        texts = [one["text"] for one in await self.visitor.history()]
        if texts != [QUESTION, REPLY, "My receipt.", "A new label:", NEWS, THANKS]:
            raise NotTrueError(f"the history should hold all in order, not {texts}")
        if any(NOTE.lstrip("; ") in str(one) for one in self.visitor.messages.values()):
            raise NotTrueError("the note should stay in the team")


def _taken(ack: Ack, label: str) -> None:
    if not ack.ok:
        raise NotTrueError(f"the button {label} should be answered: {ack.reason}")


# ---------------------------------------------------------------- telling it


async def play(stage: Stage, url: str, channel: str, console: Console) -> int:
    """Plays and prints. 0 if every step came true, else 1."""
    async with VisitorClient(url, channel, CUSTOMERS[0]) as visitor:
        scene = Play(stage, visitor)
        before: set[str] = set()
        for number, (title, step) in enumerate(scene.steps, 1):
            try:
                await step()
            except (NotTrueError, DriverError, aiohttp.ClientError) as failure:
                console.print(Text(f"✗ {number:2} {title}", "bold red"))
                console.print(Text(f"     Not so: {failure}.", "red"))
                _print_views(console, scene)
                return 1
            console.print(Text(f"✓ {number:2} {title}", "bold green"))
            before = _print_news(console, scene, before)
        _print_views(console, scene)
        console.print(f"All {len(scene.steps)} steps came true.")
        return 0


def _views(scene: Play) -> tuple[list[Text], list[Text]]:
    team = demo_views.team_view(scene.slack, scene.room, scene.root) if scene.root else []
    return demo_views.customer_view(scene.visitor), team


def _print_news(console: Console, scene: Play, before: set[str]) -> set[str]:
    """Prints what is new on either side since the step before."""
    now: set[str] = set()
    for side, lines in zip(("customer", "team"), _views(scene), strict=True):
        for line in lines:
            now.add(f"{side} {line.plain}")
            if f"{side} {line.plain}" not in before:
                console.print(Text.assemble((f"     {side:>8} │ ", "dim"), line), soft_wrap=True)
    return now


def _print_views(console: Console, scene: Play) -> None:
    customer, team = _views(scene)
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(ratio=2)
    table.add_column(ratio=3)
    table.add_row(
        Panel(Text("\n").join(customer), title="What the customer sees", border_style="cyan"),
        Panel(Text("\n").join(team), title="What the team sees", border_style="magenta"),
    )
    console.print(table)
