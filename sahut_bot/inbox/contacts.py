"""Who is writing: identities on channels, and the contacts behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import sqlalchemy as sa

from sahut_bot.inbox.models import contacts, identities
from sahut_bot.inbox.prepared import Prepared
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Instant, Sender


@dataclass(slots=True)
class Met:
    """A known identity. `fresh`: seen for the first time now."""

    identity_id: int
    contact_id: int
    fresh: bool
    blocked: bool


SEEN_EVERY = 15.0  # seconds: how exact "last seen" is, so that not every message writes it
People: TypeAlias = dict[tuple[str, str], Met]  # by (channel, external id)


def meet(tx: Tx, seen: Sequence[tuple[str, Sender, Instant]]) -> People:
    """Finds or makes the identity and contact of each sender. What they say of themselves is kept, empty is not."""
    latest: dict[tuple[str, str], tuple[Sender, Instant]] = {}
    for channel, sender, at in seen:
        key = (channel, sender.external_id)
        latest[key] = (_together(latest[key][0], sender) if key in latest else sender, at)
    people = {}
    for row in _known(tx, latest):
        key = (row.channel, row.external_id)
        if key in latest and row.contact_id is not None and not _tells_more(row, *latest[key]):
            people[key] = Met(row.id, row.contact_id, fresh=False, blocked=row.blocked_at is not None)
    rest = {key: told for key, told in latest.items() if key not in people}
    if rest:
        people |= _meet_anew(tx, rest)
    return people


def _together(old: Sender, new: Sender) -> Sender:
    """What both say of one person. The newer word counts, but a proof is neither replaced by what is merely said nor
    vouches for it.
    """
    name = new.name or old.name
    if old.verified is not new.verified:
        return replace(old if old.verified else new, name=name)
    return replace(new, name=name, email=new.email or old.email, phone=new.phone or old.phone)


def _known(tx: Tx, latest: Mapping[tuple[str, str], object]) -> Sequence[sa.Row[Any]]:
    channels, external_ids = ({key[n] for key in latest} for n in (0, 1))
    return tx.ask(_IDENTITIES, channels=channels, external_ids=external_ids)


_IDENTITIES = Prepared(
    lambda words: (
        sa.select(identities, contacts.c.blocked_at)
        .outerjoin(contacts, contacts.c.id == identities.c.contact_id)
        .where(words.among(identities.c.channel, "channels"), words.among(identities.c.external_id, "external_ids"))
    )
)


def _tells_more(row: Any, sender: Sender, at: Instant) -> bool:
    """Whether there is something to write down: a name that changed, or that they were here after a while."""
    if at - row.seen_at >= SEEN_EVERY or (sender.name and sender.name != row.name):
        return True
    if sender.verified != bool(row.verified):
        return sender.verified
    email, phone = sender.email.lower(), sender.phone
    return bool((email and email != row.email) or (phone and phone != row.phone))


def _meet_anew(tx: Tx, latest: dict[tuple[str, str], tuple[Sender, Instant]]) -> People:
    people = {(row.channel, row.external_id): row for row in _upsert(tx, latest)}
    strangers = {key: row.id for key, row in sorted(people.items()) if row.contact_id is None}
    made = _introduce(tx, {key: latest[key] for key in strangers}, strangers) if strangers else {}
    contact_of = {key: row.contact_id or made[key] for key, row in people.items()}
    known = [key for key in sorted(people) if key not in made]
    if known:
        tx.execute(_COMPLETE, [_completed(contact_of[key], *latest[key]) for key in known])
    blocked = set(tx.execute(_BLOCKED.where(tx.among(contacts.c.id, sorted(set(contact_of.values()))))).scalars())
    return {key: Met(row.id, contact_of[key], key in made, contact_of[key] in blocked) for key, row in people.items()}


# What the team does not know of a contact yet; what it wrote down itself stays.
_COMPLETE = (
    sa.update(contacts)
    .where(contacts.c.id == sa.bindparam("b_id"))
    .values(
        seen_at=sa.bindparam("b_at"),
        **{
            name: sa.case((contacts.c[name] == "", sa.bindparam(f"b_{name}")), else_=contacts.c[name])
            for name in ("name", "email", "phone")
        },
    )
)


def _completed(contact: int, sender: Sender, at: Instant) -> dict[str, object]:
    return {"b_id": contact, "b_at": at, "b_name": sender.name, "b_email": sender.email, "b_phone": sender.phone}


_BLOCKED = sa.select(contacts.c.id).where(contacts.c.blocked_at.is_not(None))


def _upsert(tx: Tx, latest: dict[tuple[str, str], tuple[Sender, Instant]]) -> Sequence[sa.Row[tuple[object, ...]]]:
    rows = [
        {
            "channel": channel,
            "external_id": external_id,
            "name": sender.name,
            "email": sender.email.lower(),
            "phone": sender.phone,
            "verified": sender.verified,
            "seen_at": at,
        }
        for (channel, external_id), (sender, at) in sorted(latest.items())
    ]
    return tx.upsert(
        identities,
        rows,
        key=("channel", "external_id"),
        update=lambda new: {
            "seen_at": new.seen_at,
            "verified": new.verified | identities.c.verified,
            "name": sa.case((new.name != "", new.name), else_=identities.c.name),
            # As `_together`.
            **{
                name: sa.case(
                    (new.verified & ~identities.c.verified, new[name]),
                    (~new.verified & identities.c.verified, identities.c[name]),
                    (new[name] != "", new[name]),
                    else_=identities.c[name],
                )
                for name in ("email", "phone")
            },
        },
        returning=[identities.c.id, identities.c.channel, identities.c.external_id, identities.c.contact_id],
    )


def _introduce(
    tx: Tx, latest: dict[tuple[str, str], tuple[Sender, Instant]], ids: dict[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """A contact for each identity without one: the contact whose e-mail address is proven the same, else a new one."""
    proofs = {key: s.email.lower() for key, (s, _) in latest.items() if s.verified and s.email}
    known = _proven(tx, sorted(set(proofs.values()))) if proofs else {}
    # Of several newcomers with one proven address, the first brings the contact.
    first: dict[str, tuple[str, str]] = {}
    for key, email in proofs.items():
        if email not in known:
            first.setdefault(email, key)
    fresh = [key for key in latest if key not in proofs or first.get(proofs[key]) == key]
    found = dict(zip(fresh, tx.new_ids(contacts, len(fresh)), strict=True))
    if fresh:
        tx.execute(sa.insert(contacts), [_contact(found[key], *latest[key]) for key in fresh])
    found |= {key: known.get(email) or found[first[email]] for key, email in proofs.items()}
    link = sa.update(identities).where(identities.c.id == sa.bindparam("b_id")).values(contact_id=sa.bindparam("b_to"))
    tx.execute(link, [{"b_id": ids[key], "b_to": contact} for key, contact in sorted(found.items())])
    return found


def _proven(tx: Tx, emails: list[str]) -> dict[str, int]:
    """By address in lower case: the contact of who has proven it."""
    same = sa.select(identities.c.email, sa.func.min(identities.c.contact_id).label("contact")).where(
        tx.among(identities.c.email, emails), sa.text("identities.verified"), identities.c.contact_id.is_not(None)
    )
    return {row.email: row.contact for row in tx.execute(same.group_by(identities.c.email))}


def _contact(new_id: int, sender: Sender, at: Instant) -> dict[str, object]:
    return {
        "id": new_id,
        "name": sender.name,
        "email": sender.email,
        "phone": sender.phone,
        "created_at": at,
        "seen_at": at,
    }
