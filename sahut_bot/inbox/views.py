"""What people look at: the card of a conversation, the inbox, a contact's history. Reads alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox.models import (
    agents,
    contacts,
    conversation_labels,
    conversations,
    identities,
    labels,
    team_members,
    teams,
    threads,
)
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.tx import Rx
from sahut_bot.types import Button, Card, Fact, Instant, Priority, Status, ThreadRef

PAGE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which conversations a list shows. `view` is all, mine, unassigned or team; `status` None is every status."""

    view: str = "all"
    status: Status | None = Status.OPEN
    channel: str = ""
    label: str = ""
    page: int = 1

    def words(self, **change: Any) -> str:
        """The command that shows this list with `change`d parts, from its first page unless told otherwise."""
        values = {name: change.get(name, getattr(self, name)) for name in ("view", "status", "channel", "label")}
        page = change.get("page", 1)
        words = ["inbox", values["view"], f"status:{values['status'] or 'any'}"]
        words += [f"{name}:{values[name]}" for name in ("channel", "label") if values[name]]
        return " ".join([*words, f"page:{page}"] if page > 1 else words)


_ROWS = sa.select(
    conversations,
    sa.func.coalesce(sa.func.nullif(contacts.c.name, ""), identities.c.name).label("contact_name"),
    contacts.c.blocked_at,
    identities.c.external_id.label("address"),
    agents.c.name.label("owner"),
    agents.c.external_id.label("owner_who"),
    teams.c.name.label("team"),
).select_from(
    conversations.join(contacts, contacts.c.id == conversations.c.contact_id)
    .join(identities, identities.c.id == conversations.c.identity_id)
    .outerjoin(agents, agents.c.id == conversations.c.assignee_id)
    .outerjoin(teams, teams.c.id == conversations.c.team_id)
)


