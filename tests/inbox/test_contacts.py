"""Who is writing: identities, the contacts behind them, and what a proof is worth."""

from __future__ import annotations

from typing import Any

import pytest

from sahut_bot.inbox import receive
from sahut_bot.inbox.models import contacts, conversations, identities
from sahut_bot.types import Sender
from tests.inbox.builders import World, channel, policy

BUDI = "budi@example.com"


async def says(world: World, who: str, *, channel_name: str = "web", **values: Any) -> int:
    """Somebody writes; the id of their contact."""
    await world.customer(channel=channel_name, sender=Sender(external_id=who, **values))
    return int((await world.one(identities, external_id=who)).contact_id)


async def test_somebody_new_gets_an_identity_and_a_contact_of_what_they_say(world: World) -> None:
    contact = await says(world, "v1", name="Budi Santoso", email=BUDI, phone="+62811")
    row = await world.one(contacts, id=contact)
    assert (row.name, row.email, row.phone) == ("Budi Santoso", BUDI, "+62811")
    assert row.blocked_at is None


async def test_somebody_known_keeps_their_contact_and_empty_words_take_nothing_away(world: World) -> None:
    contact = await says(world, "v1", name="Budi", email=BUDI)
    assert await says(world, "v1") == contact
    assert await says(world, "v1", name="Budi S.") == contact
    row = await world.one(identities, external_id="v1")
    assert (row.name, row.email) == ("Budi S.", BUDI)
    assert len(await world.rows(contacts.select())) == 1


async def test_proven_address_brings_two_identities_under_one_contact(world: World) -> None:
    contact = await says(world, "v1", email=BUDI, verified=True)
    assert await says(world, "v2", channel_name="sms", email=BUDI.title(), verified=True) == contact
    assert len(await world.rows(conversations.select())) == 2


@pytest.mark.parametrize(("first", "second"), [(False, False), (True, False), (False, True)])
async def test_address_that_one_of_them_has_not_proven_links_nobody(world: World, first: bool, second: bool) -> None:
    contact = await says(world, "v1", email=BUDI, verified=first)
    assert await says(world, "v2", email=BUDI, verified=second) != contact


async def test_two_newcomers_with_one_proven_address_in_one_batch_share_a_contact(world: World) -> None:
    events = [
        world.message(sender=Sender(external_id=who, email=BUDI, verified=verified))
        for who, verified in (("v1", True), ("v2", True), ("v3", False))
    ]
    await world.store.write(receive.receive, [(world.policy, event, world.clock()) for event in events])
    one, two, three = [row.contact_id for row in await world.rows(identities.select().order_by(identities.c.id))]
    assert one == two != three


async def test_what_is_merely_said_does_not_replace_what_was_proven(world: World) -> None:
    await says(world, "v1", name="Budi", email=BUDI, phone="+62811", verified=True)
    await says(world, "v1", name="Eve", email="eve@example.com", phone="+1")
    row = await world.one(identities, external_id="v1")
    assert (row.name, row.email, row.phone, row.verified) == ("Eve", BUDI, "+62811", True)
    assert await says(world, "v2", email="eve@example.com", verified=True) != row.contact_id


async def test_proof_of_a_name_does_not_vouch_for_an_address_that_was_merely_said(world: World) -> None:
    contact = await says(world, "v1", email=BUDI)
    await says(world, "v1", verified=True)
    assert await says(world, "v2", email=BUDI, verified=True) != contact


@pytest.mark.parametrize("together", [False, True])
async def test_batch_leaves_what_one_after_the_other_would(world: World, together: bool) -> None:
    said = [
        Sender(external_id="v1", name="Budi", email="old@example.com"),
        Sender(external_id="v1"),
        Sender(external_id="v1", email=BUDI, verified=True),
        Sender(external_id="v1", email="eve@example.com", name="Eve"),
        Sender(external_id="v1", phone="+62811", verified=True),
    ]
    items = [(world.policy, world.message(sender=sender), world.clock()) for sender in said]
    for some in [items] if together else [[item] for item in items]:
        await world.store.write(receive.receive, some)
    row = await world.one(identities, external_id="v1")
    assert (row.name, row.email, row.phone, row.verified) == ("Eve", BUDI, "+62811", True)


async def test_contact_of_two_identities_is_blocked_on_both(world: World) -> None:
    await says(world, "v1", email=BUDI, verified=True)
    await says(world, "v2", email=BUDI, verified=True)
    first, second = await world.rows(conversations.select().order_by(conversations.c.id))
    await world.command(f"contact #{first.id} block")
    await world.pump()
    shown = len(world.team.posts)
    await says(world, "v2", email=BUDI, verified=True)
    await world.pump()
    assert len(world.team.posts) == shown
    assert (await world.talk(second.id)).status == "open"


async def test_contact_learns_what_it_did_not_know_and_keeps_what_the_team_wrote(world: World) -> None:
    contact = await says(world, "v1")
    number = (await world.talk()).id
    await world.command(f"contact #{number} name Mr Santoso")
    await says(world, "v1", name="Budi", email=BUDI)
    row = await world.one(contacts, id=contact)
    assert (row.name, row.email, row.phone) == ("Mr Santoso", BUDI, "")


async def test_same_id_on_two_channels_is_two_people(world: World) -> None:
    world.policy = policy(channel(), channel("sms"))
    one = await says(world, "123")
    await world.customer(channel="sms", sender=Sender(external_id="123"))
    two = (await world.one(identities, channel="sms")).contact_id
    assert one != two


async def test_last_seen_follows_to_the_quarter_minute(world: World) -> None:
    await says(world, "v1")
    for _ in range(10):
        world.clock.advance(7)
        await says(world, "v1")
    seen = (await world.one(identities, external_id="v1")).seen_at
    assert world.clock() - seen < 15
