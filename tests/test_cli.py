"""The command line as people meet it: exit codes, one line instead of a traceback, and what each command prints."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sahut_bot import manifest

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


def sahut(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sahut_bot", *arguments],
        cwd=folder,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def one_line(said: str) -> bool:
    return said.count("\n") == 1 and "Traceback" not in said


WRONG = [  # tests/test_settings.py has the others
    ({}, "SAHUT_SLACK__BOT_TOKEN"),
    ({**SLACK, "SAHUT_CHANNELS__WEB__KIND": "fax"}, "livechat"),
]


@pytest.mark.parametrize(("settings", "named"), WRONG, ids=[named for _, named in WRONG])
def test_run_with_a_wrong_configuration_says_in_one_line_what_to_set(tmp_path, settings, named):
    ran = sahut(tmp_path, "run", **{name: value for name, value in settings.items() if value})
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert one_line(ran.stderr), ran.stderr
    assert named in ran.stderr


def test_wrong_use_exits_with_2(tmp_path):
    for arguments in (
        ("dance",),
        ("run", "--role", "cook"),
        ("manifest",),
        ("invite", "discord"),
        ("outbox", "retry", "x"),
    ):
        ran = sahut(tmp_path, *arguments)
        assert ran.returncode == 2, arguments
        assert "Traceback" not in ran.stderr


def test_roles_need_postgresql(tmp_path):
    ran = sahut(tmp_path, "run", "--role", "web", **SLACK)
    assert (ran.returncode, one_line(ran.stderr)) == (2, True)
    assert "SAHUT_DATABASE_URL" in ran.stderr


def test_help_names_the_commands_of_the_contract(tmp_path):
    ran = sahut(tmp_path, "--help")
    assert ran.returncode == 0
    for command in ("run", "demo", "doctor", "migrate", "manifest", "outbox", "events"):
        assert command in ran.stdout


def test_the_manifest_is_what_the_code_uses_in_both_modes(tmp_path):
    printed = json.loads(sahut(tmp_path, "manifest", "slack").stdout)
    assert printed == manifest.slack(None, socket_mode=True)
    url = {"SAHUT_PUBLIC_URL": "https://inbox.example.com"}
    printed = json.loads(sahut(tmp_path, "manifest", "slack", "--http", **url).stdout)
    assert printed["settings"]["event_subscriptions"]["request_url"] == "https://inbox.example.com/slack/events"
    without = sahut(tmp_path, "manifest", "slack", "--http")
    assert (without.returncode, one_line(without.stderr)) == (2, True)


def test_an_empty_store_has_nothing_to_settle(tmp_path):
    for command in ("outbox", "events"):
        assert sahut(tmp_path, command, "list", **SLACK).returncode == 0
    for arguments in (("outbox", "retry", "7"), ("events", "replay", "7")):
        ran = sahut(tmp_path, *arguments, **SLACK)
        assert ran.returncode == 1, arguments
        assert "Traceback" not in ran.stderr


def test_doctor_says_how_to_mend_what_is_missing(tmp_path):
    ran = sahut(tmp_path, "doctor")
    assert ran.returncode == 1
    assert "SAHUT_SLACK__BOT_TOKEN" in ran.stdout
    assert "→" in ran.stdout


def test_a_second_run_on_the_same_file_is_refused_and_the_first_stops_when_told(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "sahut_bot", "run"],
        cwd=tmp_path,
        env=environment(tmp_path, **SLACK),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as first:
        assert first.stderr is not None
        started = next(line for line in first.stderr if "app.started" in line)
        port = json.loads(started)["port"]
        second = sahut(tmp_path, "run", **SLACK)
        assert (second.returncode, one_line(second.stderr)) == (2, True)
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
        begun = time.monotonic()
        first.send_signal(signal.SIGTERM)
        rest = first.stderr.read()
        assert first.wait(PATIENCE) == 0
        assert time.monotonic() - begun < 10
        assert "xoxb-1" not in started + rest


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = sahut(tmp_path, "run", **{**SLACK, "SAHUT_HTTP__PORT": port})
    assert ran.returncode == 2
    assert "SAHUT_HTTP__PORT" in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr
