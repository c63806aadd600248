"""Whom words mean."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import people
from sahut_bot.inbox.models import agents


async def test_somebody_is_meant_by_id_by_name_or_by_a_first_name_that_is_theirs_alone(store):
    def fill(tx):
        for number, name in enumerate(("Citra Dewi", "Budi Santoso", "Budi Hartono", "Dewi"), 1):
            tx.execute(sa.insert(agents).values(id=number, teamchat="slack", external_id=f"U{number}", name=name))

    await store.write(fill)
    for words in ("U1", "<@U1|citra>", "citra dewi", "@Citra", "citra"):
        assert (await store.write(people.named, "slack", words)).name == "Citra Dewi"
    assert (await store.write(people.named, "slack", "dewi")).name == "Dewi"
    for words, key in (("budi", "assign.several"), ("%", "assign.unknown"), ("cit", "assign.unknown")):
        with pytest.raises(UserError) as refused:
            await store.write(people.named, "slack", words)
        assert refused.value.key == key
