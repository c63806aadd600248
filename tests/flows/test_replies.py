"""An agent answers: what the customer gets, what the marks say, and what second thoughts change."""

from __future__ import annotations

import pytest

from tests.flows.conftest import SLOW_HOLD
from tests.rig import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_conversation_goes_there_and_back(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk("Where is *my* <!channel> order?")
    assert "Rina" in office.card(root)
    assert office.card(root).endswith("[Claim] [Resolve] [Snooze…] [Assign…] [More…]")
    assert not office.pinged("channel")
    post = office.post(office.dewi, root, "It is *on its way*.")
    await office.marked(post, "✅")
    await rina.hears("It is on its way.")
    assert "<strong>on its way</strong>" in rina.from_agents()[0]["html"]
    await rina.confirm()
    await office.marked(post, "📬")
    await office.shows(root, "Pending", "Dewi")
    await rina.say("Thanks, when?")
    await office.shows(root, "Open")
    assert office.texts(root, of="customer") == ["Where is *my* <!channel> order?", "Thanks, when?"]


async def test_reply_waits_and_what_is_changed_meanwhile_goes_out_as_changed(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk(channel="held")
    first = office.post(office.dewi, root, "It is on its wya.")
    second = office.post(office.dewi, root, "Please wait.")
    third = office.post(office.dewi, root, "Bye.")
    for post in (first, second, third):
        await office.marked(post, "⏳")
    office.driver.edit(office.dewi, office.room, first, "It is on its way.")
    office.driver.delete(office.dewi, office.room, second)
    await office.settled()
    shared.program.skip(SLOW_HOLD + 1)
    await rina.hears("It is on its way.", "Bye.")


async def test_reply_edited_into_a_note_within_the_hold_stays_in_the_team(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk(channel="held")
    post = office.post(office.dewi, root, "He is angry.")
    await office.marked(post, "⏳")
    office.driver.edit(office.dewi, office.room, post, "; he is angry")
    await office.marked(post, "🔒")
    shared.program.skip(SLOW_HOLD + 1)
    last = office.post(office.dewi, root, "Hello")
    await office.marked(last, "⏳")
    shared.program.skip(SLOW_HOLD + 1)
    await rina.hears("Hello")


async def test_sent_reply_is_edited_and_deleted_at_the_customers(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.post(office.dewi, root, "It comes on Monday.")
    await office.marked(post, "✅")
    await rina.hears("It comes on Monday.")
    office.driver.edit(office.dewi, office.room, post, "It comes on Tuesday.")
    await rina.hears("It comes on Tuesday.")
    assert rina.from_agents()[0]["edited"]
    office.driver.delete(office.dewi, office.room, post)
    await rina.hears()


async def test_sent_reply_does_not_become_a_note(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.post(office.dewi, root, "It comes on Monday.")
    await rina.hears("It comes on Monday.")
    office.driver.edit(office.dewi, office.room, post, "; he is angry")
    await office.sees(lambda: any("still sees the old text" in text for text in office.whispers(office.dewi)))
    assert [one["text"] for one in await rina.read()][1:] == ["It comes on Monday."]


async def test_somebody_elses_preview_or_mark_is_no_edit(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.post(office.dewi, root, "See https://example.com/track")
    await rina.heard(lambda replies: replies)
    office.driver.unfurl(office.room, post, "https://example.com/track")
    office.driver.react(office.budi, office.room, post, "thumbsup")
    await office.settled()
    office.post(office.dewi, root, "Well?")
    await rina.heard(lambda replies: "Well?" in replies)
    assert not any(one.get("edited") for one in rina.from_agents())


async def test_long_reply_is_cut_nowhere(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    text = " ".join(f"word{number}" for number in range(1400))  # near what Slack's composer takes
    office.post(office.dewi, root, text)
    await rina.heard(lambda replies: " ".join(replies).split() == text.split())


async def test_customers_long_message_is_shown_whole(shared: Scene) -> None:
    office = shared.office
    text = " ".join(f"word{number}" for number in range(500))[:4000]
    visitor = await shared.visitor("Rina")
    await visitor.say(text)
    root = await office.root("word0 word1")
    await office.sees(lambda: " ".join(office.texts(root)).split() == text.split())


async def test_card_says_what_the_state_is_of_each_of_many_changes_in_one_edit(shared: Scene) -> None:
    office = shared.office
    _, root = await shared.talk()
    await office.settled()
    before = len([one for one in office.ws.calls("chat.update") if one.args["ts"] == root])
    office.server.fail_next("chat.update", hang=0.3, match=lambda args: args["ts"] == root)
    for number in range(10):
        office.post(office.dewi, root, f"!label +l{number}")
    await office.shows(root, "l9")
    edits = [one for one in office.ws.calls("chat.update") if one.args["ts"] == root]
    assert len(edits) - before <= 2
