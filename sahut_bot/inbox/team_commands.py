"""The commands that concern no single conversation: the team, its roles, and writing first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import desk, forms, lanes, operations, people, replies
from sahut_bot.inbox.activity import Change
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.models import agents, contacts, conversations, identities, team_members, teams
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.replies import Written
from sahut_bot.inbox.store import Tx
from sahut_bot.text import tree
from sahut_bot.types import Answer, Availability, CommandCall, Instant, Role


def availability(tx: Tx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    word = (call.fields.get("availability") or call.text).strip().lower()
    if not word:
        return Answer(form=forms.availability(policy))
    try:
        wanted = Availability(word)
    except ValueError:
        raise UserError("availability.words") from None
    operations.set_availability(tx, agent, wanted)
    return Answer(text=policy.say("availability.done", word=policy.say(f"availability.{wanted}")))


def role(tx: Tx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    who, _, word = call.text.strip().rpartition(" ")
    who, word = call.fields.get("who", who), call.fields.get("role", word)
    if not who and not word:
        return Answer(form=forms.role(tx, policy, agent.teamchat))
    mention = next((one.id for one in tree.mentions(call.body) if one.kind == "user"), "")
    try:
        wanted = Role(word.strip().lower())
    except ValueError:
        raise UserError("role.words") from None
    if not (mention or who.strip()):
        raise UserError("role.words")
    other = people.named(tx, agent.teamchat, mention or who)
    people.set_role(tx, policy, other, wanted)
    return Answer(text=policy.say("role.done", name=other.name, role=wanted.value))


def team(tx: Tx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    """`list` is for everybody; the rest is for supervisors."""
    verb, _, rest = call.text.strip().partition(" ")
    if verb in ("", "list"):
        return Answer(text=_team_list(tx, policy))
    people.require(agent, Role.SUPERVISOR)
    name, _, who = rest.strip().partition(" ")
    name = tree.clean_name(name)
    if not name or (verb == "add" and who):
        raise UserError("team.words")
    if verb == "add":
        if not tx.insert_ignore(teams, [{"name": name}], returning=[teams.c.id]):
            raise UserError("team.exists", name=name)
        return Answer(text=policy.say("team.added", name=name))
    if verb not in ("join", "leave") or not who:
        raise UserError("team.words")
    team_id = tx.execute(sa.select(teams.c.id).where(sa.func.lower(teams.c.name) == name.lower())).scalar()
    if team_id is None:
        raise UserError("team.unknown", name=name)
    mention = next((one.id for one in tree.mentions(call.body) if one.kind == "user"), "")
    member = people.named(tx, agent.teamchat, mention or who)
    row = {"team_id": team_id, "agent_id": member.id}
    if verb == "join":
        tx.insert_ignore(team_members, [row])
    else:
        tx.execute(
            sa.delete(team_members).where(team_members.c.team_id == team_id, team_members.c.agent_id == member.id)
        )
    return Answer(text=policy.say(f"team.{verb}", name=name, who=member.name))


def _team_list(tx: Tx, policy: Policy) -> str:
    query = (
        sa.select(teams.c.name, agents.c.name.label("member"))
        .select_from(
            teams.outerjoin(team_members, team_members.c.team_id == teams.c.id).outerjoin(
                agents, agents.c.id == team_members.c.agent_id
            )
        )
        .order_by(teams.c.name, agents.c.name)
    )
    members: dict[str, list[str]] = {}
    for row in tx.execute(query):
        members.setdefault(row.name, []).extend([row.member] if row.member else [])
    return "\n".join(f"{name}: {', '.join(who) or '–'}" for name, who in members.items()) or policy.say("team.none")


def new(tx: Tx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    """Writes first, to somebody the channel knows. An open conversation with them is used instead of a second one."""
    words = call.text.strip().split(maxsplit=2)
    if not words and not call.fields:
        return Answer(form=forms.new(policy))
    words = [call.fields.get(name, "").strip() for name in ("channel", "address", "text")] if call.fields else words
    if len(words) < 3 or not all(words) or words[0].lower() not in policy.channels:
        raise UserError("new.words", channels=", ".join(sorted(policy.channels)))
    if tree.has_mention(call.body):
        raise UserError("reply.mention")
    channel, address, body = words[0].lower(), words[1], tree.text(words[2])
    case = _case_with(tx, policy, agent, channel, address, tree.first_line(body, 120), now)
    kept = replies.by_command(tx, case, agent, Written(body=body, at=call.at))
    desk.close(tx, case)
    return Answer(text=policy.say("new.done" if kept == "queued" else "reply.held", number=case.id))


def _case_with(tx: Tx, policy: Policy, agent: Agent, channel: str, address: str, first_line: str, now: Instant) -> Case:
    """The open conversation with that customer, else a new one. Raises `UserError` for a stranger."""
    query = _KNOWN.where(
        identities.c.channel == channel, (identities.c.external_id == address) | (identities.c.email == address.lower())
    )
    person = tx.execute(query.order_by(identities.c.seen_at.desc()).limit(1)).first()
    if person is None or person.contact_id is None:
        raise UserError("new.unknown", address=address, channel=channel)
    tx.lock(identities, [person.id])  # so that their own first message does not open a second one meanwhile
    number = operations.live_conversation(tx, person.id)
    if number is not None:
        return desk.take(tx, policy, number, now)
    # Refused here already: a conversation that was begun for nothing would stay.
    if person.blocked_at is not None:
        raise UserError("reply.blocked")
    if policy.channels[channel].capabilities.reply_window:
        raise UserError("reply.window", channel=policy.channels[channel].label)
    case = desk.take(tx, policy, _begin(tx, channel, person, first_line, now), now)
    case.changes.append(Change(case.id, "created", agent.actor, now))
    case.drafts.append(lanes.opening(case.id, case.target))
    return case


_KNOWN = sa.select(identities.c.id, identities.c.contact_id, contacts.c.blocked_at).outerjoin(
    contacts, contacts.c.id == identities.c.contact_id
)


def _begin(tx: Tx, channel: str, person: Any, first_line: str, now: Instant) -> int:
    newest = sa.select(sa.func.max(conversations.c.id)).where(conversations.c.identity_id == person.id)
    previous = tx.execute(newest).scalar()
    (number,) = tx.new_ids(conversations, 1)
    tx.execute(
        sa.insert(conversations).values(
            id=number,
            channel=channel,
            identity_id=person.id,
            contact_id=person.contact_id,
            status="open",
            first_line=first_line,
            created_at=now,
            updated_at=now,
            previous_id=previous,
        )
    )
    return number
