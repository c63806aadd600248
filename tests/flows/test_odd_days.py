"""What goes wrong on odd days: somebody removes the bot, archives the channel, or the database is locked."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.rig import Scene


@pytest.mark.parametrize("odd", ["kicked", "archived"])
async def test_messages_wait_while_the_channel_cannot_be_used(fresh: Scene, odd: str) -> None:
    office = fresh.office
    bot = office.ws.bot_user_id
    rina, root = await fresh.talk()
    if odd == "kicked":
        office.driver.leave(bot, office.room)
    else:
        office.driver.archive(office.ana, office.room)
    await rina.say("Hello?")
    other = await fresh.visitor("Tono")
    await other.say("I am new")
    assert (await fresh.program.ready(wanted=False))["adapters"]["slack"] == "degraded"
    if odd == "kicked":
        office.driver.join(bot, office.room, inviter=office.ana)
    else:
        office.driver.archive(office.ana, office.room, undo=True)
    fresh.program.skip(61)
    await office.posted(root, "Hello?")
    second = await office.root("I am new")
    await office.posted(second, "I am new")
    assert office.texts(root, of="customer")[1:] == ["Hello?"]


async def test_thread_broadcast_by_an_agent_is_one_reply(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    post = office.post(office.dewi, root, "All of you, look:", broadcast=True)
    await rina.hears("All of you, look:")
    await office.marked(post, "✅")
    office.post(office.dewi, root, "The last")
    await rina.hears("All of you, look:", "The last")


@pytest.mark.slow
async def test_locked_database_is_said_and_nothing_is_acknowledged_that_is_not_stored(
    fresh: Scene, sqlite_url: str
) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    lock = sqlite3.connect(Path(sqlite_url.removeprefix("sqlite+aiosqlite:///")), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(AssertionError, match="busy"):
        await rina.say("one", id="one")
    assert (await fresh.program.ready(wanted=False))["database"] == "unavailable"
    post = office.post(office.dewi, root, "It is on its way.")
    lock.execute("ROLLBACK")
    lock.close()
    await rina.say("one", id="one")
    await office.posted(root, "one")
    await fresh.program.ready()
    assert office.texts(root, of="customer")[1:] == ["one"]
    office.server.delivery.redeliver(office.ws.events[-1]["event_id"])
    await rina.heard(lambda replies: "It is on its way." in replies)
    assert office.marks(post) in ("⏳", "✅", "📬")
