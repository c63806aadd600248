"""A visitor's feed as JSON, by long poll; what the visitor confirms; what the visitor writes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qs

from sahut_bot.bridges.channels.livechat import LiveChat, file_id, parsed, reply_id
from sahut_bot.bridges.channels.livechat_visitor import Refused, Visitor
from sahut_bot.inbox import visitors
from sahut_bot.inbox.visitors import Feed, FeedMessage
from sahut_bot.text import html, tree
from sahut_bot.types import CustomerMessage, Delivery, Instant
from sahut_bot.web.livechat_http import Answer, Call, HttpError, Lobby, too_many
from sahut_bot.web.livechat_presence import Visit
from sahut_bot.web.media import SHOWN, MediaLinks

LONGEST_WAIT = 30.0


# ---------------------------------------------------------------- what the visitor writes


async def post_message(call: Call) -> Answer:
    """`POST …/messages`. The same id again has no second effect and the same answer."""
    visitor = call.visitor()
    too_many(call.lobby.gate.message(visitor.external_id, call.address))
    need_json(call)
    event = await accept(call.lobby, call.channel, visitor, parsed(await call.body()))
    return Answer({"id": event.external_id})


async def accept(lobby: Lobby, channel: LiveChat, visitor: Visitor, asked: dict[str, object]) -> CustomerMessage:
    """Stores a message. Raises `Refused` or `Busy`."""
    event = channel.message(visitor, asked, lobby.now())
    if event.stored_files and not await lobby.store.read(
        visitors.owned, channel.name, visitor.identities, event.stored_files
    ):
        raise Refused("attachments", "an attachment is not one that you uploaded")
    await lobby.sink.customer(event)
    return event


def need_json(call: Call) -> None:
    if call.content_type != "application/json":
        raise HttpError(415, "content_type", "Send application/json.")


# ---------------------------------------------------------------- what the visitor sees


async def get_messages(call: Call) -> Answer:
    """`GET …/messages?after=cursor&wait=seconds`. Asking on after a page says that the page has arrived."""
    visitor = call.visitor()
    lobby, channel = call.lobby, call.channel
    too_many(lobby.gate.read(visitor.external_id))
    query = parse_qs(call.scope["query_string"].decode("latin-1"))
    after, wait = cursor_of(_one(query, "after")), _wait(_one(query, "wait"))
    with lobby.presence.visit(channel, visitor) as visit:
        await confirm(lobby, channel, visitor, Delivery.DELIVERED, upto=after)
        gone = asyncio.create_task(_gone(call), name="livechat-poll-gone")
        try:
            page, typing = await _poll(call, visit, visitor, after, wait, gone, _one(query, "typing") == "1")
        finally:
            gone.cancel()
    answer = as_json(channel, page, lobby.links)
    return Answer(answer if typing is None else {**answer, "typing": typing})


async def _poll(
    call: Call, visit: Visit, visitor: Visitor, after: int, wait: float, gone: asyncio.Task[None], wants_typing: bool
) -> tuple[Feed, dict[str, object] | None]:
    """Looks, then waits for something to look at; who asked for it is told of typing as well."""
    loop = asyncio.get_running_loop()
    end = loop.time() + wait
    while True:
        visit.woken.clear()
        page = await call.lobby.store.read(visitors.feed, call.channel.name, visitor.identities, after)
        typing = typing_json(seconds) if (seconds := visit.take_typing()) is not None and wants_typing else None
        left = end - loop.time()
        if page.messages or typing or left <= 0 or gone.done() or call.lobby.presence.closing:
            return page, typing
        woken = asyncio.create_task(visit.woken.wait(), name="livechat-poll")
        try:
            await asyncio.wait((woken, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()


async def _gone(call: Call) -> None:
    """Returns when the client has hung up."""
    while (await call.receive())["type"] != "http.disconnect":
        pass


def _one(query: dict[str, list[str]], name: str) -> str:
    return query.get(name, [""])[0]


def _wait(value: str) -> float:
    with suppress(ValueError):
        seconds = float(value or 0)
        if seconds >= 0:
            return min(seconds, LONGEST_WAIT)
    raise HttpError(400, "wait", "wait is not a number of seconds")


def cursor_of(value: object) -> int:
    """Raises `Refused` for what we never returned as a cursor."""
    if value in ("", None):
        return 0
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    raise Refused("after", "that is not a cursor")


# ---------------------------------------------------------------- as JSON


def as_json(channel: LiveChat, page: Feed, links: MediaLinks) -> dict[str, object]:
    return {
        "messages": [_message(message, links) for message in page.messages],
        "cursor": str(page.cursor),
        "more": page.more,
    }


def typing_json(seconds: float) -> dict[str, object]:
    return {"on": seconds > 0, "ttl": seconds}


def _message(message: FeedMessage, links: MediaLinks) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": message.external_id if message.from_customer else reply_id(message.id),
        "from": "customer" if message.from_customer else "agent",
        "text": tree.plain(message.body),
        "attachments": [
            {
                "id": file_id(file.id),
                "name": file.name,
                "content_type": file.content_type,
                "size": file.size,
                "url": links.path(file.id, file.name),
                "inline": file.content_type in SHOWN,
            }
            for file in message.files
        ],
        "at": iso(message.at),
    }
    if not message.from_customer:
        shown |= {"author": message.author, "html": html.render(message.body), "seen": message.read}
    if message.edited:
        shown["edited"] = True
    if message.deleted:
        shown["deleted"] = True
    return shown


def iso(at: Instant) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---------------------------------------------------------------- what the visitor confirms


async def confirm(
    lobby: Lobby,
    channel: LiveChat,
    visitor: Visitor,
    delivery: Delivery,
    *,
    upto: int = 0,
    only: list[int] | None = None,
) -> None:
    """Hands in what the visitor has (all up to the cursor `upto`) or has seen (the replies `only`)."""
    key = (channel.name, visitor.external_id)
    if only is None and not lobby.confirmed.is_news(key, upto):
        return
    found = await lobby.store.read(visitors.unconfirmed, channel.name, visitor.identities, delivery, upto, only)
    events = [channel.receipt(visitor, message, delivery, lobby.now()) for message in found]
    await asyncio.gather(*(lobby.sink.customer(event) for event in events))
    if only is None:
        lobby.confirmed.note(key, upto)
