"""Timers: armed, moved, disarmed, fired once; on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sahut_bot.inbox.models import contacts, conversations, identities
from sahut_bot.inbox.models import timers as table
from sahut_bot.inbox.store import Store, Tx, count_statements
from sahut_bot.inbox.timers import Timer, arm, disarm, due, fire, fire_due, next_due, postpone
from tests.databases import START, Clock


def talks(tx: Tx, count: int) -> list[int]:
    contact = tx.new_ids(contacts, 1)[0]
    tx.execute(sa.insert(contacts), [{"id": contact, "created_at": START, "seen_at": START}])
    people, ids = tx.new_ids(identities, count), tx.new_ids(conversations, count)
    tx.execute(
        sa.insert(identities),
        [{"id": i, "channel": "web", "external_id": str(i), "contact_id": contact, "seen_at": START} for i in people],
    )
    row = {"channel": "web", "contact_id": contact, "status": "open", "created_at": START, "updated_at": START}
    tx.execute(
        sa.insert(conversations),
        [{**row, "id": i, "identity_id": person} for i, person in zip(ids, people, strict=True)],
    )
    return ids


@pytest.fixture
async def ids(store: Store) -> list[int]:
    return await store.write(talks, 3)


class Fired:
    """Handlers that keep what they were called with."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.handlers = {"snooze": self.take, "held": self.take}

    def take(self, _tx: Tx, timer: Timer) -> None:
        self.timers.append(timer)

    @property
    def talks(self) -> list[int]:
        return [timer.conversation_id for timer in self.timers]


@pytest.fixture
def fired() -> Fired:
    return Fired()


async def test_timer_fires_once_at_its_time_and_tells_both_times(store: Store, ids: list[int], fired: Fired) -> None:
    await store.write(arm, [{"conversation_id": ids[0], "kind": "snooze", "due_at": START + 5}])
    assert await store.write(fire_due, START + 4, fired.handlers, 10) == START + 5
    assert fired.timers == []
    assert await store.write(fire_due, START + 60, fired.handlers, 10) is None
    (timer,) = fired.timers
    assert (timer.kind, timer.ref, timer.due_at, timer.now) == ("snooze", 0, START + 5, START + 60)
    await store.write(fire_due, START + 60, fired.handlers, 10)
    assert len(fired.timers) == 1


async def test_timers_fire_in_the_order_of_their_times_and_no_more_than_asked(
    store: Store, ids: list[int], fired: Fired
) -> None:
    rows = [{"conversation_id": i, "kind": "snooze", "due_at": START - n} for n, i in enumerate(ids)]
    await store.write(arm, rows)
    assert await store.write(fire_due, START, fired.handlers, 2) == START
    assert fired.talks == [ids[2], ids[1]]


async def test_arming_again_moves_the_timer(store: Store, ids: list[int], clock: Clock) -> None:
    for due_at in (START + 5, START + 9):
        await store.write(arm, [{"conversation_id": ids[0], "kind": "snooze", "due_at": due_at}])
    assert await store.read(next_due, ["snooze"]) == START + 9
    assert await store.read(next_due, ["held"]) is None


async def test_disarming_takes_one_kind_or_one_ref(store: Store, ids: list[int]) -> None:
    rows = [{"conversation_id": i, "kind": "held", "ref": ref, "due_at": START} for i in ids for ref in (1, 2)]
    await store.write(arm, [*rows, {"conversation_id": ids[0], "kind": "snooze", "due_at": START}])
    await store.write(disarm, ids[:1], "held", ref=2)
    await store.write(disarm, ids[1:], "held")
    await store.write(disarm, [], "held")
    left = await store.read(
        lambda rx: {tuple(row) for row in rx.execute(sa.select(table.c.conversation_id, table.c.kind, table.c.ref))}
    )
    assert left == {(ids[0], "held", 1), (ids[0], "snooze", 0)}


async def test_kind_without_a_handler_stays(store: Store, ids: list[int], fired: Fired) -> None:
    await store.write(arm, [{"conversation_id": ids[0], "kind": "later", "due_at": START}])
    assert await store.write(fire_due, START, fired.handlers, 10) is None
    assert await store.read(due, START, ["later"], 10) != []


async def test_handler_may_arm_the_same_timer_again(store: Store, ids: list[int]) -> None:
    def again(tx: Tx, timer: Timer) -> None:
        arm(tx, [{"conversation_id": timer.conversation_id, "kind": "snooze", "due_at": timer.now + 7}])

    await store.write(arm, [{"conversation_id": ids[0], "kind": "snooze", "due_at": START}])
    assert await store.write(fire_due, START, {"snooze": again}, 10) == START + 7


async def test_timer_stays_when_its_handler_fails_and_can_be_postponed(store: Store, ids: list[int]) -> None:
    def fail(_tx: Tx, _timer: Timer) -> None:
        raise KeyError("bug")

    await store.write(arm, [{"conversation_id": ids[0], "kind": "snooze", "due_at": START}])
    with pytest.raises(KeyError):
        await store.write(fire_due, START, {"snooze": fail}, 10)
    (timer,) = await store.read(due, START, ["snooze"], 10)
    await store.write(postpone, timer, START + 60)
    assert await store.read(next_due, ["snooze"]) == START + 60


async def test_timer_that_was_moved_meanwhile_does_not_fire(store: Store, ids: list[int], fired: Fired) -> None:
    await store.write(arm, [{"conversation_id": ids[0], "kind": "snooze", "due_at": START}])
    found = await store.read(due, START, ["snooze"], 10)
    await store.write(arm, [{"conversation_id": ids[0], "kind": "snooze", "due_at": START + 9}])
    await store.write(fire, found, START, fired.handlers)
    assert fired.timers == []


async def test_number_of_statements_does_not_grow_with_the_timers(store: Store, fired: Fired) -> None:
    counts = []
    for size in (1, 10, 100):
        ids = await store.write(talks, size)
        with count_statements(store) as seen:
            await store.write(arm, [{"conversation_id": i, "kind": "snooze", "due_at": START} for i in ids])
            await store.write(fire_due, START, fired.handlers, 1000)
        counts.append(len(seen))
    assert len(fired.timers) == 111
    assert len(set(counts)) == 1, counts
