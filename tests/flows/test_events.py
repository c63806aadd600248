"""Slack's events come twice, late, out of order and as twins, and have one effect; and threads that get lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rig import Office, Scene, scene


@pytest.fixture(params=["socket", "http"])
async def either(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Once over Socket Mode and once over signed HTTP."""
    async with scene(tmp_path, office=Office(socket=request.param == "socket"), DATABASE_URL=sqlite_url) as made:
        yield made


async def test_main_flow_works_either_way(either: Scene) -> None:
    office = either.office
    rina, root = await either.talk()
    await office.press(office.dewi, root, "Claim")
    post = office.post(office.dewi, root, "It is on its way.")
    await rina.hears("It is on its way.")
    await rina.confirm()
    await office.marked(post, "📬")
    await office.press(office.dewi, root, "Snooze…")
    assert await office.fill(office.dewi, when="tomorrow 9am") == {}
    await office.shows(root, "Snoozed")
    assert "resolved" in await office.slash(office.dewi, "/resolve", office.card(root).split()[0])
    office.driver.open_home(office.dewi)
    await office.sees(lambda: office.ws.surfaces.homes.get(office.dewi))
    assert office.ws.complaints == []
    assert office.ws.lost_events == []


async def test_events_that_come_twice_have_one_effect(either: Scene) -> None:
    office = either.office
    office.server.switches.duplicate = True
    rina, root = await either.talk()
    post = office.post(office.dewi, root, "It is on its wya.")
    await rina.hears("It is on its wya.")
    office.driver.edit(office.dewi, office.room, post, "It is on its way.")
    await rina.hears("It is on its way.")
    office.post(office.dewi, root, "!priority high")
    office.post(office.dewi, root, f"<@{office.ws.bot_user_id}> label +vip")
    office.driver.post(office.dewi, office.room, f"<@{office.ws.bot_user_id}> snooze {office.card(root).split()[0]} 2h")
    await office.shows(root, "Snoozed", "vip")
    held = office.post(office.dewi, root, "notes: he is angry")
    await office.marked(held, "✋")
    await office.settled()
    for envelope in list(office.ws.events):
        office.server.delivery.redeliver(envelope["event_id"])
    await office.settled()
    last = office.post(office.dewi, root, "The last")
    await rina.hears("It is on its way.", "The last")
    await office.marked(last, "✅")
    lines = office.texts(root, of="bot")
    for words in ("Dewi took it", "priority to high", "labels: +vip", "snoozed it until"):
        assert sum(words in line for line in lines) == 1, lines
    questions = office.told(office.dewi, root)
    assert len(questions) == 1


async def test_events_that_come_late_and_out_of_order_have_their_effect(either: Scene) -> None:
    office = either.office
    rina, root = await either.talk()
    office.server.delivery.hold()
    first = office.post(office.dewi, root, "Typo here")
    office.driver.edit(office.dewi, office.room, first, "No typo here")
    second = office.post(office.dewi, root, "Forget this")
    office.driver.delete(office.dewi, office.room, second)
    office.server.delivery.release(reverse=True)
    await office.settled()
    office.post(office.dewi, root, "The last")
    await rina.heard(lambda replies: "The last" in replies)
    assert sorted(rina.replies()) == ["No typo here", "The last"]


async def test_neighbours_that_change_places_are_no_loss(fresh: Scene) -> None:
    office = fresh.office
    office.server.switches.swap = True
    rina, root = await fresh.talk()
    texts = [f"answer {number}" for number in range(6)]
    for text in texts:
        office.post(office.dewi, root, text)
    await rina.heard(lambda replies: len(replies) == 6)
    assert sorted(rina.replies()) == texts


# ---------------------------------------------------------------- threads that get lost


async def test_thread_whose_first_message_is_deleted_is_rebuilt(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk("Where is my order?")
    office.post(office.dewi, root, "It is on its way.")
    office.post(office.dewi, root, "; he is angry")
    await rina.hears("It is on its way.")
    await office.shows(root, "Pending")
    office.driver.delete(office.ana, office.room, root)
    second = await office.sees(lambda: next((ts for ts in office.roots() if ts != root and office.replies(ts)), None))
    await rina.say("Still not here")
    await office.posted(second, "Still not here")
    card, recap = office.card(second), office.texts(second)[0]
    assert "Rina" in card
    assert "Dewi" in card
    for words in ("Where is my order?", "It is on its way.", "he is angry"):
        assert words in recap
    assert recap.index("order") < recap.index("way") < recap.index("angry")
    assert "Still not here" not in recap
    post = office.post(office.dewi, second, "Let me look.")
    await rina.hears("It is on its way.", "Let me look.")
    await office.marked(post, "✅")


async def test_what_is_still_written_in_the_old_thread_counts(fresh: Scene) -> None:
    """Slack lets people go on in a thread whose first message is gone."""
    office = fresh.office
    rina, root = await fresh.talk()
    office.driver.delete(office.ana, office.room, root)
    second = await office.sees(lambda: next((ts for ts in office.roots() if ts != root and office.replies(ts)), None))
    post = office.post(office.dewi, root, "It is on its way.")
    note = office.post(office.dewi, root, "; he is angry")
    await rina.hears("It is on its way.")
    await office.marked(post, "✅")
    await office.marked(note, "🔒")
    office.post(office.dewi, root, "!resolve")
    await office.posted(second, "Dewi resolved it")


async def test_lost_thread_is_noticed_by_the_next_post_at_the_latest(fresh: Scene) -> None:
    """The event of the deletion never came: Slack posts into the channel, where it does not belong."""
    office = fresh.office
    rina, root = await fresh.talk("Where is my order?")
    office.server.switches.offline = True
    office.server.switches.retry_delays = ()
    office.driver.delete(office.ana, office.room, root)  # the card
    for one in list(office.replies(root)):
        office.driver.delete(office.ana, office.room, one["ts"])
    await office.settled()
    office.server.switches.offline = False
    await rina.say("Hello?")
    second = await office.sees(lambda: next((ts for ts in office.roots() if "Hello?" in office.texts(ts)), None))
    assert "Where is my order?" in office.texts(second)[0]
    # What came out in the channel was taken back, or says that it has moved.
    strays = [one for one in office.ws.messages(office.room) if one["ts"] != second and one.get("bot_id")]
    assert all("Hello?" not in one["text"] for one in strays)


async def test_file_that_comes_out_in_the_channel_rebuilds_the_thread(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk("Where is my order?")
    office.server.switches.offline = True
    office.server.switches.retry_delays = ()
    office.driver.delete(office.ana, office.room, root)
    for one in list(office.replies(root)):
        office.driver.delete(office.ana, office.room, one["ts"])
    await office.settled()
    office.server.switches.offline = False
    office.server.fail_next("chat.postMessage", error="fatal_error", match=lambda args: args.get("thread_ts") == root)
    await rina.say("", files=[("receipt.pdf", b"receipt")])
    second = await office.sees(lambda: next((ts for ts in office.roots() if ts != root and office.files(ts)), None))
    assert office.files(second) == [("receipt.pdf", b"receipt")]
