"""Until when a team chat was heard: what was written there after that has to be caught up."""

from __future__ import annotations

import sqlalchemy as sa

from sahut_bot.inbox.models import workspace
from sahut_bot.inbox.store import Rx, Tx
from sahut_bot.types import Instant


def until(rx: Rx, teamchat: str) -> Instant | None:
    """None when it was never heard."""
    value = rx.execute(sa.select(workspace.c.value).where(workspace.c.key == f"heard:{teamchat}")).scalar()
    return float(value) if value is not None else None


def save(tx: Tx, teamchat: str, at: Instant) -> None:
    row = {"key": f"heard:{teamchat}", "value": repr(at)}
    tx.upsert(workspace, [row], key=("key",), update=lambda new: {"value": new.value})
