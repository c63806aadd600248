"""What follows from one attempt to send: five classes of errors, one reaction to each (design 4.7). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from sahut_bot import errors
from sahut_bot.types import Instant, Resend

TOLD_AFTER = 60.0  # a retry that lasts longer is said in the thread
MAX_AGE = 24 * 3600.0
_LONGEST = 300.0
_FEW = 4  # attempts before a bug counts as final, and before age ends a row


@dataclass(frozen=True, slots=True)
class Done:
    """The platform accepted it, or there was nothing to do (`sent` is None).

    `more`: that was not all of the row (its thread was opened, one part of several went). It keeps its place in the
    lane, is due at once and has no attempt counted.
    """

    sent: Any
    more: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Certainly not sent, and not tried again. `code` is the platform's own word, if it had one."""

    reason: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It may have been sent, and nobody can tell."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """Not yet sent though due since `since`; told once for each row."""

    reason: str
    since: Instant


@dataclass(frozen=True, slots=True)
class Retry:
    """Again in `after` seconds. `doubt`: this attempt may have got through."""

    after: float
    reason: str
    doubt: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Not the row's fault and no attempt of its own: it is due again as soon as its target is."""

    reason: str
    doubt: bool


Outcome: TypeAlias = Done | Failed | Uncertain | Retrying
Verdict: TypeAlias = Done | Failed | Uncertain | Retry | Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`attempts` counts this one; `age` is seconds since it was due first; `doubt`: an earlier one may have sent it."""

    attempts: int
    age: float
    resend: Resend
    doubt: bool = False


def decide(error: Exception, attempt: Attempt, *, jitter: float, max_age: float = MAX_AGE) -> Verdict:
    """`jitter` is a number from 0 to 1. What is no `PlatformError` is a bug: tried a few times, then failed."""
    match error:
        case errors.Permanent():
            return Failed(error.reason, error.code)
        case errors.RateLimited() | errors.AuthFailed():
            return Pause(error.reason, attempt.doubt)
        case errors.Uncertain():
            if attempt.resend is Resend.NEVER:
                return Uncertain(error.reason)
            return _again(error.reason, attempt, jitter, max_age, doubt=True)
        case errors.PlatformError():
            return _again(error.reason, attempt, jitter, max_age, doubt=attempt.doubt)
    if attempt.attempts >= _FEW:
        return Failed("internal error", "bug")
    # A bug may strike after the request left, so the next attempt looks first where that is possible.
    return Retry(backoff(attempt.attempts, jitter), "internal error", attempt.resend is not Resend.NEVER)


def backoff(attempts: int, jitter: float) -> float:
    """Doubles from about a second to five minutes; jitter takes up to half, so that a crowd spreads."""
    return float(min(2.0 ** min(attempts - 1, 10), _LONGEST)) * (1.0 - jitter / 2)


def _again(reason: str, attempt: Attempt, jitter: float, max_age: float, *, doubt: bool) -> Verdict:
    # A row that waited long behind another still gets its few attempts.
    if attempt.age < max_age or attempt.attempts < _FEW:
        return Retry(backoff(attempt.attempts, jitter), reason, doubt)
    return Uncertain(reason) if doubt else Failed(reason, "too_old")
