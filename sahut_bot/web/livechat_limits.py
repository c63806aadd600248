"""How much one visitor and one address may ask of us: token buckets in memory, bounded, forgotten on restart."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

KEPT = 20_000
"""Buckets kept per kind; the ones that were used longest ago go first, and they are the full ones."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Far above what a person does, far below what hurts. The `_ip` ones count all visitors of one public address."""

    messages: Rate = Rate(400, 4)
    messages_ip: Rate = Rate(1200, 20)
    uploads: Rate = Rate(20, 0.2)
    uploads_ip: Rate = Rate(100, 1)
    sessions_ip: Rate = Rate(120, 1)
    reads: Rate = Rate(200, 10)
    sockets: int = 10  # open at once for one visitor


class Buckets:
    """One kind of thing that is counted, by whom it is counted for."""

    def __init__(self, rate: Rate, now: Callable[[], float], kept: int = KEPT) -> None:
        self._rate = rate
        self._now = now
        self._kept = kept
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> int:
        """0 when one more is fine (and counted), else the whole seconds after which it will be."""
        now = self._now()
        rate = self._rate
        left, at = self._buckets.pop(key, (rate.burst, now))
        left = min(rate.burst, left + max(0.0, now - at) * rate.per_second)
        self._buckets[key] = (left - 1.0 if left >= 1.0 else left, now)
        if len(self._buckets) > self._kept:
            self._buckets.popitem(last=False)
        return 0 if left >= 1.0 else max(1, math.ceil((1.0 - left) / rate.per_second))


class Gate:
    """All the buckets. Each method answers like `Buckets.take`."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self.limits = limits
        self._messages = Buckets(limits.messages, now)
        self._messages_ip = Buckets(limits.messages_ip, now)
        self._uploads = Buckets(limits.uploads, now)
        self._uploads_ip = Buckets(limits.uploads_ip, now)
        self._sessions_ip = Buckets(limits.sessions_ip, now)
        self._reads = Buckets(limits.reads, now)

    def session(self, address: str) -> int:
        home = household(address)
        return self._sessions_ip.take(home) if home else 0

    def message(self, visitor: str, address: str) -> int:
        home = household(address)
        return self._messages.take(visitor) or (self._messages_ip.take(home) if home else 0)

    def upload(self, visitor: str, address: str) -> int:
        home = household(address)
        return self._uploads.take(visitor) or (self._uploads_ip.take(home) if home else 0)

    def read(self, visitor: str) -> int:
        return self._reads.take(visitor)


@lru_cache(maxsize=4096)
def household(address: str) -> str:
    """What one customer's line is known by: the IPv4 address, or the first half of the IPv6 one.

    Empty for loopback and private addresses. They may stand for a proxy that does not say whom it speaks for, and
    counting all its visitors as one would let a single one lock out the others.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    if not ip.is_global:
        return ""
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
