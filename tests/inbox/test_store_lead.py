"""One process leads: the next one takes over when its connection goes, and whoever lost the lead hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sahut_bot.inbox.store import Store
from tests.databases import Cluster

on_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
async def other(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """Another process's store."""
    opened = Store.open(database_url, tmp_path)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
def end_leaders(cluster: Cluster) -> Callable[[], None]:
    return lambda: cluster.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sahut-bot lead'"
    )


async def led(store: Store, name: str, done: asyncio.Event) -> None:
    async with store.lead(name):
        done.set()


async def test_there_is_nobody_to_wait_for_where_nobody_else_leads(store: Store) -> None:
    async with asyncio.timeout(5), store.lead("a") as lost, store.lead("b"):
        assert not lost.is_set()


@on_postgres
async def test_one_leads_a_name_at_a_time_and_the_next_follows(store: Store, other: Store) -> None:
    taken = asyncio.Event()
    async with store.lead("gateway"):
        async with other.lead("mailbox"):  # another name is another matter
            waiting = asyncio.create_task(led(other, "gateway", taken))
        await asyncio.sleep(0)
        assert not taken.is_set()
    async with asyncio.timeout(10):
        await waiting
    assert taken.is_set()


@on_postgres
async def test_whoever_loses_the_connection_is_told_and_another_takes_over(
    store: Store, other: Store, end_leaders: Callable[[], None]
) -> None:
    async with store.lead("gateway") as lost:
        waiting = asyncio.create_task(led(other, "gateway", asyncio.Event()))
        await asyncio.to_thread(end_leaders)
        async with asyncio.timeout(10):
            await lost.wait()
            await waiting


@on_postgres
async def test_who_gives_up_waiting_leaves_nothing_behind(store: Store, other: Store, cluster: Cluster) -> None:
    async with store.lead("gateway"):
        for wait in (0, 0.001, 0.05):
            waiting = asyncio.create_task(led(other, "gateway", asyncio.Event()))
            await asyncio.wait({waiting}, timeout=wait)
            waiting.cancel()
            await asyncio.wait({waiting})
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sahut-bot lead'"
    async with asyncio.timeout(10):
        while (await asyncio.to_thread(cluster.run, count))[0]["count"]:
            await asyncio.sleep(0.02)
