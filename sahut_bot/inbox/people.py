"""The team as the store knows it: who is an agent, with which role."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox.desk import Agent
from sahut_bot.inbox.models import agents
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Rx, Tx
from sahut_bot.text import tree
from sahut_bot.types import Person, Role

_RANK = {Role.AGENT: 0, Role.SUPERVISOR: 1, Role.ADMIN: 2}


def meet(tx: Tx, policy: Policy, person: Person) -> Agent | None:
    """The agent that `person` is, made or brought up to date; None for anybody who is none (any more)."""
    row = _find(tx, person)
    name = tree.clean_name(person.name) or person.external_id
    fresh = {"name": name, "timezone": person.timezone, "active": person.is_agent}
    if row is None:
        if not person.is_agent:
            return None
        key = {"teamchat": person.teamchat, "external_id": person.external_id}
        tx.insert_ignore(agents, [{**key, **fresh, "role": _first_role(policy, person).value}])
        row = _find(tx, person)
    elif (row.name, row.timezone, row.active) != (name, person.timezone, person.is_agent):
        tx.execute(sa.update(agents).where(agents.c.id == row.id).values(**fresh))
    if row is None or not person.is_agent:
        return None
    role = max(Role(row.role), _first_role(policy, person), key=_RANK.__getitem__)
    return Agent(id=row.id, teamchat=row.teamchat, who=row.external_id, name=name, role=role, timezone=person.timezone)


def known(rx: Rx, person: Person) -> Agent:
    """The agent that `person` is, without writing; one who never did anything has the id 0."""
    row = _find(rx, person)
    if row is not None:
        return _agent(row)
    return Agent(id=0, teamchat=person.teamchat, who=person.external_id, name=person.name, role=Role.AGENT)


def _first_role(policy: Policy, person: Person) -> Role:
    return Role.ADMIN if f"{person.teamchat}:{person.external_id}" in policy.admins else Role.AGENT


def _find(tx: Rx, person: Person) -> Any:
    query = sa.select(agents).where(agents.c.teamchat == person.teamchat, agents.c.external_id == person.external_id)
    return tx.execute(query).first()


def require(agent: Agent, role: Role) -> None:
    """Raises `UserError` unless the agent's role is at least `role`."""
    if _RANK[agent.role] < _RANK[role]:
        raise UserError("command.not_allowed", role=role.value)


def set_role(tx: Tx, policy: Policy, who: Agent, role: Role) -> None:
    """Raises `UserError` for an admin named in the settings, who would get the role back at once."""
    if f"{who.teamchat}:{who.who}" in policy.admins and role is not Role.ADMIN:
        raise UserError("role.from_settings", name=who.name)
    tx.execute(sa.update(agents).where(agents.c.id == who.id).values(role=role.value))


def named(tx: Tx, teamchat: str, words: str) -> Agent:
    """The active agent meant by a mention, an id or a name. Raises `UserError` for none or several."""
    wanted = words.strip().removeprefix("<@").removesuffix(">").split("|")[0].removeprefix("@").strip()
    name, lowered = sa.func.lower(agents.c.name), wanted.lower()
    begins = sa.func.substr(name, 1, len(lowered) + 1) == f"{lowered} "
    here = sa.select(agents).where(agents.c.teamchat == teamchat, agents.c.active.is_(True))
    # The id, else the whole name, else a first name that only one of them has.
    for meant in (agents.c.external_id == wanted, name == lowered, begins):
        rows = tx.execute(here.where(meant).order_by(agents.c.id).limit(2)).all()
        if len(rows) == 1:
            return _agent(rows[0])
        if rows:
            raise UserError("assign.several", name=wanted)
    raise UserError("assign.unknown", name=wanted)


def by_id(tx: Tx, agent_id: int | None) -> Agent | None:
    row = tx.execute(sa.select(agents).where(agents.c.id == agent_id)).first() if agent_id else None
    return _agent(row) if row else None


def _agent(row: Any) -> Agent:
    return Agent(
        id=row.id,
        teamchat=row.teamchat,
        who=row.external_id,
        name=row.name,
        role=Role(row.role),
        timezone=row.timezone,
    )
