"""Ids, enums, capabilities and frozen values shared by all. No behaviour, no I/O.

Times are `Instant`: seconds since 1970-01-01 UTC as a float (docs/adr/0002). Ids are the database's integers;
people see a conversation's as `#1042`, programs as `conv_1042`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from sahut_bot.text.markup import Markup

Instant: TypeAlias = float


class Status(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class MessageKind(StrEnum):
    """`REPLY` alone may travel to a customer by an agent's hand; `NOTE` never does."""

    INCOMING = "incoming"
    REPLY = "reply"
    NOTE = "note"


class Delivery(StrEnum):
    """Where a reply stands. Incoming messages and notes stay `NONE`."""

    NONE = "none"
    HELD = "held"  # asks its author, occupies no lane
    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Availability(StrEnum):
    ONLINE = "online"
    BUSY = "busy"
    OFFLINE = "offline"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Wake(StrEnum):
    """Which customer message ends a snooze before its time."""

    ANY = "any"
    QUESTION = "question"
    NEVER = "never"


class Resend(StrEnum):
    """What may be done with a send whose outcome is unknown (design 4.6)."""

    NONCE = "nonce"  # again with the same key
    LOOKUP = "lookup"  # ask `find` first
    SAFE = "safe"  # sending again has no second effect
    NEVER = "never"  # mark it, ask the agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a customer channel can do, as data. `text_unit` is chars, utf16 or bytes; sizes in bytes."""

    text_limit: int
    text_unit: str = "chars"
    file_limit: int = 25 * 1024 * 1024
    files_per_message: int = 10
    refused_types: frozenset[str] = frozenset()
    edit: bool = False
    delete: bool = False
    receipts: bool = False
    reactions: bool = False
    typing: bool = False
    reply_window: float | None = None
    files_with_text: bool = False  # one message may carry text and files together
    mailbox: bool = False  # accepted means stored for the customer, who may be away
    resend: Resend = Resend.NEVER


# ---------------------------------------------------------------- customer side, inwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who wrote, as the channel knows them. `verified`: the channel or a signature proves e-mail and phone."""

    external_id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at a platform. `remote` is opaque to all but the adapter that made it. `size` may be 0 = unknown."""

    name: str
    content_type: str
    size: int
    remote: str
    refusal: str = ""  # why it cannot be fetched (plain words); empty = fetchable


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMessage:
    channel: str
    key: str  # the event's identity: seen before = no second effect
    external_id: str
    sender: Sender
    body: Markup
    at: Instant
    files: tuple[RemoteFile, ...] = ()
    stored_files: tuple[int, ...] = ()  # attachments that are ours already (live-chat uploads)
    unknown_type: str = ""  # a type we do not know, as the platform calls it
    automatic: bool = False  # auto-reply or bounce: changes no state


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEdit:
    channel: str
    key: str
    external_id: str
    sender: Sender
    body: Markup
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDelete:
    channel: str
    key: str
    external_id: str
    sender: Sender
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReaction:
    channel: str
    key: str
    external_id: str  # of the message reacted to
    sender: Sender
    emoji: str  # Unicode; empty = taken back
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReceipt:
    """The platform's word about a message we sent: delivered, read or failed (with its reason)."""

    channel: str
    key: str
    external_id: str
    delivery: Delivery
    at: Instant
    reason: str = ""


CustomerEvent: TypeAlias = CustomerMessage | CustomerEdit | CustomerDelete | CustomerReaction | CustomerReceipt


