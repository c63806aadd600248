"""What an outbox row means by the time its turn comes: rows hold references, so an effect shows the state of then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from sahut_bot.types import Answer, Card, Content, Outbound, RemoteFile, StoredFile, ThreadRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Base of what the dispatcher performs; `teamchat` or `channel` names the adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenThread(Effect):
    """The row waits: its conversation has no thread yet (or any more), so that comes first."""

    teamchat: str
    place: str
    card: Card
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Effect):
    thread: ThreadRef
    content: Content
    key: str
    recap: bool = False  # what was said before the thread was rebuilt; the row waits behind it
    aside: bool = False  # small news: not worth waiting for another thread when this one is lost


@dataclass(frozen=True, slots=True, kw_only=True)
class PostFile(Effect):
    thread: ThreadRef
    file: StoredFile
    comment: Content
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPost(Effect):
    thread: ThreadRef
    external_id: str
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshCard(Effect):
    thread: ThreadRef
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMark(Effect):
    """`left`: other marks that earlier attempts may have put there; they are to come off."""

    thread: ThreadRef
    external_id: str
    message_id: int
    mark: str
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeMark(Effect):
    """`left` as in `SetMark`."""

    thread: ThreadRef
    external_id: str
    message_id: int
    mark: str
    last: bool
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper(Effect):
    thread: ThreadRef
    person: str
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Effect):
    """Brings a file's bytes to our disk; doing it twice changes nothing."""

    source: str
    attachment_id: int
    file: RemoteFile
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Effect):
    """One part of a reply. `last`: with it the whole reply is accepted."""

    outbound: Outbound
    part_id: int
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSent(Effect):
    outbound: Outbound
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSent(Effect):
    outbound: Outbound
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What an attempt made of an effect (None: there was nothing to do). `more`: the row goes on after this.

    `lost`: it met a thread that is gone. `result`: a Sent, a ThreadRef (opened), a StoredFile (fetched) or None.
    """

    effect: Any
    result: Any = None
    more: bool = False
    lost: bool = False


AnyEffect: TypeAlias = (
    OpenThread
    | Post
    | PostFile
    | EditPost
    | RefreshCard
    | SetMark
    | TakeMark
    | Whisper
    | Fetch
    | Send
    | EditSent
    | DeleteSent
)
