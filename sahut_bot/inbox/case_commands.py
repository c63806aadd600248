"""The commands that work on one conversation: from words or form fields to an operation."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from sahut_bot.errors import UserError
from sahut_bot.inbox import forms, operations, people, replies, views_commands
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.models import contacts
from sahut_bot.inbox.replies import Written
from sahut_bot.inbox.store import Tx
from sahut_bot.text import timewords, tree
from sahut_bot.text.markup import Markup
from sahut_bot.types import Answer, Button, CommandCall, Priority, Wake

DONE = Answer()


def _said(case: Case, key: str, **params: object) -> Answer:
    return Answer(text=case.policy.say(key, number=case.id, **params))


def claim(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    operations.claim(tx, case, agent)
    return _outside(case, call, "claim.done")


def _outside(case: Case, call: CommandCall, key: str, **params: object) -> Answer:
    """Success shows in the thread; who acted elsewhere is told privately."""
    return DONE if call.thread is not None and case.thread == call.thread else _said(case, key, **params)


def release(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    operations.release(tx, case, agent)
    return _outside(case, call, "release.done")


def assign(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    wanted = call.fields.get("to") or _mentioned(call.body) or call.text.strip()
    if not wanted:
        return Answer(form=forms.assign(tx, case))
    if wanted.startswith("team:"):
        operations.assign_team(tx, case, agent, wanted.removeprefix("team:"))
    else:
        try:
            other = people.named(tx, case.teamchat, wanted)
        except UserError as error:
            if error.key != "assign.unknown":
                raise
            operations.assign_team(tx, case, agent, wanted)
        else:
            operations.assign(tx, case, agent, other)
    return _outside(case, call, "assign.done")


def _mentioned(body: Markup) -> str:
    mention = next((one for one in tree.mentions(body) if one.kind == "user"), None)
    return mention.id if mention else ""


def reply(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    body = _body(call)
    if not body and not call.files:
        return Answer(form=forms.reply(case))
    return _send(tx, case, agent, call, body)


def _send(tx: Tx, case: Case, agent: Agent, call: CommandCall, body: Markup, *, resolves: bool = False) -> Answer:
    written = Written(body=body, at=call.at, files=call.files)
    kept = replies.by_command(tx, case, agent, written, resolves=resolves)
    return _outside(case, call, f"reply.{kept}")


def _body(call: CommandCall) -> Markup:
    text = call.fields.get("text", "")
    return tree.stripped(tree.text(text) if text else call.body or tree.text(call.text))


def note(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    body = _body(call)
    if not body and not call.files:
        return Answer(form=forms.note(case))
    replies.note(tx, case, agent, Written(body=body, at=call.at, files=call.files))
    return _outside(case, call, "note.done")


def snooze(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    words, wake = _snooze_words(call)
    if not words:
        return Answer(form=forms.snooze(case))
    policy = case.policy
    try:
        until = timewords.parse(
            words, policy.local(case.now, agent.timezone), opening=policy.opening, closing=policy.closing
        )
    except UserError as refused:
        if not call.fields:
            raise
        return Answer(field_errors={"when": policy.say(refused.key, **refused.params)}, ok=False)
    shown = policy.say("snooze.until_reply")
    if until is not None:
        shown = timewords.describe(until.timestamp(), until.tzinfo or policy.zone, policy.language)
    operations.snooze(tx, case, agent, until.timestamp() if until else None, wake, shown)
    done = _outside(case, call, "snooze.done", until=shown)
    undo = Button(label=policy.say("button.undo"), command=f"undo #{case.id}")
    return replace(done, buttons=(undo,)) if done.text else done


def _snooze_words(call: CommandCall) -> tuple[str, Wake]:
    words = call.fields.get("when", "").strip() or call.fields.get("preset", "") or call.text.strip()
    wake = call.fields.get("wake", "")
    head, separator, tail = words.rpartition("wake ")
    if separator:
        words, wake = head.strip(), tail.strip().lower()
    try:
        return words, Wake(wake or Wake.ANY)
    except ValueError:
        raise UserError("snooze.wake_words", words=wake[:20]) from None


def wake(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    operations.wake_up(tx, case, agent)
    return _outside(case, call, "wake.done")


def pending(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    operations.set_pending(tx, case, agent)
    return _outside(case, call, "pending.done")


def resolve(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    """`resolve reply: text` sends first and resolves once that is accepted; other words are an internal reason."""
    body = _body(call)
    plain = tree.plain(body)
    if plain[:6].lower() == "reply:":
        text = tree.stripped(tree.without_prefix(body, 6))
        if not text:
            raise UserError("reply.empty")
        return _send(tx, case, agent, call, text, resolves=True)
    operations.resolve(tx, case, agent.actor, agent.name, plain)
    return _outside(case, call, "resolve.done")


def reopen(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    operations.reopen(tx, case, agent)
    return _outside(case, call, "reopen.done")


def label(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    if call.fields:
        add, remove = forms.label_changes(tx, case, call.fields)
    else:
        words = call.text.replace(",", " ").split()
        add = [tree.clean_name(word.lstrip("+").lower()) for word in words if not word.startswith(("-", "−"))]
        remove = [tree.clean_name(word[1:].lower()) for word in words if word.startswith(("-", "−"))]
    add, remove = [word for word in add if word], [word for word in remove if word]
    if not add and not remove:
        return Answer(form=forms.label(tx, case))
    operations.label(tx, case, agent, add, remove)
    return _outside(case, call, "label.done")


def priority(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    word = (call.fields.get("priority") or call.text.strip()).lower()
    if not word:
        return Answer(form=forms.priority(case))
    try:
        wanted = Priority(word)
    except ValueError:
        raise UserError("priority.words", word=word[:20]) from None
    operations.set_priority(case, agent, wanted)
    return _outside(case, call, "priority.done")


def contact(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    verb, _, rest = (call.fields.get("action") or call.text).strip().partition(" ")
    verb = verb.lower()
    if verb in ("block", "unblock"):
        operations.block(tx, case, agent, blocked=verb == "block")
        return _outside(case, call, f"contact.{verb}ed")
    if verb in ("name", "email", "phone", "company", "location") and rest.strip():
        value = tree.clean_name(rest)
        tx.execute(sa.update(contacts).where(contacts.c.id == case.contact_id).values(**{verb: value}))
        shown = case.policy.say(f"contact.field.{verb}")
        case.change("contact_changed", agent.actor, name=agent.name, field=shown, value=value)
        return _outside(case, call, "contact.changed")
    if verb in ("", "show"):
        return _profile(tx, case)
    raise UserError("contact.words")


def _profile(tx: Tx, case: Case) -> Answer:
    row = tx.execute(sa.select(contacts).where(contacts.c.id == case.contact_id)).one()
    fields = [(name, getattr(row, name)) for name in ("name", "email", "phone", "company", "location")]
    lines = [f"{case.policy.say(f'contact.field.{name}')}: {value}" for name, value in fields if value]
    if case.blocked:
        lines.append(case.policy.say("contact.is_blocked"))
    return Answer(text="\n".join(lines) or case.policy.say("contact.nothing"))


def held(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    message, _, answer = call.text.strip().partition(" ")
    if not _is_id(message) or answer not in replies.ANSWERS:
        raise UserError("held.settled")
    replies.settle_held(tx, case, agent, int(message), answer)
    return _said(case, f"held.done.{answer}")


def retry(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    if not _is_id(call.text.strip()):
        raise UserError("retry.nothing")
    replies.retry(tx, case, agent, int(call.text))
    return _outside(case, call, "reply.queued")


def _is_id(word: str) -> bool:
    return word.isdecimal() and len(word) <= 15


def undo(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    operations.undo_snooze(tx, case, agent)
    return _outside(case, call, "undo.done")


def more(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    """The card's menu: choosing is the chosen command without arguments, so most choices open the next form."""
    chosen = (call.fields.get("action") or call.text).strip()
    if not chosen:
        return Answer(form=forms.more(case))
    name, _, text = chosen.partition(" ")
    onward = replace(call, name=name, text=text, fields={}, body=())
    choices = {
        "reply": reply,
        "note": note,
        "label": label,
        "priority": priority,
        "pending": pending,
        "wake": wake,
        "contact": contact,
        "history": views_commands.history,
        "why": views_commands.why,
    }
    if name not in choices:
        raise UserError("command.unknown", name=name[:40])
    return choices[name](tx, case, agent, onward)
