"""What live chat asks of the store, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sahut_bot.bridges.channels.livechat import LiveChat
from sahut_bot.inbox import receive, visitors
from sahut_bot.inbox.policy import ChannelPolicy, Policy
from sahut_bot.inbox.store import Store
from sahut_bot.inbox.visitors import Upload
from sahut_bot.text import tree
from sahut_bot.types import CustomerMessage, Delivery, Sender
from tests.databases import START, Clock
from tests.livechat.rig import Team

POLICY = Policy(
    channels={
        "web": ChannelPolicy(name="web", label="web", teamchat="slack", place="C1", capabilities=LiveChat.capabilities)
    }
)


@pytest.fixture
async def both(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(database_url, tmp_path)
    await opened.start()
    yield opened
    await opened.stop()


async def wrote(store: Store, visitor: str, text: str, files: tuple[int, ...] = ()) -> None:
    event = CustomerMessage(
        channel="web",
        key=f"{visitor}:{text}",
        external_id=text,
        sender=Sender(external_id=visitor),
        body=tree.text(text),
        at=START,
        stored_files=files,
    )
    await store.submit(receive.receive, (POLICY, event, START))


async def uploaded(store: Store, owner: str, at: float = START) -> int:
    upload = Upload(channel="web", owner=owner, name="a.png", content_type="image/png", size=3, path=f"f/{at}", at=at)
    return await store.write(visitors.add_upload, upload)


async def test_feed_is_read_by_identity_and_cursor(both: Store, clock: Clock):
    team = Team(both, clock)
    await wrote(both, "a", "mine")
    await wrote(both, "b", "theirs")
    await team.reply("a", "note", kind="note", delivery="none")
    reply = await team.reply("a", "answer")
    page = await both.read(visitors.feed, "web", ("a",), 0)
    assert [tree.plain(message.body) for message in page.messages] == ["mine", "answer"]
    assert [message.author for message in page.messages] == ["", "Ani Wijaya"]
    assert not page.more
    assert (await both.read(visitors.feed, "web", ("a",), page.cursor)).messages == []
    await team.change("a", reply, deleted_at=START)
    again = await both.read(visitors.feed, "web", ("a",), page.cursor)
    assert [(message.id, message.deleted, message.body) for message in again.messages] == [(reply, True, ())]
    assert again.cursor > page.cursor
    everything = await both.read(visitors.feed, "web", ("a", "b"), 0)
    assert len(everything.messages) == 3
    assert (await both.read(visitors.feed, "other", ("a", "b"), 0)).messages == []


async def test_files_belong_to_their_uploader_and_then_to_one_message(both: Store):
    mine, theirs = await uploaded(both, "a"), await uploaded(both, "b")
    assert await both.read(visitors.owned, "web", ("a",), [mine])
    assert not await both.read(visitors.owned, "web", ("a",), [mine, theirs])
    assert not await both.read(visitors.owned, "other", ("a",), [mine])
    await wrote(both, "a", "look", (mine, theirs))
    page = await both.read(visitors.feed, "web", ("a",), 0)
    assert [file.id for file in page.messages[0].files] == [mine]
    assert await both.write(visitors.drop_unused, START + 1) == [f"f/{START}"]
    assert await both.read(visitors.kept_file, theirs) is None
    kept = await both.read(visitors.kept_file, mine)
    assert kept is not None
    assert kept.name == "a.png"


async def test_only_own_replies_can_be_confirmed_and_only_forwards(both: Store, clock: Clock):
    team = Team(both, clock)
    await wrote(both, "a", "mine")
    await wrote(both, "b", "theirs")
    one, other = await team.reply("a", "one"), await team.reply("b", "other")
    read = visitors.unconfirmed
    assert await both.read(read, "web", ("a",), Delivery.DELIVERED, other, None) == [one]
    assert await both.read(read, "web", ("a",), Delivery.DELIVERED, one - 1, None) == []
    assert await both.read(read, "web", ("a",), Delivery.READ, 0, [one, other]) == [one]
    await team.change("a", one, delivery="read")
    assert await both.read(read, "web", ("a",), Delivery.READ, 0, [one]) == []


async def test_visitors_are_seen_later_but_never_earlier(both: Store):
    await wrote(both, "a", "hi")
    await both.write(visitors.saw, [("web", "a", START + 5), ("web", "nobody", START)])
    await both.write(visitors.saw, [("web", "a", START + 1)])
    assert await both.read(visitors.last_seen, "web", "a") == START + 5
    assert await both.read(visitors.last_seen, "web", "nobody") is None


async def test_secret_is_made_once(both: Store):
    assert await both.write(visitors.secret, "first") == "first"
    assert await both.write(visitors.secret, "second") == "first"
