"""Slack counts calls by the minute and does not notice that we began anew: neither do our meters."""

from __future__ import annotations

from pathlib import Path

import pytest

from sahut_bot.bridges.teamchat.slack_limits import POST, POST_BURST, Limits
from tests.review.sparse import Customer, SparseSlack, running, seen, served


class Clock:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_calls_of_an_earlier_life_count() -> None:
    clock = Clock()
    limits = Limits(1.0, clock)
    limits.recall(POST, "C1", [0.0, 0.5])
    limits.recall("reactions.remove", "", [1.0] * 20)
    assert limits.room(POST, "C1")[0] == 0
    assert limits.room(POST, "C2") == (POST_BURST, 0.0)
    assert limits.room("reactions.remove")[0] == 0
    clock.at += 61
    assert limits.room(POST, "C1") == (POST_BURST, 0.0)
    assert limits.room("reactions.remove")[0] > 1


def test_calls_of_long_ago_do_not_count() -> None:
    limits = Limits(1.0, Clock())
    limits.recall(POST, "C1", [50.0, 40.0, 30.0])
    limits.recall("reactions.remove", "", [61.0] * 20)
    assert limits.room(POST, "C1") == (POST_BURST, 0.0)
    assert limits.room("reactions.remove")[0] > 1


def test_burst_that_is_refused_again_is_tried_ever_more_seldom() -> None:
    clock = Clock()
    limits = Limits(1.0, clock)
    pauses = []
    for _ in range(3):
        limits.refused(POST, "C1", 1.0)
        begin = clock.at
        while limits.room(POST, "C1")[0] < POST_BURST:
            clock.at += 1
        pauses.append(clock.at - begin)
    assert pauses == pytest.approx([62, 122, 242], abs=3)


@pytest.mark.slow
async def test_restart_in_the_middle_of_a_burst_does_not_begin_another_one(tmp_path: Path) -> None:
    async with served(SparseSlack()) as slack:
        async with running(slack, tmp_path, rate=1.0):
            customer = await Customer(slack.bot).arrives()
            for text in ("one", "two", "three", "four"):
                await customer.writes(text)
            await seen(lambda: len(slack.posted) >= POST_BURST)
        async with running(slack, tmp_path, rate=1.0):
            await seen(lambda: len(slack.posted) == 5)
        for first, begin in enumerate(slack.posted):
            for last, end in enumerate(slack.posted[first:], first):
                assert last - first + 1 <= POST_BURST + (end - begin) + 0.1
