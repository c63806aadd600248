"""Checks what a run needs, before a customer finds out what is missing. Each line that fails says how to mend it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from sahut_bot import builders
from sahut_bot.bridges.http import is_loopback
from sahut_bot.errors import Busy, ConfigError
from sahut_bot.inbox import migrations
from sahut_bot.inbox.store import Store
from sahut_bot.settings import Settings

LEAST_FREE = 512 * 1024 * 1024  # bytes: a few files of customers, and the database's own journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: `message` says what was seen, `fix` how to mend it."""

    name: str
    ok: bool
    message: str
    fix: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Every check, each of which may fail without stopping the others."""
    folder = await asyncio.to_thread(_data_dir, settings.data_dir)
    findings = [_settings(settings), folder]
    if folder.ok:
        findings += [await asyncio.to_thread(_space, settings.data_dir), await _database(settings)]
    findings += [_admins(settings), _public_url(settings), _time_zone(settings)]
    channels = builders.policy(settings).channels.values()
    places = tuple(dict.fromkeys(one.place for one in channels if one.place)) or (settings.slack.channel or "",)
    chat = builders.slack(settings, tuple(place for place in places if place), time.time)
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


# ---------------------------------------------------------------- this machine


def _data_dir(path: Path) -> Finding:
    fix = "Set SAHUT_DATA_DIR to a folder that the bot's user may write to."
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return Finding(name="data", ok=False, message=f"{path} cannot be written to: {error.strerror}", fix=fix)
    return Finding(name="data", ok=True, message=f"{path.resolve()} can be written to")


def _space(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    said = f"{free / 1e9:.1f} GB are free"
    fix = "Make room, or move SAHUT_DATA_DIR to a larger disk: when it is full nothing more is taken in."
    return Finding(name="disk", ok=free >= LEAST_FREE, message=said, fix=fix)


async def _database(settings: Settings) -> Finding:
    fix = "Check SAHUT_DATABASE_URL, and that the database runs and may be written to."
    try:
        await asyncio.to_thread(migrations.migrate, settings.database_url, settings.data_dir)
        store = Store.open(settings.database_url, settings.data_dir)
        await store.start()
        try:
            healthy = await store.healthy()
        finally:
            await store.stop()
    except (Busy, ConfigError, OSError) as error:
        return Finding(name="database", ok=False, message=str(error) or type(error).__name__, fix=fix)
    return Finding(name="database", ok=healthy, message="reachable and up to date" if healthy else "away", fix=fix)


def _time_zone(settings: Settings) -> Finding:
    local = time.strftime("%Y-%m-%d %H:%M")
    return Finding(name="time zone", ok=True, message=f"{settings.timezone} (this machine says {local})")


# ---------------------------------------------------------------- the team and the world


def _admins(settings: Settings) -> Finding:
    if settings.admins:
        return Finding(name="admins", ok=True, message=", ".join(settings.admins))
    return Finding(name="admins", ok=True, message="none: nobody can give roles until SAHUT_ADMINS names one")


def _public_url(settings: Settings) -> Finding:
    """Slack calls over HTTPS from the outside, unless it is a server on this machine that stands in for it."""
    url = settings.public_url
    called = settings.slack.signing_secret is not None and not settings.slack.socket_mode
    if url is None:
        said = "not set: no links to media, so no pictures of customers and no media by link"
        more = "; Slack's requests must find their way to /slack/events, /slack/commands and /slack/interactive"
        return Finding(name="public url", ok=True, message=said + (more if called else ""))
    parts = urlsplit(url)
    on_this_machine = is_loopback(urlsplit(settings.slack.api_url).hostname or "")
    outside = parts.scheme == "https" and not _is_inside(parts.hostname or "")
    if called and not outside and not on_this_machine:
        fix = "Set SAHUT_PUBLIC_URL to the https address under which the world reaches the bot (a TLS proxy before it)."
        return Finding(name="public url", ok=False, message=f"Slack cannot reach {url}", fix=fix)
    more = f"; Slack's requests come to {url}/slack/events" if called else ""
    more += "" if outside or on_this_machine else "; not reachable from the outside, so Slack shows no pictures"
    return Finding(name="public url", ok=True, message=url + more)


def _is_inside(host: str) -> bool:
    """A name or address that means something else, or nothing, elsewhere."""
    if is_loopback(host) or ("." not in host and ":" not in host):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False
