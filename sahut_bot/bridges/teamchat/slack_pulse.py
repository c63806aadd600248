"""How the connection stands: the worse of the way in (the socket), the way out (the Web API) and the channels.

After a refused token nothing is sent any more that could show that it works again, so the pulse asks by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sahut_bot.errors import AuthFailed, PlatformError, Transient, Uncertain
from sahut_bot.types import Health

_ASK_AGAIN = 30.0  # seconds
_BADNESS = (Health.CONNECTED, Health.STARTING, Health.DEGRADED, Health.BAD_CREDENTIALS, Health.STOPPED)


class Pulse:
    """`tell` hears each change of the whole."""

    def __init__(self, tell: Callable[[Health], None]) -> None:
        self._tell = tell
        self._health = Health.STARTING
        self._way_in = Health.STARTING
        self._way_out = Health.CONNECTED
        self._closed: set[str] = set()  # channels
        self._ill = asyncio.Event()

    def way_in(self, health: Health) -> None:
        self._way_in = health
        self._judge()

    def called(self, error: PlatformError | None) -> None:
        """A call of the Web API ended so. Refusals of one message say nothing about the connection."""
        if error is None:
            self._way_out = Health.CONNECTED
        elif isinstance(error, AuthFailed):
            self._way_out = Health.BAD_CREDENTIALS
        elif isinstance(error, Transient | Uncertain):
            self._way_out = Health.DEGRADED
        else:
            return
        if self._way_out is not Health.CONNECTED:
            self._ill.set()
        self._judge()

    def channel(self, channel: str, *, closed: bool) -> None:
        """What is posted there is taken again, or not: people must mend that."""
        (self._closed.add if closed else self._closed.discard)(channel)
        self._judge()

    def _judge(self) -> None:
        places = Health.DEGRADED if self._closed else Health.CONNECTED
        health = max(self._way_in, self._way_out, places, key=_BADNESS.index)
        if health is not self._health:
            self._health = health
            self._tell(health)

    async def watch(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Never returns. While the way out is bad, asks every now and then; `ask` reports to `called` itself."""
        while True:
            await self._ill.wait()
            await asyncio.sleep(_ASK_AGAIN)
            if self._way_out is not Health.CONNECTED:
                try:
                    await ask()
                except PlatformError:
                    continue
            self._ill.clear()
