"""Scripted faults: what the next calls to a method shall suffer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sahut_bot.sandbox.slack.model import Json


@dataclass(slots=True, eq=False, kw_only=True)
class Fault:
    """Without status, error and drop the call takes effect and is answered after `hang` seconds.

    `status` and `error` answer without any effect. `drop_before_effect` closes the socket with nothing done;
    `drop_after_effect` does it all and then closes the socket instead of answering.
    """

    status: int = 0
    error: str = ""
    retry_after: int = 1
    hang: float = 0.0
    drop_before_effect: bool = False
    drop_after_effect: bool = False
    times: int = 1
    match: Callable[[Json], bool] | None = None

    @property
    def has_effect(self) -> bool:
        return not (self.status or self.error or self.drop_before_effect)


@dataclass(slots=True, eq=False)
class FaultScript:
    planned: dict[str, list[Fault]] = field(default_factory=dict)

    def plan(self, method: str, fault: Fault) -> None:
        self.planned.setdefault(method, []).append(fault)

    def next(self, method: str, args: Json) -> Fault | None:
        """Uses up one turn of the first fault that fits."""
        faults = self.planned.get(method)
        if not faults:
            return None
        fault = next((one for one in faults if one.match is None or one.match(args)), None)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                faults.remove(fault)
        return fault

    def clear(self) -> None:
        self.planned.clear()
