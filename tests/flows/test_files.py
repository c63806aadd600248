"""Files both ways, byte by byte."""

from __future__ import annotations

import os

import pytest

from tests.rig import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_files_reach_both_sides_as_they_are(shared: Scene) -> None:
    office = shared.office
    receipt, photo, label = os.urandom(300_000), os.urandom(1000), os.urandom(200_000)
    rina = await shared.visitor("Rina")
    await rina.say("My receipt, files.", files=[("receipt.pdf", receipt), ("photo.png", photo)])
    root = await office.root("My receipt, files.")
    await office.sees(lambda: office.files(root) == [("receipt.pdf", receipt), ("photo.png", photo)])
    post = office.post(office.dewi, root, "Labels:", files=[("a.png", label), ("b.png", photo)])
    (reply,) = await rina.heard(lambda _: rina.from_agents())
    assert [one["name"] for one in reply["attachments"]] == ["a.png", "b.png"]
    assert [await rina.download(one) for one in reply["attachments"]] == [label, photo]
    await office.marked(post, "✅")


async def test_file_without_words_goes_both_ways(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    await rina.say("", files=[("receipt.pdf", b"receipt")])
    await office.sees(lambda: ("receipt.pdf", b"receipt") in office.files(root))
    office.driver.upload(office.dewi, office.room, "label.png", b"label", thread_ts=root)
    (reply,) = await rina.heard(lambda _: rina.from_agents())
    assert reply["text"] == ""
    assert await rina.download(reply["attachments"][0]) == b"label"


@pytest.mark.parametrize("odd", ["tombstone", "hidden_by_limit", "external"])
async def test_file_that_cannot_be_had_is_said_and_the_text_goes(shared: Scene, odd: str) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.driver.upload(office.dewi, office.room, "label.png", b"label", thread_ts=root, text="A label:", odd=odd)
    await rina.hears("A label:")
    await office.posted(root, "did not go through")


async def test_file_alone_that_cannot_be_had_fails_the_reply(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    post = office.driver.upload(office.dewi, office.room, "label.png", b"label", thread_ts=root, odd="tombstone")
    await office.marked(post, "❌")
    line = await office.posted(root, "was not sent")
    assert line["ts"] in office.pinged(office.dewi)
    assert len(await rina.read()) == 1


async def test_file_is_fetched_again_while_slack_does_not_give_it(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.server.fail_next("download", status=503)
    office.driver.upload(office.dewi, office.room, "label.png", b"label", thread_ts=root, text="A label:")
    (reply,) = await rina.heard(lambda _: rina.from_agents())
    assert await rina.download(reply["attachments"][0]) == b"label"


async def test_upload_that_fails_is_tried_again_and_nothing_overtakes_it(shared: Scene) -> None:
    office = shared.office
    rina, root = await shared.talk()
    office.server.fail_next("upload", status=500)
    await rina.say("Look", files=[("receipt.pdf", b"receipt")])
    await rina.say("Well?")
    await office.posted(root, "Well?")
    assert office.files(root) == [("receipt.pdf", b"receipt")]
    shown = [(one["text"], bool(one.get("files"))) for one in office.replies(root)]
    assert [has_file for text, has_file in shown[-3:]] == [False, True, False]
