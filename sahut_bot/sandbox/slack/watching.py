"""Waiting for changes without polling: predicates for tests, queues of notices for a page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sahut_bot.sandbox.slack.model import Json

T = TypeVar("T")

_QUEUE_SIZE = 2000


class Watch:
    def __init__(self) -> None:
        self._watchers: list[tuple[Callable[[], object], asyncio.Future[Any]]] = []
        self._check_due = False
        self._queues: list[asyncio.Queue[Json]] = []

    def touch(self, kind: str, about: Json) -> None:
        """Something changed. Predicates are asked once the step that caused it is over."""
        if self._queues:
            for queue in self._queues:
                _offer(queue, {"kind": kind, **about})
        if self._watchers and not self._check_due:
            self._check_due = True
            asyncio.get_running_loop().call_soon(self._check)

    def _check(self) -> None:
        self._check_due = False
        waiting, self._watchers = self._watchers, []
        for predicate, future in waiting:
            if future.done():
                continue
            try:
                value = predicate()
            except Exception as error:  # noqa: BLE001 - the waiter's own predicate: its error belongs to the waiter
                future.set_exception(error)
                continue
            if value:
                future.set_result(value)
            else:
                self._watchers.append((predicate, future))

    async def wait_for(self, predicate: Callable[[], T], timeout: float) -> T:
        if value := predicate():
            return value
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._watchers.append((predicate, future))
        async with asyncio.timeout(timeout):
            return await future

    def subscribe(self) -> asyncio.Queue[Json]:
        queue: asyncio.Queue[Json] = asyncio.Queue(_QUEUE_SIZE)
        self._queues.append(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Json]) -> None:
        self._queues.remove(queue)


def _offer(queue: asyncio.Queue[Json], notice: Json) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        notice = {"kind": "resync"}
    queue.put_nowait(notice)
