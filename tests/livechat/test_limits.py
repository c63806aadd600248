"""How much is too much: counted by visitor and by public address, in memory that does not grow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sahut_bot.inbox.store import Store
from sahut_bot.web.livechat_limits import Buckets, Limits, Rate, household
from tests.databases import Clock
from tests.livechat.rig import Rig, frame


async def test_visitor_who_writes_without_end_is_answered_429_and_may_go_on_later(
    store: Store, tmp_path: Path, clock: Clock
):
    rig = await Rig(store, tmp_path, clock, limits=Limits(messages=Rate(3, 0.5))).start()
    visitor, other = await rig.visitor(), await rig.visitor()
    for _ in range(3):
        await visitor.say("x")
    body = {"id": "1", "text": "too much"}
    async with rig.http.post(f"{visitor.url}/messages", json=body, headers=visitor.auth) as answer:
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "2"
    async with visitor.socket() as ws:
        await ws.send_json({"type": "message", **body})
        refusal = await frame(ws, "failed")
        assert (refusal["error"], refusal["retry_after"]) == ("too_many", 2)
    await other.say("not my fault")
    clock.advance(2)
    await visitor.say("on we go")
    await rig.stop()


async def test_default_limits_stop_a_flood(rig: Rig):
    visitor = await rig.visitor()

    async def one(number: int) -> int:
        body = {"id": str(number), "text": "flood"}
        async with rig.http.post(f"{visitor.url}/messages", json=body, headers=visitor.auth) as answer:
            return answer.status

    statuses = await asyncio.gather(*(one(number) for number in range(450)))
    assert statuses.count(200) == 400
    assert statuses.count(429) == 50
    assert len(await rig.team.messages()) == 400


async def test_uploads_sessions_and_reads_are_counted(store: Store, tmp_path: Path, clock: Clock):
    few = Limits(uploads=Rate(1, 1), sessions_ip=Rate(2, 1), reads=Rate(1, 1))
    rig = await Rig(store, tmp_path, clock, limits=few).start()
    visitor = await rig.visitor()
    for status in (200, 429):
        async with await visitor.upload(b"text", "a.txt", "text/plain") as answer:
            assert answer.status == status
    for status in (200, 429):
        async with rig.http.get(f"{visitor.url}/messages", headers=visitor.auth) as answer:
            assert answer.status == status
    # What a proxy on this machine says of its client is believed.
    for address, status in (
        ("203.0.113.9", 200),
        ("8.8.8.8", 200),
        ("8.8.8.8", 200),
        ("8.8.8.8", 429),
        ("9.9.9.9", 200),
    ):
        headers = {"X-Forwarded-For": address}
        async with rig.http.post(f"{rig.base}/livechat/web/session", headers=headers) as answer:
            assert answer.status == status, address
    await rig.stop()


async def test_many_visitors_of_one_address_are_counted_together(store: Store, tmp_path: Path, clock: Clock):
    rig = await Rig(store, tmp_path, clock, limits=Limits(messages_ip=Rate(2, 1))).start()
    for status in (200, 200, 429):
        visitor = await rig.visitor()
        headers = {**visitor.auth, "X-Forwarded-For": "8.8.8.8"}
        async with rig.http.post(f"{visitor.url}/messages", json={"id": "1", "text": "x"}, headers=headers) as answer:
            assert answer.status == status
    await rig.stop()


@pytest.mark.parametrize(
    ("address", "home"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2a00:1450:4001:829::200e", "2a00:1450:4001:829::/64"),
        ("2a00:1450:4001:829:1:2:3:4", "2a00:1450:4001:829::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("172.18.0.5", ""),
        ("unix", ""),
        ("", ""),
    ],
)
def test_address_stands_for_a_household_or_for_nobody(address: str, home: str):
    assert household(address) == home


def test_buckets_fill_again_and_never_over():
    clock = Clock()
    buckets = Buckets(Rate(2, 1), clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 1]
    clock.advance(0.5)
    assert buckets.take("a") == 1
    clock.advance(1000)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 1]
    clock.advance(-1000)  # a clock that is set back takes nothing away
    assert buckets.take("b") == 0


def test_buckets_stay_bounded_whoever_comes():
    clock = Clock()
    buckets = Buckets(Rate(1, 1), clock, kept=100)
    for number in range(1000):
        assert buckets.take(str(number)) == 0
    assert len(buckets._buckets) == 100
