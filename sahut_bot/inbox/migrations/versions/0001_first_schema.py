"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:  # noqa: PLR0915 - one statement per table and index
    op.create_table(
        "agents",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("teamchat", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="agent", nullable=False),
        sa.Column("availability", sa.Text(), server_default="online", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_agents")),
        sa.UniqueConstraint("teamchat", "external_id", name=("uq_agents_teamchat_external_id")),
    )
    op.create_table(
        "contacts",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("company", sa.Text(), server_default="", nullable=False),
        sa.Column("location", sa.Text(), server_default="", nullable=False),
        sa.Column("blocked_at", sa.Float(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_contacts")),
    )
    op.create_table(
        "events_raw",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.Text(), server_default="{}", nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("replayed_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_events_raw")),
    )
    op.create_table(
        "events_seen",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name=("pk_events_seen")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "labels",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_labels")),
        sa.UniqueConstraint("name", name=("uq_labels_name")),
    )
    op.create_table(
        "lanes",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.Float(), nullable=False),
        sa.Column("lease", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("lane", name=("pk_lanes")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_lanes_due",
        "lanes",
        ["target", "priority", "run_at", "lane"],
        unique=False,
        sqlite_where=sa.text("lease is null"),
        postgresql_where=sa.text("lease is null"),
    )
    op.create_index(
        "ix_lanes_lease",
        "lanes",
        ["lease"],
        unique=False,
        sqlite_where=sa.text("lease is not null"),
        postgresql_where=sa.text("lease is not null"),
    )
    op.create_table(
        "teams",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_teams")),
        sa.UniqueConstraint("name", name=("uq_teams_name")),
    )
    op.create_table(
        "workspace",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=("pk_workspace")),
    )
    op.create_table(
        "identities",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("contact_id", BIG, nullable=True),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=("fk_identities_contact_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_identities")),
        sa.UniqueConstraint("channel", "external_id", name=("uq_identities_channel_external_id")),
    )
    op.create_index("ix_identities_contact_id", "identities", ["contact_id"], unique=False)
    op.create_index(
        "ix_identities_proven",
        "identities",
        ["email"],
        unique=False,
        sqlite_where=sa.text("verified"),
        postgresql_where=sa.text("verified"),
    )
    op.create_table(
        "team_members",
        sa.Column("team_id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=("fk_team_members_agent_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=("fk_team_members_team_id")),
        sa.PrimaryKeyConstraint("team_id", "agent_id", name=("pk_team_members")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("identity_id", BIG, nullable=False),
        sa.Column("contact_id", BIG, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("assignee_id", BIG, nullable=True),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column("first_line", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("last_customer_at", sa.Float(), nullable=True),
        sa.Column("waiting_since", sa.Float(), nullable=True),
        sa.Column("resolved_at", sa.Float(), nullable=True),
        sa.Column("snoozed_until", sa.Float(), nullable=True),
        sa.Column("snooze_wake", sa.Text(), server_default="any", nullable=False),
        sa.Column("previous_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(["assignee_id"], ["agents.id"], name=("fk_conversations_assignee_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=("fk_conversations_contact_id")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=("fk_conversations_identity_id")),
        sa.ForeignKeyConstraint(["previous_id"], ["conversations.id"], name=("fk_conversations_previous_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=("fk_conversations_team_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_conversations")),
    )
    op.create_index("ix_conversations_assignee", "conversations", ["assignee_id", "status"], unique=False)
    op.create_index("ix_conversations_contact_id", "conversations", ["contact_id"], unique=False)
    op.create_index("ix_conversations_identity_id", "conversations", ["identity_id"], unique=False)
    op.create_index("ix_conversations_status", "conversations", ["status", "updated_at"], unique=False)
    op.create_index(
        "uq_conversations_live",
        "conversations",
        ["identity_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'resolved'"),
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    op.create_table(
        "activity",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("data", sa.Text(), server_default="{}", nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=("fk_activity_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_activity")),
    )
    op.create_index("ix_activity_conversation_id", "activity", ["conversation_id", "id"], unique=False)
    op.create_table(
        "conversation_labels",
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("label_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=("fk_conversation_labels_conversation_id")
        ),
        sa.ForeignKeyConstraint(["label_id"], ["labels.id"], name=("fk_conversation_labels_label_id")),
        sa.PrimaryKeyConstraint("conversation_id", "label_id", name=("pk_conversation_labels")),
    )
    op.create_index("ix_conversation_labels_label_id", "conversation_labels", ["label_id"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("agent_id", BIG, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("markup", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("unknown_type", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("rev", BIG, nullable=False),
        sa.Column("delivery", sa.Text(), server_default="none", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("marks", sa.Text(), server_default="", nullable=False),
        sa.Column("resolves", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("edited_at", sa.Float(), nullable=True),
        sa.Column("deleted_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=("fk_messages_agent_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=("fk_messages_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_messages")),
    )
    op.create_index("ix_messages_feed", "messages", ["conversation_id", "rev"], unique=False)
    op.create_index(
        "ix_messages_rev",
        "messages",
        ["rev"],
        unique=False,
        sqlite_where=sa.text("rev <> id"),
        postgresql_where=sa.text("rev <> id"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("conversation_id", BIG, nullable=True),
        sa.Column("ref", BIG, nullable=True),
        sa.Column("payload", sa.Text(), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_at", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=("fk_outbox_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_failed",
        "outbox",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state in ('failed','uncertain')"),
        postgresql_where=sa.text("state in ('failed','uncertain')"),
    )
    op.create_index(
        "ix_outbox_finished",
        "outbox",
        ["finished_at"],
        unique=False,
        sqlite_where=sa.text("finished_at is not null"),
        postgresql_where=sa.text("finished_at is not null"),
    )
    op.create_index(
        "ix_outbox_lane",
        "outbox",
        ["lane", "id"],
        unique=False,
        sqlite_where=sa.text("state in ('pending','sending')"),
        postgresql_where=sa.text("state in ('pending','sending')"),
    )
    op.create_index(
        "ix_outbox_opening",
        "outbox",
        ["target"],
        unique=False,
        sqlite_where=sa.text("kind = 'open' and state = 'sending'"),
        postgresql_where=sa.text("kind = 'open' and state = 'sending'"),
    )
    op.create_index(
        "ix_outbox_ref",
        "outbox",
        ["ref", "kind"],
        unique=False,
        sqlite_where=sa.text("state in ('pending','sending')"),
        postgresql_where=sa.text("state in ('pending','sending')"),
    )
    op.create_index(
        "uq_outbox_merge",
        "outbox",
        ["lane"],
        unique=True,
        sqlite_where=sa.text("kind = 'card' and state = 'pending'"),
        postgresql_where=sa.text("kind = 'card' and state = 'pending'"),
    )
    op.create_table(
        "threads",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("teamchat", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("recap", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=("fk_threads_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_threads")),
        sa.UniqueConstraint("teamchat", "place", "external_id", name=("uq_threads_teamchat_place_external_id")),
    )
    op.create_index(
        "uq_threads_live",
        "threads",
        ["conversation_id"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "timers",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", BIG, server_default="0", nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=("fk_timers_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_timers")),
        sa.UniqueConstraint("conversation_id", "kind", "ref", name=("uq_timers_conversation_id_kind_ref")),
    )
    op.create_index("ix_timers_due_at", "timers", ["due_at", "id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("message_id", BIG, nullable=True),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("remote", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("path", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=("fk_attachments_message_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_attachments")),
    )
    op.create_index("ix_attachments_message_id", "attachments", ["message_id"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("teamchat", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", BIG, nullable=False),
        sa.Column("message_id", BIG, nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=("fk_posts_conversation_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=("fk_posts_message_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_posts")),
        sa.UniqueConstraint("teamchat", "place", "external_id", name=("uq_posts_teamchat_place_external_id")),
    )
    op.create_index("ix_posts_message_id", "posts", ["message_id"], unique=False)
    op.create_table(
        "parts",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("markup", sa.Text(), server_default="", nullable=False),
        sa.Column("attachment_id", BIG, nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachments.id"], name=("fk_parts_attachment_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=("fk_parts_message_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_parts")),
        sa.UniqueConstraint("message_id", "position", name=("uq_parts_message_id_position")),
    )
    op.create_index(
        "ix_parts_external_id",
        "parts",
        ["external_id"],
        unique=False,
        sqlite_where=sa.text("external_id is not null"),
        postgresql_where=sa.text("external_id is not null"),
    )

    if op.get_bind().dialect.name == "sqlite":
        _search_sqlite()
    else:
        _search_postgres()


def _search_sqlite() -> None:
    """New rows are indexed in bulk later; triggers follow what changes afterwards."""
    words = "tokenize = 'unicode61 remove_diacritics 2'"
    op.execute(f"CREATE VIRTUAL TABLE messages_search USING fts5(body, {words})")
    op.execute("""
        CREATE TRIGGER messages_search_changed AFTER UPDATE OF body, deleted_at ON messages BEGIN
            DELETE FROM messages_search WHERE rowid = new.id;
            INSERT INTO messages_search(rowid, body) SELECT new.id, new.body WHERE new.deleted_at IS NULL;
        END""")
    op.execute(f"CREATE VIRTUAL TABLE contacts_search USING fts5(name, email, phone, company, {words})")
    op.execute("""
        CREATE TRIGGER contacts_search_changed AFTER UPDATE OF name, email, phone, company ON contacts BEGIN
            DELETE FROM contacts_search WHERE rowid = new.id;
            INSERT INTO contacts_search(rowid, name, email, phone, company)
                VALUES (new.id, new.name, new.email, new.phone, new.company);
        END""")


def _search_postgres() -> None:
    marks = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"
    people = "contacts.name || ' ' || contacts.email || ' ' || contacts.phone || ' ' || contacts.company"
    for table, text in (("messages", "messages.body"), ("contacts", people)):
        words = f"translate(left({text}, 50000), '{marks}', '{' ' * 32}')"
        op.execute(f"CREATE INDEX ix_{table}_search ON {table} USING gin (to_tsvector('simple', {words}))")
