"""Slack's rate limits: per method, and for chat.postMessage per channel.

Slack docs, rate limits: tiers of 1, 20, 50 and 100 a minute; chat.postMessage about one a second per channel with short
bursts, several hundred a minute per workspace; 429 carries Retry-After in whole seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sahut_bot.sandbox.slack.failure import RateLimitedError

SPECIAL = 0  # a tier of its own, very high
_LEAST_BURST = 10  # even tier 1 lets an app open its ten sockets at once
TIERS: Mapping[int, float] = {SPECIAL: 600, 1: 1, 2: 20, 3: 50, 4: 100}


@dataclass(slots=True)
class _Bucket:
    room: float
    at: float
    closed_until: float = 0.0


@dataclass(slots=True, eq=False, kw_only=True)
class RateLimits:
    """Token buckets over a monotonic `clock`. A tier's burst is one minute's worth unless `tier_burst` says less.

    `violations` counts refusals by these limits; `ignored_waits` counts calls made before a Retry-After was over,
    scripted ones included.
    """

    clock: Callable[[], float]
    enabled: bool = True
    posts_per_second: float = 1.0
    post_burst: int = 5
    posts_per_minute: float = 300.0
    per_minute: Mapping[int, float] = field(default_factory=lambda: dict(TIERS))
    tier_burst: int = 0
    violations: int = 0
    ignored_waits: int = 0
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def check(self, method: str, tier: int, channel: str) -> None:
        """Raises `RateLimitedError` when the call comes too early."""
        for key, rate, burst in self._rules(method, tier, channel):
            bucket = self._buckets.get(key)
            if bucket is not None and bucket.closed_until > self.clock():
                self.ignored_waits += 1
                raise RateLimitedError(_whole(bucket.closed_until - self.clock()))
            if self.enabled:
                self._take(key, rate, burst)

    def close(self, method: str, channel: str, seconds: float) -> None:
        """A scripted 429 told the app to wait: calls before that are counted."""
        key = f"{method}:{channel}" if method == "chat.postMessage" else method
        bucket = self._buckets.setdefault(key, _Bucket(room=1.0, at=self.clock()))
        bucket.closed_until = self.clock() + seconds

    def _rules(self, method: str, tier: int, channel: str) -> list[tuple[str, float, float]]:
        if method == "chat.postMessage":
            workspace = self.posts_per_minute
            return [
                (f"{method}:{channel}", self.posts_per_second, self.post_burst),
                (method, workspace / 60, workspace),
            ]
        limit = self.per_minute[tier]
        return [(method, limit / 60, self.tier_burst or max(_LEAST_BURST, limit))]

    def _take(self, key: str, rate: float, burst: float) -> None:
        now = self.clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(room=burst, at=now)
        bucket.room = min(burst, bucket.room + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.room < 1:
            self.violations += 1
            seconds = _whole((1 - bucket.room) / rate)
            bucket.closed_until = now + seconds
            raise RateLimitedError(seconds)
        bucket.room -= 1


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
