"""The commands that concern no single conversation: the team, its roles, and writing first."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import desk, lanes, operations, people, replies
from sahut_bot.inbox.activity import Change
from sahut_bot.inbox.desk import Agent
from sahut_bot.inbox.models import agents, conversations, identities, team_members, teams
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.replies import Written
from sahut_bot.inbox.store import Tx
from sahut_bot.text import tree
from sahut_bot.types import Answer, Availability, CommandCall, Instant, Role


def availability(tx: Tx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    word = call.text.strip().lower()
    try:
        wanted = Availability(word)
    except ValueError:
        raise UserError("availability.words") from None
    operations.set_availability(tx, agent, wanted)
    return Answer(text=policy.say("availability.done", word=policy.say(f"availability.{wanted}")))


def role(tx: Tx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    who, _, word = call.text.strip().rpartition(" ")
    mention = next((one.id for one in tree.mentions(call.body) if one.kind == "user"), "")
    try:
        wanted = Role(word.strip().lower())
    except ValueError:
        raise UserError("role.words") from None
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
    if not name:
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
    if len(words) < 3 or words[0].lower() not in policy.channels:
        raise UserError("new.words", channels=", ".join(sorted(policy.channels)))
    name, address, text = words[0].lower(), words[1], words[2]
    query = sa.select(identities.c.id, identities.c.contact_id).where(
        identities.c.channel == name, (identities.c.external_id == address) | (identities.c.email == address)
    )
    person = tx.execute(query.order_by(identities.c.seen_at.desc()).limit(1)).first()
    if person is None or person.contact_id is None:
        raise UserError("new.unknown", address=address, channel=name)
    live = sa.select(conversations.c.id).where(
        conversations.c.identity_id == person.id, sa.text("status <> 'resolved'")
    )
    number = tx.execute(live).scalar()
    body = tree.text(text)
    if number is None:
        number = _begin(tx, name, person.id, person.contact_id, tree.first_line(body, 120), now)
    case = desk.take(tx, policy, number, now)
    if case.thread is None:
        case.changes.append(Change(case.id, "created", agent.actor, now))
        case.drafts.append(lanes.opening(case.id, case.target))
    replies.reply(tx, case, agent, Written(body=body, at=call.at), hold=True)
    desk.close(tx, case)
    return Answer(text=policy.say("new.done", number=number))


def _begin(tx: Tx, channel: str, identity: int, contact: int, first_line: str, now: Instant) -> int:
    (number,) = tx.new_ids(conversations, 1)
    tx.execute(
        sa.insert(conversations).values(
            id=number,
            channel=channel,
            identity_id=identity,
            contact_id=contact,
            status="open",
            first_line=first_line,
            created_at=now,
            updated_at=now,
        )
    )
    return number
