"""The three ways in which the stand-in says no."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A Web API refusal: HTTP 200 with `ok: false` and this `error`; `extra` joins the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class RateLimitedError(ApiError):
    """HTTP 429 with a Retry-After header (Slack docs, rate limits)."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class DriverError(Exception):
    """A person could not have done that in a Slack client, or the app's manifest does not offer it."""


class ManifestError(ValueError):
    """Slack would refuse to save this app manifest."""
