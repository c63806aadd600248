"""Which visitors are here now in this process, what wakes them, and when they left.

The memory of one process and no truth: when a visitor was last here is written to the store every few seconds.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from sahut_bot.bridges.channels.livechat import LiveChat
from sahut_bot.bridges.channels.livechat_visitor import Visitor
from sahut_bot.errors import Busy
from sahut_bot.inbox import visitors
from sahut_bot.inbox.store import EVERYTHING, Store
from sahut_bot.types import Instant

WRITE_SECONDS = 15.0
_REMEMBERED = 20_000
log = structlog.get_logger(__name__)


class Visit:
    """An open socket or a waiting poll. `woken` is set when there may be something to show."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.typing: float | None = None

    def take_typing(self) -> float | None:
        """The seconds of the last typing that came since the last call; 0 = no longer."""
        seconds, self.typing = self.typing, None
        return seconds

    def on_typing(self, seconds: float) -> None:
        self.typing = seconds
        self.woken.set()


class Presence:
    """`closing` turns true when the server stops: all visits are woken, and must end."""

    def __init__(self, store: Store, now: Callable[[], Instant]) -> None:
        self.closing = False
        self._store = store
        self._now = now
        self._visits: dict[tuple[str, str], list[Visit]] = {}
        self._topics: dict[str, tuple[str, str]] = {}
        self._left: dict[tuple[str, str], Instant] = {}
        store.on_signal(self._rang)

    @contextmanager
    def visit(self, channel: LiveChat, visitor: Visitor) -> Iterator[Visit]:
        """The visitor is here while this is open."""
        visit = Visit()
        keys = [(channel.name, identity) for identity in visitor.identities]
        deafen = [channel.watch(identity, visit.on_typing) for identity in visitor.identities]
        for key in keys:
            self._visits.setdefault(key, []).append(visit)
            self._topics[visitors.topic(*key)] = key
            self._left.pop(key, None)
        try:
            yield visit
        finally:
            for stop in deafen:
                stop()
            for key in keys:
                self._leave(key, visit)

    def _leave(self, key: tuple[str, str], visit: Visit) -> None:
        others = self._visits[key]
        others.remove(visit)
        if not others:
            del self._visits[key], self._topics[visitors.topic(*key)]
            self._left[key] = self._now()

    def visits(self, channel: str, external_id: str) -> int:
        """How many sockets and polls a visitor has open here."""
        return len(self._visits.get((channel, external_id), ()))

    def last_seen(self, channel: str, external_id: str) -> Instant | None:
        """Now for who is here, the time of leaving for who just left; else None: ask the store."""
        key = (channel, external_id)
        return self._now() if key in self._visits else self._left.get(key)

    def _rang(self, topic: str) -> None:
        if topic == EVERYTHING:
            self.wake_all()
        elif key := self._topics.get(topic):
            for visit in self._visits[key]:
                visit.woken.set()

    def wake_all(self) -> None:
        for visits in self._visits.values():
            for visit in visits:
                visit.woken.set()

    def close(self) -> None:
        self.closing = True
        self.wake_all()

    async def write(self) -> None:
        """Tells the store who is here and who left since the last time."""
        now = self._now()
        left, self._left = self._left, {}
        seen = [(*key, at) for key, at in {**left, **dict.fromkeys(self._visits, now)}.items()]
        if not seen:
            return
        try:
            await self._store.write(visitors.saw, seen)
        except Busy:
            self._left = {**left, **self._left}
            log.warning("livechat.presence_not_written", visitors=len(seen))

    async def run(self) -> None:
        """Writes every few seconds until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()


class Confirmed:
    """Up to where visitors have confirmed, so that a poll that repeats its cursor costs no query. Bounded."""

    def __init__(self) -> None:
        self._upto: OrderedDict[tuple[str, str], int] = OrderedDict()

    def is_news(self, key: tuple[str, str], upto: int) -> bool:
        return upto > self._upto.get(key, 0)

    def note(self, key: tuple[str, str], upto: int) -> None:
        self._upto[key] = upto
        self._upto.move_to_end(key)
        if len(self._upto) > _REMEMBERED:
            self._upto.popitem(last=False)
