"""`outbox` and `events` at the command line, on what a program that runs has left there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sahut_bot.cli import cli
from tests.rig import Office, Scene, scene


async def typed(made: Scene, *words: str) -> tuple[int, str, str]:
    """Types a command beside the program that runs, with its settings; `test_cli.py` does so as a process."""
    settings = made.office.environment(made.program.folder, **made.program.more)
    ran = await asyncio.to_thread(CliRunner(env=settings).invoke, cli, list(words))
    made.program.skip(0.0)  # else it looks within five seconds what another process has left it
    assert not ran.exception or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, ran.stdout, ran.stderr


def row_with(listed: str, word: str) -> str:
    """The id in the table's row that holds `word`."""
    (line,) = [line for line in listed.splitlines() if word in line]
    return line.strip("│ ").split("│")[0].strip()


async def test_what_slack_refused_is_listed_done_again_and_dropped(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        office = made.office
        rina, root = await made.talk()
        for told, text in enumerate(("Look at this", "And at that"), start=1):
            office.server.fail_next("chat.postMessage", error="invalid_blocks", match=_says(text))
            await rina.say(text)
            await office.sees(lambda told=told: "".join(office.texts(root)).count("cannot be shown here") == told)  # type: ignore[misc]
        code, listed, _ = await typed(made, "outbox", "list", "--state", "failed")
        assert code == 0
        first, second = [line for line in listed.splitlines() if "mirror" in line]
        assert "invalid_blocks" in first
        code, said, _ = await typed(made, "outbox", "retry", row_with(first, "mirror"))
        assert (code, "queued again" in said) == (0, True)
        await office.posted(root, "Look at this")
        code, said, _ = await typed(made, "outbox", "drop", row_with(second, "mirror"))
        assert (code, "dropped" in said) == (0, True)
        code, listed, _ = await typed(made, "outbox", "list", "--state", "failed")
        assert (code, "mirror" in listed) == (0, False)
        code, out, err = await typed(made, "outbox", "retry", row_with(second, "mirror"))
        assert (code, out) == (1, "")
        assert "neither failed nor uncertain" in err
        assert office.texts(root, of="customer").count("Look at this") == 1
        assert "And at that" not in " ".join(office.texts(root))


def _says(text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda args: text in str(args.get("text"))


async def test_what_nobody_understood_is_listed_and_replayed(tmp_path: Path) -> None:
    async with scene(tmp_path, office=Office(socket=False)) as made:
        office = made.office
        rina, root = await made.talk()
        app = made.program.app
        assert app is not None
        # Kept by a program that could not read it, as one before a repair; this one can.
        ts = f"{float(root) + 5:.6f}"
        body = (
            '{"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": "After the repair", '
            f'"channel": "{office.room}", "user": "{office.dewi}", "ts": "{ts}", "thread_ts": "{root}"}}}}'
        )
        await app.intake.unreadable("slack", body.encode(), "KeyError")
        await app.intake.unreadable("slack", b'{"type": "event_callback", "event": {"type": "message"}}', "no channel")
        await app.intake.unreadable("fax", b"...", "no line")
        code, listed, _ = await typed(made, "events", "list")
        assert code == 0
        good, bad, foreign = (row_with(listed, word) for word in ("KeyError", "no channel", "no line"))
        code, said, _ = await typed(made, "events", "replay", good)
        assert (code, "understood" in said) == (0, True)
        await rina.hears("After the repair")
        code, _, err = await typed(made, "events", "replay", bad)
        assert (code, "still not understood: no channel" in err) == (1, True)
        code, _, err = await typed(made, "events", "replay", foreign)
        assert (code, "fax, which is not set up" in err) == (1, True)
        code, listed, _ = await typed(made, "events", "list")
        assert "KeyError" not in listed
        assert "no channel" in listed


@pytest.mark.postgres
async def test_the_same_commands_work_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    async with scene(tmp_path, DATABASE_URL=postgres_url) as made:
        assert (await typed(made, "migrate"))[:2] == (0, "The database is up to date.\n")
        code, listed, _ = await typed(made, "outbox", "list")
        assert (code, "Nothing waits" in listed) == (0, True)
