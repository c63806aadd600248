"""Every way in which Slack says no, and what it means for the outbox."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from sahut_bot.bridges.teamchat.slack_errors import classify
from sahut_bot.errors import AuthFailed, Permanent, PlatformError, RateLimited, Transient, Uncertain


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> SlackApiError:
    response = AsyncSlackResponse(
        client=AsyncWebClient(token="xoxb-1", retry_handlers=[]),
        http_verb="POST",
        api_url="chat.postMessage",
        req_args={},
        data=data,
        headers=headers or {},
        status_code=status,
    )
    return SlackApiError("failed", response)


def refused(code: str, **more: Any) -> SlackApiError:
    return answer({"ok": False, "error": code} | more)


def judged(error: Exception, *, repeatable: bool = False) -> PlatformError:
    return classify(error, repeatable=repeatable, lang="en")


@pytest.mark.parametrize(
    "code", ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission"]
)
def test_a_refused_token_stops_the_account(code: str):
    assert isinstance(judged(refused(code)), AuthFailed)


def test_a_missing_scope_is_named():
    error = judged(refused("missing_scope", needed="chat:write.customize", provided="chat:write"))
    assert isinstance(error, AuthFailed)
    assert "chat:write.customize" in error.reason


@pytest.mark.parametrize("code", ["service_unavailable", "team_added_to_org", "org_login_required"])
def test_what_certainly_did_not_happen_comes_again_later(code: str):
    assert isinstance(judged(refused(code)), Transient)


@pytest.mark.parametrize("error", [refused("internal_error"), refused("fatal_error"), answer({}, 503), answer("", 502)])
def test_a_fault_inside_slack_is_uncertain_for_a_post_and_repeatable_for_an_update(error: SlackApiError):
    assert isinstance(judged(error), Uncertain)
    assert isinstance(judged(error, repeatable=True), Transient)


@pytest.mark.parametrize(
    "code", ["channel_not_found", "is_archived", "invalid_blocks", "msg_too_long", "message_not_found", "brand_new"]
)
def test_refusals_for_good_keep_slacks_own_word(code: str):
    error = judged(refused(code))
    assert isinstance(error, Permanent)
    assert error.code == code


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0", 0.5), ("soon", 30.0), ("nan", 30.0), (None, 30.0)])
def test_retry_after_is_obeyed(header: str | None, seconds: float):
    headers = {"retry-after": header} if header is not None else {}
    error = judged(answer({"ok": False, "error": "ratelimited"}, 429, headers))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_429_without_json_is_a_429():
    assert isinstance(judged(answer("slow down", 429, {"Retry-After": "2"})), RateLimited)


def test_an_answer_that_is_no_json_is_uncertain():
    assert isinstance(judged(SlackApiError("unreadable", object())), Uncertain)
    assert isinstance(judged(answer("<html>")), Uncertain)


def test_no_connection_means_certainly_not_done():
    key: Any = None
    assert isinstance(judged(aiohttp.ClientConnectorError(key, OSError("refused"))), Transient)
    assert isinstance(judged(aiohttp.ConnectionTimeoutError()), Transient)


@pytest.mark.parametrize(
    "error", [aiohttp.ServerDisconnectedError(), TimeoutError(), ConnectionResetError(), SlackRequestError("odd")]
)
def test_a_connection_lost_on_the_way_is_uncertain_for_a_post_only(error: Exception):
    assert isinstance(judged(error), Uncertain)
    assert isinstance(judged(error, repeatable=True), Transient)


def test_reasons_come_in_indonesian_too():
    assert classify(refused("is_archived"), repeatable=False, lang="id").reason.startswith("Channel Slack")
