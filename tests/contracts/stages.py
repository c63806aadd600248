"""Where a team chat is tried: the adapter, a list as the core, and the platform's own people and records.

A new adapter adds a class here and its builders to `STAGES`.
"""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from sahut_bot.bridges.base import TeamChat
from sahut_bot.sandbox.slack.emoji_names import character
from sahut_bot.types import Health, ThreadRef
from tests.bridges.slack_desk import Desk, ListSink, desk

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A message as people see it."""

    id: str
    text: str
    buttons: tuple[str, ...] = ()


class Stage(ABC):
    """`agent` and `colleague` are full members of the team channel `place`, `guest` is none."""

    chat: TeamChat
    sink: ListSink
    place: str
    agent: str
    colleague: str
    guest: str

    async def until(self, predicate: Callable[[], T], seconds: float = 10.0) -> T:
        end = time.monotonic() + seconds
        while not (value := predicate()):
            assert time.monotonic() < end, f"not in {seconds} s; the sink has {self.sink.events}"
            await asyncio.sleep(0.005)
        return value

    def health(self) -> Health:
        return self.chat.health

    # ------------------------------------------------------------ what is to be seen

    @abstractmethod
    def threads(self) -> list[Shown]:
        """What stands at channel level, oldest first."""

    @abstractmethod
    def thread(self, thread: ThreadRef) -> list[Shown]:
        """What stands in a thread behind its first message, oldest first."""

    @abstractmethod
    def marks(self, thread: ThreadRef, message: str) -> set[str]:
        """As Unicode."""

    @abstractmethod
    def whispers(self, person: str) -> list[Shown]: ...

    @abstractmethod
    def files(self, thread: ThreadRef) -> list[tuple[str, bytes]]: ...

    @abstractmethod
    def notified(self) -> list[str]:
        """Whom messages have called so far."""

    @abstractmethod
    def attempts(self, call: str) -> int:
        """How often the platform was asked to `open`, `post`, `file`, `update`, `react`, `unreact` or `whisper`."""

    # ------------------------------------------------------------ what people do

    @abstractmethod
    def write(self, who: str, thread: ThreadRef, text: str, file: tuple[str, bytes] | None = None) -> str:
        """Gives the message's id."""

    @abstractmethod
    def edit(self, who: str, thread: ThreadRef, message: str, text: str) -> None: ...

    @abstractmethod
    def delete(self, who: str, thread: ThreadRef, message: str) -> None: ...

    @abstractmethod
    def delete_root(self, thread: ThreadRef) -> None: ...

    @abstractmethod
    async def press(self, who: str, thread: ThreadRef, label: str) -> None:
        """A button of the card."""

    @abstractmethod
    def leave(self, who: str) -> None: ...

    # ------------------------------------------------------------ what the platform does

    @abstractmethod
    def fail(self, call: str, how: str) -> None:
        """The next `call` ends so: `later`, `slow_down` (for two seconds), `credentials`, `refused`, `lost` (done, and
        the answer does not come), `vanished` (not done, and no answer), `broken` (a server error).
        """

    @abstractmethod
    def hurry(self) -> None:
        """The platform waits but a moment for an acknowledgement."""

    @abstractmethod
    def again(self) -> None:
        """Brings every event a second time."""

    @abstractmethod
    async def settled(self) -> None:
        """All events are acknowledged or given up."""

    @abstractmethod
    async def away(self) -> None: ...

    @abstractmethod
    async def back(self) -> None: ...

    @abstractmethod
    def revoke(self) -> None:
        """The account's credentials hold no longer."""

    @abstractmethod
    def gone(self, message: str) -> None:
        """The file of that message can no longer be had."""

    @abstractmethod
    def unreadable(self) -> bytes:
        """An authentic body in which something is missing."""

    # ------------------------------------------------------------ listening

    @abstractmethod
    async def listen(self) -> None:
        """Returns once the adapter hears."""

    @abstractmethod
    async def hang_up(self) -> None:
        """Stops the adapter; returns when its `run` has ended."""


