"""Everything at once: customers write, agents answer, Slack stumbles, and the program is killed again and again."""

from __future__ import annotations

import asyncio
import random
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.crash.forked import Forked, insist, supervised
from tests.rig import Office, Visitor

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.xdist_group("crash")]

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("chat.postMessage", {"drop_after_effect": True}),
    ("chat.postMessage", {"drop_before_effect": True}),
    ("chat.postMessage", {"status": 500}),
    ("chat.postMessage", {"status": 429, "retry_after": 1}),
    ("chat.postMessage", {"hang": 0.3}),
    ("chat.update", {"drop_after_effect": True}),
    ("chat.update", {"status": 503}),
    ("reactions.add", {"drop_after_effect": True}),
    ("reactions.add", {"status": 429, "retry_after": 1}),
    ("reactions.remove", {"drop_before_effect": True}),
    ("conversations.replies", {"status": 500}),
    ("conversations.history", {"drop_after_effect": True}),
    ("users.info", {"status": 500}),
    ("files.completeUploadExternal", {"drop_after_effect": True}),
    ("upload", {"status": 500}),
    ("download", {"status": 503}),
)
CUSTOMERS, LINES = 4, 12


class Chaos:
    def __init__(self, office: Office, program: Forked, rng: random.Random) -> None:
        self.office = office
        self.program = program
        self.rng = rng
        self.said: dict[int, list[str]] = {}
        self.answered: dict[int, list[str]] = {}
        self.roots: dict[int, str] = {}
        self.posts: list[str] = []
        self.ended = False

    async def pause(self, longest: float) -> None:
        """People and accidents take their time; nothing is waited for here."""
        await asyncio.sleep(self.rng.random() * longest)

    async def customer(self, number: int, visitor: Visitor) -> None:
        for line in range(LINES):
            text, key = f"customer {number} line {line}", str(uuid.uuid4())
            files = [(f"{number}-{line}.txt", text.encode())] if self.rng.random() < 0.2 else []
            await insist(lambda text=text, key=key, files=files: visitor.say(text, id=key, files=files))  # type: ignore[misc]
            self.said.setdefault(number, []).append(text)
            await self.pause(0.3)

    async def agent(self, number: int) -> None:
        root = self.roots[number] = await self.office.root(f"customer {number} line 0")
        for line in range(LINES):
            text = f"answer {line} to {number}"
            self.posts.append(self.office.post(self.office.dewi, root, text))
            self.answered.setdefault(number, []).append(text)
            if self.rng.random() < 0.3:
                self.office.post(self.office.dewi, root, f"; note {line}")
            await self.pause(0.3)

    async def accidents(self) -> None:
        while not self.ended:
            await self.pause(0.4)
            match self.rng.randrange(8):
                case 0 if self.program.alive:
                    self.program.kill()
                case 1:
                    self.office.server.sockets.drop()
                case 2:
                    self.office.server.switches.duplicate = not self.office.server.switches.duplicate
                case _:
                    method, fault = self.rng.choice(FAULTS)
                    self.office.server.fail_next(method, **fault)

    async def judge(self, visitors: list[Visitor]) -> None:
        office = self.office
        assert sorted(self.roots.values()) == office.roots()
        for number, visitor in enumerate(visitors):
            await visitor.heard(lambda replies, number=number: len(replies) >= len(self.answered[number]), 60)  # type: ignore[misc]
            await insist(visitor.confirm)
            assert sorted(visitor.replies()) == sorted(self.answered[number])
            seen = await visitor.read()
            assert [one["text"] for one in seen if one["from"] == "customer"] == self.said[number]
            assert sum(one["from"] == "agent" for one in seen) == LINES
            root = self.roots[number]
            await office.posted(root, self.said[number][-1], 60)
            assert office.texts(root, of="customer") == self.said[number]
        for post in self.posts:
            await office.marked(post, "📬", 60)


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_lost_or_doubled_on_the_worst_of_days(
    seed: int, office: Office, sqlite_url: str, tmp_path: Path
) -> None:
    office.server.switches.retry_delays = (0.1, 0.3, 0.5, *[1.0] * 20)
    program = Forked(office, tmp_path, DATABASE_URL=sqlite_url)
    chaos = Chaos(office, program, random.Random(seed))
    async with supervised(program), aiohttp.ClientSession() as http:
        visitors = [Visitor(http, program) for _ in range(CUSTOMERS)]
        for number, visitor in enumerate(visitors):
            await insist(lambda number=number, visitor=visitor: visitor.begin(f"Customer {number}"))  # type: ignore[misc]
        accidents = asyncio.create_task(chaos.accidents(), name="accidents")
        try:
            people = [chaos.customer(number, visitor) for number, visitor in enumerate(visitors)]
            await asyncio.gather(*people, *(chaos.agent(number) for number in range(CUSTOMERS)))
        finally:
            chaos.ended = True
            await accidents
        office.server.faults.clear()
        await chaos.judge(visitors)
