"""One conversation with something of everything, told while the program is killed, and the judgement on it.

What a person or a browser would do again after a failure is done again; nothing else is helped along.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import aiohttp

from tests.crash.forked import Forked, insist
from tests.rig import Office, Visitor

RECEIPT, LABEL = b"%PDF-1.4 receipt", b"a new label"
NOTE = "; third parcel this courier lost"
TIME_UP = "The snooze is over"


class Story:
    """`tell` drives it to its end; `judge` says whether all came out right, from what the two sides have seen."""

    def __init__(self, office: Office, program: Forked, http: aiohttp.ClientSession) -> None:
        self.office = office
        self.program = program
        self.rina = Visitor(http, program)
        self.root = ""
        self.posts: list[str] = []

    async def tell(self) -> None:
        office = self.office
        await insist(lambda: self.rina.begin("Rina"))
        await self.say("one")
        await self.say("two", [("receipt.pdf", RECEIPT)])
        await self.say("three")
        self.root = await office.root("one")
        await office.sees(lambda: "three" in self.from_customer())
        await self.claim()
        self.posts.append(office.post(office.dewi, self.root, "first"))
        note = office.post(office.dewi, self.root, NOTE)
        await office.marked(note, "🔒")
        self.posts.append(office.driver.upload(
            office.dewi, office.room, "label.png", LABEL, thread_ts=self.root, text="second"
        ))  # fmt: skip
        self.posts.append(office.post(office.dewi, self.root, "third"))
        await self.rina.hears("first", "second", "third")
        await self.snooze()
        await self.say("four")
        self.posts.append(office.post(office.dewi, self.root, "fourth"))
        await self.rina.hears("first", "second", "third", "fourth")
        await office.sees(lambda: "four" in self.from_customer())
        await insist(self.rina.confirm)
        for post in self.posts:
            await office.marked(post, "📬")

    def from_customer(self) -> list[str]:
        return self.office.texts(self.root, of="customer")

    async def say(self, text: str, files: Sequence[tuple[str, bytes]] = ()) -> None:
        key = str(uuid.uuid4())
        await insist(lambda: self.rina.say(text, id=key, files=files))

    async def claim(self) -> None:
        """Presses the button until that is said in the thread."""

        async def press() -> None:
            if not self.office.says(self.root, "Dewi took it"):
                ack = await self.office.driver.click(self.office.dewi, self.root, "Claim")
                assert ack.ok
            await self.office.posted(self.root, "Dewi took it", 2)

        await insist(press)

    async def snooze(self) -> None:
        """Until the time is up; it wakes by itself, also when the program dies over it."""
        office = self.office
        office.post(office.dewi, self.root, "!snooze 1m wake never")
        await office.posted(self.root, "Dewi snoozed it until")
        self.program.skip(61)
        await office.posted(self.root, TIME_UP)

    # ------------------------------------------------------------ the judgement

    async def judge(self) -> None:
        office = self.office
        assert len(office.roots()) == 1
        texts = [text for text in self.from_customer() if text != "Rina (customer)"]
        assert texts == ["one", "two", "three", "four"]
        assert office.files(self.root) == [("receipt.pdf", RECEIPT), ("label.png", LABEL)]
        lines = office.texts(self.root, of="bot")
        for words in ("Dewi took it", "Dewi snoozed it until", TIME_UP):
            assert [words in line for line in lines].count(True) == 1, (words, lines)
        seen = await self.rina.read()
        assert [one["text"] for one in seen if one["from"] == "customer"] == ["one", "two", "three", "four"]
        assert [one["text"] for one in seen if one["from"] == "agent"] == ["first", "second", "third", "fourth"]
        second = next(one for one in seen if one["text"] == "second")
        assert [await self.rina.download(file) for file in second["attachments"]] == [LABEL]
        assert "courier" not in str(seen)
        await office.shows(self.root, "Dewi", "Pending")
