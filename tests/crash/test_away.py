"""What goes on while the program is dead, and what it finds when it is back."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import aiohttp
import pytest

from sahut_bot.dispatcher import LEASE
from tests.crash.forked import Forked, insist, supervised
from tests.databases import until
from tests.rig import Office, Visitor

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash")]  # one server to fork from


async def begin(program: Forked, http: aiohttp.ClientSession, text: str = "one") -> tuple[Visitor, str]:
    """A visitor who has written, and the thread in which it stands."""
    visitor = await Visitor(http, program).begin("Rina")
    await visitor.say(text)
    root = await program.office.root(text)
    await program.office.sees(lambda: text in program.office.texts(root))
    return visitor, root


async def test_what_agents_write_meanwhile_is_caught_up_once_in_order(
    office: Office, program: Forked, http: aiohttp.ClientSession
) -> None:
    """Slack's retries are over by then."""
    office.server.switches.retry_delays = ()
    rina, first = await begin(program, http, "first customer")
    tono, second = await begin(program, http, "second customer")
    program.kill()
    await program.died()
    for number in range(1, 6):
        office.post(office.dewi, first, f"answer {number}")
    office.post(office.budi, second, "another answer")
    note = office.post(office.dewi, first, "; he is angry")
    command = office.post(office.budi, second, "!priority high")
    await office.settled()
    await program.start()
    await rina.hears(*(f"answer {number}" for number in range(1, 6)))
    await tono.hears("another answer")
    await office.marked(note, "🔒")
    await office.posted(second, "Budi set the priority to high")
    assert not office.marks(command)
    # Whatever would come twice comes before this.
    office.post(office.dewi, first, "the last")
    await rina.heard(lambda replies: "the last" in replies)
    assert [one["text"] for one in await rina.read() if one["from"] == "agent"] == rina.replies()
    assert len(rina.replies()) == 6
    assert office.texts(second, of="bot").count("Budi set the priority to high") == 1


@pytest.mark.slow
async def test_catching_up_that_is_cut_begins_anew(office: Office, sqlite_url: str, tmp_path: Path) -> None:
    office.server.switches.retry_delays = ()
    program = Forked(office, tmp_path, "", "committed:on_post*7", DATABASE_URL=sqlite_url)
    await office.server.start()
    await program.start()
    async with aiohttp.ClientSession() as http:
        rina, root = await begin(program, http)
        program.kill()
        await program.died()
        texts = [f"answer {number}" for number in range(20)]
        for text in texts:
            office.post(office.dewi, root, text)
        await office.settled()
        await program.start()
        await program.died()
        await program.start()
        await rina.hears(*texts)
        office.post(office.dewi, root, "the last")
        await rina.hears(*texts, "the last")
    await program.stop()
    await office.server.stop()


async def test_snooze_that_ends_meanwhile_wakes_once(
    office: Office, program: Forked, http: aiohttp.ClientSession
) -> None:
    rina, root = await begin(program, http)
    office.post(office.dewi, root, "!snooze 10m")
    await office.posted(root, "Dewi snoozed it until")
    program.kill()
    await program.died()
    program.ahead.value += 3600
    await program.start()
    await office.posted(root, "The snooze is over")
    program.kill()
    await program.died()
    program.ahead.value += 3600
    await program.start()
    await rina.say("the last")
    await office.posted(root, "the last")
    assert sum("The snooze is over" in text for text in office.texts(root)) == 1


async def test_every_message_of_a_burst_that_got_its_200_is_there(
    office: Office, sqlite_url: str, tmp_path: Path
) -> None:
    """200 messages of 10 customers, killed in the middle: what was not acknowledged is sent again, as widgets do."""
    program = Forked(office, tmp_path, "committed:receive*70", DATABASE_URL=sqlite_url)
    acknowledged: dict[int, list[str]] = {}

    async def write(number: int, visitor: Visitor) -> None:
        for line in range(20):
            text, key = f"customer {number} line {line}", str(uuid.uuid4())
            await insist(lambda text=text, key=key: visitor.say(text, id=key))  # type: ignore[misc]
            acknowledged.setdefault(number, []).append(text)

    async with supervised(program), aiohttp.ClientSession() as http:
        visitors = [await Visitor(http, program).begin(f"Customer {number}") for number in range(10)]
        await asyncio.gather(*(write(number, visitor) for number, visitor in enumerate(visitors)))
        assert program.starts == 2
        for number, visitor in enumerate(visitors):
            assert [one["text"] for one in await visitor.read()] == acknowledged[number]
        expected = sorted(acknowledged.values())
        await office.sees(lambda: sum(len(office.texts(root)) for root in office.roots()) >= 200, 30)
        for visitor in visitors:
            await visitor.say("the last")
        await office.sees(lambda: sum("the last" in office.texts(root) for root in office.roots()) == 10)
        shown = sorted(office.texts(root, of="customer")[:-1] for root in office.roots())
        assert shown == expected


