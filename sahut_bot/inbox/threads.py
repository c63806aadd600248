"""What happens in a conversation's thread at the team chat: posts, edits, deletions, and a thread that is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sahut_bot.inbox import answers, bodies, commands, corrections, desk, lanes, people, replies
from sahut_bot.inbox.activity import Change
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.judge import Fate, Verdict, judge
from sahut_bot.inbox.models import agents, conversations, events_seen, messages, posts, threads
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.replies import Written
from sahut_bot.inbox.store import Tx
from sahut_bot.inbox.thread_index import conversation_of, wait_for_opening
from sahut_bot.text import tree
from sahut_bot.types import (
    AgentDelete,
    AgentEdit,
    AgentPost,
    Answer,
    CommandCall,
    Instant,
    MessageKind,
    Person,
    PersonChanged,
    PostedFile,
    Roster,
    ThreadLost,
    ThreadRef,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """The customer may see for `seconds` that an answer is being written."""

    channel: str
    address: str
    seconds: float


def on_post(tx: Tx, policy: Policy, post: AgentPost, now: Instant) -> Typing | None:
    """Judges what was typed, once, and does it. Unknown threads are none of our business."""
    conversation = conversation_of(tx, post.thread)
    if conversation is None:
        wait_for_opening(tx, post.thread)
        return None
    if not _first_time(tx, post.thread, f"post:{post.external_id}", now):
        return None
    if _happened(tx, post.thread, _deletion(post.external_id)):
        return None
    agent = people.meet(tx, policy, post.author)
    case = desk.take(tx, policy, conversation, now)
    verdict = judge(
        post.body,
        is_agent=agent is not None,
        mentions_bot=post.mentions_bot,
        reply_by_default=case.channel.reply_by_default,
        owned_by_other=agent is not None and case.owned_by_other(agent),
        commands=commands.NAMES,
    )
    if agent is None:
        case.drafts.append(lanes.whisper(case.id, case.teamchat, post.author.external_id, None, key="stranger.refused"))
        desk.close(tx, case)
        return None
    if verdict.fate is Fate.COMMAND:
        _command(tx, case, agent, post, verdict)
        return None
    typing = _keep(tx, case, agent, post, verdict)
    desk.close(tx, case)
    return typing


def _keep(tx: Tx, case: Case, agent: Agent, post: AgentPost, verdict: Verdict) -> Typing | None:
    body = tree.stripped(verdict.body)
    written = Written(body=body, at=post.at, files=post.files, post=post.external_id, thread=post.thread)
    if verdict.fate is Fate.NOTE:
        replies.note(tx, case, agent, written)
    elif verdict.fate is Fate.HELD:
        replies.hold_back(tx, case, agent, written, f"held.{verdict.reason}")
    elif post.caught_up and case.now - post.at > case.policy.old_after:
        replies.hold_back(tx, case, agent, written, "held.old")
    elif replies.reply(tx, case, agent, written):
        return Typing(channel=case.channel.name, address=case.address, seconds=case.channel.hold)
    return None


def _command(tx: Tx, case: Case, agent: Agent, post: AgentPost, verdict: Verdict) -> None:
    """A typed command has no private answer of the platform's own: it is whispered. An error leaves nothing else."""
    call = CommandCall(
        actor=post.author,
        name=verdict.command,
        text=tree.plain(verdict.body),
        body=verdict.body,
        files=post.files,
        thread=post.thread,
        at=post.at if post.caught_up else case.now,  # only what was caught up can be too old
    )
    answer = commands.run_in(tx, case, agent, call)
    if answer.text or answer.form or answer.listing:
        private = answer if answer.form is None else _as_button(case, answer)
        text = answers.dumps(private)
        case.drafts.append(lanes.whisper(case.id, case.teamchat, agent.who, None, answer=text))
    desk.close(tx, case)


def _as_button(case: Case, answer: Answer) -> Answer:
    """A form needs a fresh click: a typed line has none, so a button asks for it."""
    assert answer.form is not None
    return commands.form_button(case.policy, answer.form)


# ---------------------------------------------------------------- edits and deletions


def on_edit(tx: Tx, policy: Policy, event: AgentEdit, now: Instant) -> None:
    """A note never becomes a reply by editing, nor a sent reply a note."""
    post = _post(tx, event.thread, event.external_id)
    if post is None:
        on_post(tx, policy, _as_post(event), now)
    if post is None or post.origin != "agent" or post.message_id is None:
        return
    if not _first_time(tx, event.thread, f"edit:{event.external_id}:{event.at:.6f}", now):
        return
    agent = people.meet(tx, policy, event.author)
    case = desk.take(tx, policy, post.conversation_id, now)
    row = tx.execute(sa.select(messages).where(messages.c.id == post.message_id)).one()
    if agent is None or row.agent_id != agent.id:
        return
    verdict = judge(
        event.body,
        is_agent=True,
        mentions_bot=event.mentions_bot,
        reply_by_default=case.channel.reply_by_default,
        owned_by_other=False,
        commands=commands.NAMES,
    )
    # A command is not carried out by editing, and so keeps its name.
    body = tree.stripped(event.body if verdict.fate is Fate.COMMAND else verdict.body)
    note = row.kind == MessageKind.NOTE
    same = bodies.columns(body) == (row.body, row.markup)
    # The same words behind another prefix are another thing.
    if not same or verdict.fate is not (Fate.NOTE if note else Fate.REPLY):
        correct = corrections.edit_note if note else corrections.edit_reply
        correct(tx, case, agent, row, verdict, body)
    desk.close(tx, case)


