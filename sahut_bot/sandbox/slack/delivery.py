"""How events travel to the app: at least once, three retries, in no promised order (Slack docs, Events API)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack.model import Ack, Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace


@dataclass(slots=True, eq=False, kw_only=True)
class Switches:
    """Ways in which delivery may go wrong. Times are seconds.

    `retry_delays` are Slack's: at once, after a minute, after five; tests shorten them. `swap` lets each two
    neighbouring events change places, so that a reply comes before its parent. `offline` cuts the network between
    Slack and the app: what its retries do not outlive is lost.
    """

    duplicate: bool = False
    delay: float = 0.0
    swap: bool = False
    offline: bool = False
    ack_timeout: float = 3.0
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)


@dataclass(slots=True, eq=False)
class Pending:
    """An event on its way."""

    envelope: Json
    attempt: int = 0
    reason: str = ""
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class Attempt:
    """One try, as it went out: for asserts on retries."""

    event_id: str
    number: int
    reason: str
    outcome: str = field(default="sent")


class Delivery(ABC):
    """The part that both ways share. `attempts` records every try."""

    def __init__(self, workspace: SlackWorkspace, switches: Switches) -> None:
        self.ws = workspace
        self.switches = switches
        self.attempts: list[Attempt] = []
        self._pending: set[Pending] = set()
        self._held: list[Json] | None = None
        self._waiting: Json | None = None
        self._flush: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ for the workspace

    def event(self, envelope: Json) -> None:
        if self._held is not None:
            self._held.append(envelope)
        elif self.switches.swap:
            self._swap(envelope)
        else:
            self._start(envelope)

    async def interact(self, kind: str, payload: Json) -> Ack:
        """One try only; the app has `ack_timeout` to answer."""
        if self.switches.offline:
            return Ack(ok=False, reason="the app cannot be reached")
        return await self._ask(kind, payload)

    # ------------------------------------------------------------ for tests

    @property
    def idle(self) -> bool:
        """Nothing is held, under way or waiting for a retry."""
        return not self._pending and not self._held and self._waiting is None

    def hold(self) -> None:
        """Keeps events back until `release`."""
        self._held = []

    def release(self, *, reverse: bool = False) -> None:
        held, self._held = self._held or [], None
        for envelope in reversed(held) if reverse else held:
            self._start(envelope)

    def redeliver(self, event_id: str) -> None:
        """Sends an event again that was acknowledged long ago."""
        self._start(next(one for one in self.ws.events if one["event_id"] == event_id))

    def close(self) -> None:
        for pending in self._pending:
            if pending.timer is not None:
                pending.timer.cancel()
        self._pending.clear()
        if self._flush is not None:
            self._flush.cancel()

    # ------------------------------------------------------------ the life of an event

    def _swap(self, envelope: Json) -> None:
        if self._waiting is None:
            self._waiting = envelope
            self._flush = asyncio.get_running_loop().call_later(0.2, self._unswap)
        else:
            self._start(envelope)
            self._unswap()

    def _unswap(self) -> None:
        waiting, self._waiting = self._waiting, None
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if waiting is not None:
            self._start(waiting)

    def _start(self, envelope: Json) -> None:
        for _ in range(2 if self.switches.duplicate else 1):
            pending = Pending(envelope)
            self._pending.add(pending)
            if self.switches.delay:
                self._later(pending, self.switches.delay)
            else:
                self._attempt(pending)

    def _later(self, pending: Pending, seconds: float) -> None:
        pending.timer = asyncio.get_running_loop().call_later(seconds, self._attempt, pending)

    def _attempt(self, pending: Pending) -> None:
        attempt = Attempt(pending.envelope["event_id"], pending.attempt, pending.reason)
        self.attempts.append(attempt)
        if self.switches.offline:
            self.failed(pending, attempt, "timeout")
        else:
            self._send(pending, attempt)

    def done(self, pending: Pending, attempt: Attempt) -> None:
        if pending.timer is not None:
            pending.timer.cancel()
        attempt.outcome = "acknowledged"
        self._pending.discard(pending)
        self.ws.touch("acknowledged", event_id=attempt.event_id)

    def failed(self, pending: Pending, attempt: Attempt, reason: str, *, give_up: bool = False) -> None:
        attempt.outcome = reason
        if pending not in self._pending:
            return
        if give_up or pending.attempt >= len(self.switches.retry_delays):
            self._pending.discard(pending)
            self.ws.lost_events.append(pending.envelope)
            self.ws.touch("lost", event_id=attempt.event_id)
            return
        self._later(pending, self.switches.retry_delays[pending.attempt])
        pending.attempt += 1
        pending.reason = reason

    @abstractmethod
    def _send(self, pending: Pending, attempt: Attempt) -> None: ...

    @abstractmethod
    async def _ask(self, kind: str, payload: Json) -> Ack: ...
