"""Who is here, and since when they are not."""

from __future__ import annotations

import asyncio

from sahut_bot.inbox import visitors
from tests.databases import until
from tests.livechat.rig import Rig, frame


async def test_visitor_is_here_while_a_socket_is_open_and_was_seen_when_they_left(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("hi")
    presence = rig.lobby.presence
    assert presence.last_seen("web", visitor.id) is None
    async with visitor.socket() as ws:
        await frame(ws, "messages")
        rig.clock.advance(100)
        assert presence.last_seen("web", visitor.id) == rig.clock()
        await presence.write()
        assert await rig.store.read(visitors.last_seen, "web", visitor.id) == rig.clock()
        left = rig.clock.advance(50)
    await until(lambda: presence.visits("web", visitor.id) == 0)
    rig.clock.advance(300)
    assert presence.last_seen("web", visitor.id) == left
    await presence.write()
    assert await rig.store.read(visitors.last_seen, "web", visitor.id) == left
    assert presence.last_seen("web", visitor.id) is None  # the store knows it now
    rig.clock.advance(300)
    await presence.write()
    assert await rig.store.read(visitors.last_seen, "web", visitor.id) == left


async def test_second_tab_keeps_a_visitor_here(rig: Rig):
    visitor = await rig.visitor()
    async with visitor.socket() as one:
        await frame(one, "messages")
        async with visitor.socket() as other:
            await frame(other, "messages")
            assert rig.lobby.presence.visits("web", visitor.id) == 2
        await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 1)
        assert rig.lobby.presence.last_seen("web", visitor.id) == rig.clock()


async def test_each_look_at_the_feed_counts(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("hi")
    seen = rig.clock.advance(100)
    await visitor.feed()
    rig.clock.advance(100)
    await rig.lobby.presence.write()
    assert await rig.store.read(visitors.last_seen, "web", visitor.id) == seen


async def test_older_news_does_not_set_the_clock_back(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("hi")
    now = rig.clock()
    await rig.store.write(visitors.saw, [("web", visitor.id, now - 500), ("web", "visitor:unknown", now)])
    assert await rig.store.read(visitors.last_seen, "web", visitor.id) == now
    assert await rig.store.read(visitors.last_seen, "web", "visitor:unknown") is None


async def test_presence_that_could_not_be_written_is_kept_for_the_next_time(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("hi")
    left = rig.clock.advance(100)
    await visitor.feed()
    await rig.store.stop()
    await rig.lobby.presence.write()
    assert rig.lobby.presence.last_seen("web", visitor.id) == left


async def test_typing_reaches_nobody_when_nobody_is_there(rig: Rig):
    channel = rig.lobby.channels["web"]
    await channel.typing("visitor:nobody", 5)
    visitor = await rig.visitor()
    async with visitor.socket() as ws:
        await frame(ws, "messages")
    await until(lambda: rig.lobby.presence.visits("web", visitor.id) == 0)
    await channel.typing(visitor.id, 5)
    await asyncio.sleep(0)
    assert channel._watchers == {}
