"""The commands that only look: the inbox, a search, a history, the reasons, help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import forms, views
from sahut_bot.inbox import search as full_text
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.models import activity, conversations, messages
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.tx import Rx
from sahut_bot.inbox.views import PAGE, Query
from sahut_bot.text import timewords, tree
from sahut_bot.types import Answer, Button, CommandCall, Delivery, Fact, Instant, Listing, Row, Status, ThreadRef

VIEWS = ("all", "mine", "unassigned", "team")
STATUSES = frozenset(status.value for status in Status)


def parse_query(words: str) -> Query:
    """`mine resolved channel:web label:vip page:2`, in any order. Raises `UserError` for a word that means nothing."""
    values: dict[str, Any] = {}
    for word in words.lower().split():
        name, colon, value = word.partition(":")
        if word in VIEWS:
            values["view"] = word
        elif word in STATUSES or (name == "status" and value in (*STATUSES, "any")):
            values["status"] = None if value == "any" else Status(value or word)
        elif name == "page" and value.isdecimal() and len(value) < 5 and int(value):
            values["page"] = int(value)
        elif colon and name in ("channel", "label") and value:
            values[name] = value
        else:
            raise UserError("inbox.words", word=word[:40])
    return Query(**values)


def inbox(rx: Rx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    return Answer(listing=listing(rx, policy, agent.id, parse_query(call.text)))


def listing(rx: Rx, policy: Policy, agent_id: int | None, query: Query) -> Listing:
    """One page of the inbox with its filters."""
    say = policy.say
    rows, count = views.inbox_rows(rx, query, agent_id)
    filters = [_choice(say(f"inbox.{view}"), query.words(view=view), query.view == view) for view in VIEWS]
    statuses = [
        _choice(say(f"status.{status or 'any'}"), query.words(status=status), query.status == status)
        for status in (*Status, None)
    ]
    pages = []
    if query.page > 1:
        pages.append(Button(label=say("inbox.previous"), command=query.words(page=query.page - 1)))
    if count > query.page * PAGE:
        pages.append(Button(label=say("inbox.next"), command=query.words(page=query.page + 1)))
    shown = f"{count}" if count < 1000 else "1000+"
    status = say(f"status.{query.status or 'any'}")
    title = say("inbox.title", view=say(f"inbox.{query.view}"), status=status, count=shown)
    return Listing(
        title=f"{title} · {say('inbox.page', page=query.page)}" if pages else title,
        rows=_rows(rx, policy, rows),
        filters=tuple(filters),
        statuses=tuple(statuses),
        pages=tuple(pages),
        empty=say("inbox.empty"),
    )


def _choice(label: str, command: str, chosen: bool) -> Button:
    return Button(label=label, command=command, style="primary" if chosen else "")


def _rows(rx: Rx, policy: Policy, rows: Sequence[Any], lines: dict[int, str] | None = None) -> tuple[Row, ...]:
    if not rows:
        return ()
    ids = [row.id for row in rows]
    tags, places = views.labels_of(rx, ids), views.threads_of(rx, ids)
    said = lines or {}
    return tuple(_row(policy, row, tags.get(row.id, []), places.get(row.id), said.get(row.id)) for row in rows)


def _row(policy: Policy, row: Any, tags: list[str], thread: ThreadRef | None, line: str | None) -> Row:
    say = policy.say
    details = [say(f"status.{row.status}"), row.owner or say("card.nobody"), *(f"#{tag}" for tag in tags)]
    times = []
    if row.waiting_since is not None:
        times.append(Fact(label=say("inbox.waiting"), instant=row.waiting_since))
    if row.snoozed_until is not None:
        times.append(Fact(label=say("inbox.until"), instant=row.snoozed_until))
    button = "release" if row.owner else "claim"
    closing = "reopen" if row.status == Status.RESOLVED else "resolve"
    buttons = [(button, row.id), (closing, row.id)]
    return Row(
        number=row.id,
        title=views.title(policy, row),
        line=line if line is not None else row.first_line,
        detail=" · ".join(details),
        times=tuple(times),
        thread=thread,
        buttons=tuple(Button(label=say(f"button.{name}"), command=f"{name} #{number}") for name, number in buttons),
    )


def search(rx: Rx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    words = (call.fields.get("words") or call.text).strip()
    if not words:
        return Answer(form=forms.search(policy))
    lines: dict[int, str] = {}
    for hit in full_text.search(rx, words, 40):
        lines.setdefault(hit.conversation_id, hit.line)
    numbers = list(lines)[:PAGE]
    rows = views.rows_of(rx, numbers)
    found = _rows(rx, policy, [rows[number] for number in numbers if number in rows], lines)
    title = policy.say("search.title", words=tree.clean_name(words), count=len(found))
    return Answer(listing=Listing(title=title, rows=found, empty=policy.say("search.empty")))


def history(rx: Rx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    """The contact's other conversations, newest first."""
    ids = sa.select(conversations.c.id).where(conversations.c.contact_id == case.contact_id)
    numbers = list(rx.execute(ids.order_by(conversations.c.id.desc()).limit(PAGE + 1)).scalars())
    rows = views.rows_of(rx, [number for number in numbers if number != case.id])
    ordered = [rows[number] for number in sorted(rows, reverse=True)][:PAGE]
    title = case.policy.say("history.title", name=case.contact_name or f"#{case.id}")
    return Answer(
        listing=Listing(title=title, rows=_rows(rx, case.policy, ordered), empty=case.policy.say("history.empty"))
    )


def why(rx: Rx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    """The last changes, each with who, when and why."""
    query = sa.select(activity).where(activity.c.conversation_id == case.id).order_by(activity.c.id.desc()).limit(10)
    policy = case.policy
    zone = policy.local(case.now, agent.timezone).tzinfo or policy.zone
    lines = [
        f"{timewords.describe(row.at, zone, policy.language)} · {activity_line(policy, row)}"
        for row in rx.execute(query)
    ]
    return Answer(text="\n".join(reversed(lines)) or policy.say("why.nothing"))


def activity_line(policy: Policy, row: Any) -> str:
    return policy.say(f"activity.{row.kind}", **orjson.loads(row.data))


def recap(rx: Rx, conversation: int, before: int, limit: int = 15) -> list[Any]:
    """The last messages before message id `before`, oldest first, for a thread that had to be rebuilt."""
    query = sa.select(messages).where(
        messages.c.conversation_id == conversation,
        messages.c.id < before,
        messages.c.deleted_at.is_(None),
        messages.c.delivery != Delivery.CANCELLED.value,
    )
    return list(reversed(rx.execute(query.order_by(messages.c.id.desc()).limit(limit)).all()))
