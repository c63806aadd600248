"""What a customer's next message does to a resolved conversation, a blocked contact, and a reply nobody has read."""

from __future__ import annotations

from pathlib import Path

from tests.rig import Scene, scene

DAY = 86400.0


async def test_reopened_its_owner_is_called(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.post(office.dewi, root, "!claim")
    office.post(office.dewi, root, "!resolve")
    await office.shows(root, "Resolved")
    await rina.say("It broke again")
    shown = await office.posted(root, "It broke again")
    assert shown["ts"] in office.pinged(office.dewi)
    assert shown.get("subtype") != "thread_broadcast"
    await office.shows(root, "Open", "Dewi")
    assert len(office.roots()) == 1


async def test_reopened_without_an_owner_the_channel_sees_it(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.post(office.dewi, root, "!resolve")
    await office.shows(root, "Resolved")
    await rina.say("It broke again")
    shown = await office.posted(root, "It broke again")
    assert shown["subtype"] == "thread_broadcast"
    await rina.say("And now?")
    assert (await office.posted(root, "And now?")).get("subtype") != "thread_broadcast"


async def test_after_a_month_it_is_a_new_conversation_linked_to_the_old_one(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    number = office.card(root).split()[0]
    office.post(office.dewi, root, "!resolve")
    await office.shows(root, "Resolved")
    fresh.program.skip(31 * DAY)
    await rina.say("Another thing")
    second = await office.root("Another thing")
    assert second != root
    await office.sees(lambda: office.texts(second) == ["Another thing"])
    assert f"1 ({number})" in office.card(second)
    assert [one["text"] for one in await rina.read()][-1] == "Another thing"


async def test_bare_thanks_reopens_unless_the_channel_says_no(tmp_path: Path) -> None:
    async with scene(tmp_path, CHANNELS__CALM__KIND="livechat", CHANNELS__CALM__THANKS_REOPENS="false") as made:
        office = made.office
        for channel, reopens in (("web", True), ("calm", False)):
            rina, root = await made.talk(channel=channel)
            office.post(office.dewi, root, "!resolve")
            await office.shows(root, "Resolved")
            await rina.say("Terima kasih 👍")
            await office.posted(root, "Terima kasih")
            if reopens:
                await office.shows(root, "Open")
            else:
                await rina.say("Wait, one more question")
                await office.shows(root, "Open")
                assert (office.says(root, "Terima kasih") or {}).get("subtype") != "thread_broadcast"
                assert (office.says(root, "one more question") or {})["subtype"] == "thread_broadcast"


async def test_blocked_contact_is_stored_and_shown_to_nobody(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.post(office.dewi, root, "!contact block")
    await office.sees(lambda: "Dewi blocked Rina" in str(office.texts(root)))
    await rina.say("You cannot hear me")
    post = office.post(office.dewi, root, "Hello?")
    await office.marked(post, "❌")
    await office.posted(root, "Unblock it first")
    office.post(office.dewi, root, "!resolve")
    await office.shows(root, "Resolved")
    await rina.say("Still not")
    _, second = await fresh.talk("Somebody else")
    assert office.roots() == [root, second]
    office.post(office.dewi, root, "!contact unblock")
    await office.sees(lambda: "unblocked" in str(office.texts(root)))
    await rina.say("And now?")
    await office.posted(root, "And now?")
    assert office.texts(root, of="customer")[1:] == ["And now?"]
    await office.shows(root, no="blocked")
    assert [one["text"] for one in await rina.read()][1:] == ["You cannot hear me", "Still not", "And now?"]


async def test_reply_that_waits_for_a_reader_is_said_after_two_minutes(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    post = office.post(office.dewi, root, "It is on its way.")
    await office.marked(post, "✅")
    fresh.program.skip(60)
    note = office.post(office.dewi, root, "; patience")
    await office.marked(note, "🔒")
    assert not office.says(root, "has not got")
    fresh.program.skip(65)
    line = await office.posted(root, "has not got")
    assert line["ts"] in office.pinged(office.dewi)
    await rina.hears("It is on its way.")
    await rina.confirm()
    await office.marked(post, "📬")
    fresh.program.skip(600)
    last = office.post(office.dewi, root, "; a note")
    await office.marked(last, "🔒")
    assert sum("has not got" in text for text in office.texts(root)) == 1


async def test_reply_that_was_read_in_time_is_not_complained_about(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    post = office.post(office.dewi, root, "It is on its way.")
    await rina.hears("It is on its way.")
    await rina.confirm()
    await office.marked(post, "📬")
    fresh.program.skip(600)
    last = office.post(office.dewi, root, "; a note")
    await office.marked(last, "🔒")
    assert not office.says(root, "has not got")
