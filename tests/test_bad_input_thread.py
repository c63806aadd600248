"""What bad input gets, row by row (design 3.5): what customers and agents write that is odd, too much, or forged.

The rows about requests and about parts that are away are in `test_bad_input_web.py`.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sahut_bot.text import tree
from sahut_bot.types import CustomerMessage, RemoteFile, Sender
from tests.rig import Scene, plain, scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 25 * 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("bad")) as made:
        yield made


def number(made: Scene, root: str) -> str:
    return made.office.card(root).split()[0]


async def arrives(made: Scene, who: str, key: str, text: str = "", **more: Any) -> None:
    """A message as a platform's adapter would hand it in."""
    assert made.program.app is not None
    sender = Sender(external_id=who, name="Rina")
    body, at = tree.text(text), time.time()
    event = CustomerMessage(channel="web", key=f"{who}:{key}", external_id=key, sender=sender, body=body, at=at, **more)
    await made.program.app.intake.customer(event)


# ---------------------------------------------------------------- known sender, unknown type


async def test_type_that_we_do_not_know_is_shown_as_what_it_is_called(shared: Scene) -> None:
    office = shared.office
    await arrives(shared, "odd-1", "k1", "Look at this sticker")
    root = await office.root("Look at this sticker")
    await arrives(shared, "odd-1", "k2", unknown_type="sticker")
    await office.posted(root, "(sticker: open the app to see it)")


# ---------------------------------------------------------------- attachments


@pytest.mark.parametrize(
    ("name", "size", "status"), [("big.bin", LIMIT + 1, 413), ("run.exe", 10, 415), ("page.html", 10, 415)]
)
async def test_upload_over_the_limit_or_of_a_refused_type_is_refused_and_the_text_goes(
    shared: Scene, name: str, size: int, status: int
) -> None:
    rina, root = await shared.talk()
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(b"x" * size), filename=name)
    headers = {"Authorization": f"Bearer {rina._token}"}
    url = f"{shared.program.url}/livechat/web/files"
    async with shared.http.post(url, data=form, headers=headers) as answer:
        assert answer.status == status
        assert (await answer.json())["message"]
    await rina.say("It did not take my file")
    await shared.office.posted(root, "It did not take my file")


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ("The file is larger than 25 MB.", "larger than 25 MB"),
        ("Files of this type are not taken.", "Files of this type"),
        ("", "not kept anywhere else"),  # the link is dead
    ],
)
async def test_customers_file_that_cannot_be_had_is_shown_as_failed_and_the_text_goes(
    shared: Scene, refusal: str, reason: str
) -> None:
    office = shared.office
    who = f"file-{reason.replace(' ', '-')}"
    file = RemoteFile(name="plan.pdf", content_type="application/pdf", size=10, remote="gone", refusal=refusal)
    await arrives(shared, who, "k1", f"Here is my plan ({reason})", files=(file,))
    root = await office.root(f"Here is my plan ({reason})")
    await office.posted(root, f"Here is my plan ({reason})")
    line = (await office.posted(root, "plan.pdf did not go through"))["text"]
    assert reason in plain(line)


async def test_agents_file_over_the_limit_is_shown_as_failed_and_the_text_goes(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    big = bytes(LIMIT + 1)
    office.driver.upload(office.dewi, office.room, "big.zip", big, thread_ts=root, text="The plan:")
    await rina.hears("The plan:")
    line = (await office.posted(root, "big.zip did not go through"))["text"]
    assert "larger" in line
    assert rina.from_agents()[0]["attachments"] == []


@pytest.mark.parametrize("odd", ["tombstone", "external"])
async def test_agents_file_behind_a_dead_or_foreign_link_is_shown_as_failed_and_the_text_goes(
    shared: Scene, odd: str
) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.driver.upload(office.dewi, office.room, "plan.pdf", b"plan", thread_ts=root, text="The plan:", odd=odd)
    await rina.hears("The plan:")
    line = (await office.posted(root, "did not go through"))["text"]
    assert "deleted" in line or "only linked" in line


# ---------------------------------------------------------------- replies that cannot go as they are


async def blocked(made: Scene) -> tuple[Any, str]:
    office = made.office
    rina, root = await made.talk()
    office.post(office.dewi, root, "!contact block")
    await office.posted(root, "Dewi blocked")
    return rina, root


async def test_reply_to_a_blocked_contact_is_refused_in_the_thread_with_the_way_out(shared: Scene) -> None:
    office = shared.office
    rina, root = await blocked(shared)
    post = office.post(office.dewi, root, "Hello?")
    line = await office.posted(root, "the contact is blocked")
    assert "!contact unblock" in line["text"]
    await office.marked(post, "❌")
    assert len(await rina.read()) == 1
    office.post(office.dewi, root, "!contact unblock")
    await office.posted(root, "Dewi unblocked")
    office.post(office.dewi, root, "Hello again")
    await rina.hears("Hello again")


async def test_text_longer_than_the_channel_takes_is_split_and_not_cut(shared: Scene) -> None:
    """A live chat puts the parts together again."""
    office = shared.office
    rina, root = await shared.talk()
    text = " ".join(f"word{n}" for n in range(1300))
    assert 10_000 < len(text) < 12_000
    post = office.post(office.dewi, root, text)
    await rina.heard(lambda replies: " ".join(replies).split() == text.split())
    await office.marked(post, "✅")


async def test_customers_text_longer_than_a_slack_message_is_not_cut(shared: Scene) -> None:
    office = shared.office
    text = " ".join(f"word{n}" for n in range(4000))
    await arrives(shared, "long-1", "k1", f"Long: {text}")
    root = await office.root("Long: word0")
    await office.sees(lambda: " ".join(office.texts(root, of="customer")).split()[1:] == text.split())


async def test_message_from_a_blocked_contact_is_stored_without_thread_or_automation(shared: Scene) -> None:
    office = shared.office
    rina, root = await blocked(shared)
    office.post(office.dewi, root, "!resolve")
    await office.shows(root, "Resolved")
    before, threads = office.texts(root), office.roots()
    await rina.say("An armadillo wants in")
    assert [one["text"] for one in await rina.read()][1:] == ["An armadillo wants in"]
    _, other = await shared.talk()  # whatever came of it would have come before this
    assert office.roots() == [*threads, other]
    assert office.texts(root) == before
    assert "Resolved" in office.card(root)
    await office.slash(office.dewi, "/sahut", "search armadillo")
    assert number(shared, root) in str(office.ws.seen_by(office.dewi)[-1].blocks)


# ---------------------------------------------------------------- commands


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("snooze 99", "Write it like 30m, 2h or 1d"),
        ("snooze yesterday", "Try 30m, 2h, tomorrow 9am"),
        ("snooze 2020-01-01 09:00", "already passed"),
        ("priority awful", "Say low, normal, high or urgent"),
        ("availability asleep", "availability busy"),
        ("assign nobody", "no agent or team called nobody"),
        ("team add billing", "takes the role"),
        ("role <@BUDI> admin", "takes the role"),
        ("claim #999999", "use /sahut"),
    ],
)
async def test_command_that_is_wrong_gets_a_private_line_with_the_right_form(
    shared: Scene, words: str, answer: str
) -> None:
    office = shared.office
    rina, root = await shared.talk()
    before = len(office.whispers(office.dewi))
    office.post(office.dewi, root, "!" + words.replace("BUDI", office.budi))
    (told,) = await office.sees(lambda: office.whispers(office.dewi)[before:])
    assert answer in told
    assert "\n" not in told
    assert office.texts(root, of="bot") == []
    assert len(await rina.read()) == 1


