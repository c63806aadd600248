"""README's "Connect a real Slack in five minutes", walked as it is written, against the strict Slack stand-in."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from pathlib import Path

import aiohttp

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace
from sahut_bot.settings import variables
from tests.rig import ROOT, started

PATIENCE = 60
HEADING = "Connect a real Slack in five minutes"


def section() -> str:
    found = re.search(rf"^## {HEADING}$(.*?)(?=^## )", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {HEADING!r}"
    return found[1]


def steps() -> list[str]:
    """The numbered steps, in order, each with the lines indented below it."""
    found = re.findall(r"^(\d+)\. (.*(?:\n(?: .*)?)*)", section(), re.MULTILINE)
    assert [number for number, _ in found] == [str(number) for number in range(1, len(found) + 1)]
    return [text for _, text in found]


def step(words: str) -> str:
    found = [one for one in steps() if words in one]
    assert len(found) == 1, f"{len(found)} steps say {words!r}"
    return found[0]


def command(text: str) -> list[str]:
    """The command of ours that a step tells to type, without the path to it."""
    (line,) = re.findall(r"`\.venv/bin/sahut-bot ([^`]+)`", text)
    return shlex.split(line)


def block(text: str, kind: str) -> str:
    found = re.search(rf"^ *```{kind}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    assert found, f"no {kind} block in {text!r}"
    return "\n".join(line.strip() for line in found[1].splitlines())


async def typed(folder: Path, *words: str, **settings: str) -> tuple[int, str, str]:
    """Types a command in `folder`, in which `.env` may lie; gives exit code and both outputs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAHUT_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sahut_bot",
        *words,
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


async def running(folder: Path, **settings: str) -> tuple[asyncio.subprocess.Process, str]:
    """`run` as a process, and its address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAHUT_")}
    log = folder / "log"
    with log.open("wb") as file:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sahut_bot", "run"),
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), "SAHUT_HTTP__PORT": "0", **settings},
            stderr=file,
        )
    port = await started(log, lambda: child.returncode is not None)
    return child, f"http://127.0.0.1:{port}"


async def test_the_steps_lead_to_a_slack_that_works(tmp_path: Path) -> None:
    # 1. The manifest, pasted as it was printed.
    code, printed, _ = await typed(tmp_path, *command(step("From a manifest")))
    assert code == 0
    workspace = SlackWorkspace(json.loads(printed))
    # 2. and 3. Installed, with both tokens.
    tokens = workspace.credentials
    assert tokens.bot_token[:5] in step("Bot User OAuth Token")
    assert tokens.app_token[:5] in step("App-Level Tokens")
    (scope,) = re.findall(r"scope `([\w:]+)`", step("App-Level Tokens"))
    assert {scope} == tokens.app_scopes
    # 4. The team's channel; /invite calls the bot by its name.
    ana = workspace.add_user("Ana", is_admin=True)
    channel = workspace.add_channel("support", members=[ana], with_bot=False)
    (name,) = re.findall(r"`/invite @(\w+)`", step("/invite"))
    assert name == workspace.manifest.bot_name
    # 5. The settings, with these values in place of the examples.
    values = {
        "SAHUT_SLACK__BOT_TOKEN": tokens.bot_token,
        "SAHUT_SLACK__APP_TOKEN": tokens.app_token,
        "SAHUT_SLACK__CHANNEL": channel,
        "SAHUT_ADMINS": f"slack:{ana}",
    }
    lines = dict(line.split("=", 1) for line in block(step(".env"), "sh").splitlines())
    assert set(values) <= set(lines)
    (tmp_path / ".env").write_text("\n".join(f"{key}={value}" for key, value in (lines | values).items()))
    # 6. The doctor, before and after the invitation.
    doctor = command(step("doctor"))
    server = SlackServer(workspace)
    await server.start()
    try:
        api = {"SAHUT_SLACK__API_URL": server.api_url}
        code, said, _ = await typed(tmp_path, *doctor, **api)
        assert code == 1
        failed = [line for line in said.splitlines() if line.startswith("FAIL")]
        assert len(failed) == 1
        assert channel in failed[0]
        assert f"/invite @{name}" in said
        workspace.driver.join(workspace.bot_user_id, channel, inviter=ana)
        code, said, errors = await typed(tmp_path, *doctor, **api)
        assert (code, errors) == (0, "")
        assert all(line.startswith("ok ") for line in said.splitlines()), said
        # 7. It runs, and serves the widget where the page asks for it.
        child, url = await running(tmp_path, **api)
        (path,) = re.findall(r'src="https://[^/]+(/[^"]+)"', block(step("widget"), "html"))
        try:
            async with aiohttp.ClientSession() as http, http.get(url + path) as answer:
                assert answer.status == 200
                assert "javascript" in answer.headers["Content-Type"]
            await workspace.wait_for(lambda: server.sockets.connections, PATIENCE)
        finally:
            child.terminate()
            assert await child.wait() == 0
    finally:
        await server.stop()


def test_the_other_way_is_told_in_words_that_the_program_knows() -> None:
    """Over signed HTTP; `test_cli.py` prints that manifest."""
    text = section().partition("Without Socket Mode")[2].partition("\n\n")[0]
    assert "`manifest slack --http`" in text
    named = re.findall(r"`(SAHUT_\w+)`", text)
    assert named == ["SAHUT_PUBLIC_URL", "SAHUT_SLACK__SIGNING_SECRET"]
    assert set(named) <= set(variables())
