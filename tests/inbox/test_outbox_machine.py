"""Any sequence of enqueueing, claiming, finishing, crashing and tidying up keeps the promises of a lane."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sahut_bot.inbox import outbox_admin
from sahut_bot.inbox.models import lanes, outbox
from sahut_bot.inbox.outbox import FAR, Draft, cancel, enqueue, release, reschedule
from sahut_bot.inbox.outbox_claims import Claimed, Finished, claim, finish, recover
from sahut_bot.inbox.outbox_policy import Done, Failed, Pause, Retry, Uncertain, Verdict
from sahut_bot.inbox.store import Rx, Store, Tx
from tests.databases import START

LANES = [f"t:{number}" for number in range(4)]
TARGETS = {lane: ("even", "odd")[number % 2] for number, lane in enumerate(LANES)}
LEASE = 60.0
ACTIONS = ["cancel", "reschedule", "drop", "requeue"]
VERDICTS: list[Verdict] = [
    Done(None),
    Failed("no"),
    Uncertain("cut off"),
    Retry(3.0, "away", doubt=False),
    Retry(3.0, "cut off", doubt=True),
    Pause("slow down", doubt=False),
]
ENDED = {"done", "failed", "uncertain", "cancelled"}


class Lanes(RuleBasedStateMachine):
    """Holds what was claimed and what went out, and compares with the rows after each step."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sahut-machine-"))
        shutil.copyfile(self.template, self.folder / "sahut.db")
        self.runner = asyncio.Runner()
        self.store = Store.open("sqlite+aiosqlite:///sahut.db", self.folder)
        self.runner.run(self.store.start())
        self.now = START
        self.refs = 0
        self.claimed: dict[str, Claimed] = {}
        self.lost: list[Claimed] = []  # claimed before a crash: what they say comes too late
        self.outcomes: dict[int, str] = {}
        self.ended: dict[str, list[int]] = {lane: [] for lane in LANES}

    def write(self, work: Any, *args: Any, **named: Any) -> Any:
        return self.runner.run(self.store.write(work, *args, **named))

    def rows(self) -> list[Any]:
        def all_rows(rx: Rx) -> list[Any]:
            return list(rx.execute(sa.select(outbox).order_by(outbox.c.id)))

        return self.runner.run(self.store.read(all_rows))

    def lane_rows(self) -> dict[str, Any]:
        def all_lanes(rx: Rx) -> list[Any]:
            return list(rx.execute(sa.select(lanes)))

        return {row.lane: row for row in self.runner.run(self.store.read(all_lanes))}

    # ------------------------------------------------------------ steps

    @rule(
        picks=st.lists(st.tuples(st.sampled_from(LANES), st.sampled_from(["post", "card"])), min_size=1, max_size=4),
        delay=st.sampled_from([None, 0.0, 5.0, "far"]),
        priority=st.integers(0, 4),
    )
    def enqueue(self, picks: list[tuple[str, str]], delay: float | str | None, priority: int) -> None:
        drafts = []
        for lane, kind in picks:
            self.refs += 1
            run_at = FAR if delay == "far" else None if delay is None else self.now + float(delay)
            drafts.append(
                Draft(
                    lane=lane,
                    target=TARGETS[lane],
                    kind=kind,
                    priority=priority,
                    conversation_id=None,
                    ref=self.refs,
                    run_at=run_at,
                )
            )
        self.write(enqueue, drafts, self.now)

    @rule(
        even=st.integers(0, 3),
        odd=st.integers(0, 3),
        verdicts=st.dictionaries(st.sampled_from(LANES), st.sampled_from(VERDICTS), max_size=4),
    )
    def work(self, even: int, odd: int, verdicts: dict[str, Verdict]) -> None:
        """Claims, then ends some of what is claimed."""
        for one in self.write(claim, [("even", even), ("odd", odd)], self.now, self.now + LEASE):
            assert one.lane not in self.claimed, "two claimed in one lane"
            assert one.id not in self.outcomes, "claimed after its end"
            self.claimed[one.lane] = one
        ending = [(self.claimed.pop(lane), verdict) for lane, verdict in verdicts.items() if lane in self.claimed]
        items = [Finished(one, verdict, self.now) for one, verdict in ending]
        assert self.write(finish, items, self.settle) == [True] * len(items)

    def speak_too_late(self) -> None:
        """What was claimed before a crash and again since has nothing more to say."""
        while self.lost:
            late = self.lost.pop()
            again = self.claimed.get(late.lane)
            if again is not None and again.id == late.id:
                assert self.write(finish, [Finished(late, Failed("late"), self.now)], self.settle) == [False]

    def settle(self, _tx: Tx, pairs: Sequence[tuple[Claimed, Any]], _now: float) -> None:
        for one, outcome in pairs:
            if isinstance(outcome, (Done, Failed, Uncertain)):
                assert self.outcomes.setdefault(one.id, type(outcome).__name__) == type(outcome).__name__
                self.ended[one.lane].append(one.id)

    @rule(seconds=st.sampled_from([1.0, 4.0, 30.0]))
    def wait(self, seconds: float) -> None:
        if not self.claimed or max(one.lease for one in self.claimed.values()) > self.now + seconds:
            self.now += seconds

    def crash(self) -> None:
        """Everything that was being sent is in doubt afterwards."""
        self.runner.run(self.store.stop())
        self.store = Store.open("sqlite+aiosqlite:///sahut.db", self.folder)
        self.runner.run(self.store.start())
        self.lost += self.claimed.values()
        self.claimed.clear()
        self.write(recover, self.now, everything=True)

    @rule(data=st.data(), action=st.sampled_from(["crash", "late", "late", "release", "prune", *["row"] * 5]))
    def disturb(self, data: st.DataObject, action: str) -> None:
        match action:
            case "crash":
                self.crash()
            case "late":
                self.crash()
                self.work(9, 9, {})
                self.speak_too_late()
            case "release":
                self.write(release, data.draw(st.lists(st.sampled_from(LANES))), self.now)
            case "prune":
                self.write(outbox_admin.prune, self.now - 20, self.now - 40)
            case "row":
                rows = self.rows()
                # What is unfinished is worth more tries.
                if some := [row for row in rows if row.state not in ENDED] * 3 + rows:
                    self.interfere(data.draw(st.sampled_from(some)), data.draw(st.sampled_from(ACTIONS)))

    def interfere(self, row: Any, action: str) -> None:
        match action:
            case "cancel":
                assert self.write(cancel, row.kind, row.ref, self.now) == (row.state == "pending")
            case "reschedule":
                assert self.write(reschedule, row.kind, row.ref, self.now + 2) == (row.state == "pending")
            case "drop":
                dropped = self.write(outbox_admin.drop, row.id, self.now)
                assert (dropped is not None) == (row.state in ("pending", "failed", "uncertain"))
            case "requeue":
                again = self.write(outbox_admin.requeue, row.id, self.now)
                assert (again is not None) == (row.state in ("failed", "uncertain"))

    # ------------------------------------------------------------ what always holds

    @invariant()
    def a_lane_stands_for_its_oldest_unfinished_row(self) -> None:
        unfinished: dict[str, list[Any]] = {}
        for row in self.rows():
            if row.state not in ENDED:
                unfinished.setdefault(row.lane, []).append(row)
        lane_rows = self.lane_rows()
        assert lane_rows.keys() == unfinished.keys()
        for name, rows in unfinished.items():
            lane = lane_rows[name]
            assert (lane.lease is not None) == (name in self.claimed)
            assert [row.id for row in rows if row.state == "sending"] in ([], [rows[0].id])
            assert (lane.target, lane.priority) == (rows[0].target, rows[0].priority)
            if name in self.claimed:
                assert self.claimed[name].id == rows[0].id

    @invariant()
    def rows_of_a_lane_end_in_their_order(self) -> None:
        for ids in self.ended.values():
            assert ids == sorted(set(ids))

    def teardown(self) -> None:
        """After a crash everything that waits still ends."""
        self.crash()
        self.write(release, LANES, self.now)
        for _ in range(200):
            self.now += 60
            done = self.write(claim, [("even", 10), ("odd", 10)], self.now, self.now + LEASE)
            if not done and not self.lane_rows():
                break
            self.write(finish, [Finished(one, Done(None), self.now) for one in done], self.settle)
        self.rows_of_a_lane_end_in_their_order()
        assert {row.state for row in self.rows()} <= ENDED
        self.runner.run(self.store.stop())
        self.runner.close()
        shutil.rmtree(self.folder)


def check(template: Path, examples: int) -> None:
    machine = type("LanesOfThisFile", (Lanes,), {"template": template})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples, stateful_step_count=30, suppress_health_check=list(HealthCheck)),
    )


def test_lanes_keep_their_promises_whatever_happens(sqlite_template: Path) -> None:
    check(sqlite_template, 12)


@pytest.mark.slow
def test_lanes_keep_their_promises_whatever_happens_for_long(sqlite_template: Path) -> None:
    check(sqlite_template, 800)
