"""From a press or a slash command to the core and back, within the three seconds that Slack gives.

The core stores a command before it answers, and what Slack is told follows that: an acknowledgement normally goes out
when the command is stored. One that takes longer is acknowledged in time and answered when it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import structlog

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.teamchat.slack_answers import Answers, failed, query_of
from sahut_bot.bridges.teamchat.slack_interactions import Asked, Surface, as_call
from sahut_bot.bridges.teamchat.slack_people import People
from sahut_bot.bridges.teamchat.slack_pieces import Json
from sahut_bot.errors import Busy, PlatformError
from sahut_bot.types import Answer, Instant, Person

log = structlog.get_logger(__name__)

PATIENCE = 2.0  # seconds of Slack's three that the core may use before the acknowledgement


class Spawn(Protocol):
    """Runs something beside what is going on; its failure is logged and harms nobody else."""

    def __call__(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]: ...


class Calls:
    """Commands from buttons, menus, shortcuts, forms and slashes."""

    def __init__(self, people: People, answers: Answers, now: Callable[[], Instant], lang: str) -> None:
        self._people = people
        self._answers = answers
        self._now = now
        self._lang = lang

    async def handle(self, asked: Asked, sink: Sink, spawn: Spawn) -> Json | None:
        """Carries out what was asked; returns what the acknowledgement carries."""
        acknowledged: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        work = spawn(self._carry_out(asked, sink, acknowledged), "slack-call")
        waited: set[asyncio.Future[Any]] = {acknowledged, work}
        await asyncio.wait(waited, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not acknowledged.done():
            acknowledged.set_result(None)
        return acknowledged.result()

    async def _carry_out(self, asked: Asked, sink: Sink, acknowledged: asyncio.Future[Json | None]) -> None:
        query = query_of(asked.command) if asked.surface is Surface.HOME else None
        person: Person | None = None
        if query is not None:
            answer = Answer()
        else:
            person, answer = await self._answer(asked, sink)
        if not acknowledged.done():  # else it took too long for a form to stay open
            shown = self._answers.acknowledgement(asked, answer) if asked.surface is Surface.FORM else None
            acknowledged.set_result(shown)
            if shown is not None:
                return
        if asked.home is None or asked.surface is Surface.MODAL:
            await self._answers.deliver(asked, answer)
        if asked.home is not None:
            person = person or await self._people.find(asked.user)
            await self._answers.deliver_home(sink, asked, person, answer, query)

    async def _answer(self, asked: Asked, sink: Sink) -> tuple[Person | None, Answer]:
        """Never raises: the person who asked is told, whatever happened."""
        person: Person | None = None
        try:
            person = await self._people.find(asked.user)
            return person, await sink.command(as_call(asked, person, self._people.names, self._now()))
        except (Busy, PlatformError) as error:
            log.warning("slack.call_refused", error=type(error).__name__)
            return person, failed(self._lang, "slack.busy")
        except Exception:  # the edge: a mistake of ours must not leave a person without an answer
            log.exception("slack.call_failed")
            return person, failed(self._lang, "slack.failed")
