"""Is everything in place for Slack? Each finding that fails says what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from sahut_bot.bridges.teamchat.slack_api import CONNECT, SlackApi
from sahut_bot.bridges.teamchat.slack_config import BOT_SCOPES, SlackConfig
from sahut_bot.errors import PlatformError, Transient, Uncertain
from sahut_bot.text.words import say
from sahut_bot.types import Instant

_SKEW = 60.0  # seconds; Slack's signatures are refused beyond 300


class Finding(NamedTuple):
    name: str
    ok: bool
    message: str
    fix: str = ""


async def examine(api: SlackApi, config: SlackConfig, now: Callable[[], Instant]) -> AsyncIterator[Finding]:
    """Token, scopes, clock, channels, and the way events come in, in this order; stops at a token that fails."""
    lang = config.lang
    try:
        told, headers = await api.headers()
    except PlatformError as error:
        yield Finding("token", False, error.reason, _fix(error, "slack.doctor.token.fix", lang))
        return
    yield Finding("token", True, say(lang, "slack.doctor.token", team=told.get("team") or told.get("team_id")))
    if "x-oauth-scopes" in headers:
        yield _scopes(headers["x-oauth-scopes"], lang)
    if "date" in headers:
        yield _clock(headers["date"], now(), lang)
    for channel in config.channels:
        yield await _channel(api, channel, lang)
    yield await _way_in(api, config)


def _fix(error: PlatformError, refused: str, lang: str) -> str:
    """`refused` helps where Slack said no; where nobody answered it would mislead."""
    return say(lang, "slack.doctor.away.fix" if isinstance(error, Transient | Uncertain) else refused)


def _scopes(granted: str, lang: str) -> Finding:
    missing = sorted(set(BOT_SCOPES) - {scope.strip() for scope in granted.split(",")})
    if missing:
        fix = say(lang, "slack.doctor.scopes.fix")
        return Finding("scopes", False, say(lang, "slack.doctor.scopes.missing", scopes=", ".join(missing)), fix)
    return Finding("scopes", True, say(lang, "slack.doctor.scopes"))


def _clock(date: str, now: Instant, lang: str) -> Finding:
    try:
        skew = abs(parsedate_to_datetime(date).timestamp() - now)
    except ValueError:
        skew = 0.0
    if skew > _SKEW:
        fix = say(lang, "slack.doctor.clock.fix")
        return Finding("clock", False, say(lang, "slack.doctor.clock.off", seconds=round(skew)), fix)
    return Finding("clock", True, say(lang, "slack.doctor.clock"))


async def _channel(api: SlackApi, channel: str, lang: str) -> Finding:
    name = f"channel {channel}"
    try:
        told = (await api.call("conversations.info", channel=channel)).get("channel")
    except PlatformError as error:
        return Finding(name, False, error.reason, _fix(error, "slack.doctor.channel.fix", lang))
    told = told if isinstance(told, Mapping) else {}
    if told.get("is_archived"):
        return Finding(name, False, say(lang, "slack.doctor.channel.archived"), say(lang, "slack.doctor.channel.fix"))
    if told.get("is_member") is False:
        return Finding(name, False, say(lang, "slack.doctor.channel.out"), say(lang, "slack.doctor.channel.fix"))
    return Finding(name, True, say(lang, "slack.doctor.channel", name=told.get("name") or channel))


async def _way_in(api: SlackApi, config: SlackConfig) -> Finding:
    lang = config.lang
    if not config.app_token:
        if config.signing_secret:
            return Finding("events", True, say(lang, "slack.doctor.http"))
        return Finding("events", False, say(lang, "slack.doctor.deaf"), say(lang, "slack.doctor.deaf.fix"))
    try:
        await api.call(CONNECT, app_token=config.app_token)
    except PlatformError as error:
        return Finding("events", False, error.reason, _fix(error, "slack.doctor.app_token.fix", lang))
    return Finding("events", True, say(lang, "slack.doctor.socket"))
