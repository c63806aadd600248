"""Many customers at once in one channel, under Slack's limits: used fully, never broken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.rig import Office, Scene, Visitor, scene


async def burst(made: Scene, conversations: int, lines: int) -> list[Visitor]:
    """Everybody writes at once, each their lines one after the other."""
    visitors = [await made.visitor(f"Customer {number:02}") for number in range(conversations)]

    async def write(number: int, visitor: Visitor) -> None:
        for line in range(lines):
            await visitor.say(f"{number:02} line {line}")

    await asyncio.gather(*(write(number, visitor) for number, visitor in enumerate(visitors)))
    return visitors


def judge(office: Office, conversations: int, lines: int) -> None:
    assert office.ws.rate_violations == 0
    assert office.ws.calls_during_retry_after == 0
    shown = {office.texts(root, of="customer")[0][:2]: office.texts(root, of="customer") for root in office.roots()}
    assert len(office.roots()) == len(shown) == conversations
    for number, texts in shown.items():
        assert texts == [f"{number} line {line}" for line in range(lines)]


def all_shown(office: Office, count: int) -> bool:
    return sum(len(office.texts(root, of="customer")) for root in office.roots()) >= count


async def test_burst_into_one_channel_keeps_the_limits_and_the_order(tmp_path: Path) -> None:
    """At twenty times Slack's pace."""
    office = Office(limits=True)
    office.ws.limits.posts_per_second = 20
    office.ws.limits.posts_per_minute = 6000
    async with scene(tmp_path, office=office, SLACK__POSTS_PER_SECOND="20") as made:
        await burst(made, 12, 3)
        await office.sees(lambda: all_shown(office, 36), 20)
        judge(office, 12, 3)
        posts = office.ws.calls("chat.postMessage")
        assert 48 / (posts[-1].at - posts[0].at) > 10, "the limit is not used fully"


async def test_customers_words_go_before_small_news(tmp_path: Path) -> None:
    async with scene(tmp_path, SLACK__POSTS_PER_SECOND="20") as made:
        office = made.office
        rina, root = await made.talk()
        # For a second nothing is posted, and all of it gathers.
        office.server.fail_next("chat.postMessage", status=429, retry_after=1)
        for number in range(6):
            office.post(office.dewi, root, f"!label +l{number}")
        await office.sees(lambda: [one for one in office.ws.calls("chat.postMessage") if one.status == 429])
        await office.settled()
        for number in range(6):
            await rina.say(f"line {number}")
        await office.sees(lambda: office.says(root, "line 5") and office.says(root, "labels: +l5"))
        shown = [text for text in office.texts(root) if text.startswith(("line", "Dewi changed"))]
        assert shown[:6] == [f"line {number}" for number in range(6)]
        assert [text[-2:] for text in shown[6:]] == [f"l{number}" for number in range(6)]


@pytest.mark.slow
async def test_forty_conversations_at_slacks_own_pace(tmp_path: Path) -> None:
    office = Office(limits=True)
    async with scene(tmp_path, office=office, SLACK__POSTS_PER_SECOND="1") as made:
        visitors = await burst(made, 40, 1)
        root = await office.root("00 line 0")
        post = office.post(office.dewi, root, "Hello")
        await visitors[0].hears("Hello")  # replies do not wait for the thread's turn
        await office.sees(lambda: all_shown(office, 40), 120)
        judge(office, 40, 1)
        await office.marked(post, "✅")
        posts = office.ws.calls("chat.postMessage")
        assert 80 / (posts[-1].at - posts[0].at) > 0.95, "the limit is not used fully"
