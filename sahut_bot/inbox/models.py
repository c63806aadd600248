"""The tables. SQLAlchemy Core alone: domain code reads rows and writes statements, no object outlives a transaction.

Times are floats (seconds UTC), enums are stored by value, JSON is text. Promises stand as constraints here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Big = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", Big, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Big, ForeignKey(target), nullable=nullable)


def _partial(name: str, *columns: Any, where: str, unique: bool = False) -> Index:
    """An index over the rows that matter. The literal must stand the same in the queries that use it."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


contacts = Table(
    "contacts",
    metadata,
    _id(),
    Column("name", Text, nullable=False, server_default=""),
    Column("phone", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("company", Text, nullable=False, server_default=""),
    Column("location", Text, nullable=False, server_default=""),
    Column("blocked_at", Float),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    _ref("contact_id", "contacts.id", nullable=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),  # in lower case, to compare
    Column("phone", Text, nullable=False, server_default=""),
    Column("verified", Boolean, nullable=False, server_default=text("false")),
    Column("seen_at", Float, nullable=False),
    UniqueConstraint("channel", "external_id"),
    Index("ix_identities_contact_id", "contact_id"),
    _partial("ix_identities_proven", "email", where="verified"),
)

agents = Table(
    "agents",
    metadata,
    _id(),
    Column("teamchat", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False, server_default="agent"),
    Column("availability", Text, nullable=False, server_default="online"),
    Column("timezone", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("teamchat", "external_id"),
)

teams = Table("teams", metadata, _id(), Column("name", Text, nullable=False, unique=True))

team_members = Table(
    "team_members",
    metadata,
    Column("team_id", Big, ForeignKey("teams.id"), primary_key=True),
    Column("agent_id", Big, ForeignKey("agents.id"), primary_key=True),
)

conversations = Table(
    "conversations",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),
    _ref("identity_id", "identities.id"),
    _ref("contact_id", "contacts.id"),
    Column("status", Text, nullable=False),
    _ref("assignee_id", "agents.id", nullable=True),
    _ref("team_id", "teams.id", nullable=True),
    Column("priority", Text, nullable=False, server_default="normal"),
    Column("first_line", Text, nullable=False, server_default=""),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("last_customer_at", Float),
    Column("waiting_since", Float),  # the oldest customer message nobody answered yet
    Column("resolved_at", Float),
    Column("snoozed_until", Float),
    Column("snooze_wake", Text, nullable=False, server_default="any"),
    _ref("previous_id", "conversations.id", nullable=True),
    # Two first messages at once cannot open two conversations.
    _partial("uq_conversations_live", "identity_id", where="status <> 'resolved'", unique=True),
    Index("ix_conversations_status", "status", "updated_at"),
    Index("ix_conversations_assignee", "assignee_id", "status"),
    Index("ix_conversations_contact_id", "contact_id"),
    Index("ix_conversations_identity_id", "identity_id"),
)

threads = Table(
    "threads",
    metadata,
    _id(),
    _ref("conversation_id", "conversations.id"),
    Column("teamchat", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("live", Boolean, nullable=False, server_default=text("true")),
    Column("recap", Boolean, nullable=False, server_default=text("false")),  # must still tell what was said before
    Column("created_at", Float, nullable=False),
    UniqueConstraint("teamchat", "place", "external_id"),
    _partial("uq_threads_live", "conversation_id", where="live", unique=True),
)

messages = Table(
    "messages",
    metadata,
    _id(),
    _ref("conversation_id", "conversations.id"),
    Column("kind", Text, nullable=False),
    _ref("agent_id", "agents.id", nullable=True),
    Column("body", Text, nullable=False),  # plain, for search and views
    Column("markup", Text, nullable=False, server_default=""),  # text.tree.dumps; empty: the body says it all
    Column("external_id", Text),  # the customer channel's id (of the first part)
    Column("automatic", Boolean, nullable=False, server_default=text("false")),
    Column("unknown_type", Text, nullable=False, server_default=""),
    Column("at", Float, nullable=False),
    # Grows with each change the customer can see, drawn from the ids: the live-chat feed reads `rev > cursor`.
    Column("rev", Big, nullable=False),
    Column("delivery", Text, nullable=False, server_default="none"),
    Column("reason", Text, nullable=False, server_default=""),  # why held or failed
    Column("marks", Text, nullable=False, server_default=""),  # delivery mark that the thread shows now
    Column("resolves", Boolean, nullable=False, server_default=text("false")),  # resolve once accepted
    Column("edited_at", Float),
    Column("deleted_at", Float),
    Index("ix_messages_feed", "conversation_id", "rev"),
    # The highest rev is found here without looking at the messages that never changed.
    _partial("ix_messages_rev", "rev", where="rev <> id"),
    Index("ix_messages_rev", "rev"),  # the highest one, where SQLite draws the next
)

attachments = Table(
    "attachments",
    metadata,
    _id(),
    _ref("message_id", "messages.id", nullable=True),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("source", Text, nullable=False),  # which adapter may fetch it: a channel's name or a team chat
    Column("owner", Text, nullable=False, server_default=""),  # the uploader's external id until a message has it
    Column("remote", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", Big, nullable=False),
    Column("path", Text, nullable=False, server_default=""),  # below the data directory; empty until fetched
    Column("state", Text, nullable=False),  # remote, stored, failed
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", Float, nullable=False),
    Index("ix_attachments_message_id", "message_id"),
)

parts = Table(
    "parts",
    metadata,
    _id(),
    _ref("message_id", "messages.id"),
    Column("position", Integer, nullable=False),
    Column("markup", Text, nullable=False, server_default=""),
    _ref("attachment_id", "attachments.id", nullable=True),
    Column("external_id", Text),
    Column("delivery", Text, nullable=False),
    UniqueConstraint("message_id", "position"),
    _partial("ix_parts_external_id", "external_id", where="external_id is not null"),
)

posts = Table(
    "posts",
    metadata,
    _id(),
    Column("teamchat", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    _ref("conversation_id", "conversations.id"),
    _ref("message_id", "messages.id", nullable=True),
    Column("origin", Text, nullable=False),  # agent (typed there), mirror or file (posted by us)
    UniqueConstraint("teamchat", "place", "external_id"),
    Index("ix_posts_message_id", "message_id"),
)

events_seen = Table(
    "events_seen",
    metadata,
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)

events_raw = Table(
    "events_raw",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False, server_default="{}"),
    Column("error", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("replayed_at", Float),
)

activity = Table(
    "activity",
    metadata,
    _id(),
    _ref("conversation_id", "conversations.id"),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),  # agent:<id>, customer, system
    Column("reason", Text, nullable=False, server_default=""),
    Column("data", Text, nullable=False, server_default="{}"),
    Column("at", Float, nullable=False),
    Index("ix_activity_conversation_id", "conversation_id", "id"),
)

labels = Table("labels", metadata, _id(), Column("name", Text, nullable=False, unique=True))

conversation_labels = Table(
    "conversation_labels",
    metadata,
    Column("conversation_id", Big, ForeignKey("conversations.id"), primary_key=True),
    Column("label_id", Big, ForeignKey("labels.id"), primary_key=True),
    Index("ix_conversation_labels_label_id", "label_id"),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("lane", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    _ref("conversation_id", "conversations.id", nullable=True),
    Column("ref", Big),  # message, part, attachment or activity id, by kind
    Column("payload", Text, nullable=False, server_default="{}"),
    Column("state", Text, nullable=False),  # pending, sending, done, failed, uncertain, cancelled
    Column("run_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    Column("told", Boolean, nullable=False, server_default=text("false")),  # that it is being retried
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    _partial("ix_outbox_lane", "lane", "id", where="state in ('pending','sending')"),
    _partial("ix_outbox_ref", "ref", "kind", where="state in ('pending','sending')"),
    _partial("uq_outbox_merge", "lane", where="kind = 'card' and state = 'pending'", unique=True),
    _partial("ix_outbox_opening", "target", where="kind = 'open' and state = 'sending'"),
    _partial("ix_outbox_failed", "id", where="state in ('failed','uncertain')"),
    _partial("ix_outbox_finished", "finished_at", where="finished_at is not null"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("run_at", Float, nullable=False),
    Column("lease", Float),
    _partial("ix_lanes_due", "target", "priority", "run_at", "lane", where="lease is null"),
    _partial("ix_lanes_lease", "lease", where="lease is not null"),
    sqlite_with_rowid=False,
)

timers = Table(
    "timers",
    metadata,
    _id(),
    _ref("conversation_id", "conversations.id"),
    Column("kind", Text, nullable=False),  # snooze, held, unseen
    Column("ref", Big, nullable=False, server_default="0"),
    Column("due_at", Float, nullable=False),
    UniqueConstraint("conversation_id", "kind", "ref"),
    Index("ix_timers_due_at", "due_at", "id"),
)

workspace = Table("workspace", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
