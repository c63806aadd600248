"""What may be asked of the outbox: one constructor per kind of effect, with its lane, target and priority.

Lanes of one conversation: `t` what its thread must show in order, `a` activity lines, `k` its card, `m` and `u`
marks put and taken back, `p` private words, `c` towards the customer. Each lane needs one rate bucket alone, so a
full bucket never stops another kind (docs/adr/0004).
"""

from __future__ import annotations

from sahut_bot.inbox.outbox import FAR, Draft
from sahut_bot.types import Instant

# When limits bind, lower goes first: customer message, error, new card, activity.
MESSAGE, ERROR, OPENING, ACTIVITY = 0, 1, 2, 3


def post_target(teamchat: str, place: str) -> str:
    return f"{teamchat}:{place}/post"


def method_target(teamchat: str, method: str) -> str:
    return f"{teamchat}/{method}"


def channel_target(channel: str) -> str:
    return f"channel/{channel}"


def _thread(kind: str, conversation: int, target: str, priority: int, ref: int | None, **payload: object) -> Draft:
    return Draft(
        lane=f"t:{conversation}",
        target=target,
        kind=kind,
        priority=priority,
        conversation_id=conversation,
        ref=ref,
        payload=payload,
    )


def opening(conversation: int, target: str) -> Draft:
    """The thread itself, with its card."""
    return _thread("open", conversation, target, OPENING, None)


def mirror(conversation: int, target: str, message: int, *, resurfaced: bool = False) -> Draft:
    """A message shown in the thread. `resurfaced`: it woke or reopened the conversation, so somebody must see it."""
    return _thread("mirror", conversation, target, MESSAGE, message, resurfaced=resurfaced)


def fetch_for_thread(conversation: int, target: str, attachment: int) -> Draft:
    return _thread("fetch", conversation, target, MESSAGE, attachment)


def file(conversation: int, target: str, attachment: int) -> Draft:
    return _thread("file", conversation, target, MESSAGE, attachment)


def mirror_edit(conversation: int, target: str, message: int) -> Draft:
    return _thread("mirror_edit", conversation, target, MESSAGE, message)


def error(conversation: int, target: str, key: str, agent: int | None, message: int | None, **params: object) -> Draft:
    """A line that somebody must read, mentioning `agent`."""
    return _thread("say", conversation, target, ERROR, message, key=key, params=params, agent=agent)


def resurface(conversation: int, target: str, key: str) -> Draft:
    """A line that brings the conversation back to people: its owner is mentioned, else the channel sees it."""
    return _thread("say", conversation, target, ERROR, None, key=key, params={}, agent=None, resurface=True)


def activity(conversation: int, target: str, activity_id: int, *, thread_open: bool) -> Draft:
    return Draft(
        lane=f"a:{conversation}",
        target=target,
        kind="activity",
        priority=ACTIVITY,
        conversation_id=conversation,
        ref=activity_id,
        run_at=None if thread_open else FAR,
    )


def card(conversation: int, teamchat: str, run_at: Instant | None = None) -> Draft:
    """The card drawn anew from the state of then; a waiting one stands for all, and keeps its time."""
    return Draft(
        lane=f"k:{conversation}",
        target=method_target(teamchat, "update"),
        kind="card",
        priority=OPENING,
        conversation_id=conversation,
        run_at=run_at,
    )


def mark(conversation: int, teamchat: str, message: int) -> Draft:
    return Draft(
        lane=f"m:{conversation}",
        target=method_target(teamchat, "react"),
        kind="mark",
        priority=MESSAGE,
        conversation_id=conversation,
        ref=message,
    )


def unmark(conversation: int, teamchat: str, message: int) -> Draft:
    return Draft(
        lane=f"u:{conversation}",
        target=method_target(teamchat, "unreact"),
        kind="unmark",
        priority=MESSAGE,
        conversation_id=conversation,
        ref=message,
    )


def whisper(conversation: int, teamchat: str, agent: str, ref: int | None, **payload: object) -> Draft:
    """Words for one person alone. With `ref`, the question about that held message; else `payload` is an answer."""
    return Draft(
        lane=f"p:{conversation}",
        target=method_target(teamchat, "whisper"),
        kind="ask" if ref else "whisper",
        priority=MESSAGE,
        conversation_id=conversation,
        ref=ref,
        payload={"to": agent, **payload},
    )


def to_customer(kind: str, conversation: int, channel: str, ref: int, run_at: Instant | None = None) -> Draft:
    """`kind` is fetch (an attachment), reply (a part), edit or delete (a message)."""
    return Draft(
        lane=f"c:{conversation}",
        target=channel_target(channel),
        kind=kind,
        priority=MESSAGE,
        conversation_id=conversation,
        ref=ref,
        run_at=run_at,
    )