# ---------------------------------------------------------------- team side, inwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of the team chat. `is_agent`: a full member of a team channel (no guest, no external, no bot)."""

    teamchat: str
    external_id: str
    name: str
    is_agent: bool
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRef:
    """A conversation's thread. `place` is the channel or forum, `external_id` the thread's id there."""

    teamchat: str
    place: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPost:
    """Something typed in a thread, not yet judged note or reply."""

    thread: ThreadRef
    external_id: str
    author: Person
    body: Markup
    at: Instant
    files: tuple[RemoteFile, ...] = ()
    mentions_bot: bool = False  # `body` then comes without that mention
    caught_up: bool = False  # found by catch-up, not heard live


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEdit:
    """`posted_at`: when the message was first written, 0 where that is not told. It may come before its post does."""

    thread: ThreadRef
    external_id: str
    author: Person
    body: Markup
    at: Instant
    posted_at: Instant = 0.0
    files: tuple[RemoteFile, ...] = ()
    mentions_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDelete:
    thread: ThreadRef
    external_id: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLost:
    """The thread's first message is gone (deleted, or a post meant for it came out at channel level)."""

    thread: ThreadRef
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChanged:
    """Joined or left a team channel, renamed, deactivated, became a guest: the new truth about them."""

    person: Person
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody who is an agent now, by their ids at the team chat; who is not named is none (any more)."""

    teamchat: str
    members: frozenset[str]
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedFile:
    """A file that we shared has appeared in the thread as message `external_id` (`key` = what we called it)."""

    thread: ThreadRef
    key: str
    external_id: str
    at: Instant


AgentEvent: TypeAlias = AgentPost | AgentEdit | AgentDelete | ThreadLost | PersonChanged | Roster | PostedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCall:
    """A command from any mouth: slash, button, form, shortcut or text.

    `name` is the command's first word; `text` its raw arguments; `fields` a submitted form's values by field name.
    `thread` is the thread it was called in, else None. `about` is the message a shortcut was called on.
    """

    actor: Person
    name: str
    text: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    thread: ThreadRef | None = None
    about: str = ""
    body: Markup = ()  # `text` with its marks, where the mouth knows them
    files: tuple[RemoteFile, ...] = ()
    at: Instant


# ---------------------------------------------------------------- neutral user interface


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A command with fixed arguments, as text: works after a restart and on any process."""

    label: str
    command: str  # like "claim #1042"
    style: str = ""  # primary, danger or empty
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`kind` is text, lines, choice (one of `options`) or choices (several, value comma-separated)."""

    name: str
    label: str
    kind: str = "text"
    options: tuple[Option, ...] = ()
    value: str = ""
    hint: str = ""
    optional: bool = False
    limit: int = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A command whose arguments are not complete; submitting it is a CommandCall of `command` with `fields`."""

    command: str  # like "snooze #1042"
    title: str
    submit: str
    fields: tuple[Field, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One labelled line of a card or a list. `instant` is rendered in the reader's own zone where the platform can."""

    label: str
    text: str = ""
    instant: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One conversation in a list. `thread`: where it is, for platforms that can link there."""

    number: int
    title: str
    line: str
    detail: str
    times: tuple[Fact, ...] = ()  # shown behind `detail`
    thread: ThreadRef | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The inbox or a search result, one page. `filters`, `statuses` and `pages` are rows of buttons."""

    title: str
    rows: tuple[Row, ...]
    filters: tuple[Button, ...] = ()
    statuses: tuple[Button, ...] = ()
    pages: tuple[Button, ...] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command answers its caller. `private`: shown to them alone. `field_errors`: keep the form open."""

    text: str = ""
    private: bool = True
    buttons: tuple[Button, ...] = ()
    form: Form | None = None
    listing: Listing | None = None
    field_errors: Mapping[str, str] = field(default_factory=dict)
    ok: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The first message of a thread, always rendered from the state of now."""

    conversation: int
    title: str
    first_line: str
    facts: tuple[Fact, ...]
    mode_line: str
    buttons: tuple[Button, ...]
    more: tuple[Button, ...] = ()
    more_label: str = ""
    status: Status = Status.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file on our disk. `path` is absolute; `id` names it in the store."""

    id: int
    name: str
    content_type: str
    size: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One post in a thread. `as_name`: shown under that name (customer or agent), else as the bot.

    `mention`: external ids of people to notify. `broadcast`: also shown in the channel.
    """

    body: Markup
    as_name: str = ""
    customer: bool = False
    mention: tuple[str, ...] = ()
    broadcast: bool = False
    quiet: bool = False  # an activity line: small print
    buttons: tuple[Button, ...] = ()


class Mark(StrEnum):
    """Set by the bot on a message in the thread. One delivery mark shows at a time."""

    QUEUED = "⏳"
    HELD = "✋"
    ACCEPTED = "✅"
    DELIVERED = "📬"
    READ = "👀"
    FAILED = "❌"
    UNCERTAIN = "❓"
    NOTE = "🔒"


# ---------------------------------------------------------------- outwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One attempt's worth of reply towards a customer: a `Reply` part and nothing else can become one."""

    channel: str
    address: str  # the identity's external id
    key: str  # our idempotency key
    message_id: int
    body: Markup = ()
    files: tuple[StoredFile, ...] = ()
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The platform accepted it. `external_id` is the id of what was made there."""

    external_id: str
    at: Instant = 0.0


class Health(StrEnum):
    STARTING = "starting"
    CONNECTED = "connected"
    DEGRADED = "degraded"
    BAD_CREDENTIALS = "bad_credentials"
    STOPPED = "stopped"
