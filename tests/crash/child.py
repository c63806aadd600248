"""The real program in a process of its own, which kills itself at the point that it is told, once.

A point is `place:what` or `place:what*n` for the nth time. Places: `decoded` (an event is read, nothing stored),
`commit` (all is written, nothing committed), `committed` (nobody knows yet), `performed` (the platform has answered,
nothing is written down). `what` is a work of the store by name, or an event's type, or a kind of row; the dispatcher's
works are told apart by the kind of row, as in `commit:_finish/open`. Only this module knows of points: the program
itself is as it is installed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from sahut_bot import builders, cli
from sahut_bot.app import App
from sahut_bot.bridges.channels.livechat import LiveChat
from sahut_bot.dispatcher import Dispatcher
from sahut_bot.inbox import store_postgres, store_sqlite
from sahut_bot.inbox.outbox_claims import Finished
from sahut_bot.inbox.store import EVERYTHING, Store
from sahut_bot.inbox.store_group import Answered
from sahut_bot.intake import Intake
from sahut_bot.types import Resend
from tests.rig import Clock


@dataclass
class Point:
    place: str
    what: str
    left: int = 1

    @classmethod
    def parse(cls, text: str) -> Point:
        place, _, rest = text.partition(":")
        what, _, times = rest.partition("*")
        return cls(place, what, int(times or 1))

    def reached(self, place: str, names: Iterator[str]) -> None:
        if place == self.place:
            self.left -= sum(name == self.what for name in names)
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


def works(answers: Sequence[Answered]) -> Iterator[str]:
    """The names of what a group of works did."""
    for job, answer in answers:
        if isinstance(answer, Exception):
            continue
        name = str(job.work.__name__)
        if name == "_finish":
            finished: Finished = job.args[0]
            yield f"{name}/{finished.claimed.kind}"
        elif name == "_claim":
            yield from (f"{name}/{one.kind}" for one in answer[0])
        else:
            yield name


def watch(point: Point) -> None:
    """Wraps the places where the program can be cut."""

    def before(owner: Any, name: str, look: Callable[..., Iterator[str]], place: str) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            point.reached(place, look(*args))
            return original(*args, **kwargs)

        setattr(owner, name, wrapped)

    for module in (store_sqlite, store_postgres):
        original = vars(module)["run_group"]

        def written(*args: Any, original: Any = original) -> Any:
            done = original(*args)
            point.reached("commit", works(done[0]))
            return done

        vars(module)["run_group"] = written
    before(Store, "_publish", lambda _self, _taken, answers, _topics: works(answers), "committed")
    before(Intake, "customer", lambda _self, event: iter([type(event).__name__]), "decoded")
    before(Dispatcher, "_queued", lambda _self, finished: iter([finished.claimed.kind]), "performed")


class MovedApp(App):
    """With a clock that the parent moves: it sets `ahead` and sends SIGUSR1."""

    def __init__(self, ahead: Synchronized[float], *args: Any) -> None:
        clock = Clock()
        clock.ahead = ahead.value
        super().__init__(*args, now=clock)
        self._ahead = ahead
        self._clock = clock

    async def start(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._moved)
        await super().start()

    def _moved(self) -> None:
        self._clock.ahead = self._ahead.value
        self.store.ring(EVERYTHING)


def main(environment: Mapping[str, str], log: Path, point: str, ahead: Synchronized[float], never: bool) -> None:
    """`never`: the customer's channel cannot say whether a reply got through, as several real ones."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.environ.update(environment)
    if point:
        watch(Point.parse(point))
    if never:
        LiveChat.capabilities = replace(LiveChat.capabilities, resend=Resend.NEVER)
        builders.CAPABILITIES["livechat"] = LiveChat.capabilities
    vars(cli)["App"] = partial(MovedApp, ahead)
    cli.cli(["run"], standalone_mode=False)
