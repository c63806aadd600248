"""What every customer channel promises to the inbox, whatever platform is behind it.

A new adapter adds a builder to `CHANNELS` and gets all of these tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sahut_bot.bridges.base import CanDelete, CanEdit, CanShowTyping, Channel
from sahut_bot.bridges.channels.livechat import LiveChat, LiveChatOptions
from sahut_bot.bridges.channels.livechat_visitor import Visitor
from sahut_bot.errors import NotAuthentic, NotUnderstood, PlatformError
from sahut_bot.text import tree
from sahut_bot.types import (
    Capabilities,
    CustomerEvent,
    CustomerMessage,
    Health,
    Outbound,
    RemoteFile,
    Resend,
    Sent,
)
from tests.effort import effort

NOW = 1_795_000_000.0


@dataclass(frozen=True, kw_only=True)
class Built:
    """A channel with what the contract needs to know: a request that its platform really sends, and who wrote it.

    `broken` are parts of the headers that prove the sender; without any one of them nothing is proven.
    """

    channel: Channel
    body: bytes
    headers: Mapping[str, str]
    text: str
    external_id: str
    sender: str
    broken: tuple[str, ...]


def livechat() -> Built:
    channel = LiveChat("web", b"the server's own secret", LiveChatOptions())
    visitor = Visitor(nonce="n" * 32, until=NOW + 3600, name="Budi")
    return Built(
        channel=channel,
        body=orjson.dumps({"id": "m-1", "text": "Where is my order?"}),
        headers={"authorization": f"Bearer {channel.tokens.mint(visitor)}"},
        text="Where is my order?",
        external_id="m-1",
        sender=visitor.external_id,
        broken=("authorization",),
    )


CHANNELS: tuple[Callable[[], Built], ...] = (livechat,)


@pytest.fixture(params=CHANNELS, ids=lambda build: build.__name__, scope="class")
def built(request: pytest.FixtureRequest) -> Built:
    """One for the whole class: what is promised holds however often a channel was used before."""
    made: Built = request.param()
    return made


@pytest.fixture
async def started(built: Built) -> AsyncIterator[Built]:
    await built.channel.start()
    yield built
    await built.channel.stop()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
# Slightly wrong requests reach further than noise does.
FIELDS: Mapping[str, Any] = {"id": JSON, "text": JSON, "attachments": JSON}
BODIES = st.binary(max_size=200) | (JSON | st.fixed_dictionaries({}, optional=FIELDS)).map(orjson.dumps)


def spoilt(value: str) -> st.SearchStrategy[str]:
    """Anything, or `value` cut, or with something put into it."""
    places = st.integers(0, len(value))
    return (
        st.text(max_size=60)
        | places.map(lambda at: value[:at])
        | st.tuples(places, st.text(max_size=3)).map(lambda put: value[: put[0]] + put[1] + value[put[0] :])
    )


def some_headers(built: Built, data: st.DataObject) -> dict[str, str]:
    """None, foreign, spoilt or right ones."""
    ours = {name: st.just(value) | spoilt(value) for name, value in built.headers.items()}
    foreign = data.draw(st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=3))
    return foreign | data.draw(st.fixed_dictionaries({}, optional=ours))


def outcome(work: Callable[[], object]) -> object:
    """What came back, or how it was refused. Everything else than the two refusals goes on as it is."""
    try:
        return work()
    except (NotAuthentic, NotUnderstood) as error:
        return type(error), str(error)


def only_message(events: list[CustomerEvent]) -> CustomerMessage:
    (event,) = events
    assert isinstance(event, CustomerMessage)
    return event


def health_of(channel: Channel) -> Health:
    """Asked anew each time, as a type checker cannot know that `start` and `stop` change it."""
    return channel.health


def reply(built: Built, key: str = "reply:1", **more: Any) -> Outbound:
    values = {"body": tree.text("On its way."), "author": "Ana", "message_id": 7, **more}
    return Outbound(channel=built.channel.name, address=built.sender, key=key, **values)


class TestChannel:
    def test_it_says_what_it_is_as_data(self, built: Built):
        channel = built.channel
        assert channel.name
        assert channel.kind.isidentifier()
        assert isinstance(channel.health, Health)
        able = channel.capabilities
        assert isinstance(able, Capabilities)
        assert able.text_limit > 0
        assert able.text_unit in {"chars", "utf16", "bytes"}
        assert able.file_limit >= 0
        assert able.files_per_message >= 0
        assert able.reply_window is None or able.reply_window > 0
        assert able.resend in set(Resend)
        with pytest.raises(FrozenInstanceError):
            able.edit = not able.edit  # type: ignore[misc]

    def test_what_it_can_do_beyond_the_usual_is_what_its_capabilities_say(self, built: Built):
        able = built.channel.capabilities
        assert isinstance(built.channel, CanEdit) is able.edit
        assert isinstance(built.channel, CanDelete) is able.delete
        assert isinstance(built.channel, CanShowTyping) is able.typing

    # ------------------------------------------------------------ inwards

    def test_a_good_request_is_a_message_of_its_sender(self, built: Built):
        built.channel.verify(built.body, built.headers)
        message = only_message(built.channel.decode(built.body, built.headers, NOW))
        assert message.channel == built.channel.name
        assert message.key
        assert message.external_id == built.external_id
        assert message.sender.external_id == built.sender
        assert tree.plain(message.body) == built.text
        assert message.at > 0

    def test_the_same_request_again_is_the_same_message(self, built: Built):
        first = built.channel.decode(built.body, built.headers, NOW)
        assert built.channel.decode(built.body, built.headers, NOW) == first
        later = only_message(built.channel.decode(built.body, built.headers, NOW + 60))
        assert replace(later, at=NOW) == replace(only_message(first), at=NOW)

    def test_a_request_without_its_proof_is_not_authentic(self, built: Built):
        for name in built.broken:
            without = {key: value for key, value in built.headers.items() if key != name}
            for headers in (without, {**built.headers, name: built.headers[name][:-1]}):
                with pytest.raises(NotAuthentic):
                    built.channel.verify(built.body, headers)

    @settings(max_examples=effort(150))
    @given(body=BODIES, data=st.data())
    def test_whatever_comes_in_is_taken_or_refused_and_the_same_way_each_time(
        self, built: Built, body: bytes, data: st.DataObject
    ):
        headers = some_headers(built, data)
        kept, health = dict(headers), built.channel.health
        for work in (
            lambda: built.channel.verify(body, headers),
            lambda: built.channel.decode(body, headers, NOW),
        ):
            assert outcome(work) == outcome(work)
        assert headers == kept
        assert built.channel.health is health

    @settings(max_examples=effort(150))
    @given(body=BODIES)
    def test_what_is_authentic_is_understood_as_events_with_a_key_or_refused(self, built: Built, body: bytes):
        try:
            events = built.channel.decode(body, built.headers, NOW)
        except NotUnderstood:
            return
        for event in events:
            assert event.channel == built.channel.name
            assert event.key
            assert event.external_id

    # ------------------------------------------------------------ outwards

    async def test_a_reply_is_accepted_under_an_id_that_stays(self, started: Built):
        sent = await started.channel.send(reply(started))
        assert isinstance(sent, Sent)
        assert sent.external_id
        if started.channel.capabilities.resend is Resend.SAFE:
            assert (await started.channel.send(reply(started))).external_id == sent.external_id
        other = await started.channel.send(reply(started, key="reply:2", message_id=8))
        assert other.external_id != sent.external_id

    async def test_what_it_sent_can_be_changed_and_taken_back_where_it_says_so(self, started: Built):
        channel = started.channel
        sent = await channel.send(reply(started))
        changed = reply(started, key="edit:1", body=tree.text("It arrives tomorrow."))
        if isinstance(channel, CanEdit):
            await channel.edit(sent.external_id, changed)
            await channel.edit(sent.external_id, changed)
        if isinstance(channel, CanDelete):
            await channel.delete(sent.external_id, changed)

    async def test_showing_that_somebody_writes_never_fails(self, started: Built):
        if isinstance(started.channel, CanShowTyping):
            for address in (started.sender, "nobody we know"):
                await started.channel.typing(address, 5.0)
                await started.channel.typing(address, 0.0)

    async def test_a_file_that_is_not_its_own_is_refused(self, started: Built):
        file = RemoteFile(name="a.png", content_type="image/png", size=3, remote="https://elsewhere.example/a.png")
        with pytest.raises(PlatformError) as refused:
            async for _ in started.channel.fetch(file):
                pass
        assert refused.value.reason

    # ------------------------------------------------------------ life

    async def test_starting_and_stopping_twice_is_fine(self, built: Built):
        channel = built.channel
        await channel.stop()
        for _ in range(2):
            await channel.start()
            await channel.start()
            assert health_of(channel) in {Health.STARTING, Health.CONNECTED}
            await channel.stop()
            await channel.stop()
            assert health_of(channel) is Health.STOPPED