async def test_command_outside_of_a_thread_is_told_how_to_say_which_one(shared: Scene) -> None:
    office = shared.office
    told = await office.slash(office.dewi, "/sahut", "claim")
    assert "#1042" in told
    assert "\n" not in told
    assert "no conversation #999999" in await office.slash(office.dewi, "/claim", "#999999")


@pytest.mark.parametrize("who", ["gita", "sari"])
async def test_command_of_somebody_who_is_no_agent_is_refused_privately(shared: Scene, who: str) -> None:
    office = shared.office
    person = getattr(office, who)
    _, root = await shared.talk()
    before = len(office.whispers(person))
    office.post(person, root, "!claim")
    (told,) = await office.sees(lambda: office.whispers(person)[before:])
    assert "only agents" in told.lower()
    assert "Unassigned" in office.card(root)
    assert office.texts(root, of="bot") == []


# ---------------------------------------------------------------- text that wants to be more than text

TRICKS = "<!channel> <!here> <@{user}> @here @channel *bold* <https://evil.example|bank.example> &lt; `x` a\x00b\x07c"
BIDI = "\u202etxt.exe\u202c \u2066hidden\u2069 \u200fback"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


async def test_markup_mentions_control_and_bidi_characters_are_shown_as_text(shared: Scene) -> None:
    office = shared.office
    pings = len(office.ws.pings)
    tricks = TRICKS.format(user=office.dewi)
    rina = await shared.visitor(f"<!channel> \u202e*{office.budi}* <@{office.budi}>")
    await rina.say(f"quagga {tricks} {BIDI}")
    root = await office.root("quagga")
    shown = plain((await office.posted(root, "quagga"))["text"])
    for words in ("<!channel>", "<!here>", f"<@{office.dewi}>", "*bold*", "<https://evil.example|bank.example>"):
        assert words in shown
    office.driver.open_home(office.dewi)
    await office.sees(lambda: "quagga" in str(office.ws.surfaces.homes.get(office.dewi)))
    await office.slash(office.dewi, "/sahut", "search quagga")
    whole = [office.ws.thread(office.room, root), office.ws.surfaces.homes[office.dewi]]
    for text, literal in strings([*whole, office.ws.seen_by(office.dewi)[-1].blocks]):
        assert not RAW.search(text.replace("\n", "")), ascii(text)
        for live in ("<!channel>", "<!here>", f"<@{office.budi}>", f"<@{office.dewi}>", "<https://evil.example|"):
            assert literal or live not in text
    assert office.ws.pings[pings:] == []


def strings(value: Any, literal: bool = False) -> Iterator[tuple[str, bool]]:
    """Every string that Slack was given, and whether Slack shows it letter for letter (not as mrkdwn)."""
    if isinstance(value, str):
        yield value, literal
    elif isinstance(value, dict):
        literal = literal or value.get("type") in ("plain_text", "text")
        for key, part in value.items():
            yield from strings(part, literal or key == "username")
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part, literal)


async def test_tricks_of_an_agent_reach_the_customer_as_text(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.post(office.dewi, root, f"<script>alert(1)</script> {BIDI} a\x07b")
    await rina.heard(lambda replies: replies)
    (reply,) = rina.from_agents()
    assert "<script" not in reply["html"]
    assert "<script>" in reply["text"]
    assert not RAW.search(reply["text"] + reply["html"])
