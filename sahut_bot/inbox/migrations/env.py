"""Alembic's entry: the connection comes from `migrate`, each revision is one transaction."""

from __future__ import annotations

from alembic import context

from sahut_bot.inbox.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