def _as_post(event: AgentEdit) -> AgentPost:
    """What an edit says of a post that nobody has seen: it overtook the post, or is all that is left of it. One that
    was seen, and is no message (a command, a stranger's words), stays so.
    """
    return AgentPost(
        thread=event.thread,
        external_id=event.external_id,
        author=event.author,
        body=event.body,
        at=event.posted_at,
        files=event.files,
        mentions_bot=event.mentions_bot,
        caught_up=True,
    )


def on_delete(tx: Tx, policy: Policy, event: AgentDelete, now: Instant) -> None:
    """Also noted for a post that comes later than its own deletion. The post itself is enough to know it by: not every
    platform says in which thread it stood.
    """
    post = _post(tx, event.thread, event.external_id)
    if post is None and conversation_of(tx, event.thread) is None:
        wait_for_opening(tx, event.thread)
        return
    if not _first_time(tx, event.thread, _deletion(event.external_id), now):
        return
    if post is None or post.message_id is None:
        return
    case = desk.take(tx, policy, post.conversation_id, now)
    row = tx.execute(sa.select(messages).where(messages.c.id == post.message_id)).one()
    # What the customer wrote stays, whoever clears it away here.
    if row.kind != MessageKind.INCOMING:
        corrections.take_back(tx, case, row)
    desk.close(tx, case)


# ---------------------------------------------------------------- the thread itself


def on_lost(tx: Tx, policy: Policy, event: ThreadLost, now: Instant) -> None:
    """The thread's first message is gone: the conversation gets a new one, told what was said before."""
    conversation = conversation_of(tx, event.thread)
    if conversation is None:
        wait_for_opening(tx, event.thread)
        return
    case = desk.take(tx, policy, conversation, now)
    if case.thread == event.thread:
        lose(tx, case)
        case.drafts.append(lanes.opening(case.id, case.target))
        desk.close(tx, case)


def lose(tx: Tx, case: Case) -> None:
    """From now on the conversation has no thread; the next row of its lane opens one."""
    tx.execute(sa.update(threads).where(threads.c.conversation_id == case.id, sa.text("live")).values(live=False))
    case.thread = None
    case.changes.append(Change(case.id, "rebuilt", "system", case.now))


def on_posted_file(tx: Tx, policy: Policy, event: PostedFile, now: Instant) -> None:
    """A file that we shared has its message in the thread."""
    conversation = conversation_of(tx, event.thread)
    if conversation is not None:
        thread = event.thread
        row = {"teamchat": thread.teamchat, "place": thread.place, "external_id": event.external_id}
        tx.insert_ignore(posts, [{**row, "conversation_id": conversation, "message_id": None, "origin": "file"}])


def on_person(tx: Tx, policy: Policy, event: PersonChanged, now: Instant) -> None:
    """Somebody joined, left or changed. Who is no agent any more owns nothing that is still open."""
    agent = people.meet(tx, policy, event.person)
    if agent is not None:
        return
    person = event.person
    gone = sa.select(agents.c.id).where(
        agents.c.teamchat == person.teamchat, agents.c.external_id == person.external_id
    )
    owned = sa.select(conversations.c.id).where(conversations.c.assignee_id.in_(gone), sa.text("status <> 'resolved'"))
    for conversation in tx.execute(owned.order_by(conversations.c.id)).scalars().all():
        case = desk.take(tx, policy, conversation, now)
        case.own(None)
        case.change("owner_gone", "system", name=person.name)
        desk.close(tx, case)


def on_roster(tx: Tx, policy: Policy, event: Roster, now: Instant) -> None:
    """Who left while nobody listened is let go of like anybody who leaves."""
    here = sa.select(agents).where(agents.c.teamchat == event.teamchat, agents.c.active.is_(True))
    for row in tx.execute(here.order_by(agents.c.id)).all():
        if row.external_id not in event.members:
            person = Person(
                teamchat=row.teamchat,
                external_id=row.external_id,
                name=row.name,
                is_agent=False,
                timezone=row.timezone,
            )
            on_person(tx, policy, PersonChanged(person=person, at=event.at), now)


def _deletion(external_id: str) -> str:
    return f"delete:{external_id}"


def _happened(tx: Tx, thread: ThreadRef, key: str) -> bool:
    seen = sa.select(events_seen.c.at).where(
        events_seen.c.source == thread.teamchat, events_seen.c.key == f"{thread.place}:{key}"
    )
    return tx.execute(seen).first() is not None


def _first_time(tx: Tx, thread: ThreadRef, key: str, now: Instant) -> bool:
    row = {"source": thread.teamchat, "key": f"{thread.place}:{key}", "at": now}
    return bool(tx.insert_ignore(events_seen, [row], returning=[events_seen.c.key]))


def _post(tx: Tx, thread: ThreadRef, external_id: str) -> Any:
    query = sa.select(posts).where(
        posts.c.teamchat == thread.teamchat, posts.c.place == thread.place, posts.c.external_id == external_id
    )
    return tx.execute(query).first()
