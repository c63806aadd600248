"""Logs: their shape, and what must never stand in them."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from sahut_bot import logs

pytestmark = pytest.mark.usefixtures("restored_logs")


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 1
    return dict(json.loads(written[0]))


def test_a_line_is_one_json_object_with_event_level_logger_and_time(capsys):
    logs.setup()
    structlog.get_logger("sahut_bot.outbox").info("outbox.sent", lane="c:1042", took=0.25, customer="Émile")
    found = line(capsys)
    assert str(found.pop("timestamp")).endswith("Z")
    assert found == {
        "event": "outbox.sent",
        "level": "info",
        "logger": "sahut_bot.outbox",
        "lane": "c:1042",
        "took": 0.25,
        "customer": "Émile",
    }


def test_context_variables_stand_in_every_line(capsys):
    logs.setup()
    with structlog.contextvars.bound_contextvars(conversation=7):
        structlog.get_logger("sahut_bot.x").warning("timer.late")
    assert line(capsys)["conversation"] == 7


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "hush"},
        {"body": b"hush"},
        {"bot_token": "hush"},
        {"Authorization": "hush"},
        {"headers": {"X-Slack-Signature": "hush", "cookie": "hush"}},
        {"events": [{"payload": {"deep": "hush"}}]},
        {"error": "POST https://slack.com/api/x?token=hush&a=1 failed"},
        {"error": ValueError("Authorization: Bearer hush")},
        {"url": "postgresql+asyncpg://user:hush@db/x"},
        {"note": "used xoxb-123-hush and xoxe.xoxb-1-hush and xapp-1-A-hush"},
    ],
)
@pytest.mark.parametrize("fmt", ["json", "console"])
def test_neither_a_secret_nor_a_text_is_ever_written(capsys, facts, fmt):
    logs.setup(fmt=fmt)
    structlog.get_logger("sahut_bot.x").error("adapter.failed", **facts)
    written = capsys.readouterr().err
    assert "adapter.failed" in written
    assert "hush" not in written


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_a_traceback_shows_no_local_variables_and_no_token(capsys, fmt):
    logs.setup(fmt=fmt)
    typed = "my card number"
    try:
        raise RuntimeError("refused xoxb-1-hush")
    except RuntimeError:
        structlog.get_logger("sahut_bot.x").exception("adapter.failed", length=len(typed))
    written = capsys.readouterr().err
    assert "RuntimeError" in written
    assert "hush" not in written
    assert typed not in written.replace(f'typed = "{typed}"', "")


def test_an_id_under_a_private_key_is_shown(capsys):
    logs.setup()
    structlog.get_logger("sahut_bot.x").info("message.stored", message=42, text=None)
    assert line(capsys)["message"] == 42


def test_libraries_come_the_same_way_from_warnings_up(capsys):
    logs.setup("debug")
    logging.getLogger("slack_bolt").info("Bolt app is running!")
    logging.getLogger("uvicorn.error").warning("lost %s", "xoxb-1-hush")
    found = line(capsys)
    assert (found["event"], found["level"], found["logger"]) == (f"lost {logs.HIDDEN}", "warning", "uvicorn.error")


def test_the_level_is_for_our_own_lines(capsys):
    logs.setup("warning")
    structlog.get_logger("sahut_bot.x").info("outbox.sent")
    assert capsys.readouterr().err == ""
