"""A customer at the documented live-chat API."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

import aiohttp

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE = 10.0  # seconds for each thing to come true


class Program(Protocol):
    @property
    def url(self) -> str: ...


class Visitor:
    """`messages` holds what they have read so far, by id."""

    def __init__(self, http: aiohttp.ClientSession, program: Program, channel: str = "web") -> None:
        self._http = http
        self.program = program
        self._channel = channel
        self._token = ""
        self.cursor = ""
        self.messages: dict[str, Json] = {}

    def _url(self, path: str) -> str:
        return f"{self.program.url}/livechat/{self._channel}/{path}"

    @property
    def _auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def begin(self, name: str = "") -> Self:
        asked = {"name": name} if name else {}
        async with self._http.post(self._url("session"), json=asked) as answer:
            assert answer.status == 200, await answer.text()
            self._token = (await answer.json())["visitor"]
        return self

    async def say(self, text: str, *, id: str = "", files: Sequence[tuple[str, bytes]] = ()) -> str:  # noqa: A002
        """Returning means that it was acknowledged with 200."""
        attachments = [await self.upload(name, content) for name, content in files]
        body = {"id": id or str(uuid.uuid4()), "text": text, "attachments": attachments}
        async with self._http.post(self._url("messages"), json=body, headers=self._auth) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["id"])

    async def upload(self, name: str, content: bytes) -> str:
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name, content_type="application/octet-stream")
        async with self._http.post(self._url("files"), data=form, headers=self._auth) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["file"])

    async def read(self) -> list[Json]:
        """Everything from the beginning, as after a reload of the page; confirms nothing."""
        return list((await self._get({}))["messages"])

    async def heard(self, predicate: Callable[[list[str]], T], timeout: float = PATIENCE) -> T:
        """Reads on as the widget does, until `predicate` holds for the texts of the replies that are there."""
        end = time.monotonic() + timeout
        while not (value := predicate(self.replies())):
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not heard in {timeout} s; there is {self.replies()}")
            try:
                page = await self._get({"after": self.cursor or "0", "wait": f"{min(left, 5):.3f}"})
            except aiohttp.ClientError:  # as the widget: once more
                await asyncio.sleep(0.05)
                continue
            self.messages |= {one["id"]: one for one in page["messages"]}
            self.cursor = page["cursor"]
        return value

    async def confirm(self) -> None:
        """The browser has all that was read so far."""
        await self._get({"after": self.cursor})

    async def hears(self, *texts: str) -> None:
        """Waits until the replies are exactly these, in this order."""
        await self.heard(lambda replies: replies == list(texts))

    def replies(self) -> list[str]:
        return [one["text"] for one in self.from_agents()]

    def from_agents(self) -> list[Json]:
        return [one for one in self.messages.values() if one["from"] == "agent" and not one.get("deleted")]

    async def download(self, attachment: Json) -> bytes:
        async with self._http.get(self.program.url + attachment["url"]) as answer:
            assert answer.status == 200
            return await answer.read()

    async def _get(self, query: Mapping[str, str]) -> Json:
        async with self._http.get(self._url("messages"), params=query, headers=self._auth) as answer:
            assert answer.status == 200, await answer.text()
            page: Json = await answer.json()
            return page
