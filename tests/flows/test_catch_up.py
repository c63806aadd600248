"""What happened in Slack while the program was down: found on start, once, in order, and not blindly sent."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from tests.databases import until
from tests.rig import Scene, scene

QUARTER = 15 * 60.0


async def stopped(made: Scene) -> None:
    """What is not heard now is not heard later either: Slack's retries are over."""
    await made.program.stop()
    made.office.server.switches.retry_delays = ()


async def test_answers_given_meanwhile_are_sent_once_in_order(fresh: Scene) -> None:
    office = fresh.office
    rina, first = await fresh.talk("first question")
    tono, second = await fresh.talk("second question")
    await stopped(fresh)
    texts = [f"answer {number}" for number in range(5)]
    for text in texts:
        office.post(office.dewi, first, text)
    office.post(office.budi, second, "another answer")
    note = office.post(office.dewi, first, "; he is angry")
    held = office.post(office.dewi, first, "notes: very angry")
    office.driver.upload(office.budi, office.room, "label.png", b"label", thread_ts=second, text="A label:")
    await fresh.program.start()
    await rina.hears(*texts)
    await tono.hears("another answer", "A label:")
    assert await tono.download(tono.from_agents()[1]["attachments"][0]) == b"label"
    await office.marked(note, "🔒")
    await office.marked(held, "✋")
    await fresh.program.stop()
    await fresh.program.start()
    office.post(office.dewi, first, "The last")
    await rina.hears(*texts, "The last")


async def test_answers_older_than_a_quarter_of_an_hour_ask_first(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    await stopped(fresh)
    old = office.post(office.dewi, root, "We are closing in five minutes.")
    note = office.post(office.dewi, root, "; he is angry")
    fresh.program.clock.ahead += QUARTER + 60
    await fresh.program.start()
    await office.marked(old, "✋")
    await office.marked(note, "🔒")
    question = await office.question(office.dewi, root)
    assert "while the bot was away" in question.text
    assert len(await rina.read()) == 1
    await office.press(office.dewi, question.ts, "Send anyway")
    await rina.hears("We are closing in five minutes.")


async def test_what_was_edited_or_deleted_meanwhile_is_taken_as_it_is_now(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    await stopped(fresh)
    first = office.post(office.dewi, root, "It comes on Monday.")
    second = office.post(office.dewi, root, "Forget this")
    office.driver.edit(office.dewi, office.room, first, "It comes on Tuesday.")
    office.driver.delete(office.dewi, office.room, second)
    await fresh.program.start()
    office.post(office.dewi, root, "The last")
    await rina.hears("It comes on Tuesday.", "The last")


async def test_reply_that_was_corrected_meanwhile_goes_out_as_corrected(sqlite_url: str, tmp_path: Path) -> None:
    more = {"CHANNELS__WEB__REPLY_HOLD_SECONDS": "60", "DATABASE_URL": sqlite_url}
    async with scene(tmp_path, office=None, **more) as made:
        office = made.office
        rina, root = await made.talk()
        post = office.post(office.dewi, root, "It is on its wya.")
        await office.marked(post, "⏳")
        await stopped(made)
        office.driver.edit(office.dewi, office.room, post, "It is on its way.")
        with capture_logs() as logs:
            await made.program.start()
            await until(lambda: any(line["event"] == "slack.caught_up" for line in logs))
        made.program.skip(61)
        await rina.hears("It is on its way.")


async def test_thread_that_was_lost_meanwhile_is_rebuilt(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk("Where is my order?")
    await stopped(fresh)
    office.driver.delete(office.ana, office.room, root)
    await fresh.program.start()
    second = await office.sees(lambda: next((ts for ts in office.roots() if ts != root and office.replies(ts)), None))
    assert "Where is my order?" in office.texts(second)[0]
    await rina.say("Hello?")
    await office.posted(second, "Hello?")


async def test_who_left_meanwhile_owns_nothing_any_more(fresh: Scene) -> None:
    office = fresh.office
    _, root = await fresh.talk()
    await office.press(office.dewi, root, "Claim")
    await office.shows(root, "Dewi")
    await stopped(fresh)
    office.driver.leave(office.dewi, office.room)
    await fresh.program.start()
    await office.shows(root, "Unassigned")


async def test_what_could_not_be_looked_at_is_said(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    await stopped(fresh)
    office.post(office.dewi, root, "Can you hear me?")
    office.server.fail_next("conversations.replies", error="thread_not_found", times=9)
    with capture_logs() as logs:
        await fresh.program.start()
        await until(lambda: any(line["event"] == "slack.caught_up" for line in logs))
    (line,) = [line for line in logs if line["event"] == "slack.caught_up"]
    assert line["unchecked"] == {f"{office.room}/{root}": "thread_not_found"}
    assert len(await rina.read()) == 1


async def test_threads_that_began_before_the_look_back_are_left_alone(tmp_path: Path) -> None:
    async with scene(tmp_path, SLACK__CATCH_UP_HOURS="0") as made:
        office = made.office
        rina, root = await made.talk()
        await stopped(made)
        office.post(office.dewi, root, "Can you hear me?")
        made.program.clock.ahead += 600
        await made.program.start()
        made.program.skip(0)
        post = office.post(office.dewi, root, "And now?")
        await rina.heard(lambda replies: "And now?" in replies)
        await office.marked(post, "✅")


async def test_messages_of_customers_are_taken_while_catching_up(fresh: Scene) -> None:
    """Slack is slow to show what was missed; customers do not wait for that."""
    office = fresh.office
    rina, root = await fresh.talk()
    await stopped(fresh)
    office.post(office.dewi, root, "I was early")
    office.server.fail_next("conversations.history", hang=1.5)
    await fresh.program.start()
    await rina.say("Hello?")
    await office.posted(root, "Hello?", 1.4)
    office.post(office.dewi, root, "I was late")
    await rina.heard(lambda replies: sorted(replies) == ["I was early", "I was late"])