def inbox_rows(rx: Rx, query: Query, agent_id: int | None) -> tuple[list[Any], int]:
    """One page of conversations, the latest changed first, and how many there are in all (counted up to 1,000)."""
    where = list(_filters(query, agent_id))
    newest_first = _ROWS.where(*where).order_by(conversations.c.updated_at.desc(), conversations.c.id.desc())
    rows = rx.execute(newest_first.limit(PAGE).offset((query.page - 1) * PAGE)).all()
    some = sa.select(conversations.c.id).where(*where).limit(1000).subquery()
    return list(rows), int(rx.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def _filters(query: Query, agent_id: int | None) -> Any:
    if query.status is not None:
        yield conversations.c.status == query.status.value
    if query.view == "mine":
        yield conversations.c.assignee_id == (agent_id or 0)
    elif query.view == "unassigned":
        yield conversations.c.assignee_id.is_(None)
    elif query.view == "team":
        mine = sa.select(team_members.c.team_id).where(team_members.c.agent_id == (agent_id or 0))
        yield conversations.c.team_id.in_(mine)
    if query.channel:
        yield conversations.c.channel == query.channel
    if query.label:
        labelled = sa.select(conversation_labels.c.conversation_id).join(
            labels, labels.c.id == conversation_labels.c.label_id
        )
        yield conversations.c.id.in_(labelled.where(labels.c.name == query.label))


def rows_of(rx: Rx, ids: list[int]) -> dict[int, Any]:
    """By conversation: its row with the names on it."""
    if not ids:
        return {}
    return {row.id: row for row in rx.execute(_ROWS.where(rx.among(conversations.c.id, ids)))}


def labels_of(rx: Rx, ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = (
        sa.select(conversation_labels.c.conversation_id, labels.c.name)
        .join(labels, labels.c.id == conversation_labels.c.label_id)
        .where(rx.among(conversation_labels.c.conversation_id, ids))
        .order_by(labels.c.name)
    )
    for row in rx.execute(query):
        found.setdefault(row.conversation_id, []).append(row.name)
    return found


def threads_of(rx: Rx, ids: list[int]) -> dict[int, ThreadRef]:
    """By conversation: its live thread, where it has one."""
    query = sa.select(threads).where(rx.among(threads.c.conversation_id, ids), sa.text("live"))
    return {
        row.conversation_id: ThreadRef(teamchat=row.teamchat, place=row.place, external_id=row.external_id)
        for row in rx.execute(query)
    }


def earlier(rx: Rx, contact_ids: list[int]) -> dict[int, list[int]]:
    """By contact: the numbers of their conversations, newest first."""
    query = sa.select(conversations.c.contact_id, conversations.c.id).where(
        rx.among(conversations.c.contact_id, contact_ids)
    )
    found: dict[int, list[int]] = {}
    for row in rx.execute(query.order_by(conversations.c.id.desc())):
        found.setdefault(row.contact_id, []).append(row.id)
    return found


def cards(rx: Rx, policy: Policy, ids: list[int]) -> dict[int, Card]:
    """The cards of conversations as they stand now; four statements however many."""
    rows = rows_of(rx, ids)
    tags = labels_of(rx, ids)
    others = earlier(rx, sorted({row.contact_id for row in rows.values()}))
    return {
        number: card(policy, row, tags.get(number, []), [one for one in others[row.contact_id] if one < number])
        for number, row in rows.items()
    }


def who(row: Any) -> str:
    """What the team calls the customer: a name, else a short form of the address."""
    return row.contact_name or f"…{row.address[-6:]}"


def title(policy: Policy, row: Any) -> str:
    return f"#{row.id} · {policy.channel(row.channel).label} · {who(row)}"


def card(policy: Policy, row: Any, tags: list[str], before: list[int]) -> Card:
    """Pure: the card of one conversation."""
    say = policy.say
    channel = policy.channel(row.channel)
    mode = "removed" if channel.removed else "reply" if channel.reply_by_default else "note"
    return Card(
        conversation=row.id,
        title=title(policy, row),
        first_line=row.first_line,
        facts=tuple(_facts(policy, row, tags, before)),
        mode_line=say(f"card.mode.{mode}"),
        buttons=_buttons(policy, row),
        status=Status(row.status),
    )


def _facts(policy: Policy, row: Any, tags: list[str], before: list[int]) -> Any:
    say = policy.say
    yield Fact(label=say("card.status"), text=say(f"status.{row.status}"))
    if row.status == Status.SNOOZED:
        until: Instant | None = row.snoozed_until
        text = "" if until else say("snooze.until_reply")
        yield Fact(label=say("card.snoozed_until"), text=text, instant=until)
    yield Fact(label=say("card.owner"), text=row.owner or say("card.nobody"))
    if row.team:
        yield Fact(label=say("card.team"), text=row.team)
    if row.priority != Priority.NORMAL:
        yield Fact(label=say("card.priority"), text=say(f"priority.{row.priority}"))
    if tags:
        yield Fact(label=say("card.labels"), text=", ".join(tags))
    if row.waiting_since is not None:
        yield Fact(label=say("card.waiting_since"), instant=row.waiting_since)
    window = policy.channel(row.channel).capabilities.reply_window
    if window and row.last_customer_at:
        yield Fact(label=say("card.reply_until"), instant=row.last_customer_at + window)
    if before:
        shown = ", ".join(f"#{number}" for number in before[:3])
        yield Fact(label=say("card.earlier"), text=f"{len(before)} ({shown}{'…' if len(before) > 3 else ''})")
    if row.blocked_at is not None:
        yield Fact(label=say("card.contact"), text=say("contact.is_blocked"))


def _buttons(policy: Policy, row: Any) -> tuple[Button, ...]:
    say, number = policy.say, row.id

    def button(name: str, style: str = "") -> Button:
        return Button(label=say(f"button.{name}"), command=f"{name} #{number}", style=style)

    resolved = row.status == Status.RESOLVED
    return (
        button("release") if row.owner else button("claim", "primary"),
        button("reopen") if resolved else button("resolve"),
        button("snooze"),
        button("assign"),
        button("more"),
    )
