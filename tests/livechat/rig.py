"""Live chat as a client sees it: the real routes on a real socket over a real store, and the team's side by rows."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import sqlalchemy as sa

from sahut_bot.bridges.channels.livechat import LiveChat, LiveChatOptions
from sahut_bot.inbox import bodies, visitors
from sahut_bot.inbox.models import agents, attachments, conversations, identities, messages, parts
from sahut_bot.inbox.policy import ChannelPolicy, Policy
from sahut_bot.inbox.store import Rx, Store, Tx
from sahut_bot.intake import Intake
from sahut_bot.text import tree
from sahut_bot.text.markup import Markup
from sahut_bot.web import livechat
from sahut_bot.web.livechat_http import Lobby
from sahut_bot.web.site import Server, Site
from tests.databases import Clock

SECRET = b"the server's own secret"
IDENTITY_SECRET = "shared with the site"
SHOP = "https://shop.example"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def channel(name: str = "web", **options: Any) -> LiveChat:
    options = {"identity_secret": IDENTITY_SECRET, "origins": (SHOP,), "display_name": "Toko Sari", **options}
    return LiveChat(name, SECRET, LiveChatOptions(**options))


def proof(user_id: str, email: str | None = None, exp: int | None = None) -> str:
    """What a site's own server would make."""
    words = user_id if email is None and exp is None else f"{user_id}\n{email or ''}\n{'' if exp is None else exp}"
    return hmac.new(IDENTITY_SECRET.encode(), words.encode(), hashlib.sha256).hexdigest()


class Team:
    """What agents do to a visitor's conversation, as rows: the thread and the outbox have tests of their own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    async def reply(self, visitor: str, text: str | Markup, **more: Any) -> int:
        """A reply that the channel has accepted; `delivery="queued"` and `kind="note"` make others."""
        return await self.store.write(self._write, visitor, text, more)

    def _write(self, tx: Tx, visitor: str, text: str | Markup, more: dict[str, Any]) -> int:
        (message,) = tx.new_ids(messages, 1)
        body, markup = bodies.columns(tree.text(text) if isinstance(text, str) else text)
        agent = tx.execute(sa.select(agents.c.id)).scalar()
        if agent is None:
            agent = 1
            tx.execute(sa.insert(agents).values(id=1, teamchat="slack", external_id="U1", name="Ani Wijaya"))
        values = {"kind": "reply", "delivery": "accepted", "external_id": f"msg_{message}", **more}
        row = tx.execute(_conversation(visitor)).one()
        tx.execute(
            sa.insert(messages).values(
                id=message,
                conversation_id=row.id,
                agent_id=agent,
                body=body,
                markup=markup,
                at=self.clock.now(),
                rev=message,
                **values,
            )
        )
        part = {"message_id": message, "position": 0, "external_id": f"msg_{message}", "delivery": values["delivery"]}
        tx.execute(sa.insert(parts).values(**part))
        tx.signal(visitors.topic(row.channel, visitor))
        return message

    async def change(self, visitor: str, message: int, **values: Any) -> None:
        """Changes a message, as an edit, a deletion or an outcome does; it gets a fresh `rev`."""

        def work(tx: Tx) -> None:
            (rev,) = tx.new_ids(messages, 1)
            tx.execute(sa.update(messages).where(messages.c.id == message).values(rev=rev, **values))
            tx.signal(visitors.topic(tx.execute(_conversation(visitor)).one().channel, visitor))

        await self.store.write(work)

    async def attach(self, message: int, path: str, name: str, content_type: str, size: int) -> None:
        def work(tx: Tx) -> None:
            values = {"message_id": message, "source": "slack", "name": name, "content_type": content_type}
            tx.execute(sa.insert(attachments).values(**values, size=size, path=path, state="stored", created_at=0))

        await self.store.write(work)

    async def delivery(self, message: int) -> str:
        def view(rx: Rx) -> str:
            return str(rx.execute(sa.select(messages.c.delivery).where(messages.c.id == message)).scalar_one())

        return await self.store.read(view)

    async def messages(self) -> Sequence[sa.Row[Any]]:
        return await self.store.read(lambda rx: rx.execute(sa.select(messages).order_by(messages.c.id)).all())

    async def identity(self, external_id: str) -> sa.Row[Any] | None:
        query = sa.select(identities).where(identities.c.external_id == external_id)
        return await self.store.read(lambda rx: rx.execute(query).first())


def _conversation(visitor: str) -> sa.Select[Any]:
    return (
        sa.select(conversations.c.id, conversations.c.channel)
        .join(identities, identities.c.id == conversations.c.identity_id)
        .where(identities.c.external_id == visitor)
        .order_by(conversations.c.id.desc())
        .limit(1)
    )


class Client:
    """A program that speaks the documented API, as one visitor."""

    def __init__(self, http: aiohttp.ClientSession, base: str, name: str, channel: LiveChat, clock: Clock) -> None:
        self.http = http
        self.base = base
        self.url = f"{base}/livechat/{name}"
        self.token = ""
        self._channel = channel
        self._clock = clock

    @property
    def id(self) -> str:
        """The identity's id, as the database knows it."""
        return self._channel.tokens.read(self.token, self._clock.now()).external_id

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def begin(self, **asked: Any) -> Self:
        async with self.http.post(f"{self.url}/session", json=asked) as answer:
            assert answer.status == 200, await answer.text()
            self.token = (await answer.json())["visitor"]
        return self

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        body = {"id": str(uuid.uuid4()), "text": text, **more}
        async with self.http.post(f"{self.url}/messages", json=body, headers=self.auth) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def feed(self, after: str = "", wait: float = 0, **more: Any) -> dict[str, Any]:
        query = {**({"after": after} if after else {}), "wait": str(wait), **more}
        async with self.http.get(f"{self.url}/messages", params=query, headers=self.auth) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def upload(self, data: bytes, name: str = "photo.png", content_type: str = "image/png") -> Any:
        form = aiohttp.FormData(quote_fields=False)  # as browsers do
        form.add_field("file", data, filename=name, content_type=content_type)
        return await self.http.post(f"{self.url}/files", data=form, headers=self.auth)

    @asynccontextmanager
    async def socket(self, after: str = "", token: str | None = None) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self.http.ws_connect(f"{self.url}/ws") as ws:
            await ws.send_json({"type": "hello", "token": self.token if token is None else token, "after": after})
            yield ws


class Rig:
    """A running server. `Rig.start` and `stop`, or the fixture `rig`."""

    def __init__(self, store: Store, data_dir: Path, clock: Clock, sink: Any = None, **more: Any) -> None:
        self.store = store
        self.clock = clock
        self.channels = more.pop("channels", None) or [channel(), channel("other")]
        known: dict[str, Any] = {one.name: one for one in self.channels}
        policy = Policy(
            channels={
                name: ChannelPolicy(
                    name=name, label=name, teamchat="slack", place="C1", capabilities=LiveChat.capabilities
                )
                for name in known
            }
        )
        self.sink = sink or Intake(store, policy, clock, lambda: known)
        self.refused: list[tuple[str, int]] = []
        self.lobby = Lobby(
            channels=known,
            sink=self.sink,
            store=store,
            data_dir=data_dir,
            secret=SECRET,
            now=clock,
            refused=lambda route, status: self.refused.append((route, status)),
            **more,
        )
        self.team = Team(store, clock)
        self.server = Server(Site(livechat.routes(self.lobby), livechat.MESSAGES), "127.0.0.1", 0)
        self.http: aiohttp.ClientSession

    async def start(self) -> Self:
        await self.server.start()
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        return self

    async def stop(self) -> None:
        await livechat.stop(self.lobby)
        await self.http.close()
        await self.server.stop()

    @property
    def base(self) -> str:
        host, port = self.server.address
        return f"http://{host}:{port}"

    def client(self, name: str = "web") -> Client:
        return Client(self.http, self.base, name, self.lobby.channels.get(name, self.channels[0]), self.clock)

    async def visitor(self, on: str = "web", **asked: Any) -> Client:
        return await self.client(on).begin(**asked)


async def frame(ws: aiohttp.ClientWebSocketResponse, kind: str, seconds: float = 10) -> dict[str, Any]:
    """The next frame of a kind; others that come before it are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            value = await ws.receive_json()
            if value["type"] == kind:
                return dict(value)
