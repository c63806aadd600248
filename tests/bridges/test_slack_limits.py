"""Slack's rate limits: used fully, never broken."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.bridges.teamchat.slack_limits import POST, POST_BURST, TIERS, Limits


class Clock:
    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def greedy(limits: Limits, clock: Clock, seconds: float, method: str, place: str = "") -> list[float]:
    """Calls as soon as it may, for so long."""
    end = clock.at + seconds
    calls = []
    while clock.at < end:
        wait = limits.take(method, place)
        if wait == 0.0:
            calls.append(clock.at)
        clock.at += wait
    return calls


def most_in(calls: list[float], span: float) -> int:
    return max(sum(1 for other in calls if start <= other < start + span) for start in calls)


@pytest.mark.parametrize(("method", "tier"), TIERS.items())
def test_a_tier_is_used_fully_and_never_broken(method: str, tier: int):
    clock = Clock()
    calls = greedy(Limits(1.0, clock), clock, 600.0, method)
    assert most_in(calls, 60.0) <= tier
    assert len(calls) >= 0.95 * tier * 10


@pytest.mark.parametrize("rate", [0.5, 1.0, 4.0])
def test_posting_keeps_the_pace_of_its_channel_and_uses_it(rate: float):
    clock = Clock()
    calls = greedy(Limits(rate, clock), clock, 600.0, POST, "C1")
    for span in (1.0, 10.0, 60.0):
        assert most_in(calls, span) <= POST_BURST + rate * span
    assert len(calls) >= 0.95 * rate * 600


def test_after_half_a_tier_at_once_no_wait_is_longer_than_a_few_seconds():
    clock = Clock()
    calls = greedy(Limits(1.0, clock), clock, 600.0, "chat.update")
    assert calls[24] == calls[0]
    assert max(later - earlier for earlier, later in itertools.pairwise(calls)) < 3.0


@given(
    method=st.sampled_from(sorted(TIERS)),
    pauses=st.lists(st.floats(0.0, 90.0), min_size=1, max_size=400),
)
def test_no_pattern_of_calls_breaks_a_tier(method: str, pauses: list[float]):
    clock = Clock()
    limits = Limits(1.0, clock)
    calls = []
    for pause in pauses:
        clock.at += pause
        if limits.take(method) == 0.0:
            calls.append(clock.at)
        clock.at += min(limits.room(method)[1], pause)
    assert most_in(calls, 60.0) <= TIERS[method]


@given(pauses=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=300), spans=st.floats(0.1, 60.0))
def test_no_pattern_of_posts_breaks_the_pace(pauses: list[float], spans: float):
    clock = Clock()
    limits = Limits(1.0, clock)
    calls = []
    for pause in pauses:
        clock.at += pause
        if limits.take(POST, "C1") == 0.0:
            calls.append(clock.at)
    if calls:
        assert most_in(calls, spans) <= POST_BURST + spans + 1e-6


def test_channels_do_not_share_their_pace_but_the_workspace_has_one():
    clock = Clock()
    limits = Limits(1.0, clock)
    assert [limits.take(POST, "C1") for _ in range(POST_BURST)] == [0.0] * POST_BURST
    assert limits.take(POST, "C1") > 0
    assert limits.take(POST, "C2") == 0.0
    taken = [limits.take(POST, f"C{number}") for number in range(10, 60)]
    assert 0.0 < max(taken) < 1.0


def test_room_says_what_may_start_now_and_when_the_next_may():
    clock = Clock()
    limits = Limits(1.0, clock)
    assert limits.room(POST, "C1") == (POST_BURST, 0.0)
    for _ in range(POST_BURST):
        limits.take(POST, "C1")
    room, wait = limits.room(POST, "C1")
    assert room == 0
    assert wait == pytest.approx(1.0, abs=0.05)
    clock.at += wait
    assert limits.room(POST, "C1") == (1, 0.0)


def test_a_refusal_rests_that_method_in_that_channel_alone():
    clock = Clock()
    limits = Limits(1.0, clock)
    limits.refused(POST, "C1", 30.0)
    limits.refused("chat.update", "C1", 7.0)
    assert limits.room(POST, "C1") == (0, 30.0)
    assert limits.room("chat.update", "C9") == (0, 7.0)
    assert limits.room(POST, "C2")[1] == 0.0
    assert limits.room("reactions.add")[1] == 0.0
    clock.at += 30.0
    assert limits.take(POST, "C1") == 0.0


def burst_of(limits: Limits, method: str, place: str) -> int:
    count = 0
    while limits.take(method, place) == 0.0:
        count += 1
    return count


@pytest.mark.parametrize(("method", "full"), [(POST, POST_BURST), ("chat.update", 25)])
def test_bursts_shrink_after_a_refusal_and_grow_back(method: str, full: int):
    clock = Clock()
    limits = Limits(1.0, clock)
    assert burst_of(limits, method, "C1") == full
    clock.at += 100
    limits.refused(method, "C1", 5.0)
    clock.at += 5
    assert burst_of(limits, method, "C1") == full // 2
    clock.at += 400
    assert burst_of(limits, method, "C1") == full


@pytest.mark.parametrize("method", [POST, "reactions.remove"])
def test_no_pacing_of_ours_when_the_setting_is_zero_but_a_refusal_is_obeyed(method: str):
    clock = Clock()
    limits = Limits(0.0, clock)
    assert all(limits.take(method, "C1") == 0.0 for _ in range(5000))
    limits.refused(method, "C1", 3.0)
    assert limits.room(method, "C1") == (0, 3.0)
    clock.at += 3.0
    assert limits.take(method, "C1") == 0.0


def test_methods_without_a_tier_are_not_held_back():
    clock: Callable[[], float] = Clock()
    limits = Limits(1.0, clock)
    assert all(limits.take("auth.test") == 0.0 for _ in range(500))


async def test_who_waits_gets_in_when_its_time_comes():
    limits = Limits(50.0, time.monotonic)
    started = time.monotonic()
    for _ in range(POST_BURST + 5):
        await limits.acquire(POST, "C1")
    assert 0.09 <= time.monotonic() - started < 1.0
