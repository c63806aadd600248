"""Two agents in one thread: the reply of the one who does not own it waits until its author has said what it is."""

from __future__ import annotations

import pytest

from tests.rig import Scene, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def asked(scene: Scene, text: str = "Wait") -> tuple[Visitor, str, str, str]:
    """Dewi owns it, Budi answers: visitor, thread, Budi's post, and the question's ts."""
    office = scene.office
    rina, root = await scene.talk()
    await office.press(office.dewi, root, "Claim")
    await office.shows(root, "Dewi")
    post = office.post(office.budi, root, text)
    await office.marked(post, "✋")
    question = await office.question(office.budi, root)
    assert "Dewi owns" in question.text
    return rina, root, post, question.ts


async def test_take_over_sends_and_changes_the_owner(shared: Scene) -> None:
    office = shared.office
    rina, root, post, question = await asked(shared)
    await office.press(office.budi, question, "Take over and send")
    await rina.hears("Wait")
    await office.shows(root, "Budi")
    await office.sees(lambda: "Budi took it over from Dewi" in str(office.texts(root)))
    await office.marked(post, "✅")


async def test_send_anyway_leaves_the_owner(shared: Scene) -> None:
    office = shared.office
    rina, root, post, question = await asked(shared)
    await office.press(office.budi, question, "Send anyway")
    await rina.hears("Wait")
    await office.marked(post, "✅")
    assert "Dewi" in office.card(root)


async def test_made_a_note_it_stays(shared: Scene) -> None:
    office = shared.office
    rina, root, post, question = await asked(shared)
    await office.press(office.budi, question, "Make it a note")
    await office.marked(post, "🔒")
    office.post(office.dewi, root, "The last")
    await rina.hears("The last")


async def test_dropped_it_is_nowhere(shared: Scene) -> None:
    office = shared.office
    rina, root, post, question = await asked(shared)
    await office.press(office.budi, question, "Drop it")
    await office.marked(post, "")
    office.post(office.dewi, root, "The last")
    await rina.hears("The last")


async def test_question_is_settled_once_and_by_its_author_alone(shared: Scene) -> None:
    office = shared.office
    rina, _, post, question = await asked(shared)
    shown = next(one for one in office.ws.seen_by(office.budi) if one.ts == question)
    blocks = shown.blocks
    await office.press(office.budi, question, "Make it a note")
    await office.marked(post, "🔒")
    # The same button again, from a client that has not heard of it.
    shown.blocks, shown.deleted = blocks, False
    await office.press(office.budi, question, "Send anyway")
    await office.sees(lambda: "settled already" in str(office.whispers(office.budi)))
    assert office.marks(post) == "🔒"
    assert all(one["from"] == "customer" for one in await rina.read())


async def test_held_reply_is_reminded_of_once_and_never_sends_itself(shared: Scene) -> None:
    office = shared.office
    rina, root, post, _ = await asked(shared)
    questions = office.told(office.budi, root)
    shared.program.skip(301)
    await office.sees(lambda: len(office.told(office.budi, root)) == 2)
    shared.program.skip(3600)
    office.post(office.dewi, root, "The last")
    await rina.hears("The last")
    assert len(office.told(office.budi, root)) == len(questions) + 1
    assert office.marks(post) == "✋"


async def test_held_reply_can_be_edited_and_taken_back(shared: Scene) -> None:
    office = shared.office
    rina, root, post, question = await asked(shared, "Wiat")
    office.driver.edit(office.budi, office.room, post, "Wait")
    await office.settled()
    await office.press(office.budi, question, "Send anyway")
    await rina.hears("Wait")
    second = office.post(office.budi, root, "And more")
    await office.marked(second, "✋")
    office.driver.delete(office.budi, office.room, second)
    await office.settled()
    office.post(office.dewi, root, "The last")
    await rina.hears("Wait", "The last")
