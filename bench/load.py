"""The load, a process of its own: many connections that each wait for their answer, or a steady rate.

Reads one JSON job from standard input and prints one JSON line. Latencies are in milliseconds.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import cast

import orjson


class Connection(asyncio.Protocol):
    """Keep-alive HTTP/1.1, one request at a time; only as much of the answer is read as tells where it ends."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(error or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) >= int(length or 0):
            self._buffer = b""
            if self._waiting and not self._waiting.done():
                self._waiting.set_result(int(head[9:12]))

    async def ask(self, request: bytes) -> int:
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting


def requests(job: dict[str, object], start: int) -> Callable[[int], bytes]:
    """The n-th request: another message id each time, customers in turn; signed where the job has a `secret`."""
    heads = [str(head).encode() for head in job["heads"]]  # type: ignore[attr-defined]
    text = "x" * 230
    secret = str(job.get("secret", "")).encode()

    chance = random.Random(start)

    def request(number: int) -> bytes:
        customer = number % len(heads)
        key = f"{chance.getrandbits(128):032x}"  # as clients make them
        body = orjson.dumps({"id": key, "customer": customer, "text": f"n={number} {text}", "attachments": []})
        signed = b"X-Signature: %s\r\n" % hmac.digest(secret, body, "sha256").hex().encode() if secret else b""
        return heads[customer] + signed + b"Content-Length: %d\r\n\r\n" % len(body) + body

    return request


async def flood(job: dict[str, object]) -> dict[str, object]:
    """As fast as the connections get their answers, for some seconds, or until `count` are done."""
    numbers = itertools.count()
    request = requests(job, int(job["start"]))  # type: ignore[call-overload]
    latencies: list[float] = []
    errors = 0
    connections = await _connect(job, int(job["connections"]))  # type: ignore[call-overload]
    end = time.perf_counter() + float(job.get("seconds", 3600.0))  # type: ignore[arg-type]
    last = int(job.get("count", 1 << 62))  # type: ignore[call-overload]

    async def worker(connection: Connection) -> None:
        nonlocal errors
        while (begun := time.perf_counter()) < end and (number := next(numbers)) < last:
            status = await connection.ask(request(number))
            latencies.append(time.perf_counter() - begun)
            errors += status != 200

    begun = time.perf_counter()
    await asyncio.gather(*map(worker, connections))
    return {
        "rate": len(latencies) / (time.perf_counter() - begun),
        "done": len(latencies),
        "errors": errors,
        **_percentiles(latencies),
    }


async def steady(job: dict[str, object]) -> dict[str, object]:
    """At a rate, open loop: a request is due at its time whether the one before was answered or not."""
    request = requests(job, int(job["start"]))  # type: ignore[call-overload]
    free = await _connect(job, 32)
    due: dict[int, float] = {}
    tasks = []
    begun = time.monotonic() + 0.1

    async def send(connection: Connection, number: int) -> None:
        await connection.ask(request(number))
        free.append(connection)

    first = int(job.get("offset", 0))  # type: ignore[call-overload]
    for number in range(first, first + int(job["count"])):  # type: ignore[call-overload]
        at = begun + (number - first) / float(job["rate"])  # type: ignore[arg-type]
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        due[number] = at
        tasks.append(asyncio.create_task(send(free.pop(), number)))
    await asyncio.gather(*tasks)
    return {"due": due}


async def _connect(job: dict[str, object], count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made: list[Connection] = []
    for _ in range(count):
        _, connection = await loop.create_connection(Connection, "127.0.0.1", int(job["port"]))  # type: ignore[call-overload]
        made.append(connection)
    return made


def _percentiles(values: Iterator[float] | list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return (
        {f"p{p}": 1000 * ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 90, 99)}
        if ordered
        else {}
    )


def main() -> None:
    import uvloop

    job = orjson.loads(sys.stdin.buffer.read())
    work = flood if job["kind"] == "flood" else steady
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(orjson.dumps(runner.run(work(job)), option=orjson.OPT_NON_STR_KEYS).decode())


if __name__ == "__main__":
    main()
