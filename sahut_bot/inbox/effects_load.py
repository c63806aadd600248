"""Outbox rows into effects: a few set-based reads for all rows of a claim, then pure choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from sahut_bot.inbox import answers, bodies, marks, sending, views, views_commands
from sahut_bot.inbox.effects import (
    AnyEffect,
    EditPost,
    Fetch,
    OpenThread,
    Post,
    PostFile,
    RefreshCard,
    Whisper,
)
from sahut_bot.inbox.models import (
    activity,
    agents,
    attachments,
    contacts,
    conversations,
    identities,
    messages,
    outbox,
    posts,
    threads,
)
from sahut_bot.inbox.outbox_claims import Claimed
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.text import tree
from sahut_bot.types import (
    Answer,
    Button,
    Content,
    Delivery,
    MessageKind,
    RemoteFile,
    StoredFile,
    ThreadRef,
)


@dataclass(slots=True)
class Loaded:
    """All that the rows of one claim refer to, by id."""

    tx: Tx
    policy: Policy
    talks: dict[int, Any]
    messages: dict[int, Any]
    files: dict[int, Any]
    activities: dict[int, Any]
    posted: dict[int, Any]
    cards: dict[int, Any]
    data_dir: str


_TALKS = sa.select(
    conversations.c.id,
    conversations.c.channel,
    conversations.c.contact_id,
    identities.c.external_id.label("address"),
    sa.func.coalesce(sa.func.nullif(contacts.c.name, ""), identities.c.name).label("contact_name"),
    agents.c.external_id.label("owner_who"),
    agents.c.name.label("owner_name"),
    threads.c.id.label("thread_row"),
    threads.c.teamchat,
    threads.c.place,
    threads.c.external_id.label("thread_id"),
    threads.c.recap,
).select_from(
    conversations.join(identities, identities.c.id == conversations.c.identity_id)
    .join(contacts, contacts.c.id == conversations.c.contact_id)
    .outerjoin(agents, (agents.c.id == conversations.c.assignee_id) & agents.c.active.is_(True))
    .outerjoin(threads, (threads.c.conversation_id == conversations.c.id) & sa.text("threads.live"))
)
_ABOUT_MESSAGES = frozenset({"mirror", "mirror_edit", "mark", "unmark", "ask", "reply", "edit", "delete"})
_ABOUT_FILES = frozenset({"fetch", "file"})


def load(tx: Tx, policy: Policy, data_dir: str, rows: Sequence[Claimed]) -> list[AnyEffect | None]:
    """What to perform for each row; None where there is nothing left to do."""
    loaded = _gather(tx, policy, data_dir, rows)
    effects = [_effect(loaded, row) for row in rows]
    marks.note(tx, rows, effects)
    return effects


def _gather(tx: Tx, policy: Policy, data_dir: str, rows: Sequence[Claimed]) -> Loaded:
    talk_ids = sorted({row.conversation_id for row in rows if row.conversation_id is not None})
    talks = {row.id: row for row in tx.execute(_TALKS.where(tx.among(conversations.c.id, talk_ids)))}
    message_ids = sorted({row.ref for row in rows if row.kind in _ABOUT_MESSAGES and row.ref is not None})
    file_ids = sorted({row.ref for row in rows if row.kind in _ABOUT_FILES and row.ref is not None})
    activity_ids = sorted({row.ref for row in rows if row.kind == "activity" and row.ref is not None})
    shown_ids = sorted({row.ref for row in rows if row.kind in ("mark", "unmark", "mirror_edit") and row.ref})
    drawn = {
        row.conversation_id
        for row in rows
        if row.conversation_id in talks
        and (row.kind == "card" or (row.lane[0] == "t" and talks[row.conversation_id].thread_row is None))
    }
    return Loaded(
        tx=tx,
        policy=policy,
        talks=talks,
        messages=_by_id(tx, messages, message_ids),
        files=_by_id(tx, attachments, file_ids),
        activities=_by_id(tx, activity, activity_ids),
        posted=_posted(tx, shown_ids),
        cards=views.cards(tx, policy, sorted(number for number in drawn if number is not None)) if drawn else {},
        data_dir=data_dir,
    )


def _by_id(tx: Tx, table: sa.Table, ids: list[int]) -> dict[int, Any]:
    return {row.id: row for row in tx.execute(sa.select(table).where(tx.among(table.c.id, ids)))} if ids else {}


def _posted(tx: Tx, ids: list[int]) -> dict[int, Any]:
    """By message: where it stands in the thread (the newest, for a message that a rebuilt thread shows again)."""
    if not ids:
        return {}
    query = sa.select(posts).where(tx.among(posts.c.message_id, ids), posts.c.origin != "file").order_by(posts.c.id)
    return {row.message_id: row for row in tx.execute(query)}


def _effect(loaded: Loaded, row: Claimed) -> AnyEffect | None:
    talk = loaded.talks.get(row.conversation_id or 0)
    if talk is None:
        return None
    if row.lane[0] == "c":
        return _customer(loaded, row, talk)
    if talk.thread_row is None:
        return _opening(loaded, row, talk) if row.lane[0] == "t" else None
    thread = ThreadRef(teamchat=talk.teamchat, place=talk.place, external_id=talk.thread_id)
    if row.lane[0] == "t" and talk.recap:
        return _recap(loaded, row, talk, thread)
    make = _KINDS.get(row.kind)
    return make(loaded, row, talk, thread) if make else None


def _customer(loaded: Loaded, row: Claimed, talk: Any) -> AnyEffect | None:
    channel = loaded.policy.channel(talk.channel)
    if row.kind == "fetch":
        return _fetch(loaded, row, talk, None)
    message = loaded.messages.get(row.ref or 0)
    # The belt behind the types: whatever the row says, only a reply leaves.
    if message is None or message.kind != MessageKind.REPLY:
        return None
    return sending.effect(loaded.tx, channel, row.kind, message, talk.address, loaded.data_dir)


def _opening(loaded: Loaded, row: Claimed, talk: Any) -> AnyEffect:
    channel = loaded.policy.channel(talk.channel)
    card = loaded.cards[talk.id]
    return OpenThread(teamchat=channel.teamchat, place=channel.place, card=card, key=f"open:{talk.id}:{row.id}")


def _recap(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect:
    """A rebuilt thread first tells what was said; what still waits in the lane comes by itself."""
    waiting = sa.select(sa.func.min(outbox.c.ref)).where(
        outbox.c.lane == row.lane, outbox.c.kind == "mirror", sa.text("outbox.state in ('pending','sending')")
    )
    before = loaded.tx.execute(waiting).scalar() or 1 << 62
    lines = [loaded.policy.say("thread.rebuilt")]
    lines += [_recap_line(loaded.policy, message, talk) for message in views_commands.recap(loaded.tx, talk.id, before)]
    content = Content(body=tree.text("\n".join(lines)), quiet=False)
    return Post(thread=thread, content=content, key=f"recap:{talk.thread_row}", recap=True)


def _recap_line(policy: Policy, message: Any, talk: Any) -> str:
    body = message.body[:500] or policy.say("message.files_only")
    if message.kind == MessageKind.INCOMING:
        return f"{talk.contact_name or policy.say('card.customer')}: {body}"
    if message.kind == MessageKind.NOTE:
        return f"{policy.say('recap.note')}: {body}"
    return f"{policy.say('recap.reply')} {marks.wanted(message)}: {body}"


# ---------------------------------------------------------------- in the thread


def _mirror(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    message = loaded.messages.get(row.ref or 0)
    if message is None:
        return None
    content = _shown(loaded, message, talk, resurfaced=bool(row.payload.get("resurfaced")))
    return Post(thread=thread, content=content, key=f"row:{row.id}")


def _shown(loaded: Loaded, message: Any, talk: Any, *, resurfaced: bool = False) -> Content:
    say = loaded.policy.say
    if message.kind != MessageKind.INCOMING:
        agent = loaded.tx.execute(sa.select(agents.c.name).where(agents.c.id == message.agent_id)).scalar() or ""
        prefix = tree.text("🔒 ") if message.kind == MessageKind.NOTE else ()
        return Content(body=(*prefix, *bodies.of(message)), as_name=agent)
    body = bodies.of(message)
    if message.deleted_at is not None:
        body = tree.text(say("message.deleted"))
    elif message.unknown_type:
        body = (*tree.text(say("message.unknown_type", type=message.unknown_type)), *body)
    elif message.edited_at is not None:
        body = (*body, *tree.text(f" ({say('message.edited')})"))
    return Content(
        body=body or tree.text(say("message.files_only")),
        as_name=talk.contact_name or say("card.customer"),
        customer=True,
        mention=(talk.owner_who,) if resurfaced and talk.owner_who else (),
        broadcast=resurfaced and not talk.owner_who,
    )


def _mirror_edit(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    message, post = loaded.messages.get(row.ref or 0), loaded.posted.get(row.ref or 0)
    if message is None or post is None:
        return None  # not in the thread yet: it will be shown as it is then
    place = ThreadRef(teamchat=post.teamchat, place=post.place, external_id=thread.external_id)
    return EditPost(thread=place, external_id=post.external_id, content=_shown(loaded, message, talk))


def _fetch(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef | None) -> AnyEffect | None:
    file = loaded.files.get(row.ref or 0)
    if file is None or file.state != "remote":
        return None
    remote = RemoteFile(name=file.name, content_type=file.content_type, size=file.size, remote=file.remote)
    limit = loaded.policy.channel(talk.channel).capabilities.file_limit
    return Fetch(source=file.source, attachment_id=file.id, file=remote, limit=limit)


def _file(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    file = loaded.files.get(row.ref or 0)
    if file is None:
        return None
    if file.state == "stored":
        comment = Content(body=(), as_name=talk.contact_name or loaded.policy.say("card.customer"), customer=True)
        return PostFile(thread=thread, file=stored(file, loaded.data_dir), comment=comment, key=f"row:{row.id}")
    reason = file_reason(loaded.policy, file.reason)
    body = tree.text(loaded.policy.say("file.failed", name=file.name, reason=reason))
    return Post(thread=thread, content=Content(body=body), key=f"row:{row.id}")


def file_reason(policy: Policy, reason: str) -> str:
    """A file's reason is one of our keys, or the platform's plain words."""
    return policy.say(reason) if reason.startswith("file.") else reason


def stored(file: Any, data_dir: str) -> StoredFile:
    return StoredFile(
        id=file.id, name=file.name, content_type=file.content_type, size=file.size, path=f"{data_dir}/{file.path}"
    )


def _say(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect:
    say, payload = loaded.policy.say, row.payload
    params = dict(payload.get("params") or {})
    if "reason" in params:
        params["reason"] = file_reason(loaded.policy, str(params["reason"]))
    who = loaded.tx.execute(sa.select(agents.c.external_id).where(agents.c.id == payload.get("agent"))).scalar()
    resurface = bool(payload.get("resurface"))
    who = who or (talk.owner_who if resurface else None)
    buttons: tuple[Button, ...] = ()
    if row.ref and payload["key"] in ("reply.failed", "reply.uncertain"):
        buttons = (Button(label=say("button.retry"), command=f"retry #{talk.id} {row.ref}", style="primary"),)
    content = Content(
        body=tree.text(say(str(payload["key"]), **params)),
        mention=(who,) if who else (),
        broadcast=resurface and not who,
        buttons=buttons,
    )
    return Post(thread=thread, content=content, key=f"row:{row.id}")


def _activity(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    entry = loaded.activities.get(row.ref or 0)
    if entry is None:
        return None
    data = orjson.loads(entry.data)
    say = loaded.policy.say
    undo = (Button(label=say("button.undo"), command=f"undo #{talk.id}"),) if data.get("undo") else ()
    content = Content(
        body=tree.text(views_commands.activity_line(loaded.policy, entry)),
        mention=(data["mention"],) if data.get("mention") else (),
        quiet=True,
        buttons=undo,
    )
    return Post(thread=thread, content=content, key=f"row:{row.id}", aside=True)


def _card(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    card = loaded.cards.get(talk.id)
    return RefreshCard(thread=thread, card=card) if card else None


# ---------------------------------------------------------------- marks and private words


def _mark(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    message, post = loaded.messages.get(row.ref or 0), loaded.posted.get(row.ref or 0)
    if message is None or post is None:
        return None  # what a command wrote is marked once it has been posted
    return marks.to_set(row, message, post, thread)


def _unmark(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    message, post = loaded.messages.get(row.ref or 0), loaded.posted.get(row.ref or 0)
    return None if message is None or post is None else marks.to_take(message, post, thread)


def _ask(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect | None:
    message = loaded.messages.get(row.ref or 0)
    if message is None or message.delivery != Delivery.HELD:
        return None
    say = loaded.policy.say
    author = loaded.tx.execute(sa.select(agents.c.external_id).where(agents.c.id == message.agent_id)).scalar()
    others = talk.owner_who not in (None, author)
    choices = ("take", "send", "note", "drop") if others else ("send", "note", "drop")
    buttons = tuple(
        Button(
            label=say(f"held.button.{choice}"),
            command=f"held #{talk.id} {message.id} {choice}",
            style="primary" if choice == "note" else "",
        )
        for choice in choices
    )
    quote = tree.first_line(bodies.of(message), 150)
    owner = talk.owner_name or say("held.another")
    answer = Answer(text=say(message.reason, text=quote, number=talk.id, owner=owner), buttons=buttons)
    return Whisper(thread=thread, person=str(row.payload["to"]), answer=answer)


def _whisper(loaded: Loaded, row: Claimed, talk: Any, thread: ThreadRef) -> AnyEffect:
    payload = row.payload
    if "answer" in payload:
        answer = answers.loads(str(payload["answer"]))
    else:
        answer = Answer(text=loaded.policy.say(str(payload["key"])), ok=False)
    return Whisper(thread=thread, person=str(payload["to"]), answer=answer)


_KINDS: dict[str, Callable[[Loaded, Claimed, Any, ThreadRef], AnyEffect | None]] = {
    "mirror": _mirror,
    "mirror_edit": _mirror_edit,
    "fetch": _fetch,
    "file": _file,
    "say": _say,
    "activity": _activity,
    "card": _card,
    "mark": _mark,
    "unmark": _unmark,
    "ask": _ask,
    "whisper": _whisper,
}
