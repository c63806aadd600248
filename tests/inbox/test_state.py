"""The lifecycle: every pair of status and event, and what holds after any sequence of what people do."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahut_bot.errors import Permanent, UserError
from sahut_bot.inbox.models import conversations, identities, threads, timers
from sahut_bot.inbox.state import TABLE, Event, after, customer_wrote
from sahut_bot.text.words import LANGUAGES, lines
from sahut_bot.types import Status, Wake
from tests.effort import effort
from tests.inbox.builders import ANA, BEN, World, channel, policy

OPEN, PENDING, SNOOZED, RESOLVED = Status.OPEN, Status.PENDING, Status.SNOOZED, Status.RESOLVED

# From the transition table of the product and the design's section 3.1; "-" is refused.
EXPECTED = """
                 open     pending  snoozed  resolved
customer_wrote   open     open     open     open
reply_accepted   pending  pending  snoozed  resolved
reply_lost       open     open     open     open
set_pending      pending  -        pending  -
resolve          resolved resolved resolved -
reopen           -        open     open     open
snooze           snoozed  snoozed  snoozed  -
wake             -        -        open     -
time_up          open     pending  open     resolved
"""


def rows() -> list[tuple[Status, Event, str]]:
    header, *body = (line.split() for line in EXPECTED.strip().splitlines())
    return [
        (Status(status), Event(line[0]), wanted)
        for line in body
        for status, wanted in zip(header, line[1:], strict=True)
    ]


def test_every_pair_of_status_and_event_stands_in_the_table_of_this_test() -> None:
    assert {(status, event) for status, event, _ in rows()} == {(s, e) for s in Status for e in Event}


@pytest.mark.parametrize(("status", "event", "wanted"), rows())
def test_every_pair_of_status_and_event_leads_where_the_table_says_or_is_refused(
    status: Status, event: Event, wanted: str
) -> None:
    if wanted == "-":
        assert (status, event) not in TABLE
        with pytest.raises(UserError) as refused:
            after(status, event)
        assert all(refused.value.key in lines(language) for language in LANGUAGES)
    else:
        assert after(status, event) == wanted


@pytest.mark.parametrize("thanks", [False, True])
@pytest.mark.parametrize("wake", Wake)
@pytest.mark.parametrize("reopens", [False, True])
@pytest.mark.parametrize("status", Status)
def test_customers_message_opens_unless_the_snooze_or_the_channel_lets_it_pass(
    status: Status, reopens: bool, wake: Wake, thanks: bool
) -> None:
    passes = {
        SNOOZED: wake is Wake.NEVER or (wake is Wake.QUESTION and thanks),
        RESOLVED: thanks and not reopens,
    }.get(status, False)
    found = customer_wrote(status, thanks=thanks, wake=wake, thanks_reopens=reopens)
    assert found is (status if passes else OPEN)


# ---------------------------------------------------------------- any sequence

WHO = ("budi", "sari")
STEP = st.one_of(
    st.tuples(
        st.just("customer"),
        st.sampled_from(WHO),
        st.sampled_from(["Hello", "thanks", "Where is it?", "automatic"]),
    ),
    st.tuples(
        st.just("command"),
        st.sampled_from(WHO),
        st.sampled_from(
            [
                *("claim", "release", "pending", "resolve", "reopen", "wake", "undo", "contact block"),
                *("snooze 2h", "snooze 1h wake never", "snooze until reply", "snooze 3h wake question"),
                *("resolve reply: Bye", "contact unblock", "assign UBEN"),
            ]
        ),
    ),
    st.tuples(st.just("post"), st.sampled_from(WHO), st.sampled_from(["Hi there", "; note", "lost"])),
    st.tuples(st.just("later"), st.just(""), st.sampled_from([1, 6, 4000, 9000, 200_000])),
    st.tuples(st.just("lose thread"), st.sampled_from(WHO), st.just("")),
    st.tuples(st.just("owner leaves"), st.just(""), st.sampled_from([ANA, BEN])),
)


@settings(max_examples=effort(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=12))
async def test_invariants_hold_whatever_people_do(world: World, steps: list[tuple[str, str, Any]]) -> None:
    world.policy = policy(channel(new_after=86400.0, thanks_reopens=False))
    await world.team_knows()
    names = {who: world.fresh(who) for who in WHO}
    for step, who, value in steps:
        await act(world, step, names.get(who, ""), value)
        await check(world)
    await world.pump()
    await check(world)


async def act(world: World, step: str, who: str, value: Any) -> None:
    number = await newest(world, who) if who else None
    match step:
        case "customer":
            await world.customer("Away" if value == "automatic" else value, who=who, automatic=value == "automatic")
        case "command" if number:
            name, _, words = value.partition(" ")
            await world.command(f"{name} #{number} {words}")
        case "post" if number:
            await world.pump()
            if not await world.rows(threads_of(number)):
                return  # a blocked contact's
            if value == "lost":
                world.shop.faults.append(Permanent("no"))
            await world.post(value, thread=await world.thread(number))
        case "later":
            await world.later(value)
            world.shop.faults.clear()
        case "lose thread" if number:
            await world.pump()
            if await world.rows(threads_of(number)):
                await world.lose_thread(await world.thread(number))
        case "owner leaves":
            await world.becomes(value, is_agent=False)
            await world.becomes(value)


def threads_of(number: int) -> sa.Select[Any]:
    return sa.select(threads.c.id).where(threads.c.conversation_id == number, sa.text("live"))


async def newest(world: World, who: str) -> int | None:
    query = (
        sa.select(conversations.c.id)
        .join(identities, identities.c.id == conversations.c.identity_id)
        .where(identities.c.external_id == who)
        .order_by(conversations.c.id.desc())
    )
    found = await world.rows(query)
    return found[0].id if found else None


async def check(world: World) -> None:
    armed: dict[int, list[Any]] = {}
    for row in await world.rows(sa.select(timers).where(timers.c.kind == "snooze")):
        armed.setdefault(row.conversation_id, []).append(row)
    live: set[int] = set()
    for talk in await world.rows(sa.select(conversations)):
        timer = armed.get(talk.id, [])
        if talk.status == SNOOZED and talk.snoozed_until is not None:
            assert [one.due_at for one in timer] == [talk.snoozed_until]
        else:
            assert timer == []
            assert talk.snoozed_until is None
        assert talk.waiting_since is None or talk.status in (OPEN, SNOOZED)
        assert (talk.resolved_at is not None) == (talk.status == RESOLVED)
        assert talk.status != SNOOZED or talk.snoozed_until is not None or talk.snooze_wake != Wake.NEVER
        if talk.status != RESOLVED:
            assert talk.identity_id not in live
            live.add(talk.identity_id)
