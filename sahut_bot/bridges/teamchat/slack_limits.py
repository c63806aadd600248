"""How often each Slack method may be called, so that we use the limits fully and are never told to slow down.

Slack counts per method, app and workspace (docs, rate limits): tier 2 is 20 a minute, tier 3 is 50, tier 4 is 100;
posting is about one message a second per channel with short bursts, and some hundred a minute per workspace. Times
here are seconds of a steady clock, not wall time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

POST = "chat.postMessage"
POST_BURST = 2  # a new conversation's card and its first message
MINUTE = 60.5  # half a second more than Slack's, for requests that travel at different speeds
CHANNELS_AT_FULL_SPEED = 5  # the workspace's share of posting, in channels: 300 a minute by default
_CALM = 60.0  # seconds without a refusal after which a shrunken burst doubles again
_LONGEST_CALM = 3600.0

TIERS = {
    "chat.update": 50,
    "chat.delete": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "reactions.add": 50,
    "reactions.remove": 20,
    "chat.postEphemeral": 100,
    "users.info": 100,
    "conversations.members": 100,
    "views.open": 100,
    "views.update": 100,
    "views.publish": 100,
    "files.info": 100,
    "files.getUploadURLExternal": 100,
    "files.completeUploadExternal": 100,
}


class Meter(Protocol):
    """One limit. `wait` says in how many seconds the next call may start; `take` counts one that starts."""

    def wait(self, now: float) -> float: ...

    def room(self, now: float) -> int: ...

    def take(self, now: float) -> None: ...

    def refused(self, now: float, seconds: float) -> None: ...


class _Pause:
    """What a refusal does to a meter: nothing starts for a while, and bursts are smaller for some time, each time for
    longer, since a server that does not take them would say so again and again.
    """

    def __init__(self, burst: int) -> None:
        self._full = burst
        self._burst = burst
        self._until = 0.0
        self._grows_at = 0.0
        self._calm = _CALM

    def burst(self, now: float) -> int:
        while self._burst < self._full and now >= self._grows_at:
            self._burst = min(self._full, self._burst * 2)
            self._grows_at += _CALM
        return self._burst

    def wait(self, now: float) -> float:
        return max(0.0, self._until - now)

    def refused(self, now: float, seconds: float) -> None:
        self._burst = max(1, self.burst(now) // 2)
        self._until = max(self._until, now + seconds)
        self._grows_at = self._until + self._calm
        self._calm = min(self._calm * 2, _LONGEST_CALM)


class Window:
    """At most `limit` calls in any minute: half of them at once if need be, the rest spread until the first of them
    is a minute old. A plain bucket would have to give up its burst's worth of the limit to keep that promise.
    """

    def __init__(self, limit: int, span: float = MINUTE) -> None:
        self._limit = limit
        self._span = span
        self._taken: deque[float] = deque()
        self._pause = _Pause(limit // 2)

    def wait(self, now: float) -> float:
        self._forget(now)
        return max(self._pause.wait(now), self._own_wait(now))

    def room(self, now: float) -> int:
        if self.wait(now) > 0:
            return 0
        return max(1, self._pause.burst(now) - len(self._taken))

    def take(self, now: float) -> None:
        self._forget(now)
        self._taken.append(now)

    def refused(self, now: float, seconds: float) -> None:
        self._pause.refused(now, seconds)

    def _own_wait(self, now: float) -> float:
        used = len(self._taken)
        if used < self._pause.burst(now):
            return 0.0
        first_leaves = self._taken[0] + self._span
        if used >= self._limit:
            return first_leaves - now
        step = (first_leaves - self._taken[-1]) / (self._limit - used + 1)
        return max(0.0, self._taken[-1] + step - now)

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0] + self._span <= now:
            self._taken.popleft()


class Bucket:
    """`rate` calls a second on the long run, `burst` of them at once after a pause. A rate of 0 sets no limit."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate * 0.99  # clocks and roads differ
        self._pause = _Pause(burst)
        self._tokens = float(burst)
        self._at = 0.0

    def wait(self, now: float) -> float:
        self._fill(now)
        missing = 1.0 - self._tokens
        own = missing / self._rate if self._rate and missing > 1e-9 else 0.0
        return max(self._pause.wait(now), own)

    def room(self, now: float) -> int:
        if self.wait(now) > 0:
            return 0
        return int(self._tokens + 1e-9) if self._rate else self._pause.burst(now)

    def take(self, now: float) -> None:
        self._fill(now)
        self._tokens -= 1.0

    def refused(self, now: float, seconds: float) -> None:
        self._pause.refused(now, seconds)
        self._tokens = min(self._tokens, 1.0)

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._at) * self._rate
        self._tokens = min(float(self._pause.burst(now)), self._tokens + gained)
        self._at = max(self._at, now)


class Limits:
    """All meters of one app in one workspace. Methods without a documented tier (auth.test, …) only obey refusals; so
    does everything where `posts_per_second` is 0, which leaves pacing to the server.
    """

    def __init__(self, posts_per_second: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rate = posts_per_second
        self._workspace = Bucket(posts_per_second * CHANNELS_AT_FULL_SPEED, POST_BURST * CHANNELS_AT_FULL_SPEED)
        self._channels: dict[str, Bucket] = {}
        self._methods: dict[str, Meter] = {}

    def room(self, method: str, place: str = "") -> tuple[int, float]:
        """How many calls may start now, and in how many seconds the next one may (0.0 = now)."""
        now = self._clock()
        meters = self._meters(method, place)
        return min(meter.room(now) for meter in meters), max(meter.wait(now) for meter in meters)

    def take(self, method: str, place: str = "") -> float:
        """Counts a call that starts now and returns 0.0, or counts nothing and returns the seconds to wait."""
        now = self._clock()
        meters = self._meters(method, place)
        wait = max(meter.wait(now) for meter in meters)
        if wait == 0.0:
            for meter in meters:
                meter.take(now)
        return wait

    async def acquire(self, method: str, place: str = "", spare: int = 0) -> None:
        """Waits until a call may start, and counts it. With `spare`, leaves that much room to calls more urgent."""
        while True:
            room, wait = self.room(method, place)
            if room > spare and self.take(method, place) == 0.0:
                return
            await asyncio.sleep(max(wait, 1.0 if room else 0.001))

    def recall(self, method: str, place: str, ago: Iterable[float]) -> None:
        """Counts calls of an earlier life, made so many seconds ago: Slack has not forgotten them."""
        now = self._clock()
        for seconds in sorted(ago, reverse=True):
            for meter in self._meters(method, place):
                meter.take(now - seconds)

    def refused(self, method: str, place: str, retry_after: float) -> None:
        """Slack said 429: that method (posting: in that channel) rests for `retry_after` seconds."""
        self._meters(method, place)[0].refused(self._clock(), retry_after)

    def _meters(self, method: str, place: str) -> tuple[Meter, ...]:
        if method == POST:
            if place not in self._channels:
                self._channels[place] = Bucket(self._rate, POST_BURST if self._rate else 1000)
            return (self._channels[place], self._workspace) if self._rate else (self._channels[place],)
        if method not in self._methods:
            tier = TIERS.get(method) if self._rate else None
            self._methods[method] = Window(tier) if tier else Bucket(0.0, 1000)
        return (self._methods[method],)
