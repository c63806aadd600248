"""Brings the core's answer to the person who asked: as a modal, in the thread for their eyes, or in their App Home."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp
import structlog

from sahut_bot.bridges.base import Sink
from sahut_bot.bridges.teamchat.slack_api import SlackApi
from sahut_bot.bridges.teamchat.slack_blocks import answer_message, content_message
from sahut_bot.bridges.teamchat.slack_events import Identity
from sahut_bot.bridges.teamchat.slack_interactions import Asked, Surface
from sahut_bot.bridges.teamchat.slack_limits import POST
from sahut_bot.bridges.teamchat.slack_pieces import Json
from sahut_bot.bridges.teamchat.slack_views import (
    answer_view,
    closed_home_view,
    field_problems,
    form_view,
    home_view,
)
from sahut_bot.errors import Permanent, PlatformError, Transient
from sahut_bot.text import tree
from sahut_bot.text.words import say
from sahut_bot.types import Answer, Content, Person

log = structlog.get_logger(__name__)

_NOTICE = 300  # characters of an answer that App Home can show on its top


class Answers:
    """Every method raises a `PlatformError` when Slack does not take it."""

    def __init__(self, api: SlackApi, lang: str) -> None:
        self._api = api
        self._lang = lang
        self._url = ""

    def introduce(self, me: Identity) -> None:
        self._url = me.url

    # ------------------------------------------------------------ forms

    def acknowledgement(self, asked: Asked, answer: Answer) -> Json | None:
        """What the acknowledgement of a sent form carries: problems by field, the next view, or None to close it."""
        problems = dict(answer.field_errors)
        if not problems and not answer.ok and answer.text and answer.form is None:
            problems = {"": answer.text}  # what was typed stays, for another try
        if problems and (told := field_problems(asked.view, problems)):
            return {"response_action": "errors", "errors": told}
        if answer.form:
            belongs = replace(asked.belongs, command=answer.form.command)
            return {"response_action": "update", "view": form_view(answer.form, belongs, self._lang)}
        if answer.listing or (self._is_shown_in_view(asked, answer) and asked.home is None):
            return {"response_action": "update", "view": self._view(asked, answer)}
        return None

    def _is_shown_in_view(self, asked: Asked, answer: Answer) -> bool:
        return bool(answer.text or answer.buttons) and not asked.thread_ts

    def _view(self, asked: Asked, answer: Answer) -> Json:
        told = asked.view.get("title")
        title = told.get("text") if isinstance(told, dict) and asked.surface is not Surface.HOME else None
        return answer_view(str(title or say(self._lang, "slack.title")), answer, asked.belongs, self._lang, self._url)

    # ------------------------------------------------------------ all the rest

    async def deliver(self, asked: Asked, answer: Answer) -> None:
        """Shows an answer where the question was asked."""
        if answer.form and asked.surface is not Surface.FORM and await self._opened(asked, answer):
            return
        if asked.surface is Surface.MODAL:
            if not (answer.text or answer.listing or answer.buttons):
                answer = replace(answer, text=say(self._lang, "slack.done"))
            await self._api.call("views.update", view_id=str(asked.view.get("id")), view=self._view(asked, answer))
        else:
            await self._say(asked, answer)

    async def _opened(self, asked: Asked, answer: Answer) -> bool:
        """Opens the form; False when there is no trigger or it is too old, so that a button has to do it."""
        assert answer.form is not None
        view = form_view(answer.form, replace(asked.belongs, command=answer.form.command), self._lang)
        if asked.surface is Surface.MODAL:
            await self._api.call("views.update", view_id=str(asked.view.get("id")), view=view)
            return True
        if not asked.trigger:
            return False
        try:
            await self._api.call("views.open", trigger_id=asked.trigger, view=view)
        except Permanent as error:
            log.info("slack.form_not_opened", code=error.code)
            return False
        return True

    async def _say(self, asked: Asked, answer: Answer) -> None:
        if asked.surface is Surface.EPHEMERAL and answer.ok and await self._replaced(asked, answer):
            return
        if not (answer.text or answer.buttons or answer.listing or answer.form or answer.field_errors):
            return
        if not answer.private and asked.thread_ts:
            body = Content(body=tree.text(answer.text), quiet=True, buttons=answer.buttons)
            await self._api.call(
                POST,
                place=asked.channel,
                channel=asked.channel,
                thread_ts=asked.thread_ts,
                unfurl_links=False,
                unfurl_media=False,
                **content_message(body, self._lang),
            )
        elif asked.surface is not Surface.SLASH or not await self._responded(asked, answer):
            await self._whisper_or_respond(asked, answer)

    async def _responded(self, asked: Asked, answer: Answer) -> bool:
        """Whether the address that came with the question has taken the answer."""
        if not asked.response_url:
            return False
        try:
            await self.respond(asked.response_url, answer_message(answer, self._lang, self._url))
        except PlatformError as error:
            log.info("slack.not_responded", error=type(error).__name__)
            return False
        return True

    async def _whisper_or_respond(self, asked: Asked, answer: Answer) -> None:
        """Where the bot is not in the channel, the address that came with the question still works."""
        try:
            await self.whisper(asked.channel, asked.thread_ts, asked.user, answer)
        except Permanent:
            if not asked.response_url:
                raise
            thread = {"thread_ts": asked.thread_ts} if asked.thread_ts else {}
            await self.respond(asked.response_url, answer_message(answer, self._lang, self._url) | thread)

    async def _replaced(self, asked: Asked, answer: Answer) -> bool:
        """A private message makes place for the answer to its own button, or goes where nothing is left to say."""
        if not asked.response_url or answer.form:
            return False
        if answer.text or answer.listing or answer.buttons:
            message = answer_message(answer, self._lang, self._url) | {"replace_original": True}
        else:
            message = {"delete_original": True}
        try:
            await self.respond(asked.response_url, message)
        except PlatformError as error:
            log.info("slack.not_replaced", error=type(error).__name__)
            return False
        return True

    async def whisper(self, channel: str, thread_ts: str, user: str, answer: Answer) -> None:
        """Shown to one person alone, in the thread or at channel level."""
        if channel and user:
            await self._api.call(
                "chat.postEphemeral",
                channel=channel,
                user=user,
                thread_ts=thread_ts or None,
                **answer_message(answer, self._lang, self._url),
            )

    async def respond(self, url: str, message: Json) -> None:
        """Through the address that came with the question (docs, response_url: five times in half an hour)."""
        shown: Json = {"response_type": "ephemeral"} | message
        try:
            async with self._api.session.post(url, json=shown, allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Transient(say(self._lang, "slack.error.away")) from error
        if status != 200:
            raise Permanent(say(self._lang, "slack.error.other", code=status), "response_url")

    # ------------------------------------------------------------ App Home

    async def publish(self, sink: Sink, person: Person, query: str, notice: str = "") -> None:
        """The inbox as the person's App Home, for agents; one polite line for everybody else."""
        if person.is_agent:
            view = home_view(await sink.home(person, query), query, notice, self._lang, self._url)
        else:
            view = closed_home_view(say(self._lang, "slack.home.not_agent"))
        await self._api.call("views.publish", user_id=person.external_id, view=view)

    async def deliver_home(
        self, sink: Sink, asked: Asked, person: Person, answer: Answer, query: str | None = None
    ) -> None:
        """What App Home shows after something was done from it: a line of the answer on top, more than a line in a
        modal. `query` is the one that was asked for, None to keep the one that is shown.
        """
        notice = answer.text if len(answer.text) <= _NOTICE and asked.surface is not Surface.MODAL else ""
        if asked.surface is Surface.HOME:
            if answer.form:
                await self._opened(asked, answer)
                return
            if answer.listing or answer.buttons or len(answer.text) > _NOTICE:
                await self._api.call("views.open", trigger_id=asked.trigger, view=self._view(asked, answer))
                notice = ""
        await self.publish(sink, person, (asked.home or "") if query is None else query, notice)


def query_of(command: str) -> str | None:
    """What follows `inbox`; None for other commands."""
    name, _, query = command.strip().partition(" ")
    return query.strip() if name.lower() == "inbox" else None


def failed(lang: str, key: str, **params: Any) -> Answer:
    return Answer(text=say(lang, key, **params), ok=False)