class SlackStage(Stage):
    _CALLS: Mapping[str, str] = {
        "open": "chat.postMessage",
        "post": "chat.postMessage",
        "file": "files.completeUploadExternal",
        "update": "chat.update",
        "react": "reactions.add",
        "unreact": "reactions.remove",
        "whisper": "chat.postEphemeral",
    }
    _FAULTS: Mapping[str, dict[str, Any]] = {
        "later": {"error": "service_unavailable"},
        "slow_down": {"status": 429, "retry_after": 2},
        "credentials": {"error": "token_revoked"},
        "refused": {"error": "invalid_arguments"},
        "lost": {"drop_after_effect": True},
        "vanished": {"drop_before_effect": True},
        "broken": {"status": 502},
    }

    def __init__(self, made: Desk) -> None:
        self.desk = made
        self.chat = made.chat
        self.sink = made.sink
        self.place = made.team
        self.agent, self.colleague, self.guest = made.ana, made.dewi, made.gita

    def threads(self) -> list[Shown]:
        return [_shown(one) for one in self.desk.ws.messages(self.place) if one.get("subtype") != "tombstone"]

    def thread(self, thread: ThreadRef) -> list[Shown]:
        found = self.desk.ws.thread(thread.place, thread.external_id)
        return [_shown(one) for one in found if one["ts"] != thread.external_id]

    def marks(self, thread: ThreadRef, message: str) -> set[str]:
        return {character(name) for name in self.desk.ws.reactions(thread.place, message)}

    def whispers(self, person: str) -> list[Shown]:
        return [_shown({"ts": one.ts, "text": one.text, "blocks": one.blocks}) for one in self.desk.ws.seen_by(person)]

    def files(self, thread: ThreadRef) -> list[tuple[str, bytes]]:
        messages = self.desk.ws.thread(thread.place, thread.external_id)
        shared = [file for one in messages for file in one.get("files", ())]
        return [(file["name"], self.desk.ws.files[file["id"]].content) for file in shared]

    def notified(self) -> list[str]:
        return [ping.target for ping in self.desk.ws.pings]

    def attempts(self, call: str) -> int:
        return len(self.desk.ws.calls(self._CALLS[call]))

    def write(self, who: str, thread: ThreadRef, text: str, file: tuple[str, bytes] | None = None) -> str:
        files = [file] if file else []
        return self.desk.ws.driver.post(who, thread.place, text, thread_ts=thread.external_id, files=files)

    def edit(self, who: str, thread: ThreadRef, message: str, text: str) -> None:
        self.desk.ws.driver.edit(who, thread.place, message, text)

    def delete(self, who: str, thread: ThreadRef, message: str) -> None:
        self.desk.ws.driver.delete(who, thread.place, message)

    def delete_root(self, thread: ThreadRef) -> None:
        self.desk.ws.driver.delete(self.desk.ana, thread.place, thread.external_id)

    async def press(self, who: str, thread: ThreadRef, label: str) -> None:
        assert (await self.desk.ws.driver.click(who, thread.external_id, label)).ok

    def leave(self, who: str) -> None:
        self.desk.ws.driver.leave(who, self.place)

    def fail(self, call: str, how: str) -> None:
        self.desk.server.fail_next(self._CALLS[call], **self._FAULTS[how])

    def hurry(self) -> None:
        self.desk.server.switches.ack_timeout = 0.3

    def again(self) -> None:
        for envelope in list(self.desk.ws.events):
            self.desk.server.delivery.redeliver(envelope["event_id"])

    async def settled(self) -> None:
        await self.until(lambda: self.desk.server.idle)

    async def away(self) -> None:
        await self.desk.server.stop()

    async def back(self) -> None:
        await self.desk.server.start()

    def revoke(self) -> None:
        self.desk.ws.token_error = "token_revoked"

    def gone(self, message: str) -> None:
        self.desk.server.fail_next("download", status=404)

    def unreadable(self) -> bytes:
        return json.dumps({"type": "event_callback", "event": {"type": "message", "text": "where?"}}).encode()

    async def listen(self) -> None:
        await self.desk.listen()

    async def hang_up(self) -> None:
        await self.desk.hang_up()


def _shown(message: Mapping[str, Any]) -> Shown:
    blocks = message.get("blocks") or ()
    elements = [one for block in blocks if block["type"] == "actions" for one in block["elements"]]
    labels = tuple(one["text"]["text"] for one in elements if one["type"] == "button")
    texts = [str(message.get("text", ""))]
    texts += [one["text"] for block in blocks for one in (block.get("text"), *block.get("fields", ())) if one]
    return Shown(id=message["ts"], text="\n".join(texts), buttons=labels)


@asynccontextmanager
async def slack(*, socket: bool) -> AsyncIterator[Stage]:
    async with desk(socket=socket, listening=False, posts_per_second=0) as made:
        made.ws.limits.enabled = False
        made.server.switches.retry_delays = (0.02, 0.05, 0.1)
        yield SlackStage(made)


Build: TypeAlias = Callable[[], Any]


def slack_over_socket() -> Any:
    return slack(socket=True)


def slack_over_http() -> Any:
    return slack(socket=False)


# For what goes outwards one way in is enough.
STAGES: tuple[Build, ...] = (slack_over_socket, slack_over_http)
OUTWARDS: tuple[Build, ...] = (slack_over_http,)
