"""From what Slack or the network answered to one of the error classes (docs, chat.postMessage and common errors).

The one question that matters for a post: did it certainly not happen, or may it have happened?
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError

from sahut_bot.errors import AuthFailed, Permanent, PlaceClosed, PlatformError, RateLimited, Transient, Uncertain
from sahut_bot.text.words import say

THREAD_LOST = "thread_lost"
log = structlog.get_logger(__name__)

_CREDENTIALS = frozenset((
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission",
    "accesslimited", "access_denied", "not_allowed_token_type", "invalid_app", "app_uninstalled",
))  # fmt: skip
_LATER = frozenset(("service_unavailable", "team_added_to_org", "org_login_required", "team_access_not_granted"))
_UNKNOWN_OUTCOME = frozenset(("internal_error", "fatal_error", "request_timeout"))
_SLOW_DOWN = frozenset(("ratelimited", "rate_limited", "message_limit_exceeded"))
_PLACE = frozenset((
    "channel_not_found", "not_in_channel", "is_archived", "ekm_access_denied", "messages_tab_disabled",
    "user_not_in_channel",
))  # fmt: skip
_CONTENT = frozenset((
    "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "no_text",
    "too_many_attachments", "metadata_too_large", "metadata_must_be_sent_from_app", "markdown_text_conflict",
    "too_many_contact_cards", "invalid_arguments", "invalid_name",
))  # fmt: skip
THREAD_GONE = frozenset((
    "message_not_found", "thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked",
))  # fmt: skip
CHANNEL_CLOSED = frozenset(("channel_not_found", "not_in_channel", "is_archived", "ekm_access_denied"))
_CLOSED_FOR = 60.0  # seconds until it is tried again
_RETRY_AFTER = 30.0  # Slack always names a time; a server that does not gets this much
_LONGEST_REST = 3600.0


def classify(error: Exception, *, repeatable: bool, lang: str) -> PlatformError:
    """The class of a failed Web API call. `repeatable`: doing it again has no second effect (chat.update, reads),
    so an unknown outcome is as good as none.
    """
    if isinstance(error, PlatformError):
        return error
    if isinstance(error, SlackApiError):
        return _answered(error.response, repeatable=repeatable, lang=lang)
    if isinstance(error, SlackClientError):
        return _unsure(repeatable=repeatable, lang=lang)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Transient(say(lang, "slack.error.away"))  # no connection: the request was never written
    return _unsure(repeatable=repeatable, lang=lang)


def _answered(response: Any, *, repeatable: bool, lang: str) -> PlatformError:
    status = _status(response)
    body = _body(response)
    code = str(body.get("error") or "")
    if status == 429 or code in _SLOW_DOWN:
        return RateLimited(say(lang, "slack.error.slow_down"), _retry_after(getattr(response, "headers", None)))
    if code in _LATER:
        return Transient(say(lang, "slack.error.away"))
    if code in _UNKNOWN_OUTCOME or status >= 500 or not code:
        return _unsure(repeatable=repeatable, lang=lang)
    if code == "missing_scope":
        return AuthFailed(say(lang, "slack.error.scope", needed=str(body.get("needed") or "?")))
    if code in _CREDENTIALS:
        return AuthFailed(say(lang, "slack.error.credentials", code=code))
    return Permanent(_reason(code, lang), code)


def _reason(code: str, lang: str) -> str:
    if code in _PLACE or code.startswith("restricted_action"):
        return say(lang, "slack.error.place", code=code)
    if code in _CONTENT or code.startswith("invalid_metadata"):
        return say(lang, "slack.error.content", code=code)
    return say(lang, "slack.error.other", code=code)


def _unsure(*, repeatable: bool, lang: str) -> PlatformError:
    if repeatable:
        return Transient(say(lang, "slack.error.away"))
    return Uncertain(say(lang, "slack.error.unsure"))


def refused(error: Permanent, lang: str) -> PlatformError:
    """What a refusal means to something that must be posted: only its content may make it fail for good."""
    if error.code in THREAD_GONE:
        return thread_lost(lang)
    if is_closed(error):
        log.warning("slack.channel_closed", code=error.code)
        return PlaceClosed(error.reason, _CLOSED_FOR)
    return error


def is_closed(error: PlatformError) -> bool:
    """Whether the channel takes nothing at all: archived, restricted, or the bot is not in it."""
    if not isinstance(error, Permanent) or error.code in THREAD_GONE:
        return False
    return error.code in CHANNEL_CLOSED or error.code.startswith("restricted_action")


def thread_lost(lang: str) -> Permanent:
    """The thread's first message is gone, or the thread takes no replies any more."""
    return Permanent(say(lang, "slack.error.thread"), THREAD_LOST)


def _status(response: Any) -> int:
    """The SDK hands over its own answer object, or aiohttp's where the body was no JSON."""
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return status if isinstance(status, int) else 200


def _body(response: Any) -> Mapping[str, Any]:
    data = getattr(response, "data", response)
    if isinstance(data, str | bytes):
        try:
            data = json.loads(data)
        except ValueError:
            return {}
    return data if isinstance(data, Mapping) else {}


def _retry_after(headers: Mapping[str, str] | None) -> float:
    value = {key.lower(): text for key, text in (headers or {}).items()}.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        return _RETRY_AFTER
    return min(max(seconds, 0.5), _LONGEST_REST) if seconds == seconds else _RETRY_AFTER
