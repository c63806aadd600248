"""The doctor against the strict Slack stand-in: all is well, and then each thing is broken in turn."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from sahut_bot import doctor, manifest
from sahut_bot.doctor import Finding
from sahut_bot.sandbox.slack import SlackWorkspace
from sahut_bot.settings import Settings, load
from tests.rig import Office


@asynccontextmanager
async def well(folder: Path, *, socket: bool = True, **more: str) -> AsyncIterator[tuple[Office, Settings]]:
    """A Slack, and settings with which nothing is wrong but for `more` of them."""
    office = Office(socket=socket)
    await office.server.start()
    try:
        yield office, settings_of(office, folder, **more)
    finally:
        await office.server.stop()


def settings_of(office: Office, folder: Path, **more: str) -> Settings:
    file = folder / "settings.env"
    lines = [f"{name}={value}" for name, value in office.environment(folder / "var", **more).items()]
    file.write_text("\n".join(lines))
    return load(file)


async def failed(settings: Settings) -> list[Finding]:
    return [finding for finding in await doctor.examine(settings) if not finding.ok]


async def only_failure(settings: Settings) -> Finding:
    found = await failed(settings)
    assert len(found) == 1, found
    assert found[0].fix, "what fails must say how to mend it"
    return found[0]


@pytest.mark.parametrize("socket", [True, False], ids=["socket", "http"])
async def test_nothing_is_wrong_where_all_is_set_up(tmp_path: Path, socket: bool) -> None:
    async with well(tmp_path, socket=socket, PUBLIC_URL="https://inbox.example.com") as (office, settings):
        findings = await doctor.examine(settings)
        assert [finding for finding in findings if not finding.ok] == []
        names = " ".join(finding.name for finding in findings)
        for part in ("settings", "data", "disk", "database", "public url", "time zone", "slack token", "slack scopes"):
            assert part in names
        assert f"slack channel {office.room}" in names
        assert {"slack clock", "slack events"} <= {finding.name for finding in findings}


# ---------------------------------------------------------------- Slack


def leave(office: Office) -> None:
    office.driver.leave(office.ws.bot_user_id, office.room)


def archive(office: Office) -> None:
    office.driver.archive(office.ana, office.room)


def revoke(office: Office) -> None:
    office.ws.token_error = "token_revoked"


def lower(office: Office) -> None:
    """The app-level token was made without its scope."""
    office.ws.credentials = replace(office.ws.credentials, app_scopes=frozenset())


BROKEN: list[tuple[Callable[[Office], None], str, str]] = [
    (leave, "slack channel", "/invite @sahut"),
    (archive, "slack channel", "/invite @sahut"),
    (revoke, "slack token", "SAHUT_SLACK__BOT_TOKEN"),
    (lower, "slack events", "connections:write"),
]


@pytest.mark.parametrize(("broken", "name", "fix"), BROKEN, ids=[one[0].__name__ for one in BROKEN])
async def test_what_is_broken_in_slack_is_named_with_the_way_to_mend_it(
    tmp_path: Path, broken: Callable[[Office], None], name: str, fix: str
) -> None:
    async with well(tmp_path) as (office, settings):
        broken(office)
        found = await only_failure(settings)
        assert found.name.startswith(name)
        assert fix in found.fix


WRONG = [
    ("SLACK__BOT_TOKEN", "xoxb-of-somebody-else", "slack token", "xoxb-"),
    ("SLACK__APP_TOKEN", "xapp-of-somebody-else", "slack events", "App-Level Tokens"),
    ("SLACK__APP_TOKEN", "xoxb-sandbox-bot", "slack events", "SAHUT_SLACK__APP_TOKEN"),
    ("SLACK__CHANNEL", "C0NOWHERE", "slack channel", "channel's id"),
]


@pytest.mark.parametrize(("variable", "value", "name", "fix"), WRONG, ids=[one[1] for one in WRONG])
async def test_wrong_setting_is_named_with_the_way_to_mend_it(
    tmp_path: Path, variable: str, value: str, name: str, fix: str
) -> None:
    async with well(tmp_path) as (office, _):
        found = await only_failure(settings_of(office, tmp_path, **{variable: value}))
        assert found.name.startswith(name)
        assert fix in found.fix


async def test_missing_permission_is_named(tmp_path: Path) -> None:
    async with well(tmp_path) as (office, settings):
        printed = manifest.slack(None, socket_mode=True)
        kept = [scope for scope in manifest.scopes() if scope != "reactions:write"]
        office.ws.manifest = SlackWorkspace({**printed, "oauth_config": {"scopes": {"bot": kept}}}).manifest
        found = await only_failure(settings)
        assert found.name == "slack scopes"
        assert "reactions:write" in found.message
        assert "manifest slack" in found.fix


async def test_clock_that_is_off_is_named(tmp_path: Path) -> None:
    """Slack's clock is the one in its answers."""
    office = Office()

    async def ten_minutes_later(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(time.time() + 600, usegmt=True)

    app = office.server.create_app()
    app.on_response_prepare.append(ten_minutes_later)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        office.ws.base_url = f"http://127.0.0.1:{port}"
        url = f"{office.ws.base_url}/api/"
        found = await only_failure(settings_of(office, tmp_path, SLACK__API_URL=url))
        assert found.name == "slack clock"
        assert "600" in found.message or "599" in found.message
        assert "NTP" in found.fix
    finally:
        await runner.cleanup()


async def test_slack_that_is_away_is_named_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    async with well(tmp_path) as (office, settings):
        await office.server.stop()
        found = await only_failure(settings)
        assert found.name == "slack token"
        assert "cannot be reached" in found.message
        assert "SAHUT_SLACK__API_URL" in found.fix


# ---------------------------------------------------------------- this machine and the settings


async def test_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    async with well(tmp_path) as (_, settings):
        (tmp_path / "file").write_text("")
        found = await only_failure(settings.model_copy(update={"data_dir": tmp_path / "file" / "var"}))
        assert found.name == "data"
        assert "SAHUT_DATA_DIR" in found.fix


async def test_disk_that_is_nearly_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with well(tmp_path) as (_, settings):
        monkeypatch.setattr(doctor, "LEAST_FREE", 1 << 62)
        found = await only_failure(settings)
        assert found.name == "disk"
        assert "GB are free" in found.message


async def test_database_that_is_away_is_named(tmp_path: Path) -> None:
    url = "postgresql+asyncpg://sahut:secret-word@127.0.0.1:9/sahut"
    async with well(tmp_path, DATABASE_URL=url) as (_, settings):
        found = await only_failure(settings)
        assert found.name == "database"
        assert "SAHUT_DATABASE_URL" in found.fix
        assert "secret-word" not in found.message


async def test_database_of_a_newer_program_is_named(tmp_path: Path) -> None:
    async with well(tmp_path) as (_, settings):
        assert await failed(settings) == []
        await asyncio.to_thread(_make_newer, tmp_path / "var" / "sahut.db")
        found = await only_failure(settings)
        assert "newer" in found.message


def _make_newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


URLS = [
    ("https://inbox.example.com", ""),
    ("http://inbox.example.com", "Slack cannot reach"),
    ("https://localhost:8080", "Slack cannot reach"),
    ("https://10.0.0.7", "Slack cannot reach"),
    ("https://inbox", "Slack cannot reach"),
    ("https://[fd00::1]", "Slack cannot reach"),
]


@pytest.mark.parametrize(("url", "said"), URLS, ids=[url for url, _ in URLS])
async def test_over_http_the_public_address_must_be_one_that_slack_can_reach(url: str, said: str) -> None:
    slack = {"bot_token": SecretStr("xoxb-1"), "signing_secret": SecretStr("s"), "channel": "C1"}
    over_http = Settings.model_validate({"public_url": url, "slack": slack})
    found = doctor._public_url(over_http)
    assert (found.ok, said in found.message) == (not said, True)
    assert found.ok or "SAHUT_PUBLIC_URL" in found.fix
    # Over Socket Mode nobody calls us; at most there are no pictures.
    over_socket = Settings.model_validate({"public_url": url, "slack": {**slack, "app_token": SecretStr("xapp-1")}})
    assert doctor._public_url(over_socket).ok


async def test_nothing_set_at_all_is_one_failure_that_names_every_setting() -> None:
    found = doctor._settings(Settings())
    assert not found.ok
    for name in ("BOT_TOKEN", "CHANNEL", "APP_TOKEN", "SIGNING_SECRET", "KIND"):
        assert name in found.message


async def test_examining_leaves_nothing_open_and_changes_nothing_in_slack(tmp_path: Path) -> None:
    async with well(tmp_path) as (office, settings):
        await doctor.examine(settings)
        methods = {call.method for call in office.ws.calls()}
        assert methods == {"auth.test", "conversations.info", "apps.connections.open"}
        assert office.ws.messages(office.room) == []
