"""What every team chat promises to the inbox, whatever platform is behind it.

A new adapter adds a stage to `stages.py` and gets all of these tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sahut_bot.bridges.base import CanReplay, CanStandBy
from sahut_bot.errors import (
    AuthFailed,
    Busy,
    NotUnderstood,
    Permanent,
    PlatformError,
    RateLimited,
    Transient,
    Uncertain,
)
from sahut_bot.text import tree
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    Answer,
    Button,
    Health,
    Mark,
    PersonChanged,
    RemoteFile,
    Resend,
    Roster,
    StoredFile,
    ThreadLost,
    ThreadRef,
)
from tests.bridges.slack_desk import CARD, content
from tests.contracts.stages import OUTWARDS, STAGES, Build, Stage

METHODS = ("post", "update", "react", "unreact", "whisper")


@pytest.fixture(params=OUTWARDS, ids=lambda build: build.__name__)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Started, and not listening."""
    build: Build = request.param
    async with build() as made:
        yield made


@pytest.fixture(params=STAGES, ids=lambda build: build.__name__)
async def hearing(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    build: Build = request.param
    async with build() as made:
        await made.listen()
        yield made


@pytest.fixture
def photo(tmp_path: Path) -> StoredFile:
    data = bytes(range(256)) * 100
    (tmp_path / "photo").write_bytes(data)
    path = str(tmp_path / "photo")
    return StoredFile(id=7, name="photo.png", content_type="image/png", size=len(data), path=path)


async def opened(stage: Stage, key: str = "open:1") -> ThreadRef:
    return await stage.chat.open_thread(CARD, stage.place, key)


async def fetched(stage: Stage, file: RemoteFile) -> bytes:
    return b"".join([chunk async for chunk in stage.chat.fetch(file)])


async def calls(stage: Stage, photo: StoredFile) -> dict[str, Callable[[], Awaitable[object]]]:
    """Every way out, ready to go."""
    chat, thread = stage.chat, await opened(stage, "open:calls")
    post = await chat.post(thread, content("hello"), "m:calls")
    await chat.mark(thread, post.external_id, Mark.HELD)
    return {
        "open": lambda: chat.open_thread(CARD, stage.place, "open:2"),
        "post": lambda: chat.post(thread, content("one"), "m:1"),
        "file": lambda: chat.post_file(thread, photo, content(""), "f:1"),
        "update": lambda: chat.refresh(thread, CARD),
        "react": lambda: chat.mark(thread, post.external_id, Mark.QUEUED),
        "unreact": lambda: chat.unmark(thread, post.external_id, Mark.HELD),
        "whisper": lambda: chat.whisper(thread, stage.agent, Answer(text="psst")),
    }


CALLS = ("open", "post", "file", "update", "react", "unreact", "whisper")
ONCE = frozenset({"open", "post", "file", "whisper"})  # doing it twice would be seen
DOUBTFUL = frozenset({"lost", "vanished", "broken"})
CERTAIN = {"later": Transient, "slow_down": RateLimited, "credentials": AuthFailed, "refused": Permanent}


class TestOutwards:
    async def test_it_says_what_it_is(self, stage: Stage):
        assert stage.chat.kind.isidentifier()
        assert stage.chat.resend in (Resend.NONCE, Resend.LOOKUP, Resend.SAFE, Resend.NEVER)
        assert isinstance(stage.chat.health, Health)

    # ------------------------------------------------------------ what is shown

    async def test_a_card_begins_a_thread_and_is_changed_in_place(self, stage: Stage):
        thread = await opened(stage)
        assert (thread.teamchat, thread.place) == (stage.chat.kind, stage.place)
        (card,) = stage.threads()
        assert card.id == thread.external_id
        assert CARD.title in card.text
        assert "open" in card.text
        assert {button.label for button in CARD.buttons} <= set(card.buttons)
        for _ in range(2):
            await stage.chat.refresh(thread, replace(CARD, title="#1042 · another"))
        (card,) = stage.threads()
        assert card.id == thread.external_id
        assert "#1042 · another" in card.text

    async def test_posts_stand_in_the_thread_in_their_order_under_ids_of_their_own(self, stage: Stage):
        thread = await opened(stage)
        other = await opened(stage, "open:2")
        ids = [(await stage.chat.post(thread, content(f"line {n}"), f"m:{n}")).external_id for n in range(5)]
        assert [one.id for one in stage.thread(thread)] == ids
        assert all(f"line {n}" in one.text for n, one in enumerate(stage.thread(thread)))
        assert stage.thread(other) == []
        await stage.chat.edit(thread, ids[2], content("changed"))
        assert [one.id for one in stage.thread(thread)] == ids
        assert "changed" in stage.thread(thread)[2].text

    async def test_only_those_who_are_to_be_called_are_called(self, stage: Stage):
        thread = await opened(stage)
        tricks = f"<!channel> @here @everyone <@{stage.agent}> <@&1>"
        await stage.chat.post(thread, content(tricks, as_name=f"<@{stage.agent}>", customer=True), "m:1")
        assert stage.notified() == []
        await stage.chat.post(thread, content("it is back", mention=(stage.colleague,)), "m:2")
        assert stage.notified() == [stage.colleague]

    async def test_a_file_arrives_whole(self, stage: Stage, photo: StoredFile):
        thread = await opened(stage)
        sent = await stage.chat.post_file(thread, photo, content("", as_name="Budi", customer=True), "f:1")
        assert stage.files(thread) == [("photo.png", Path(photo.path).read_bytes())]
        assert sent.external_id in {"", *(one.id for one in stage.thread(thread))}

    @pytest.mark.parametrize("mark", list(Mark))
    async def test_a_mark_is_there_once_however_often_it_is_set_and_taken_back(self, stage: Stage, mark: Mark):
        thread = await opened(stage)
        post = await stage.chat.post(thread, content("hello"), "m:1")
        for _ in range(2):
            await stage.chat.mark(thread, post.external_id, mark)
        assert stage.marks(thread, post.external_id) == {mark.value}
        for _ in range(2):
            await stage.chat.unmark(thread, post.external_id, mark)
        assert stage.marks(thread, post.external_id) == set()

    async def test_a_whisper_is_seen_by_one_person_alone(self, stage: Stage):
        thread = await opened(stage)
        answer = Answer(text="Only for you", buttons=(Button(label="Drop it", command="held 7 drop"),))
        await stage.chat.whisper(thread, stage.colleague, answer)
        (seen,) = stage.whispers(stage.colleague)
        assert "Only for you" in seen.text
        assert seen.buttons == ("Drop it",)
        assert stage.whispers(stage.agent) == []
        assert stage.thread(thread) == []

    # ------------------------------------------------------------ when the thread is gone

    async def test_a_thread_that_is_lost_is_said_and_nothing_is_left_beside_it(self, stage: Stage):
        thread = await opened(stage)
        await stage.chat.post(thread, content("one"), "m:1")
        stage.delete_root(thread)
        with pytest.raises(Permanent) as refused:
            await stage.chat.post(thread, content("secret"), "m:2")
        assert refused.value.code == "thread_lost"
        with pytest.raises(Permanent):
            await stage.chat.refresh(thread, CARD)
        assert all("secret" not in one.text for one in stage.threads())

    # ------------------------------------------------------------ when it does not work

    @pytest.mark.parametrize("how", CERTAIN)
    @pytest.mark.parametrize("call", CALLS)
    async def test_what_was_certainly_not_done_has_its_class_and_was_tried_once(
        self, stage: Stage, photo: StoredFile, call: str, how: str
    ):
        work = (await calls(stage, photo))[call]
        before = stage.attempts(call)
        stage.fail(call, how)
        with pytest.raises(PlatformError) as failed:
            await work()
        assert type(failed.value) is CERTAIN[how]
        assert failed.value.reason
        assert stage.attempts(call) == before + 1
        if isinstance(failed.value, RateLimited):
            assert 0 < failed.value.retry_after <= 2
        if how == "credentials":
            assert stage.health() is Health.BAD_CREDENTIALS
        if how in ("later", "refused"):
            await work()

    @pytest.mark.parametrize("how", sorted(DOUBTFUL))
    @pytest.mark.parametrize("call", CALLS)
    async def test_what_may_have_been_done_is_in_doubt_where_twice_would_be_seen(
        self, stage: Stage, photo: StoredFile, call: str, how: str
    ):
        work = (await calls(stage, photo))[call]
        before = stage.attempts(call)
        stage.fail(call, how)
        if call == "file" and how == "lost":
            await self._file_that_may_be_seen(stage, work)
            return
        with pytest.raises(Uncertain if call in ONCE else Transient):
            await work()
        assert stage.attempts(call) == before + 1
        if call not in ONCE:
            await work()

    async def _file_that_may_be_seen(self, stage: Stage, work: Callable[[], Awaitable[object]]) -> None:
        """An adapter may look whether it came through by itself."""
        with suppress(Uncertain):
            await work()
        assert stage.attempts("file") == 1

    @pytest.mark.parametrize("how", ["lost", "vanished"])
    async def test_after_a_lost_answer_it_knows_what_came_through(self, stage: Stage, photo: StoredFile, how: str):
        if stage.chat.resend is not Resend.LOOKUP:
            pytest.skip("this platform is not asked")
        thread = await opened(stage)
        works = await calls(stage, photo)
        asked = {"open": (None, "open:2"), "post": (None, "m:1"), "file": (None, "f:1")}
        thread = ThreadRef(teamchat=stage.chat.kind, place=stage.place, external_id=stage.threads()[-1].id)
        for call, (_, key) in asked.items():
            stage.fail(call, how)
            with suppress(Uncertain):
                await works[call]()
            where = None if call == "open" else thread
            found = await stage.chat.find(where, stage.place, key, late=call == "file" and how == "lost")
            assert (found is not None) == (how == "lost"), call
            if found is not None:
                shown = stage.threads() if call == "open" else stage.thread(thread)
                assert found.external_id == shown[-1].id
        assert await stage.chat.find(thread, stage.place, "never used") is None

    async def test_a_platform_that_is_away_is_no_refusal_and_it_is_well_when_it_is_back(self, stage: Stage):
        thread = await opened(stage)
        await stage.away()
        for _ in range(2):
            with pytest.raises(Transient):
                await stage.chat.refresh(thread, CARD)
        assert stage.health() is Health.DEGRADED
        await stage.back()
        await stage.chat.refresh(thread, CARD)
        assert stage.health() is Health.CONNECTED

    # ------------------------------------------------------------ how much may be asked

    async def test_there_is_room_at_first_and_none_where_it_was_told_to_slow_down(self, stage: Stage):
        thread = await opened(stage)
        for method in METHODS:
            free, wait = stage.chat.room(stage.place, method)
            assert free > 0
            assert wait == 0.0
        stage.fail("update", "slow_down")
        with pytest.raises(RateLimited):
            await stage.chat.refresh(thread, CARD)
        free, wait = stage.chat.room(stage.place, "update")
        assert free == 0
        assert 0 < wait <= 2
        assert all(stage.chat.room(stage.place, method)[0] > 0 for method in METHODS if method != "update")
        before = stage.attempts("update")
        with pytest.raises(RateLimited):
            await stage.chat.refresh(thread, CARD)
        assert stage.attempts("update") == before


class TestInwards:
    async def test_what_agents_write_is_handed_in_in_order_with_who_they_are(self, hearing: Stage):
        thread = await opened(hearing)
        ids = [hearing.write(hearing.agent, thread, f"line {number}") for number in range(15)]
        await hearing.until(lambda: len(hearing.sink.posts) == 15)
        assert [post.external_id for post in hearing.sink.posts] == ids
        assert hearing.sink.texts() == [f"line {number}" for number in range(15)]
        first = hearing.sink.posts[0]
        assert (first.thread, first.caught_up, first.mentions_bot) == (thread, False, False)
        author = first.author
        assert (author.teamchat, author.external_id, author.is_agent) == (hearing.chat.kind, hearing.agent, True)
        assert author.name
        assert abs(first.at - time.time()) < 60

    async def test_who_is_no_agent_is_handed_in_as_none(self, hearing: Stage):
        thread = await opened(hearing)
        hearing.write(hearing.guest, thread, "may I?")
        (post,) = await hearing.until(lambda: hearing.sink.posts)
        assert (post.author.external_id, post.author.is_agent) == (hearing.guest, False)

    async def test_it_introduces_the_agents_and_tells_who_left(self, hearing: Stage):
        (roster,) = hearing.sink.of(Roster)
        assert roster.members == {hearing.agent, hearing.colleague}
        assert {one.person.external_id for one in hearing.sink.of(PersonChanged)} == roster.members
        hearing.leave(hearing.colleague)
        await hearing.until(lambda: [one for one in hearing.sink.of(PersonChanged) if not one.person.is_agent])

    async def test_edits_and_deletions_name_the_message_that_they_change(self, hearing: Stage):
        thread = await opened(hearing)
        message = hearing.write(hearing.agent, thread, "helo")
        await hearing.until(lambda: hearing.sink.posts)
        hearing.edit(hearing.agent, thread, message, "hello")
        (edit,) = await hearing.until(lambda: hearing.sink.of(AgentEdit))
        assert (edit.thread, edit.external_id, tree.plain(edit.body)) == (thread, message, "hello")
        hearing.delete(hearing.agent, thread, message)
        (gone,) = await hearing.until(lambda: hearing.sink.of(AgentDelete))
        assert (gone.thread, gone.external_id) == (thread, message)

    async def test_a_thread_whose_first_message_is_deleted_is_told(self, hearing: Stage):
        thread = await opened(hearing)
        hearing.write(hearing.agent, thread, "hello")
        hearing.delete_root(thread)
        (lost,) = await hearing.until(lambda: hearing.sink.of(ThreadLost))
        assert lost.thread == thread

    async def test_what_the_bot_posts_itself_is_not_handed_in(self, hearing: Stage, photo: StoredFile):
        thread = await opened(hearing)
        await hearing.chat.post(thread, content("from the customer", as_name="Budi", customer=True), "m:1")
        await hearing.chat.post_file(thread, photo, content(""), "f:1")
        hearing.write(hearing.agent, thread, "the last")
        await hearing.until(lambda: hearing.sink.posts)
        assert hearing.sink.texts() == ["the last"]

    async def test_the_same_event_again_names_the_same_message(self, hearing: Stage):
        thread = await opened(hearing)
        message = hearing.write(hearing.agent, thread, "hello")
        await hearing.until(lambda: hearing.sink.posts)
        hearing.again()
        await hearing.settled()
        assert {(post.thread, post.external_id) for post in hearing.sink.posts} == {(thread, message)}

    async def test_what_could_not_be_stored_comes_again(self, hearing: Stage):
        thread = await opened(hearing)
        hearing.hurry()
        hearing.sink.refusals += [Busy("away"), Busy("away")]
        message = hearing.write(hearing.agent, thread, "hello")
        post, *_ = await hearing.until(lambda: hearing.sink.posts)
        assert post.external_id == message
        assert hearing.sink.refusals == []

    async def test_a_button_is_a_command_in_its_thread(self, hearing: Stage):
        thread = await opened(hearing)
        await hearing.press(hearing.agent, thread, "Claim")
        (call,) = await hearing.until(lambda: hearing.sink.calls)
        assert (call.name, call.text, call.thread) == ("claim", "#1042", thread)
        assert (call.actor.external_id, call.actor.is_agent) == (hearing.agent, True)

    # ------------------------------------------------------------ files

    async def test_an_agents_file_can_be_had_whole_or_says_why_not(self, hearing: Stage):
        thread = await opened(hearing)
        data = bytes(range(256)) * 1000
        message = hearing.write(hearing.agent, thread, "look", ("plan.pdf", data))
        (post,) = await hearing.until(lambda: hearing.sink.posts)
        (file,) = post.files
        assert (file.name, file.size, file.refusal) == ("plan.pdf", len(data), "")
        assert await fetched(hearing, file) == data
        hearing.gone(message)
        with pytest.raises(PlatformError) as refused:
            await fetched(hearing, file)
        assert refused.value.reason

    async def test_a_refused_file_or_a_foreign_one_is_not_fetched(self, hearing: Stage):
        refused = RemoteFile(name="a", content_type="text/plain", size=1, remote="{}", refusal="It is only linked.")
        with pytest.raises(Permanent, match="only linked"):
            await fetched(hearing, refused)
        # A file of a stranger's address must not get our credentials.
        remote = '{"id": "F1", "url": "http://127.0.0.1:9/secret"}'
        foreign = RemoteFile(name="a", content_type="text/plain", size=1, remote=remote)
        with pytest.raises(Permanent):
            await fetched(hearing, foreign)

    # ------------------------------------------------------------ what was missed

    async def test_what_was_written_while_nobody_listened_is_handed_in_in_order(self, stage: Stage):
        thread, other = await opened(stage), await opened(stage, "open:2")
        stage.write(stage.agent, thread, "heard before")
        after = time.time()
        await asyncio.sleep(0.01)
        missed = [stage.write(stage.agent, thread, f"missed {number}") for number in range(5)]
        await stage.chat.post(thread, content("our own"), "m:1")
        elsewhere = stage.write(stage.colleague, other, "elsewhere")
        await stage.chat.catch_up((stage.place,), after, stage.sink)
        found = [post.external_id for post in stage.sink.posts if post.thread == thread]
        assert found == missed
        assert [post.external_id for post in stage.sink.posts if post.thread == other] == [elsewhere]
        assert all(post.caught_up for post in stage.sink.posts)

    async def test_catching_up_waits_for_the_core(self, stage: Stage):
        thread = await opened(stage)
        after = time.time() - 1
        stage.write(stage.agent, thread, "missed")
        stage.sink.refusals.append(Busy("away"))
        await stage.chat.catch_up((stage.place,), after, stage.sink)
        assert stage.sink.texts() == ["missed"]


class TestLife:
    async def test_stopping_ends_run_and_may_be_repeated(self, hearing: Stage):
        assert hearing.health() is Health.CONNECTED
        for _ in range(2):
            await hearing.hang_up()
            assert hearing.health() is Health.STOPPED

    async def test_it_may_be_started_twice_and_again_after_a_stop(self, stage: Stage):
        await stage.chat.start()
        await stage.chat.stop()
        await stage.chat.stop()
        await stage.chat.start()
        await opened(stage)

    async def test_a_start_that_cannot_be_says_why_and_may_be_repeated(self, stage: Stage):
        await stage.chat.stop()
        await stage.away()
        with pytest.raises(Transient):
            await stage.chat.start()
        await stage.back()
        await stage.chat.start()
        await stage.chat.stop()
        stage.revoke()
        with pytest.raises(AuthFailed):
            await stage.chat.start()
        assert stage.health() is Health.BAD_CREDENTIALS

    async def test_standing_by_it_posts_and_is_well(self, stage: Stage):
        if not isinstance(stage.chat, CanStandBy):
            pytest.skip("every process may hear this platform")
        standing = asyncio.create_task(stage.chat.stand_by(), name="stand-by")
        await stage.until(lambda: stage.health() is Health.CONNECTED)
        await opened(stage)
        assert not standing.done()
        standing.cancel()
        await asyncio.wait((standing,))
        assert standing.cancelled()

    async def test_what_it_cannot_read_again_is_not_understood(self, stage: Stage):
        if not isinstance(stage.chat, CanReplay):
            pytest.skip("it keeps nothing")
        for body in (b"", b"\xff", b"[]", b"not json", stage.unreadable()):
            with pytest.raises(NotUnderstood):
                await stage.chat.replay(body, stage.sink)
        assert stage.sink.events == []
