"""The forms: commands whose arguments are still missing."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from sahut_bot.inbox import operations
from sahut_bot.inbox.desk import Case
from sahut_bot.inbox.models import agents, labels, teams
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.text import tree
from sahut_bot.types import Availability, Field, Form, Option, Priority, Role, Status, Wake

MOST_CHOICES = 90  # a select of the team chats holds a hundred


def _form(case: Case, name: str, *fields: Field, note: str = "") -> Form:
    return _anywhere(case.policy, name, *fields, command=f"{name} #{case.id}", note=note)


def _anywhere(policy: Policy, name: str, *fields: Field, command: str = "", note: str = "") -> Form:
    """A form of a command that concerns no single conversation."""
    title, submit = policy.say(f"form.{name}"), policy.say(f"form.{name}.submit")
    return Form(command=command or name, title=title, submit=submit, fields=fields, note=note)


def reply(case: Case) -> Form:
    text = Field(name="text", label=case.policy.say("form.text"), kind="lines")
    return _form(case, "reply", text, note=case.policy.say("form.reply.note", contact=case.contact_name))


def note(case: Case) -> Form:
    text = Field(name="text", label=case.policy.say("form.text"), kind="lines")
    return _form(case, "note", text, note=case.policy.say("form.note.note"))


def snooze(case: Case) -> Form:
    say = case.policy.say
    presets = (("1h", "1h"), ("3h", "3h"), ("tomorrow 9am", "tomorrow"), ("next monday", "monday"))
    options = tuple(Option(value=value, label=say(f"snooze.preset.{key}")) for value, key in presets)
    reply_option = Option(value="until reply", label=say("snooze.preset.reply"))
    wakes = tuple(Option(value=wake.value, label=say(f"snooze.wake.{wake}")) for wake in Wake)
    return _form(
        case,
        "snooze",
        Field(
            name="preset", label=say("form.snooze.preset"), kind="choice", options=(*options, reply_option), value="3h"
        ),
        Field(name="when", label=say("form.snooze.when"), hint=say("form.snooze.hint"), optional=True, limit=100),
        Field(name="wake", label=say("form.snooze.wake"), kind="choice", options=wakes, value=Wake.ANY.value),
    )


def assign(tx: Tx, case: Case) -> Form:
    query = sa.select(agents).where(agents.c.teamchat == case.teamchat, agents.c.active.is_(True))
    people = tx.execute(query.order_by(sa.func.lower(agents.c.name)).limit(MOST_CHOICES)).all()
    groups = tx.execute(sa.select(teams).order_by(teams.c.name).limit(10)).all()
    say = case.policy.say
    options = [
        Option(value=row.external_id, label=f"{row.name} · {say(f'availability.{row.availability}')}")
        for row in people
        if row.id != case.assignee_id
    ]
    options += [Option(value=f"team:{row.name}", label=f"{say('card.team')}: {row.name}") for row in groups]
    if not options:
        return _form(case, "assign", Field(name="to", label=say("form.assign.to"), hint=say("form.assign.nobody")))
    return _form(case, "assign", Field(name="to", label=say("form.assign.to"), kind="choice", options=tuple(options)))


def priority(case: Case) -> Form:
    options = tuple(Option(value=one.value, label=case.policy.say(f"priority.{one}")) for one in Priority)
    field = Field(
        name="priority",
        label=case.policy.say("form.priority"),
        kind="choice",
        options=options,
        value=case.priority.value,
    )
    return _form(case, "priority", field)


def label(tx: Tx, case: Case) -> Form:
    say = case.policy.say
    known = tx.execute(sa.select(labels.c.name).order_by(labels.c.name).limit(MOST_CHOICES)).scalars().all()
    fields = []
    if known:
        options = tuple(Option(value=name, label=name) for name in known)
        has = ",".join(operations.labels_of(tx, case))
        fields.append(
            Field(
                name="labels", label=say("form.label.known"), kind="choices", options=options, value=has, optional=True
            )
        )
    hint = say("form.label.hint")
    fields.append(Field(name="new", label=say("form.label.new"), hint=hint, optional=bool(known), limit=200))
    return _form(case, "label", *fields)


def label_changes(tx: Tx, case: Case, fields: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """(to add, to remove): the form holds the whole set, so what is not chosen goes."""
    has = set(operations.labels_of(tx, case))
    chosen = {tree.clean_name(name) for name in fields.get("labels", "").split(",") if name.strip()}
    new = {tree.clean_name(name.lower()) for name in fields.get("new", "").replace(",", " ").split()}
    return sorted((chosen | new) - has), sorted(has - chosen) if "labels" in fields else []


def availability(policy: Policy) -> Form:
    options = tuple(Option(value=one.value, label=policy.say(f"availability.{one}")) for one in Availability)
    label = policy.say("form.availability")
    return _anywhere(policy, "availability", Field(name="availability", label=label, kind="choice", options=options))


def role(tx: Tx, policy: Policy, teamchat: str) -> Form:
    say = policy.say
    query = sa.select(agents).where(agents.c.teamchat == teamchat, agents.c.active.is_(True))
    people = tx.execute(query.order_by(sa.func.lower(agents.c.name)).limit(MOST_CHOICES)).all()
    names = tuple(Option(value=row.external_id, label=f"{row.name} · {row.role}") for row in people)
    roles = tuple(Option(value=one.value, label=one.value) for one in Role)
    return _anywhere(
        policy,
        "role",
        Field(name="who", label=say("form.role.who"), kind="choice", options=names),
        Field(name="role", label=say("form.role"), kind="choice", options=roles),
    )


def new(policy: Policy) -> Form:
    say = policy.say
    channels = tuple(Option(value=name, label=one.label) for name, one in sorted(policy.channels.items()))
    return _anywhere(
        policy,
        "new",
        Field(name="channel", label=say("form.new.channel"), kind="choice", options=channels[:MOST_CHOICES]),
        Field(name="address", label=say("form.new.address"), hint=say("form.new.address_hint"), limit=200),
        Field(name="text", label=say("form.text"), kind="lines"),
    )


def search(policy: Policy) -> Form:
    return _anywhere(policy, "search", Field(name="words", label=policy.say("form.search.words"), limit=200))


def more(case: Case) -> Form:
    say = case.policy.say
    names = ["note", "reply", "label", "priority", "history", "contact show", "why"]
    if case.status in (Status.OPEN, Status.SNOOZED):
        names.insert(2, "pending")
    if case.status is Status.SNOOZED:
        names.insert(0, "wake")
    names.append("contact unblock" if case.blocked else "contact block")
    options = tuple(Option(value=name, label=say(f"more.{name.replace(' ', '_')}")) for name in names)
    return _form(case, "more", Field(name="action", label=say("form.more.action"), kind="choice", options=options))
