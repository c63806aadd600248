"""Snoozes end in time, or by a word of the customer's; what comes back is said to who can act on it."""

from __future__ import annotations

import time

import pytest

from tests.rig import Scene

TIME_UP = "The snooze is over"


async def test_time_wakes_it_and_its_owner(fresh: Scene) -> None:
    office = fresh.office
    _, root = await fresh.talk()
    office.post(office.dewi, root, "!claim")
    office.post(office.dewi, root, "!snooze 1h")
    await office.posted(root, "snoozed it until")
    fresh.program.skip(3590)
    note = office.post(office.dewi, root, "; not yet")
    await office.marked(note, "🔒")
    assert not office.says(root, TIME_UP)
    fresh.program.skip(11)
    line = await office.posted(root, TIME_UP)
    assert line["ts"] in office.pinged(office.dewi)
    await office.shows(root, no="Snoozed")


async def test_it_wakes_within_a_second_of_its_time(fresh: Scene) -> None:
    office = fresh.office
    _, root = await fresh.talk()
    office.post(office.dewi, root, "!snooze 1m")
    await office.posted(root, "snoozed it until")
    posted = next(one for one in office.replies(root) if one["text"] == "!snooze 1m")
    due = float(posted["ts"]) + 60
    fresh.program.skip(59.0)  # the rest is the scheduler's own waiting
    line = await office.posted(root, TIME_UP)
    assert -0.01 <= time.time() + 59.0 - due < 1.0
    assert line["subtype"] == "thread_broadcast"  # nobody owns it, so the channel sees it


async def test_it_wakes_when_the_program_was_down_at_its_time(fresh: Scene) -> None:
    office = fresh.office
    _, root = await fresh.talk()
    office.post(office.dewi, root, "!snooze 1h")
    await office.shows(root, "Snoozed")
    await fresh.program.stop()
    fresh.program.clock.ahead += 7200
    await fresh.program.start()
    await office.posted(root, TIME_UP)
    await office.shows(root, "Open")


@pytest.mark.parametrize(
    ("policy", "words", "wakes"),
    [("", "ok thanks", True), ("wake question", "ok thanks", False), ("wake question", "Where is it?", True),
     ("wake never", "Where is it?", False)],
)  # fmt: skip
async def test_customer_wakes_it_as_far_as_the_agent_let_them(
    fresh: Scene, policy: str, words: str, wakes: bool
) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.post(office.dewi, root, "!claim")
    office.post(office.dewi, root, f"!snooze 1h {policy}")
    await office.shows(root, "Snoozed")
    await rina.say(words)
    shown = await office.posted(root, words)
    await rina.say("thank you!")
    await office.posted(root, "thank you!")
    assert (shown["ts"] in office.pinged(office.dewi)) is wakes
    if wakes:
        await office.shows(root, no="Snoozed")
        fresh.program.skip(3700)
        note = office.post(office.dewi, root, "; a note")
        await office.marked(note, "🔒")
        assert not office.says(root, TIME_UP)
    else:
        fresh.program.skip(3700)
        await office.posted(root, TIME_UP)


async def test_undone_snooze_leaves_no_timer(fresh: Scene) -> None:
    office = fresh.office
    _, root = await fresh.talk()
    office.post(office.dewi, root, "!snooze 1h")
    line = await office.posted(root, "snoozed it until")
    await office.press(office.dewi, line["ts"], "Undo")
    await office.shows(root, "Open")
    fresh.program.skip(7200)
    note = office.post(office.dewi, root, "; a note")
    await office.marked(note, "🔒")
    assert not office.says(root, TIME_UP)
