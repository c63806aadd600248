"""Claim, assign, snooze, resolve and reopen, from each of their mouths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.rig import Scene, taken

pytestmark = pytest.mark.asyncio(loop_scope="module")

# One mouth: the conversation's thread and a command's words in, the command carried out by Dewi.
Mouth = Callable[[Scene, str, str], Awaitable[None]]


async def typed(scene: Scene, root: str, words: str) -> None:
    scene.office.post(scene.office.dewi, root, f"!{words}")


async def mentioned(scene: Scene, root: str, words: str) -> None:
    scene.office.post(scene.office.dewi, root, f"<@{scene.office.ws.bot_user_id}> {words}")


async def mentioned_in_the_channel(scene: Scene, root: str, words: str) -> None:
    office = scene.office
    name, _, rest = words.partition(" ")
    office.driver.post(office.dewi, office.room, f"<@{office.ws.bot_user_id}> {name} {number(scene, root)} {rest}")


async def slashed(scene: Scene, root: str, words: str) -> None:
    name, _, rest = words.partition(" ")
    assert number(scene, root) in await scene.office.slash(
        scene.office.dewi, "/sahut", f"{name} {number(scene, root)} {rest}"
    )


def number(scene: Scene, root: str) -> str:
    return scene.office.card(root).split()[0]


MOUTHS: tuple[Mouth, ...] = (typed, mentioned, mentioned_in_the_channel, slashed)


@pytest.mark.parametrize("mouth", MOUTHS)
async def test_conversation_is_led_by_words(shared: Scene, mouth: Mouth) -> None:
    office = shared.office
    _, root = await shared.talk()

    async def do(words: str, *shown: str) -> None:
        await mouth(shared, root, words)
        await office.shows(root, *shown)

    await do("claim", "Dewi", "[Release]")
    await do(f"assign <@{office.budi}>", "Budi")
    assert office.pinged(office.budi)
    await do("snooze 2h", "Snoozed")
    await do("wake", "Open")
    await do("snooze until reply wake question", "Snoozed until", "the customer replies")
    await do("resolve it arrived", "Resolved", "[Reopen]")
    await do("reopen", "Open", "[Resolve]")
    await do("pending", "Pending")
    await do("priority urgent", "urgent")
    await do("label +vip +late", "late, vip")
    await mouth(shared, root, "label -late")
    await office.shows(root, no="late")


async def test_short_slash_commands_work_with_a_number(shared: Scene) -> None:
    office = shared.office
    _, root = await shared.talk()
    await office.slash(office.dewi, "/claim", number(shared, root))
    await office.shows(root, "Dewi")
    await office.slash(office.dewi, "/assign", f"{number(shared, root)} <@{office.budi}>")
    await office.shows(root, "Budi")
    await office.slash(office.dewi, "/snooze", f"{number(shared, root)} tomorrow 9am")
    await office.shows(root, "Snoozed")
    await office.slash(office.dewi, "/resolve", number(shared, root))
    await office.shows(root, "Resolved")
    taken(await office.driver.slash(office.dewi, office.room, "/inbox", "all resolved"))
    await office.sees(lambda: number(shared, root) in str(office.ws.seen_by(office.dewi)[-1].blocks))


async def test_buttons_and_forms_do_it(shared: Scene) -> None:
    office = shared.office
    _, root = await shared.talk()
    await office.press(office.dewi, root, "Claim")
    await office.shows(root, "Dewi")
    await office.press(office.dewi, root, "Assign…")
    assert await office.fill(office.dewi, to="Budi · online") == {}
    await office.shows(root, "Budi")
    await office.press(office.dewi, root, "Snooze…")
    assert await office.fill(office.dewi, when="yesterday") != {}
    assert await office.fill(office.dewi, when="tomorrow 9am") == {}
    await office.shows(root, "Snoozed")
    line = await office.posted(root, "snoozed it until")
    await office.press(office.dewi, line["ts"], "Undo")
    await office.shows(root, "Open")
    await office.press(office.dewi, root, "Resolve")
    await office.shows(root, "Resolved")
    await office.press(office.dewi, root, "Reopen")
    await office.shows(root, "Open")
    await office.press(office.ana, root, "Release")
    await office.shows(root, "Unassigned")


async def test_shortcuts_on_any_message_of_the_thread_do_it(shared: Scene) -> None:
    office = shared.office
    _, root = await shared.talk()
    message = office.replies(root)[0]["ts"]
    taken(await office.driver.shortcut(office.dewi, message, "sahut_assign"))
    assert await office.fill(office.dewi, to="Dewi · online") == {}
    await office.shows(root, "Dewi")
    taken(await office.driver.shortcut(office.dewi, root, "sahut_snooze"))
    assert await office.fill(office.dewi, preset="1h") == {}
    await office.shows(root, "Snoozed")
    taken(await office.driver.shortcut(office.dewi, message, "sahut_more"))
    assert await office.fill(office.dewi, action="label") == {}
    await office.fill(office.dewi, new="vip")
    await office.shows(root, "vip")
    taken(await office.driver.shortcut(office.dewi, message, "sahut_resolve"))
    await office.shows(root, "Resolved")


async def test_typed_command_without_its_words_gets_a_button_to_a_form(shared: Scene) -> None:
    office = shared.office
    _, root = await shared.talk()
    office.post(office.dewi, root, "!snooze")
    answer = await office.question(office.dewi, root)
    await office.press(office.dewi, answer.ts, "Snooze")
    assert await office.fill(office.dewi, preset="3h") == {}
    await office.shows(root, "Snoozed")


async def test_reply_by_command_is_shown_under_the_agents_name_and_carries_the_marks(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    await office.slash(office.dewi, "/sahut", f"reply {number(shared, root)} It is on its way.")
    await rina.hears("It is on its way.")
    shown = await office.posted(root, "It is on its way.")
    assert shown["username"] == "Dewi"
    await rina.confirm()
    await office.marked(shown["ts"], "📬")


async def test_reply_that_resolves_does_so_once_it_is_accepted(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.post(office.dewi, root, "!resolve reply: Glad to help.")
    await rina.hears("Glad to help.")
    await office.shows(root, "Resolved")
    office.post(office.dewi, root, "!reopen")
    await office.shows(root, "Open")
    office.post(office.dewi, root, "!resolve it came back")
    await office.sees(lambda: "it came back" in str(office.texts(root)))
    assert "came back" not in str(await rina.read())


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("snooze 99", "without a unit"),
        ("snooze 05/06", "two ways"),
        ("snooze 2020-01-01 09:00", "passed"),
        ("priority awful", "no priority"),
        ("assign nobody", "no agent or team called nobody"),
        ("role <@BUDI> admin", "role admin"),
        ("wake", "not snoozed"),
        ("release", "Nobody owns it"),
        ("claim #999999", "thread is another conversation"),
        ("help", "claim"),
        ("why", "begun"),
    ],
)
async def test_private_answer_says_what_is_wrong_or_asked(shared: Scene, words: str, answer: str) -> None:
    office = shared.office
    rina, root = await shared.talk()
    before = len(office.whispers(office.dewi))
    office.post(office.dewi, root, "!" + words.replace("BUDI", office.budi))
    told = await office.sees(lambda: office.whispers(office.dewi)[before:])
    assert answer in told[0]
    assert len(await rina.read()) == 1
    assert office.texts(root, of="bot") == []


async def test_command_outside_a_thread_says_that_it_needs_a_number(shared: Scene) -> None:
    office = shared.office
    assert "#1042" in await office.slash(office.dewi, "/sahut", "claim")
    assert "no conversation #999999" in await office.slash(office.dewi, "/claim", "#999999")
    assert "no command" in await office.slash(office.dewi, "/sahut", "dance")


async def test_search_finds_what_was_written_on_either_side(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk("A zebra ate my parcel")
    office.post(office.dewi, root, "Which giraffe?")
    await rina.hears("Which giraffe?")
    for word in ("zebra", "giraffe"):
        await office.slash(office.dewi, "/sahut", f"search {word}")
        assert number(shared, root) in str(office.ws.seen_by(office.dewi)[-1].blocks)
