"""A process with a dispatcher of its own: appends what it performs to a file, one line each, until its input ends.

`python -m tests.dispatcher_child URL FILE SPEED`; SPEED makes its clock run faster, so that leases end sooner. Rows of
kind `hang` never end, of kind `flaky` fail the first time.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sahut_bot.dispatcher import Dispatcher, Target
from sahut_bot.errors import Transient
from sahut_bot.inbox.outbox_claims import Claimed
from sahut_bot.inbox.outbox_policy import Outcome
from sahut_bot.inbox.store import Store, Tx
from sahut_bot.types import Health, Resend, Sent


class Child:
    def __init__(self, out: int, rng: random.Random) -> None:
        self._out = out
        self._rng = rng

    def load(self, _tx: Tx, claimed: Sequence[Claimed]) -> list[Claimed]:
        return list(claimed)

    async def perform(self, row: Claimed, doubt: bool) -> Sent:
        if row.kind == "flaky" and row.attempts == 1:
            raise Transient("away")
        await asyncio.sleep(self._rng.random() / 500)  # a network between us and the platform
        os.write(self._out, f"{os.getpid()} {row.lane} {row.ref} {int(doubt)}\n".encode())
        if row.kind == "hang" and not doubt:
            await asyncio.Event().wait()
        return Sent(external_id=str(row.ref))

    def settle(self, _tx: Tx, _pairs: Sequence[tuple[Claimed, Outcome]], _now: float) -> None:
        pass


async def main(url: str, path: str, speed: float) -> None:
    start = time.time()
    out = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    rng = random.Random(os.getpid())
    child = Child(out, rng)
    store = Store.open(url, Path())
    await store.start()
    target = Target(
        name="chat", room=lambda: (10, 0.0), concurrency=5, resend=Resend.LOOKUP, health=lambda: Health.CONNECTED
    )
    dispatcher = Dispatcher(
        store,
        {"chat": target},
        child.load,
        child.perform,
        child.settle,
        lambda: start + (time.time() - start) * speed,
        rng,
    )
    await dispatcher.start()
    await asyncio.to_thread(sys.stdin.read)
    await dispatcher.stop(grace=1)
    await store.stop()
    os.close(out)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
