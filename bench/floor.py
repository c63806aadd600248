"""The floor: the least that a durable inbox can do, without any of its decisions, in raw statements.

One signed webhook in, one transaction of five statements (event key, contact, conversation, message, outbox row),
group commit in a writer thread with synchronous FULL, then 200. Prints its port, serves until it is killed.
"""

from __future__ import annotations

import asyncio
import hmac
import queue
import sqlite3
import sys
import threading
import time

import orjson
import uvloop
from aiohttp import web

SCHEMA = """
CREATE TABLE dedupe(
    channel INTEGER NOT NULL, ext_id TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY(channel, ext_id)
) WITHOUT ROWID;
CREATE TABLE contact(
    id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, ext_id TEXT NOT NULL, name TEXT, seen REAL,
    UNIQUE(channel, ext_id)
);
CREATE TABLE conversation(
    id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL, status INTEGER NOT NULL, last_at REAL, n INTEGER NOT NULL
);
CREATE UNIQUE INDEX conversation_open ON conversation(contact_id) WHERE status = 0;
CREATE TABLE message(
    id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL, direction INTEGER NOT NULL, body TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX message_conversation ON message(conversation_id, id);
CREATE TABLE outbox(
    id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL, message_id INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL
);
CREATE INDEX outbox_pending ON outbox(due, id) WHERE state = 0;
"""
SECRET = "floor"


def store(cursor: sqlite3.Cursor, key: str, customer: str, body: str, at: float) -> None:
    cursor.execute("INSERT INTO dedupe(channel, ext_id, at) VALUES(1,?,?) ON CONFLICT DO NOTHING", (key, at))
    if cursor.rowcount == 0:
        return
    contact = cursor.execute(
        "INSERT INTO contact(channel, ext_id, name, seen) VALUES(1,?,'c',?)"
        " ON CONFLICT(channel, ext_id) DO UPDATE SET seen=excluded.seen RETURNING id",
        (customer, at),
    ).fetchone()[0]
    found = (
        cursor.execute(
            "UPDATE conversation SET last_at=?, n=n+1 WHERE contact_id=? AND status=0 RETURNING id", (at, contact)
        ).fetchone()
        or cursor.execute(
            "INSERT INTO conversation(contact_id, status, last_at, n) VALUES(?,0,?,1) RETURNING id", (contact, at)
        ).fetchone()
    )
    message = cursor.execute(
        "INSERT INTO message(conversation_id, direction, body, at) VALUES(?,0,?,?) RETURNING id", (found[0], body, at)
    ).fetchone()[0]
    cursor.execute("INSERT INTO outbox(conversation_id, message_id, due) VALUES(?,?,?)", (found[0], message, at))


class Writer(threading.Thread):
    """One writer; whatever waits while it commits is in the next commit."""

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(daemon=True)
        self.path, self.loop = path, loop
        self.waiting: queue.SimpleQueue[tuple[tuple[str, str, str, float], asyncio.Future[None]]] = queue.SimpleQueue()

    def run(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(SCHEMA)
        cursor = connection.cursor()
        while True:
            batch = [self.waiting.get()]
            while len(batch) < 512 and not self.waiting.empty():
                batch.append(self.waiting.get())
            cursor.execute("BEGIN IMMEDIATE")
            for values, _ in batch:
                store(cursor, *values)
            cursor.execute("COMMIT")
            self.loop.call_soon_threadsafe(self.tell, batch)

    @staticmethod
    def tell(batch: list[tuple[object, asyncio.Future[None]]]) -> None:
        for _, future in batch:
            if not future.done():
                future.set_result(None)


async def serve(path: str) -> None:
    loop = asyncio.get_running_loop()
    writer = Writer(path, loop)
    writer.start()

    async def hook(request: web.Request) -> web.Response:
        body = await request.read()
        signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
        if not hmac.compare_digest(signature, request.headers.get("X-Signature", "")):
            return web.Response(status=401)
        data = orjson.loads(body)
        future: asyncio.Future[None] = loop.create_future()
        writer.waiting.put(((data["id"], str(data["customer"]), data["text"], time.time()), future))
        await future
        return web.json_response({"id": data["id"]})

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))
