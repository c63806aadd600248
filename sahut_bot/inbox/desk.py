"""One conversation at hand, locked, while an operation works on it; its changes become rows and drafts together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import lanes, outbox, timers
from sahut_bot.inbox.activity import Change, record
from sahut_bot.inbox.models import agents, contacts, conversations, identities, threads
from sahut_bot.inbox.policy import ChannelPolicy, Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Instant, Priority, Role, Status, ThreadRef, Wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person of the team, as the store knows them. `who` is their id at the team chat."""

    id: int
    teamchat: str
    who: str
    name: str
    role: Role
    timezone: str = ""

    @property
    def actor(self) -> str:
        return f"agent:{self.id}"


@dataclass(slots=True, kw_only=True)
class Case:
    """A conversation being worked on. Change `set`, `changes` and `drafts`; `close` writes them all."""

    id: int
    channel: ChannelPolicy
    policy: Policy
    now: Instant
    status: Status
    contact_id: int
    contact_name: str
    blocked: bool
    address: str
    identity_id: int
    seen_at: Instant
    assignee_id: int | None
    owner_active: bool
    owner_who: str  # their id at the team chat
    team_id: int | None
    priority: Priority
    waiting_since: Instant | None
    last_customer_at: Instant | None
    snoozed_until: Instant | None
    wake: Wake
    thread: ThreadRef | None
    set: dict[str, object] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    drafts: list[outbox.Draft] = field(default_factory=list)
    card: bool = False

    @property
    def teamchat(self) -> str:
        return self.thread.teamchat if self.thread else self.channel.teamchat

    @property
    def target(self) -> str:
        place = self.thread.place if self.thread else self.channel.place
        return lanes.post_target(self.teamchat, place)

    def change(self, kind: str, actor: str, reason: str = "", **data: object) -> None:
        """Records that `actor` did `kind`; the card shows it."""
        self.changes.append(Change(self.id, kind, actor, self.now, reason, data))
        self.card = True

    def move(self, tx: Tx, status: Status) -> None:
        """Another status, with all that belongs to it."""
        if self.status is Status.SNOOZED:
            timers.disarm(tx, [self.id], "snooze")
        self.status = status
        self.set["status"] = status.value
        self.set["resolved_at"] = self.now if status is Status.RESOLVED else None
        if status is not Status.SNOOZED:
            self.set["snoozed_until"] = None
            self.snoozed_until = None
        if status in (Status.PENDING, Status.RESOLVED):
            self.set["waiting_since"] = None
            self.waiting_since = None
        self.card = True

    def own(self, agent: Agent | None) -> None:
        """The conversation is the agent's from now on, or nobody's."""
        self.assignee_id = self.set["assignee_id"] = agent.id if agent else None
        self.owner_active = agent is not None
        self.owner_who = agent.who if agent else ""

    def owned_by_other(self, agent: Agent) -> bool:
        return self.owner_active and self.assignee_id not in (None, agent.id)

    def tell(self, key: str, *, agent: int | None = None, message: int | None = None, **params: object) -> None:
        """A line in the thread that somebody must read."""
        self.drafts.append(lanes.error(self.id, self.target, key, agent, message, **params))


_QUERY = (
    sa.select(
        conversations,
        contacts.c.name.label("contact_name"),
        contacts.c.blocked_at,
        identities.c.external_id.label("address"),
        identities.c.name.label("identity_name"),
        identities.c.seen_at,
        threads.c.place,
        threads.c.teamchat,
        threads.c.external_id.label("thread_id"),
        agents.c.active.label("owner_active"),
        agents.c.external_id.label("owner_who"),
    )
    .select_from(
        conversations.join(contacts, contacts.c.id == conversations.c.contact_id)
        .join(identities, identities.c.id == conversations.c.identity_id)
        .outerjoin(threads, (threads.c.conversation_id == conversations.c.id) & sa.text("threads.live"))
        .outerjoin(agents, agents.c.id == conversations.c.assignee_id)
    )
    .where(conversations.c.id == sa.bindparam("id"))
)


def take(tx: Tx, policy: Policy, conversation_id: int, now: Instant) -> Case:
    """The conversation, locked until the commit. Raises `UserError` when there is none of that number."""
    tx.lock(conversations, [conversation_id])
    row: Any = tx.execute(_QUERY, {"id": conversation_id}).first()
    if row is None:
        raise UserError("command.no_conversation", number=conversation_id)
    return Case(
        id=row.id,
        channel=policy.channel(row.channel),
        policy=policy,
        now=now,
        status=Status(row.status),
        contact_id=row.contact_id,
        contact_name=row.contact_name or row.identity_name,
        blocked=row.blocked_at is not None,
        address=row.address,
        identity_id=row.identity_id,
        seen_at=row.seen_at,
        assignee_id=row.assignee_id,
        owner_active=bool(row.owner_active),
        owner_who=row.owner_who or "",
        team_id=row.team_id,
        priority=Priority(row.priority),
        waiting_since=row.waiting_since,
        last_customer_at=row.last_customer_at,
        snoozed_until=row.snoozed_until,
        wake=Wake(row.snooze_wake),
        thread=ThreadRef(teamchat=row.teamchat, place=row.place, external_id=row.thread_id) if row.place else None,
    )


def close(tx: Tx, case: Case) -> None:
    """Writes what was done: the conversation, the record, the card and all that goes out."""
    if case.set or case.changes:
        case.set["updated_at"] = case.now
        tx.execute(sa.update(conversations).where(conversations.c.id == case.id).values(**case.set))
    place = case.thread.place if case.thread else ""
    case.drafts += record(tx, case.policy, case.changes, {case.id: place}, {case.id: case.channel.name})
    if case.card and case.thread:
        case.drafts.append(lanes.card(case.id, case.teamchat, case.now + case.policy.card_after))
    if case.drafts:
        outbox.enqueue(tx, list(_timely(case)), case.now)


# Lanes of what is put on or beside posts: without a thread there is no place for it yet.
PARKED = ("a", "p", "m", "u")


def _timely(case: Case) -> Iterator[outbox.Draft]:
    """The drafts; what needs the thread waits until there is one (`settle` releases it)."""
    for draft in case.drafts:
        parked = case.thread is None and draft.lane[0] in PARKED
        yield replace(draft, run_at=outbox.FAR) if parked else draft
