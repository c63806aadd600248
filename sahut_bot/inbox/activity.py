"""The record of what happened to a conversation: who, when, why. News of it goes to the thread in one short line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import sqlalchemy as sa

from sahut_bot.inbox import lanes
from sahut_bot.inbox.models import activity
from sahut_bot.inbox.outbox import Draft
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.types import Instant

# What the card alone shows: a line for each would drown the customer's words.
QUIET = frozenset({"created", "answered", "replied", "delivery", "time_up"})


@dataclass(frozen=True, slots=True)
class Change:
    """`actor` is `agent:<id>`, `customer` or `system`. `data` fills the line of locale key `activity.<kind>`."""

    conversation: int
    kind: str
    actor: str
    at: Instant
    reason: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


def record(
    tx: Tx, policy: Policy, changes: Sequence[Change], places: Mapping[int, str], channels: Mapping[int, str]
) -> list[Draft]:
    """Writes `changes` down and returns the drafts that tell the threads.

    `places` and `channels` by conversation: the place of its open thread (empty: none yet), and its channel's name.
    """
    if not changes:
        return []
    ids = tx.new_ids(activity, len(changes))
    rows = [
        {
            "id": new_id,
            "conversation_id": change.conversation,
            "kind": change.kind,
            "actor": change.actor,
            "reason": change.reason,
            "data": orjson.dumps(dict(change.data)).decode(),
            "at": change.at,
        }
        for new_id, change in zip(ids, changes, strict=True)
    ]
    tx.execute(sa.insert(activity), rows)
    drafts = []
    for new_id, change in zip(ids, changes, strict=True):
        if change.kind not in QUIET:
            channel = policy.channel(channels[change.conversation])
            place = places[change.conversation]
            target = lanes.post_target(channel.teamchat, place or channel.place)
            drafts.append(lanes.activity(change.conversation, target, new_id, thread_open=bool(place)))
    return drafts
