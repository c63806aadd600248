"""The command line as people meet it: exit codes, one line instead of a traceback, and what each command prints."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sahut_bot import __version__, cli, manifest

pytestmark = pytest.mark.usefixtures("restored_logs")

PATIENCE = 30
SLACK = {
    "SAHUT_SLACK__BOT_TOKEN": "xoxb-1",
    "SAHUT_SLACK__APP_TOKEN": "xapp-1",
    "SAHUT_SLACK__CHANNEL": "C01",
    "SAHUT_SLACK__API_URL": "http://127.0.0.1:9/api/",
    "SAHUT_CHANNELS__WEB__KIND": "livechat",
    "SAHUT_HTTP__PORT": "0",
}


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAHUT_")}
    return {**kept, "SAHUT_DATA_DIR": str(folder / "var"), **more}


class Ran(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Type = Callable[..., Ran]


def process(folder: Path, *arguments: str, **settings: str) -> Ran:
    """As people type it."""
    ran = subprocess.run(
        [sys.executable, "-m", "sahut_bot", *arguments],
        cwd=folder,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def sahut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """The same without a process of its own, which takes a second to start."""
    monkeypatch.chdir(tmp_path)

    def typed(*arguments: str, **settings: str) -> Ran:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["sahut-bot", *arguments])
            patch.setenv("SAHUT_DATA_DIR", str(tmp_path / "var"))
            for name, value in settings.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out, err)

    return typed


def one_line(said: str) -> bool:
    return said.count("\n") == 1 and "Traceback" not in said


WRONG = [  # tests/test_settings.py has the others
    ({}, "SAHUT_SLACK__BOT_TOKEN"),
    ({**SLACK, "SAHUT_CHANNELS__WEB__KIND": "fax"}, "livechat"),
    ({**SLACK, "SAHUT_SLACK__CHANEL": "C01"}, "SAHUT_SLACK__CHANNEL"),
    ({**SLACK, "SAHUT_DATABASE_URL": "mysql://x"}, "SAHUT_DATABASE_URL"),
    ({**SLACK, "SAHUT_DATABASE_URL": "postgresql+asyncpg://a:secret-word@127.0.0.1:9/x"}, "cannot be opened"),
    ({name: value for name, value in SLACK.items() if "CHANNELS__" not in name}, "__KIND"),
]


@pytest.mark.parametrize(("settings", "named"), WRONG, ids=[named for _, named in WRONG])
def test_run_with_a_wrong_configuration_says_in_one_line_what_to_set(
    sahut: Type, settings: dict[str, str], named: str
) -> None:
    ran = sahut("run", **settings)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert one_line(ran.stderr.splitlines(keepends=True)[-1]), ran.stderr
    assert "Traceback" not in ran.stderr
    assert named in ran.stderr
    assert "secret-word" not in ran.stderr


def test_wrong_configuration_is_the_same_for_a_process(tmp_path: Path) -> None:
    ran = process(tmp_path, "run")
    assert (ran.returncode, ran.stdout, one_line(ran.stderr)) == (2, "", True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("dance",),
        ("run", "--role", "cook"),
        ("manifest",),
        ("manifest", "teams"),
        ("invite", "discord"),
        ("demo", "--teamchat", "teams"),
        ("outbox", "retry", "x"),
        ("outbox", "retry"),
        ("outbox", "list", "--state", "odd"),
        ("events", "list", "--limit", "0"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_line_and_exits_with_2(sahut: Type, arguments: tuple[str, ...]) -> None:
    ran = sahut(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert one_line(ran.stderr), ran.stderr
    assert "--help" in ran.stderr


def test_roles_need_postgresql(sahut: Type) -> None:
    for role in ("web", "worker", "gateway"):
        ran = sahut("run", "--role", role, **SLACK)
        assert (ran.returncode, one_line(ran.stderr)) == (2, True)
        assert "SAHUT_DATABASE_URL" in ran.stderr


def test_help_names_the_commands_of_the_contract(sahut: Type) -> None:
    ran = sahut("--help")
    assert ran.returncode == 0
    for command in ("run", "demo", "doctor", "migrate", "manifest", "outbox", "events"):
        assert command in ran.stdout
    for group, commands in (("outbox", ("list", "retry", "drop")), ("events", ("list", "replay"))):
        assert all(command in sahut(group, "--help").stdout for command in commands)
    assert "all|web|worker|gateway" in sahut("run", "--help").stdout.replace(" ", "")


def test_the_version_is_that_of_the_package(sahut: Type) -> None:
    assert sahut("version")[:2] == (0, f"{__version__}\n")


def test_the_manifest_is_what_the_code_uses_in_both_modes(sahut: Type) -> None:
    printed = json.loads(sahut("manifest", "slack").stdout)
    assert printed == manifest.slack(None, socket_mode=True)
    url = {"SAHUT_PUBLIC_URL": "https://inbox.example.com"}
    printed = json.loads(sahut("manifest", "slack", "--http", **url).stdout)
    assert printed["settings"]["event_subscriptions"]["request_url"] == "https://inbox.example.com/slack/events"
    without = sahut("manifest", "slack", "--http")
    assert (without.returncode, one_line(without.stderr)) == (2, True)


def test_an_empty_store_has_nothing_to_settle(sahut: Type) -> None:
    assert sahut("migrate", **SLACK)[:2] == (0, "The database is up to date.\n")
    for command in ("outbox", "events"):
        assert sahut(command, "list", **SLACK).returncode == 0
    for arguments in (("outbox", "retry", "7"), ("outbox", "drop", "7"), ("events", "replay", "7")):
        ran = sahut(*arguments, **SLACK)
        assert (ran.returncode, ran.stdout, one_line(ran.stderr)) == (1, "", True), arguments


def test_doctor_says_how_to_mend_what_is_missing(sahut: Type) -> None:
    ran = sahut("doctor")
    assert ran.returncode == 1
    assert "SAHUT_SLACK__BOT_TOKEN" in ran.stdout
    assert "→" in ran.stdout


def test_a_second_run_on_the_same_file_is_refused_and_the_first_stops_when_told(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sahut_bot", "run"],
        cwd=tmp_path,
        env=environment(tmp_path, **SLACK),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as first:
        try:
            assert first.stderr is not None
            started = next(line for line in first.stderr if "app.started" in line)
            port = json.loads(started)["port"]
            second = process(tmp_path, "run", **SLACK)
            assert (second.returncode, one_line(second.stderr)) == (2, True)
            with socket.create_connection(("127.0.0.1", port), 5):
                pass
            begun = time.monotonic()
            first.send_signal(signal.SIGTERM)
            rest = first.stderr.read()
            assert first.wait(PATIENCE) == 0
            assert time.monotonic() - begun < 10
            assert "xoxb-1" not in started + rest
        finally:
            first.kill()  # else leaving the block would wait for it


def test_a_folder_or_address_that_cannot_be_used_is_one_line(sahut: Type, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "sahut.db").write_text("no database" * 100)
    for settings, named in (
        ({"SAHUT_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/file/below/x.db"}, "SAHUT_DATA_DIR"),
        ({}, "not a database"),
        ({"SAHUT_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/x.db", "SAHUT_HTTP__HOST": "192.0.2.1"}, "HTTP__HOST"),
    ):
        ran = sahut("run", **{**SLACK, **settings})
        assert (ran.returncode, ran.stdout) == (2, ""), ran
        assert one_line(ran.stderr), ran.stderr
        assert named in ran.stderr


def test_a_port_in_use_is_one_line(sahut: Type) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = sahut("run", **{**SLACK, "SAHUT_HTTP__PORT": port})
    assert ran.returncode == 2
    assert "SAHUT_HTTP__PORT" in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr
