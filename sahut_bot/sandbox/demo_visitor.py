"""A customer's chat client: the live-chat API as the widget uses it, with a record of all that came."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import aiohttp

from sahut_bot.sandbox.demo_stage import Customer

Json = dict[str, Any]
T = TypeVar("T")


class VisitorClient:
    """One customer in one browser. `messages` holds what they see, by id, in order of arrival."""

    def __init__(self, url: str, channel: str, customer: Customer) -> None:
        self._base = f"{url}/livechat/{channel}/"
        self._url = url
        self._customer = customer
        self._token = ""
        self._changed = asyncio.Condition()
        self.messages: dict[str, Json] = {}
        self.typing: list[bool] = []
        self.cursor = "0"

    async def __aenter__(self) -> VisitorClient:
        self._session = aiohttp.ClientSession()
        who = self._customer
        proof = {"user_id": who.user_id, "hash": who.hash, "name": who.name, "email": who.email}
        async with self._session.post(f"{self._base}session", json=proof) as response:
            response.raise_for_status()
            self._token = (await response.json())["visitor"]
        self._socket = await self._session.ws_connect(f"{self._base}ws")
        await self._socket.send_json({"type": "hello", "token": self._token, "after": ""})
        self._reader = asyncio.create_task(self._read(), name="demo-visitor")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def _read(self) -> None:
        async for frame in self._socket:
            told = frame.json()
            if told["type"] == "messages":
                self.messages |= {one["id"]: one for one in told["messages"]}
                self.cursor = told["cursor"]
            elif told["type"] == "typing":
                self.typing.append(told["on"])
            async with self._changed:
                self._changed.notify_all()

    async def wait_for(self, predicate: Callable[[], T], timeout: float) -> T:
        """The first true value of `predicate`, asked again after each frame. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout), self._changed:
            while not (value := predicate()):
                await self._changed.wait()
            return value

    # ------------------------------------------------------------ what the customer does

    async def write(self, text: str, files: Sequence[tuple[str, str, bytes]] = ()) -> str:
        """`files` as (name, content type, bytes). Gives the message's id."""
        attachments = [await self._upload(*file) for file in files]
        asked = {"id": str(uuid.uuid4()), "text": text, "attachments": attachments}
        async with self._session.post(f"{self._base}messages", json=asked, headers=self._bearer) as response:
            response.raise_for_status()
            return str((await response.json())["id"])

    async def _upload(self, name: str, content_type: str, content: bytes) -> str:
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name, content_type=content_type)
        async with self._session.post(f"{self._base}files", data=form, headers=self._bearer) as response:
            response.raise_for_status()
            return str((await response.json())["file"])

    async def confirm_delivered(self) -> None:
        """The widget has all up to here."""
        await self._socket.send_json({"type": "receipt", "delivered": self.cursor})

    async def confirm_seen(self, message: str) -> None:
        """The message was on screen."""
        await self._socket.send_json({"type": "receipt", "read": [message]})

    async def download(self, attachment: Json) -> bytes:
        async with self._session.get(f"{self._url}{attachment['url']}") as response:
            response.raise_for_status()
            return await response.read()

    async def history(self) -> list[Json]:
        """Everything from the beginning, as a browser that was just opened would get it."""
        async with self._session.get(f"{self._base}messages", headers=self._bearer) as response:
            response.raise_for_status()
            messages: list[Json] = (await response.json())["messages"]
            return messages

    def from_agents(self) -> list[Json]:
        return [one for one in self.messages.values() if one["from"] == "agent"]
