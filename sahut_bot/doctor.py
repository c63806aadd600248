"""Checks what a run needs, before a customer finds out what is missing."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from sahut_bot import builders
from sahut_bot.errors import Busy, ConfigError
from sahut_bot.inbox import migrations
from sahut_bot.inbox.store import Store
from sahut_bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: `message` says what was seen, `fix` how to mend it."""

    name: str
    ok: bool
    message: str
    fix: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Every check, each of which may fail without stopping the others."""
    findings = [_settings(settings), await _database(settings), _public_url(settings), _clock(settings)]
    places = tuple(dict.fromkeys(channel.place for channel in builders.policy(settings).channels.values()))
    chat = builders.slack(settings, places or (settings.slack.channel or "",), time.time)
    if chat is not None:
        findings += [
            Finding(name=f"slack {name}", ok=ok, message=said, fix=fix) for name, ok, said, fix in await chat.doctor()
        ]
    return findings


def _settings(settings: Settings) -> Finding:
    try:
        settings.require_run()
    except ConfigError as error:
        return Finding(name="settings", ok=False, message=str(error), fix="See .env.example for every setting.")
    names = ", ".join(sorted(settings.channels))
    return Finding(name="settings", ok=True, message=f"complete; channels: {names}")


async def _database(settings: Settings) -> Finding:
    fix = "Check SAHUT_DATABASE_URL, and that the database runs and may be written to."
    try:
        await asyncio.to_thread(migrations.migrate, settings.database_url, settings.data_dir)
        store = Store.open(settings.database_url, settings.data_dir)
        await store.start()
        healthy = await store.healthy()
        await store.stop()
    except (Busy, ConfigError, OSError) as error:
        return Finding(name="database", ok=False, message=str(error) or type(error).__name__, fix=fix)
    return Finding(name="database", ok=healthy, message="reachable and up to date" if healthy else "away", fix=fix)


def _public_url(settings: Settings) -> Finding:
    if settings.public_url:
        return Finding(name="public url", ok=True, message=settings.public_url)
    said = "not set: no links to media, so no pictures of customers and no media by link"
    return Finding(name="public url", ok=True, message=said)


def _clock(settings: Settings) -> Finding:
    local = time.strftime("%Y-%m-%d %H:%M")
    return Finding(name="time zone", ok=True, message=f"{settings.timezone} (this machine says {local})")
