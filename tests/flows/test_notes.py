"""Each way to write something for the team alone, and that none of it ever reaches the customer."""

from __future__ import annotations

import pytest

from tests.rig import Scene, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "he is angry"


async def nothing_left(scene: Scene, visitor: Visitor, root: str) -> None:
    """A last reply has come, and nothing else in whatever form."""
    scene.office.post(scene.office.dewi, root, "reply: The last")
    await visitor.heard(lambda replies: "The last" in replies)
    seen = await visitor.read()
    assert [one["text"] for one in seen if one["from"] == "agent"] == ["The last"]
    assert SECRET not in str(seen)


@pytest.mark.parametrize(
    "text",
    [
        f"; {SECRET}",
        f" // {SECRET}",
        f"NOTE: {SECRET}",
        f"catatan: {SECRET}",
        f"🔒 {SECRET}",
        f":lock: {SECRET}",
        f"<@BUDI> {SECRET}",
        f"well, <!here>, {SECRET}",
        f"note: reply: {SECRET}",
    ],
)
async def test_note_by_prefix_or_mention_stays(shared: Scene, text: str) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.post(office.dewi, root, text.replace("BUDI", office.budi))
    await office.marked(post, "🔒")
    await nothing_left(shared, rina, root)


@pytest.mark.parametrize("text", [f"notes: {SECRET}", f"Note - {SECRET}", f"> note: {SECRET}", f"!nota {SECRET}"])
async def test_near_miss_is_held_and_asked_about(shared: Scene, text: str) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.post(office.dewi, root, text)
    await office.marked(post, "✋")
    question = await office.question(office.dewi, root)
    await office.press(office.dewi, question.ts, "Make it a note")
    await office.marked(post, "🔒")
    await nothing_left(shared, rina, root)


async def test_note_by_command_stays(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.post(office.dewi, root, f"!note {SECRET} 1")
    office.post(office.dewi, root, f"<@{office.ws.bot_user_id}> note {SECRET} 2")
    number = office.card(root).split()[0]
    await office.slash(office.dewi, "/sahut", f"note {number} {SECRET} 3")
    for n in (1, 2, 3):
        shown = await office.posted(root, f"🔒 {SECRET} {n}")
        await office.marked(shown["ts"], "🔒")
    await nothing_left(shared, rina, root)


async def test_note_by_shortcut_and_form_stays(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    await office.driver.shortcut(office.dewi, office.replies(root)[0]["ts"], "sahut_note")
    assert await office.fill(office.dewi, text=SECRET) == {}
    await office.posted(root, SECRET)
    await office.press(office.dewi, root, "More…")
    assert await office.fill(office.dewi, action="note") == {}
    assert await office.fill(office.dewi, text=f"{SECRET} again") == {}
    await office.posted(root, f"{SECRET} again")
    await nothing_left(shared, rina, root)


async def test_file_of_a_note_stays(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.driver.upload(office.dewi, office.room, "angry.png", b"angry", thread_ts=root, text=f"; {SECRET}")
    await office.marked(post, "🔒")
    await nothing_left(shared, rina, root)
    assert not any(one["attachments"] for one in await rina.read())


async def test_note_edited_into_what_looks_like_a_reply_stays(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.post(office.dewi, root, f"; {SECRET}")
    await office.marked(post, "🔒")
    for text in (f"Hello, {SECRET}", f"reply: {SECRET}", f"!reply {SECRET}"):
        office.driver.edit(office.dewi, office.room, post, text)
    await office.sees(lambda: [text for text in office.whispers(office.dewi) if "still an internal note" in text])
    await office.settled()
    await nothing_left(shared, rina, root)
    assert office.marks(post) == "🔒"


async def test_in_a_quiet_channel_only_what_says_so_is_sent(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk(channel="quiet")
    assert "stays in the team" in office.card(root)
    post = office.post(office.dewi, root, f"I think {SECRET}")
    await office.marked(post, "🔒")
    await nothing_left(shared, rina, root)
    office.post(office.dewi, root, "!reply And this")
    await rina.hears("The last", "And this")


async def test_what_bots_and_slack_itself_write_stays(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.driver.other_bot(office.room, SECRET, thread_ts=root)
    office.driver.other_bot(office.room, SECRET, thread_ts=root, on_behalf_of=office.dewi)
    office.driver.act(office.dewi, office.room, "channel_topic", SECRET)
    office.driver.post(office.dewi, office.room, SECRET)  # in the channel, outside of the thread
    await office.settled()
    await nothing_left(shared, rina, root)
