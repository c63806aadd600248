"""SIGKILL while a request is out: Slack has done it or not, and nobody was there to hear so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from sahut_bot.sandbox.slack.model import Json
from tests.crash.forked import Forked
from tests.databases import until
from tests.rig import Visitor

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash")]  # one server to fork from

RECEIPT, LABEL = b"%PDF-1.4 receipt", b"a new label"
HANG = 60.0


class Talk:
    """A program at work, and one visitor who has written nothing yet."""

    def __init__(self, program: Forked, http: aiohttp.ClientSession) -> None:
        self.program = program
        self.office = program.office
        self.rina = Visitor(http, program)

    @asynccontextmanager
    async def cut(
        self, method: str, match: Callable[[Json], bool] = lambda _: True, *, effect: bool = True
    ) -> AsyncIterator[None]:
        """Kills the program while the next call of `method` is out, which the block causes; starts it again."""
        out: list[Json] = []

        def matches(args: Json) -> bool:
            if match(args):
                out.append(args)
            return match(args)

        self.office.server.fail_next(method, hang=HANG, drop_before_effect=not effect, match=matches)
        yield
        await until(lambda: out)
        self.program.kill()
        await self.program.died()
        await self.program.start()

    async def begin(self) -> str:
        await self.rina.say("one")
        root = await self.office.root("one")
        await self.office.sees(lambda: self.office.texts(root) == ["one"])
        return root

    async def end(self, *texts: str) -> str:
        """The thread, once a last message stands in it: what comes before it is all there is."""
        await self.rina.say("the last")
        root = await self.office.root()
        await self.office.posted(root, "the last")
        assert self.office.roots() == [root]
        assert self.office.texts(root, of="customer") == [*texts, "the last"]
        return root


@pytest.fixture
async def talk(program: Forked, http: aiohttp.ClientSession) -> Talk:
    made = Talk(program, http)
    await made.rina.begin("Rina")
    return made


effects = pytest.mark.parametrize("effect", [True, pytest.param(False, marks=pytest.mark.slow)])


@effects
async def test_card_is_looked_for_before_a_second_one_is_posted(talk: Talk, effect: bool) -> None:
    async with talk.cut("chat.postMessage", lambda args: "thread_ts" not in args, effect=effect):
        await talk.rina.say("one")
    await talk.end("one")


@effects
async def test_customers_message_is_looked_for_before_it_is_posted_again(talk: Talk, effect: bool) -> None:
    root = await talk.begin()
    async with talk.cut("chat.postMessage", lambda args: args["text"] == "two", effect=effect):
        await talk.rina.say("two")
        await talk.rina.say("three")
    assert await talk.end("one", "two", "three") == root


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        ("files.completeUploadExternal", True),
        pytest.param("files.completeUploadExternal", False, marks=pytest.mark.slow),
        pytest.param("upload", True, marks=pytest.mark.slow),
        pytest.param("files.getUploadURLExternal", True, marks=pytest.mark.slow),
    ],
)
async def test_customers_file_is_shared_once(talk: Talk, method: str, effect: bool) -> None:
    await talk.begin()
    async with talk.cut(method, effect=effect):
        await talk.rina.say("two", files=[("receipt.pdf", RECEIPT)])
    root = await talk.end("one", "two")
    assert talk.office.files(root) == [("receipt.pdf", RECEIPT)]


@pytest.mark.slow
async def test_file_that_slack_shares_late_is_shared_once(talk: Talk) -> None:
    talk.office.ws.share_delay = 2.0
    await talk.begin()
    async with talk.cut("files.completeUploadExternal"):
        await talk.rina.say("two", files=[("receipt.pdf", RECEIPT)])
    await talk.office.sees(lambda: talk.office.files(talk.office.roots()[0]))
    root = await talk.end("one", "two")
    assert talk.office.files(root) == [("receipt.pdf", RECEIPT)]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["reactions.add", "reactions.remove", "chat.update", "download"])
async def test_mark_card_and_download_are_done_again(talk: Talk, method: str) -> None:
    root = await talk.begin()
    office = talk.office
    async with talk.cut(method):
        post = office.driver.upload(office.dewi, office.room, "label.png", LABEL, thread_ts=root, text="Look:")
    await talk.rina.hears("Look:")
    await talk.rina.confirm()
    await office.marked(post, "📬")
    await office.shows(root, "Dewi", "Pending")
    (reply,) = talk.rina.from_agents()
    assert [await talk.rina.download(file) for file in reply["attachments"]] == [LABEL]


@pytest.mark.slow
@pytest.mark.parametrize("effect", [True, False])
async def test_question_about_a_held_reply_is_asked(talk: Talk, effect: bool) -> None:
    root = await talk.begin()
    office = talk.office
    async with talk.cut("chat.postEphemeral", effect=effect):
        post = office.post(office.dewi, root, "notes: he is angry")
    await office.marked(post, "✋")
    # Slack cannot be asked for what is shown to one person alone: it may stand there twice, and each works.
    await office.sees(lambda: len(office.whispers(office.dewi)) == 1 + effect)
    await office.press(office.dewi, office.ws.seen_by(office.dewi)[-1].ts, "Make it a note")
    await office.marked(post, "🔒")
    await talk.end("one")
    assert (await talk.rina.read())[-1]["from"] == "customer"
