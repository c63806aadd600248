"""Two programs on one PostgreSQL share the work: each effect once, in order, and one goes on without the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rig import Inside, Office, Scene, playing

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(params=["socket", "http"])
async def two(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[Scene, Scene]]:
    """Both see the same files."""
    office = Office(socket=request.param == "socket")
    office.server.switches.retry_delays = (0.1, 0.5, 1.0, 2.0, 4.0)
    await office.server.start()
    first, second = (Inside(office, tmp_path, DATABASE_URL=postgres_url) for _ in range(2))
    try:
        # One of them holds the socket and the other stands by.
        async with playing(first) as one, playing(second, connected=False) as other:
            await second.ready()
            yield one, other
    finally:
        await office.server.stop()


async def test_two_programs_do_each_thing_once_and_in_order(two: tuple[Scene, Scene]) -> None:
    office = two[0].office
    visitors = [await two[number % 2].visitor(f"Customer {number:02}") for number in range(12)]

    async def write(number: int) -> None:
        for line in range(10):
            await visitors[number].say(f"{number:02} line {line}")

    await asyncio.gather(*map(write, range(12)))
    await office.sees(lambda: sum(len(office.texts(root, of="customer")) for root in office.roots()) >= 120, 30)
    roots = {office.texts(root)[0][:2]: root for root in office.roots()}
    assert len(roots) == len(office.roots()) == 12
    for number, root in roots.items():
        assert office.texts(root, of="customer") == [f"{number} line {line}" for line in range(10)]
    for number, root in roots.items():
        for line in range(3):
            office.post(office.dewi, root, f"answer {line} to {number}")
    for place, visitor in enumerate(visitors):
        await visitor.hears(*(f"answer {line} to {place:02}" for line in range(3)))
    await office.settled()
    for root in roots.values():
        assert office.texts(root, of="bot") == ["Dewi took it"]


async def test_timers_ring_once(two: tuple[Scene, Scene]) -> None:
    office = two[0].office
    roots = [(await two[number % 2].talk())[1] for number in range(6)]
    for root in roots:
        office.post(office.dewi, root, "!snooze 1h")
        await office.shows(root, "Snoozed")
    for one in two:
        one.program.skip(3601)
    for root in roots:
        await office.posted(root, "The snooze is over")
    _, last = await two[0].talk()
    await office.posted(last, "order")
    for root in roots:
        assert sum("The snooze is over" in text for text in office.texts(root)) == 1


async def test_one_goes_on_when_the_other_stops(two: tuple[Scene, Scene]) -> None:
    office = two[0].office
    rina, root = await two[1].talk()
    await two[0].program.stop()
    await rina.say("Still there?")
    await office.posted(root, "Still there?")
    post = office.post(office.dewi, root, "Yes.")
    await rina.hears("Yes.")
    await rina.confirm()
    await office.marked(post, "📬")
