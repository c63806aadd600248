"""`sahut-bot demo`: the script as it is installed, and what it says when something is not so."""

from __future__ import annotations

import asyncio
import io
import shutil
import socket
import sys
from pathlib import Path

import pytest
from rich.console import Console

from sahut_bot.errors import ConfigError
from sahut_bot.sandbox import demo, demo_script


async def test_script_plays_one_conversation_and_every_step_comes_true(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sahut_bot", "demo", "--script"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    text = out.decode()
    assert process.returncode == 0, text + err.decode()
    assert "✗" not in text
    assert text.count("✓") == 13
    assert "What the customer sees" in text
    assert "What the team sees" in text
    assert err == b""
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


async def test_script_names_the_step_that_did_not_come_true(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(demo_script, "PATIENCE", 1.5)
    shutil.copy(sqlite_template, tmp_path / "sahut.db")
    console = Console(file=io.StringIO(), width=100)
    async with demo.running(tmp_path, port=0, hold=0.2) as running:
        running.stage.server.fail_next("reactions.add", error="too_many_emoji", times=1000)
        assert await demo_script.play(running.stage, running.url, demo.CHANNEL, console) == 1
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "✓  2 Bram claims it" in text
    assert "✗  3 Bram keeps a note in the team" in text
    assert "the team should see 🔒 on the note" in text


async def test_demo_says_how_to_choose_another_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Port {port} is taken.*--port 0"):
            await demo.run_demo(port, script=False)
