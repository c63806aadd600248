"""The store's promises on both databases: results after the commit, isolation, cancelling, back-pressure, signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from sahut_bot.errors import Busy, UserError
from sahut_bot.inbox.models import conversations, events_seen, labels, messages
from sahut_bot.inbox.store import EVERYTHING, Rx, Store, Tx, count_statements
from tests.databases import until


def add(tx: Tx, name: str) -> int:
    (new_id,) = tx.new_ids(labels, 1)
    tx.execute(sa.insert(labels), [{"id": new_id, "name": name}])
    return new_id


def add_all(tx: Tx, items: Sequence[str]) -> list[int | Exception]:
    """A batch work: "bad" breaks the batch, "no" is refused alone."""
    if "bad" in items:
        raise ValueError("bad")
    ids = tx.new_ids(labels, len(items))
    rows = [{"id": i, "name": name} for i, name in zip(ids, items, strict=True) if name != "no"]
    if rows:
        tx.execute(sa.insert(labels), rows)
    return [UserError("no") if name == "no" else i for i, name in zip(ids, items, strict=True)]


def names(rx: Rx) -> list[str]:
    return list(rx.execute(sa.select(labels.c.name).order_by(labels.c.id)).scalars())


def fail(_tx: Tx) -> None:
    raise KeyError("bug")


async def together(*works: Any) -> list[Any]:
    """Puts all works into the queue in one round of the loop."""
    return await asyncio.gather(*works, return_exceptions=True)


async def test_result_is_there_after_the_commit_and_readers_see_it(store: Store) -> None:
    first = await store.write(add, "vip")
    second = await store.write(add, "late")
    assert second > first
    assert await store.read(names) == ["vip", "late"]


async def test_arguments_by_name_reach_the_work_and_the_view(store: Store) -> None:
    await store.write(add, name="vip")

    def view(rx: Rx, *, more: str) -> list[str]:
        return [*names(rx), more]

    assert await store.read(view, more="x") == ["vip", "x"]


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        await store.read(lambda rx: rx.execute(sa.insert(labels), [{"name": "x"}]))
    assert await store.read(names) == []


async def test_one_failing_work_costs_its_neighbours_nothing(store: Store) -> None:
    for _ in range(3):
        answers = await together(
            *(store.write(add, f"{n}") if n % 5 else store.write(fail) for n in range(20)), store.write(add, "1")
        )
        assert [type(answer) for answer in answers[:20]] == [KeyError if n % 5 == 0 else int for n in range(20)]
        assert isinstance(answers[20], IntegrityError)
        assert await store.read(names) == [f"{n}" for n in range(20) if n % 5]
        await store.write(lambda tx: tx.execute(sa.delete(labels)).rowcount)


async def test_one_bad_item_costs_its_batch_nothing(store: Store) -> None:
    answers = await together(*(store.submit(add_all, name) for name in ("a", "bad", "b", "no", "c")))
    assert [type(answer) for answer in answers] == [int, ValueError, int, UserError, int]
    assert await store.read(names) == ["a", "b", "c"]


async def test_neighbours_of_a_batch_become_one_call_in_order(store: Store) -> None:
    calls: list[int] = []

    def work(_tx: Tx, items: Sequence[int]) -> list[int]:
        calls.append(len(items))
        return [item * 2 for item in items]

    assert await together(*(store.submit(work, n) for n in range(50))) == [n * 2 for n in range(50)]
    assert sum(calls) == 50
    assert len(calls) < 10


async def test_what_is_queued_stands_before_what_is_written_next(store: Store) -> None:
    first = store.queue(add_all, "a")
    await store.write(add, "b")
    assert first.done()
    assert await store.read(names) == ["a", "b"]


async def test_batch_that_answers_too_little_is_an_error_and_stores_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="shorter"):
        await store.submit(lambda tx, items: [add(tx, items[0])][:0], "a")
    assert await store.read(names) == []


async def test_group_of_works_shares_one_transaction(store: Store) -> None:
    begun = []

    def work(tx: Tx) -> None:
        begun.append(tx)

    await together(*(store.write(work) for _ in range(40)))
    assert len({id(tx) for tx in begun}) < 10


async def test_work_cancelled_before_it_began_is_dropped(store: Store) -> None:
    tasks = [asyncio.create_task(store.write(add, "never")) for _ in range(3)]
    stays = asyncio.create_task(store.write(add, "stays"))
    for task in tasks:
        task.cancel()  # before its first step, or while it waits in the queue
    await stays
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await store.read(names) == ["stays"]


async def test_work_cancelled_after_it_began_stands(store: Store) -> None:
    loop = asyncio.get_running_loop()
    began = asyncio.Event()

    def work(tx: Tx) -> int:
        loop.call_soon_threadsafe(began.set)
        if tx.dialect == "postgresql":
            tx.execute(sa.text("SELECT pg_sleep(0.05)"))
        else:
            asyncio.run_coroutine_threadsafe(cancelled.wait(), loop).result()
        return add(tx, "stands")

    cancelled = asyncio.Event()
    task = asyncio.create_task(store.write(work))
    await began.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    cancelled.set()
    await store.write(add, "next")
    assert task.cancelled()
    assert await store.read(names) == ["stands", "next"]


async def test_too_much_waiting_is_refused_at_once_and_the_rest_is_stored(database_url: str, tmp_path: Path) -> None:
    store = Store.open(database_url, tmp_path, limit=5)
    await store.start()
    answers = await together(*(store.write(add, f"{n}") for n in range(9)))
    assert [type(answer) for answer in answers] == [int] * 5 + [Busy] * 4
    assert len(await store.read(names)) == 5
    assert isinstance(await store.write(add, "again"), int)
    await store.stop()


async def test_stopping_commits_what_waits_and_takes_nothing_new(database_url: str, tmp_path: Path) -> None:
    store = Store.open(database_url, tmp_path)
    await store.start()
    waiting = [asyncio.create_task(store.write(add, f"{n}")) for n in range(300)]
    await asyncio.sleep(0)
    await store.stop()
    assert len({task.result() for task in waiting}) == 300
    with pytest.raises(Busy):
        await store.write(add, "late")
    await store.start()
    assert len(await store.read(names)) == 300
    await store.stop()


# ---------------------------------------------------------------- signals


async def test_signal_rings_only_after_the_commit_and_never_for_a_failed_work(store: Store) -> None:
    heard: list[str] = []
    store.on_signal(heard.append)

    def tell(tx: Tx, topic: str, *, bad: bool = False) -> None:
        tx.signal(topic)
        if bad:
            raise KeyError("bug")

    with store.listen("good") as bell:
        await together(store.write(tell, "good"), store.write(tell, "bad", bad=True))
        assert bell.is_set()
    assert [topic for topic in heard if topic != EVERYTHING] == ["good"]


async def test_closed_bell_hears_nothing_more(store: Store) -> None:
    bell = store.listen("topic")
    bell.close()
    bell.close()
    store.ring("topic")
    assert not bell.is_set()
    assert store._bells == {}


async def test_ringing_for_everything_reaches_every_listener(store: Store) -> None:
    with store.listen("a") as one, store.listen("b") as other:
        store.ring(EVERYTHING)
        assert one.is_set()
        assert other.is_set()


# ---------------------------------------------------------------- what works are made of


async def test_drawn_ids_are_new_even_when_they_are_drawn_twice(store: Store) -> None:
    def draw(tx: Tx) -> list[int]:
        ids = tx.new_ids(labels, 3) + tx.new_ids(labels, 2) + tx.new_ids(labels, 0)
        tx.execute(sa.insert(labels), [{"id": i, "name": str(i)} for i in ids])
        return ids

    drawn = await store.write(draw) + await store.write(draw)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 10


async def test_rev_of_a_change_is_above_every_id_and_rev(store: Store) -> None:
    def change(tx: Tx) -> list[int]:
        (talk,) = tx.new_ids(conversations, 1)
        if tx.dialect == "postgresql":
            tx.execute(sa.text("SET LOCAL session_replication_role = replica"))  # no person behind it needed
        else:
            tx.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
        (one,) = tx.new_ids(messages, 1)
        row = {"id": one, "conversation_id": talk, "kind": "note", "body": "", "at": 0.0, "rev": one}
        tx.execute(sa.insert(messages), [row])
        revs = [one]
        for _ in range(3):
            (rev,) = tx.new_ids(messages, 1)
            tx.execute(sa.update(messages).where(messages.c.id == one).values(rev=rev))
            revs.append(rev)
        tx.execute(sa.delete(messages))
        return revs

    revs = await store.write(change)
    assert revs == sorted(set(revs))


async def test_insert_ignore_returns_what_was_new(store: Store) -> None:
    def see(tx: Tx, *keys: str) -> list[str]:
        rows = [{"source": "web", "key": key, "at": 0.0} for key in keys]
        return [row.key for row in tx.insert_ignore(events_seen, rows, returning=[events_seen.c.key])]

    assert sorted(await store.write(see, "b", "a")) == ["a", "b"]
    assert await store.write(see, "c", "a") == ["c"]
    assert await store.write(see) == []


async def test_upsert_updates_from_the_refused_row(store: Store) -> None:
    def see(tx: Tx, at: float) -> float:
        rows = tx.upsert(
            events_seen,
            [{"source": "web", "key": "a", "at": at}],
            key=("source", "key"),
            update=lambda new: {"at": events_seen.c.at + new.at},
            returning=[events_seen.c.at],
        )
        return float(rows[0].at)

    assert await store.write(see, 1.0) == 1.0
    assert await store.write(see, 5.0) == 6.0


@pytest.mark.parametrize("column", ["id", "name"])
async def test_among_is_one_statement_for_any_number_of_values(store: Store, column: str) -> None:
    await store.write(lambda tx: tx.execute(sa.insert(labels), [{"name": f"n{i}"} for i in range(9)]).rowcount)
    rows = await store.read(lambda rx: rx.execute(sa.select(labels)).all())

    def found(rx: Rx, values: list[Any]) -> list[Any]:
        return list(rx.execute(sa.select(labels).where(rx.among(labels.c[column], values))))

    with count_statements(store) as seen:
        for size in (0, 1, 5):
            values = [getattr(row, column) for row in rows[:size]]
            assert len(await store.read(found, values)) == size
    assert len(set(seen)) == 1
    assert len(seen) == 3


async def test_healthy_store_says_so(store: Store) -> None:
    assert await store.healthy()
    await together(store.write(fail))
    assert await store.healthy()


@pytest.fixture
async def other(database_url: str, store: Store, tmp_path: Path) -> AsyncIterator[Store]:
    """A second store on the same database, as of another process."""
    opened = Store.open(database_url, tmp_path)
    await opened.start()
    yield opened
    await opened.stop()


async def test_stores_of_two_processes_see_each_others_commits(store: Store, other: Store) -> None:
    await asyncio.gather(*(one.write(add, f"{one is store}{n}") for n in range(20) for one in (store, other)))
    assert sorted(await store.read(names)) == sorted(await other.read(names))
    assert len(await store.read(names)) == 40


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgres
async def test_commit_of_another_process_rings_here_and_ones_own_does_not_come_back(
    database_url: str, tmp_path: Path
) -> None:
    stores = [Store.open(database_url, tmp_path) for _ in range(2)]
    heard: list[list[str]] = [[], []]
    for store, topics in zip(stores, heard, strict=True):
        store.on_signal(topics.append)
        await store.start()
    await until(lambda: heard == [[EVERYTHING], [EVERYTHING]])  # both listen
    with stores[1].listen("topic") as bell:
        await stores[0].write(lambda tx: tx.signal("topic"))
        async with asyncio.timeout(5):
            await bell.wait()
    for store in stores:
        await store.stop()
    assert heard == [[EVERYTHING, "topic"], [EVERYTHING, EVERYTHING]]
