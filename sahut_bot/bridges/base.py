"""The two protocols between the inbox and the chat platforms. Adapters convert and send; they never decide."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from sahut_bot.types import (
    AgentEvent,
    Answer,
    Capabilities,
    Card,
    CommandCall,
    Content,
    CustomerEvent,
    Health,
    Instant,
    Listing,
    Outbound,
    Person,
    RemoteFile,
    Resend,
    Sent,
    StoredFile,
    ThreadRef,
)


class Sink(Protocol):
    """Where adapters hand in what they heard. Returning means: durably stored, the platform may be answered.

    Raises `Busy` when it could not be stored; the adapter then lets the platform try again.
    """

    async def customer(self, event: CustomerEvent) -> None: ...

    async def agent(self, event: AgentEvent) -> None: ...

    async def command(self, call: CommandCall) -> Answer: ...

    async def home(self, person: Person, query: str) -> Listing:
        """The inbox for a person's home page; `query` is the text after `inbox`, empty for the default."""
        ...

    async def unreadable(self, source: str, body: bytes, error: str) -> None:
        """Keeps an authentic body that cannot be read. `error` names what stood in the way, without its text."""
        ...


@runtime_checkable
class CanReplay(Protocol):
    async def replay(self, body: bytes, sink: Sink) -> None:
        """Reads a kept body again and hands it in. Raises `NotUnderstood`."""
        ...


@runtime_checkable
class CanRecall(Protocol):
    def recall(self, place: str, method: str, ago: Sequence[float]) -> None:
        """Counts calls that an earlier run made so many seconds ago into the bucket of `TeamChat.room`."""
        ...


@runtime_checkable
class CanMiss(Protocol):
    async def missing(self, thread: ThreadRef, posts: Sequence[str]) -> list[str]:
        """Those of `posts` that people have deleted from the thread meanwhile. Raises a `PlatformError`."""
        ...


@runtime_checkable
class CanStandBy(Protocol):
    async def stand_by(self) -> None:
        """For a team chat that is started and does not `run` here, since another process listens: until cancelled,
        keeps an eye on the way out, which alone makes the health then.
        """
        ...


class Channel(Protocol):
    """The customer side. `name` is the settings' name of the channel, `kind` the adapter's."""

    name: str
    kind: str
    capabilities: Capabilities
    health: Health

    async def start(self) -> None:
        """Connects and checks the credentials. Raises `AuthFailed` or `Transient`."""
        ...

    async def stop(self) -> None: ...

    async def run(self, sink: Sink) -> None:
        """The long-lived loop of pollers and sockets; returns at once where there is none."""
        ...

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Pure. Raises `NotAuthentic`."""
        ...

    def decode(self, body: bytes, headers: Mapping[str, str], now: Instant) -> list[CustomerEvent]:
        """Pure. Raises `NotUnderstood`."""
        ...

    async def send(self, message: Outbound) -> Sent:
        """Exactly one attempt. Raises a `PlatformError`."""
        ...

    def fetch(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """The file's bytes, bounded in size and time. Raises a `PlatformError`."""
        ...


@runtime_checkable
class CanEdit(Protocol):
    async def edit(self, external_id: str, message: Outbound) -> None: ...


@runtime_checkable
class CanDelete(Protocol):
    async def delete(self, external_id: str, message: Outbound) -> None: ...


@runtime_checkable
class CanShowTyping(Protocol):
    async def typing(self, address: str, seconds: float) -> None:
        """The customer sees for `seconds` (0 = no longer) that an answer is being written. Never raises."""
        ...


class TeamChat(Protocol):
    """The agent side. Every method is exactly one attempt and raises a `PlatformError`."""

    kind: str
    health: Health
    resend: Resend

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def run(self, sink: Sink) -> None: ...

    async def open_thread(self, card: Card, place: str, key: str) -> ThreadRef: ...

    async def post(self, thread: ThreadRef, content: Content, key: str) -> Sent:
        """Raises `Permanent(code="thread_lost")` when the thread is gone; a stray post is taken back first."""
        ...

    async def post_file(self, thread: ThreadRef, file: StoredFile, comment: Content, key: str) -> Sent: ...

    async def edit(self, thread: ThreadRef, external_id: str, content: Content) -> None: ...

    async def refresh(self, thread: ThreadRef, card: Card) -> None: ...

    async def mark(self, thread: ThreadRef, external_id: str, mark: str) -> None:
        """Adds a reaction (Unicode). Already there is fine."""
        ...

    async def unmark(self, thread: ThreadRef, external_id: str, mark: str) -> None: ...

    async def whisper(self, thread: ThreadRef, person: str, answer: Answer) -> None:
        """Shown to one person alone, in the thread."""
        ...

    async def find(self, thread: ThreadRef | None, place: str, key: str, *, late: bool = False) -> Sent | None:
        """Did an earlier attempt with this key get through? `late`: what did may show only some seconds later."""
        ...

    async def catch_up(self, places: Sequence[str], after: Instant, sink: Sink) -> None:
        """Hands in what agents wrote after `after` while nobody listened: in order, `caught_up` set."""
        ...

    def fetch(self, file: RemoteFile) -> AsyncIterator[bytes]: ...

    def room(self, place: str, method: str) -> tuple[int, float]:
        """How many calls may start now in a rate bucket, and in how many seconds the next one may (0.0 = now).

        `method` is post, update, react, unreact or whisper; `place` matters to post alone.
        """
        ...
