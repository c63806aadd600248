"""How an attempt at an outbox row ended, as the domain hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from sahut_bot.inbox.outbox import Claimed
from sahut_bot.types import Instant, Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """`result` is what the effect made; None when there was nothing (left) to do."""

    result: Any = None

    @property
    def sent(self) -> Sent | None:
        return self.result if isinstance(self.result, Sent) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """For good. `reason` in plain words; `code` the platform's own word."""

    reason: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """It may have happened, and nobody can tell."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """Not done for more than a minute; told once a row, which stays pending."""

    reason: str
    since: Instant


Outcome: TypeAlias = Done | Failed | Uncertain | Retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One row of a finishing batch. `effect` is what `load` made of it, None for nothing to do."""

    claimed: Claimed
    effect: Any
    outcome: Outcome
