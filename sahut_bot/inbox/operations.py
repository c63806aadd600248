"""What can be done to a conversation. Each takes the open case and the actor, and raises `UserError` to refuse."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import lanes, state, timers
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.models import activity, agents, contacts, conversation_labels, conversations, labels, teams
from sahut_bot.inbox.state import Event
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Availability, Instant, Priority, Role, Status, Wake

SYSTEM = "system"


def claim(tx: Tx, case: Case, agent: Agent) -> None:
    """The agent owns it from now on and, mentioned, follows the thread. Whoever owned it before is named there."""
    if case.assignee_id == agent.id and case.owner_active:
        raise UserError("claim.yours")
    if case.owned_by_other(agent):
        before = _name(tx, case.assignee_id)
        case.change("taken_over", agent.actor, name=agent.name, before=before, mention=agent.who)
    else:
        case.change("claimed", agent.actor, name=agent.name, mention=agent.who)
    case.own(agent)


def take_ownership(case: Case, agent: Agent, *, follows: bool) -> None:
    """The first to answer owns it. `follows`: who typed in the thread follows it already, nobody need be mentioned."""
    if case.assignee_id is None or not case.owner_active:
        case.change("claimed", agent.actor, name=agent.name, **({} if follows else {"mention": agent.who}))
        case.own(agent)


def release(tx: Tx, case: Case, agent: Agent) -> None:
    if case.assignee_id is None:
        raise UserError("release.nobody")
    if case.assignee_id != agent.id and agent.role is Role.AGENT:
        raise UserError("release.other", name=_name(tx, case.assignee_id))
    case.change("released", agent.actor, name=agent.name)
    case.own(None)


def assign(tx: Tx, case: Case, actor: Agent, other: Agent) -> None:
    """Gives it to `other`, who becomes a follower of the thread. An agent may not take it from a third one."""
    if case.assignee_id == other.id:
        raise UserError("assign.same", name=other.name)
    if case.owned_by_other(actor) and actor.role is Role.AGENT:
        raise UserError("assign.not_yours", name=_name(tx, case.assignee_id))
    case.change("assigned", actor.actor, name=other.name, by=actor.name, mention=other.who)
    case.own(other)


def assign_team(tx: Tx, case: Case, actor: Agent, team: str) -> None:
    row = tx.execute(sa.select(teams.c.id, teams.c.name).where(sa.func.lower(teams.c.name) == team.lower())).first()
    if row is None:
        raise UserError("assign.unknown", name=team)
    case.set["team_id"] = row.id
    case.change("assigned_team", actor.actor, name=row.name, by=actor.name)


def _name(tx: Tx, agent_id: int | None) -> str:
    return str(tx.execute(sa.select(agents.c.name).where(agents.c.id == agent_id)).scalar() or "?")


# ---------------------------------------------------------------- status


def set_pending(tx: Tx, case: Case, agent: Agent) -> None:
    case.move(tx, state.after(case.status, Event.SET_PENDING))
    case.change("pending", agent.actor, name=agent.name)


def resolve(tx: Tx, case: Case, actor: str, name: str, reason: str = "") -> None:
    case.move(tx, state.after(case.status, Event.RESOLVE))
    case.change("resolved" if not reason else "resolved_why", actor, reason, name=name, why=reason)


def reopen(tx: Tx, case: Case, agent: Agent) -> None:
    """Team and owner stay, save an owner who is gone."""
    status = state.after(case.status, Event.REOPEN)
    if case.status is Status.RESOLVED and (other := live_conversation(tx, case.identity_id)) is not None:
        raise UserError("reopen.other_open", number=other)
    case.move(tx, status)
    drop_gone_owner(case)
    case.change("reopened_by", agent.actor, name=agent.name, **_to_owner(case, agent))


def live_conversation(tx: Tx, identity: int) -> int | None:
    """The one conversation of an identity that is not resolved."""
    live = sa.select(conversations.c.id).where(
        conversations.c.identity_id == identity, sa.text("conversations.status <> 'resolved'")
    )
    found: int | None = tx.execute(live).scalar()
    return found


def drop_gone_owner(case: Case) -> None:
    if case.assignee_id is not None and not case.owner_active:
        case.own(None)


def _to_owner(case: Case, actor: Agent) -> dict[str, str]:
    """A conversation that comes back is said to its owner, unless they brought it back themselves."""
    return {"mention": case.owner_who} if case.owner_active and case.assignee_id != actor.id else {}


def snooze(tx: Tx, case: Case, agent: Agent, until: Instant | None, wake: Wake, shown: str) -> None:
    """Hidden until `until` (None: until the customer replies). `shown` is that time in words, with its zone."""
    if until is None and wake is Wake.NEVER:
        raise UserError("snooze.for_ever")
    before: dict[str, Any] = {
        "before": case.status.value,
        "before_until": case.snoozed_until,
        "before_wake": case.wake.value,
    }
    _hide(tx, case, state.after(case.status, Event.SNOOZE), until, wake)
    kind = "snoozed" if until is not None else "snoozed_reply"
    case.change(kind, agent.actor, name=agent.name, until=shown, undo=True, **before)


def _hide(tx: Tx, case: Case, status: Status, until: Instant | None, wake: Wake) -> None:
    case.move(tx, status)
    case.snoozed_until = case.set["snoozed_until"] = until
    case.wake = wake
    case.set["snooze_wake"] = wake.value
    if until is not None:
        timers.arm(tx, [{"conversation_id": case.id, "kind": "snooze", "due_at": until}])


def wake_up(tx: Tx, case: Case, agent: Agent) -> None:
    case.move(tx, state.after(case.status, Event.WAKE))
    drop_gone_owner(case)
    case.change("woken_by", agent.actor, name=agent.name, **_to_owner(case, agent))


def undo_snooze(tx: Tx, case: Case, agent: Agent) -> None:
    """As it was before the last snooze, which may have been another snooze."""
    newest = (
        sa.select(activity.c.kind, activity.c.data)
        .where(activity.c.conversation_id == case.id, activity.c.kind.in_(("snoozed", "snoozed_reply")))
        .order_by(activity.c.id.desc())
        .limit(1)
    )
    row = tx.execute(newest).first()
    if case.status is not Status.SNOOZED or row is None:
        raise UserError("undo.nothing")
    data = orjson.loads(row.data)
    before, until = Status(data["before"]), data["before_until"]
    if before is Status.SNOOZED and (until is None or until > case.now):
        _hide(tx, case, before, until, Wake(data["before_wake"]))
    else:
        case.move(tx, Status.OPEN if before is Status.SNOOZED else before)
    case.change("snooze_undone", agent.actor, name=agent.name)


def time_up(tx: Tx, case: Case) -> None:
    """The snooze is over. Its owner is mentioned; without one the channel hears of it."""
    if case.status is not Status.SNOOZED:
        return
    case.move(tx, state.after(case.status, Event.TIME_UP))
    drop_gone_owner(case)
    case.change("time_up", SYSTEM)
    case.drafts.append(lanes.resurface(case.id, case.target, "thread.time_up"))


# ---------------------------------------------------------------- the rest


def set_priority(case: Case, agent: Agent, priority: Priority) -> None:
    if case.priority is priority:
        raise UserError("priority.same", priority=case.policy.say(f"priority.{priority}"))
    case.set["priority"] = priority.value
    case.priority = priority
    case.change("priority", agent.actor, name=agent.name, priority=case.policy.say(f"priority.{priority}"))


def label(tx: Tx, case: Case, agent: Agent, add: list[str], remove: list[str]) -> None:
    """Labels are made on the spot; names come in lower case."""
    has = set(labels_of(tx, case))
    add, remove = sorted(set(add) - has), sorted(set(remove) & has)
    if not add and not remove:
        raise UserError("label.same")
    if add:
        tx.insert_ignore(labels, [{"name": name} for name in add])
    ids = {row.name: row.id for row in tx.execute(sa.select(labels).where(labels.c.name.in_(add + remove)))}
    tx.insert_ignore(conversation_labels, [{"conversation_id": case.id, "label_id": ids[name]} for name in add])
    tx.execute(
        sa.delete(conversation_labels).where(
            conversation_labels.c.conversation_id == case.id,
            conversation_labels.c.label_id.in_([ids[name] for name in remove]),
        )
    )
    shown = " ".join([*(f"+{name}" for name in add), *(f"−{name}" for name in remove)])
    case.change("labels", agent.actor, name=agent.name, labels=shown)


def labels_of(tx: Tx, case: Case) -> list[str]:
    query = (
        sa.select(labels.c.name)
        .join(conversation_labels, conversation_labels.c.label_id == labels.c.id)
        .where(conversation_labels.c.conversation_id == case.id)
    )
    return list(tx.execute(query.order_by(labels.c.name)).scalars())


def block(tx: Tx, case: Case, agent: Agent, *, blocked: bool) -> None:
    """A blocked contact's messages are stored and nothing more."""
    if case.blocked is blocked:
        raise UserError("contact.already_blocked" if blocked else "contact.not_blocked")
    stamp = case.now if blocked else None
    tx.execute(sa.update(contacts).where(contacts.c.id == case.contact_id).values(blocked_at=stamp))
    case.blocked = blocked
    case.change("blocked" if blocked else "unblocked", agent.actor, name=agent.name, contact=case.contact_name)


def set_availability(tx: Tx, agent: Agent, availability: Availability) -> None:
    tx.execute(sa.update(agents).where(agents.c.id == agent.id).values(availability=availability.value))
