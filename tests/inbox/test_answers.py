"""Answers that wait in the outbox come back as they were."""

from __future__ import annotations

from sahut_bot.inbox import answers
from sahut_bot.types import Answer, Button, Fact, Listing, Row, ThreadRef


def test_answer_with_a_list_survives_waiting():
    row = Row(
        number=7,
        title="#7 · Web · Budi",
        line="hello",
        detail="Open",
        times=(Fact(label="waiting since", instant=1_795_000_000.5),),
        thread=ThreadRef(teamchat="slack", place="C1", external_id="1795000000.000100"),
        buttons=(Button(label="Claim", command="claim #7", style="primary"),),
    )
    listing = Listing(
        title="All",
        rows=(row, Row(number=8, title="#8", line="", detail="")),
        filters=(Button(label="Mine", command="inbox mine"),),
        statuses=(Button(label="Open", command="inbox status:open"),),
        pages=(Button(label="Next", command="inbox page:2"),),
        empty="Nothing here.",
    )
    answer = Answer(text="Found", buttons=(Button(label="Undo", command="undo #7"),), listing=listing, ok=False)
    assert answers.loads(answers.dumps(answer)) == answer
    assert answers.loads(answers.dumps(Answer(text="Done"))) == Answer(text="Done")
