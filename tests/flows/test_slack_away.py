"""Slack is down, refuses our token, answers slowly or loses its answers: nothing is lost, nothing is there twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rig import Inside, Office, Scene, playing, readyz, scene


async def test_what_comes_while_slack_is_down_waits_and_arrives_in_order(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    await office.server.stop()
    told = await fresh.program.ready(wanted=False)
    assert told["adapters"]["slack"] != "connected"
    assert told["database"] == "ok"
    for number in range(5):
        await rina.say(f"line {number}")
    new = await fresh.visitor("Tono")
    await new.say("I am new")
    await office.server.start()
    await office.posted(root, "line 4", 30)
    assert office.texts(root)[1:] == [f"line {number}" for number in range(5)]
    other = await office.root("I am new")
    await office.sees(lambda: office.texts(other) == ["I am new"])
    assert len(office.roots()) == 2
    await fresh.program.ready()
    post = office.post(office.dewi, root, "Here we are again.")
    await rina.hears("Here we are again.")
    await office.marked(post, "✅")


@pytest.mark.slow
async def test_program_starts_without_slack_and_finds_it_later(tmp_path: Path) -> None:
    office = Office()
    await office.server.start()
    await office.server.stop()  # the port is known, and nobody is there
    program = Inside(office, tmp_path)
    async with playing(program, connected=False) as made:
        assert not (await readyz(program.url))["ready"]
        rina = await made.visitor("Rina")
        await rina.say("Is anybody there?")
        await office.server.start()
        root = await office.sees(lambda: next(iter(office.roots()), None), 30)
        await office.sees(lambda: office.texts(root) == ["Is anybody there?"])
        await program.ready()
    await office.server.stop()


@pytest.mark.slow
async def test_refused_token_stops_everything_until_it_is_mended(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.ws.token_error = "token_revoked"
    await rina.say("one")
    await rina.say("two")
    told = await fresh.program.ready(wanted=False)
    assert told["adapters"]["slack"] == "bad_credentials"
    refused = len([one for one in office.ws.calls("chat.postMessage") if one.error == "token_revoked"])
    await rina.say("three")
    assert len([one for one in office.ws.calls("chat.postMessage") if one.error == "token_revoked"]) == refused
    office.ws.token_error = ""
    await office.posted(root, "three", 45)
    assert office.texts(root)[1:] == ["one", "two", "three"]
    await fresh.program.ready()


async def test_slow_down_is_obeyed(tmp_path: Path) -> None:
    async with scene(tmp_path, SLACK__POSTS_PER_SECOND="10") as made:
        office = made.office
        rina, root = await made.talk()
        office.server.fail_next("chat.postMessage", status=429, retry_after=1)
        await rina.say("line 0")
        await office.sees(lambda: [one for one in office.ws.calls("chat.postMessage") if one.status == 429])
        await rina.say("line 1")
        await rina.say("line 2")
        await (await made.visitor("Tono")).say("Elsewhere")
        await office.posted(root, "line 2")
        assert office.texts(root)[1:] == ["line 0", "line 1", "line 2"]
        second = await office.root("Elsewhere")
        await office.sees(lambda: office.texts(second) == ["Elsewhere"])
        assert office.ws.calls_during_retry_after == 0


async def test_slow_down_of_one_method_holds_up_no_other(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.server.fail_next("reactions.add", status=429, retry_after=1)
    post = office.post(office.dewi, root, "It is on its way.")
    await rina.hears("It is on its way.")
    await rina.say("Thanks")
    await office.posted(root, "Thanks")
    assert office.marks(post) == ""
    await rina.confirm()
    await office.marked(post, "📬")
    assert office.ws.calls_during_retry_after == 0


async def test_lost_answer_is_no_second_post(fresh: Scene) -> None:
    office = fresh.office
    office.server.fail_next("chat.postMessage", drop_after_effect=True)
    rina, root = await fresh.talk("one")
    office.server.fail_next("files.completeUploadExternal", drop_after_effect=True)
    await rina.say("two", files=[("receipt.pdf", b"receipt")])
    await rina.say("three")
    await office.posted(root, "three")
    assert office.roots() == [root]
    assert office.texts(root, of="customer") == ["one", "two", "three"]
    assert office.files(root) == [("receipt.pdf", b"receipt")]


async def test_who_answers_before_the_answer_about_the_card_has_come_is_heard(fresh: Scene) -> None:
    office = fresh.office
    office.server.switches.ack_timeout = 0.5
    office.server.switches.retry_delays = (0.1, *[0.3] * 20)
    office.server.fail_next("chat.postMessage", drop_after_effect=True)
    rina = await fresh.visitor("Rina")
    await rina.say("one")
    root = await office.root("one")
    post = office.post(office.dewi, root, "I am quick.")
    await rina.hears("I am quick.")
    await office.marked(post, "✅")
    await office.posted(root, "one")
    assert office.roots() == [root]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [{"drop_after_effect": True}, {"drop_before_effect": True}, {"status": 500}])
async def test_doubtful_message_is_there_once_and_in_its_place(fresh: Scene, fault: dict[str, Any]) -> None:
    office = fresh.office
    rina, root = await fresh.talk("one")
    office.server.fail_next("chat.postMessage", match=lambda args: args["text"] == "two", times=2, **fault)
    await rina.say("two")
    await rina.say("three")
    await office.posted(root, "three")
    assert office.texts(root, of="customer") == ["one", "two", "three"]


async def test_socket_that_is_cut_loses_no_event(fresh: Scene) -> None:
    office = fresh.office
    office.server.switches.ack_timeout = 0.5
    office.server.switches.retry_delays = (0.1, *[0.3] * 20)
    rina, root = await fresh.talk()
    office.server.sockets.drop()
    for number in range(3):
        office.post(office.dewi, root, f"answer {number}")
    await rina.heard(lambda replies: len(replies) == 3)
    assert sorted(rina.replies()) == [f"answer {number}" for number in range(3)]


async def test_slack_that_refuses_a_message_is_said_with_its_reason(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk()
    office.server.fail_next("chat.postMessage", error="msg_blocks_too_long", match=lambda args: args["text"] == "two")
    await rina.say("two")
    await rina.say("three")
    await office.posted(root, "three")
    await office.posted(root, "msg_blocks_too_long")


async def test_what_is_being_posted_when_the_program_is_stopped_is_there_once(fresh: Scene) -> None:
    office = fresh.office
    rina, root = await fresh.talk("one")
    office.server.fail_next("chat.postMessage", hang=0.5, match=lambda args: args["text"] == "two")
    await rina.say("two")
    await office.posted(root, "two")
    looked = len(office.ws.calls("conversations.replies"))
    await fresh.program.stop()
    await fresh.program.start()
    await rina.say("three")
    await office.posted(root, "three")
    assert office.texts(root) == ["one", "two", "three"]
    # It heard the answer before it went: there was no doubt.
    doubts = office.ws.calls("conversations.replies")[looked:]
    assert not [one for one in doubts if one.args.get("include_all_metadata")]
