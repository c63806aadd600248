"""Who may answer: full members of the team's channel and nobody else, from the moment they join until they leave."""

from __future__ import annotations

import pytest

from tests.rig import Scene


@pytest.mark.parametrize("who", ["gita", "sari"])
async def test_guests_and_strangers_are_refused_privately(fresh: Scene, who: str) -> None:
    office = fresh.office
    person = getattr(office, who)
    rina, root = await fresh.talk()
    for text in ("Hello!", "!claim", "; a note", "reply: Hello"):
        office.post(person, root, text)
    await office.sees(lambda: len(office.whispers(person)) == 4)
    assert all("Only agents" in text for text in office.whispers(person))
    await office.press(person, root, "Claim")
    await office.sees(lambda: len(office.whispers(person)) == 5)
    office.post(office.dewi, root, "The last")
    await rina.hears("The last")
    await office.shows(root, "Dewi")
    assert not any(office.marks(one["ts"]) for one in office.replies(root) if one.get("user") == person)


async def test_who_joins_may_answer_and_who_leaves_may_not(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.driver.join(office.otto, office.room)
    post = office.post(office.otto, root, "Hello, I am Otto.")
    await rina.hears("Hello, I am Otto.")
    await office.marked(post, "✅")
    await office.shows(root, "Otto")
    office.driver.leave(office.otto, office.room)
    await office.shows(root, "Unassigned")
    await office.sees(lambda: "Otto is no longer on the team" in str(office.texts(root)))


@pytest.mark.parametrize("how", ["leave", "deactivate", "make_guest"])
async def test_open_conversations_lose_the_owner_who_goes(fresh: Scene, how: str) -> None:
    office = fresh.office
    rina, first = await fresh.talk("first question")
    tono, second = await fresh.talk("second question")
    for root in (first, second):
        office.post(office.dewi, root, "Hello")
        await office.shows(root, "Dewi")
    await rina.hears("Hello")
    post = office.post(office.dewi, first, "!resolve")
    await office.shows(first, "Resolved")
    assert not office.marks(post)
    getattr(office.driver, how)(office.dewi, *([office.room] if how == "leave" else []))
    await office.shows(second, "Unassigned")
    await tono.say("Still there?")
    shown = await office.posted(second, "Still there?")
    assert shown["ts"] not in office.pinged(office.dewi)
    # What was resolved comes back to nobody, and so to the whole channel.
    await rina.say("Hello again")
    await office.shows(first, "Unassigned", "Open")
    assert (await office.posted(first, "Hello again"))["subtype"] == "thread_broadcast"


async def test_reply_that_was_on_hold_when_its_author_left_still_goes(fresh: Scene) -> None:
    """It was written by somebody who could."""
    office = fresh.office
    rina, root = await fresh.talk()
    office.post(office.dewi, root, "On its way.")
    await office.settled()
    office.driver.leave(office.dewi, office.room)
    await rina.hears("On its way.")


async def test_admin_gives_roles_and_a_supervisor_moves_what_is_others(fresh: Scene) -> None:
    office = fresh.office
    _, root = await fresh.talk()
    await office.press(office.dewi, root, "Claim")
    await office.shows(root, "Dewi")
    await office.press(office.budi, root, "Release")
    await office.sees(lambda: "Only Dewi or a supervisor" in str(office.whispers(office.budi)))
    office.post(office.budi, root, f"!role <@{office.budi}> supervisor")
    await office.sees(lambda: "the role admin" in str(office.whispers(office.budi)))
    await office.slash(office.ana, "/sahut", f"role <@{office.budi}> supervisor")
    await office.press(office.budi, root, "Release")
    await office.shows(root, "Unassigned")
