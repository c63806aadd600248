"""The exception tree. Every failure has one class, and each class has one reaction (see `dispatcher`)."""

from __future__ import annotations


class SahutError(Exception):
    """Root of everything this program raises on purpose."""


class UserError(SahutError):
    """A person asked for something that cannot be done.

    `key` names a line of the locale files and `params` fill it; the text is shown to that person alone.
    """

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class ConfigError(SahutError):
    """The settings do not hold: refuse to start. The message is one line with the way out."""


class Busy(SahutError):
    """The store's queue is full or its database is away: answer 503, the platform tries again."""


class NotAuthentic(SahutError):
    """A request whose signature, token or origin does not prove its sender. Nothing of it is stored."""


class NotUnderstood(SahutError):
    """An authentic body that we cannot read. It is kept raw so that it can be replayed after a fix."""


class PlatformError(SahutError):
    """Raised by adapters alone. `reason` is plain words for the agent, never a secret or a message body."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Transient(PlatformError):
    """Certainly not done; may work later (network away, 5xx before the effect). Backed off with jitter."""


class RateLimited(PlatformError):
    """Certainly not done; the platform says when to come back. Pauses that bucket for `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PlaceClosed(RateLimited):
    """The channel takes nothing now, and people must mend that: it is archived, or the bot is not in it. Rows wait."""


class AuthFailed(PlatformError):
    """The account's credentials do not work. Claiming stops, health says so, one alert goes out."""


class Permanent(PlatformError):
    """Refused for good. `code` is the platform's own word, so that a caller may react to it."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


class Uncertain(PlatformError):
    """The request left and no answer came: it may have happened. Settled by the target's `resend` capability."""