@pytest.mark.parametrize("point", ["committed:_claim/reply", pytest.param("performed:reply", marks=pytest.mark.slow)])
async def test_reply_of_which_nobody_can_tell_is_marked_and_asked_about(
    point: str, office: Office, sqlite_url: str, tmp_path: Path
) -> None:
    """On a channel that can neither be asked nor told twice."""
    program = Forked(office, tmp_path, point, never=True, DATABASE_URL=sqlite_url)
    async with supervised(program), aiohttp.ClientSession() as http:
        rina, root = await begin(program, http)
        post = office.post(office.dewi, root, "It is on its way.")
        await office.marked(post, "❓")
        line = await office.posted(root, "may not have been sent")
        assert line["ts"] in office.pinged(office.dewi)
        await office.shows(root, "Open")
        assert all(one["from"] == "customer" for one in await rina.read())
        await office.press(office.dewi, line["ts"], "Try again")
        await rina.hears("It is on its way.")
        await rina.confirm()
        await office.marked(post, "📬")


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    ["commit:on_lost", "committed:on_lost", "performed:open*3", "performed:open*4", "commit:_finish/open*4"],
)
async def test_lost_thread_is_rebuilt_once(point: str, office: Office, sqlite_url: str, tmp_path: Path) -> None:
    """The third and fourth steps of opening are the new card and the recap."""
    program = Forked(office, tmp_path, point, DATABASE_URL=sqlite_url)
    async with supervised(program), aiohttp.ClientSession() as http:
        rina, root = await begin(program, http)
        office.post(office.dewi, root, "Hello")
        await rina.hears("Hello")
        office.driver.delete(office.ana, office.room, root)
        second = await office.sees(
            lambda: next((ts for ts in office.roots() if ts != root and office.replies(ts)), ""), 20
        )
        await insist(lambda: rina.say("two", id="two"))
        await office.posted(second, "two")
        assert program.starts == 2
        assert len([ts for ts in office.roots() if office.card(ts)]) == 1
        recap, *rest = office.texts(second)
        assert "one" in recap
        assert "Hello" in recap
        assert not any("rebuilt because" in text for text in rest)
        assert office.texts(second, of="customer") == ["two"]
        office.post(office.dewi, second, "The last")
        await rina.hears("Hello", "The last")


@pytest.mark.slow
@pytest.mark.postgres
async def test_other_program_goes_on_when_one_is_killed(office: Office, postgres_url: str, tmp_path: Path) -> None:
    """Whatever the dead one had in hand, the other takes over; also the connection to Slack."""
    await office.server.start()
    (tmp_path / "second").mkdir()
    first, second = (Forked(office, folder, DATABASE_URL=postgres_url) for folder in (tmp_path, tmp_path / "second"))
    await first.start()
    async with aiohttp.ClientSession() as http:
        rina, root = await begin(first, http)
        office.server.fail_next("chat.postMessage", hang=60, times=2, match=lambda args: args["text"].startswith("two"))
        tono = await Visitor(http, first).begin("Tono")
        await tono.say("two of Tono")
        await rina.say("two of Rina")
        await office.sees(
            lambda: len([one for one in office.ws.calls("chat.postMessage") if "two" in str(one.args)]) > 1
        )
        await second.start(connects=False)
        first.kill()
        await first.died()
        second.skip(LEASE + 1)
        rina.program = second
        await rina.say("three")
        await office.posted(root, "three")
        assert office.texts(root, of="customer") == ["one", "two of Rina", "three"]
        other = await office.root("two of Tono")
        await office.posted(other, "two of Tono")
        assert len(office.roots()) == 2
        await until(lambda: office.server.sockets.connections)
        office.post(office.dewi, root, "Still here.")
        await rina.hears("Still here.")
    await second.stop()
    await office.server.stop()
