"""The one set of agent commands. Slash commands, buttons, forms, shortcuts and typed lines are its mouths.

A command whose arguments are missing answers a form; a form's fields make the same call again. Handlers refuse with
`UserError` before they write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sahut_bot.errors import UserError
from sahut_bot.inbox import case_commands, desk, people, team_commands, thread_index, views_commands
from sahut_bot.inbox.desk import Agent, Case
from sahut_bot.inbox.policy import Policy
from sahut_bot.inbox.store import Tx
from sahut_bot.inbox.tx import Rx
from sahut_bot.text import tree
from sahut_bot.types import Answer, Button, CommandCall, Form, Instant, Role

OnCase = Callable[[Tx, Case, Agent, CommandCall], Answer]
Anywhere = Callable[[Any, Policy, Agent, CommandCall, Instant], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`usage` is what people type after the name; help texts are the locale keys `help.<name>`.

    `on_case` works on one conversation, named by the thread or by `#number`; `anywhere` needs none. `reads`: it
    changes nothing and may run beside the writer. `hidden`: buttons alone use it.
    """

    name: str
    usage: str = ""
    role: Role = Role.AGENT
    on_case: OnCase | None = None
    anywhere: Anywhere | None = None
    reads: bool = False
    hidden: bool = False


def _help(rx: Rx, policy: Policy, agent: Agent, call: CommandCall, now: Instant) -> Answer:
    shown = [command for command in COMMANDS if not command.hidden]
    lines = [f"• {f'{one.name} {one.usage}'.rstrip()} – {policy.say(f'help.{one.name}')}" for one in shown]
    return Answer(text="\n".join([policy.say("help.intro"), *lines]))


COMMANDS: tuple[Command, ...] = (
    Command(name="claim", on_case=case_commands.claim),
    Command(name="release", on_case=case_commands.release),
    Command(name="assign", usage="@agent | team", on_case=case_commands.assign),
    Command(name="reply", usage="text", on_case=case_commands.reply),
    Command(name="note", usage="text", on_case=case_commands.note),
    Command(name="snooze", usage="when [wake any|question|never]", on_case=case_commands.snooze),
    Command(name="wake", on_case=case_commands.wake),
    Command(name="pending", on_case=case_commands.pending),
    Command(name="resolve", usage="[reason] | reply: text", on_case=case_commands.resolve),
    Command(name="reopen", on_case=case_commands.reopen),
    Command(name="new", usage="channel address text", anywhere=team_commands.new),
    Command(name="label", usage="+x -y", on_case=case_commands.label),
    Command(name="priority", usage="low|normal|high|urgent", on_case=case_commands.priority),
    Command(name="history", on_case=views_commands.history),
    Command(name="inbox", usage="[all|mine|unassigned|team] [filters]", anywhere=views_commands.inbox, reads=True),
    Command(name="search", usage="text", anywhere=views_commands.search, reads=True),
    Command(name="contact", usage="show | block | unblock | name text", on_case=case_commands.contact),
    Command(name="availability", usage="online|busy|offline", anywhere=team_commands.availability),
    Command(name="why", on_case=views_commands.why),
    Command(name="help", anywhere=_help, reads=True),
    Command(name="team", usage="list | add name | join name @agent | leave name @agent", anywhere=team_commands.team),
    Command(name="role", usage="@agent agent|supervisor|admin", role=Role.ADMIN, anywhere=team_commands.role),
    Command(name="more", on_case=case_commands.more, hidden=True),
    Command(name="held", on_case=case_commands.held, hidden=True),
    Command(name="retry", on_case=case_commands.retry, hidden=True),
    Command(name="undo", on_case=case_commands.undo, hidden=True),
)
BY_NAME = {command.name: command for command in COMMANDS}
NAMES = frozenset(BY_NAME)
_NUMBER = re.compile(r"\s*#(\d{1,15})\b\s*")
_BARE = re.compile(r"\s*(\d{1,15})(?=\s|$)\s*")  # outside of threads a conversation comes first anyway


def find(name: str) -> Command:
    """Raises `UserError` for a word that is no command."""
    try:
        return BY_NAME[name.lower()]
    except KeyError:
        raise UserError("command.unknown", name=name[:40]) from None


def run(tx: Tx, policy: Policy, call: CommandCall, now: Instant) -> Answer:
    """Carries out a call from an interactive mouth. Raises `UserError` with nothing done."""
    command, call = find(call.name), _clean(call)
    agent = people.meet(tx, policy, call.actor)
    if agent is None:
        raise UserError("stranger.refused")
    people.require(agent, command.role)
    if command.on_case is None:
        assert command.anywhere is not None
        return command.anywhere(tx, policy, agent, call, now)
    number = _NUMBER.match(call.text) or (_BARE.match(call.text) if call.thread is None else None)
    if number is not None:
        call = _without_number(call, number)
        case = desk.take(tx, policy, int(number[1]), now)
    elif call.thread is not None:
        case = thread_index.find_case(tx, policy, call.thread, now)
    else:
        raise UserError("command.where", usage=f"/sahut {command.name} #1042 {command.usage}".rstrip())
    answer = command.on_case(tx, case, agent, call)
    desk.close(tx, case)
    return answer


def _clean(call: CommandCall) -> CommandCall:
    """Nothing that hides, reorders or cannot be stored."""
    fields = {name: tree.clean(value) for name, value in call.fields.items()}
    return replace(call, text=tree.clean(call.text), fields=fields)


def _without_number(call: CommandCall, number: re.Match[str]) -> CommandCall:
    """Some mouths leave the number out of `body`, which then says less than `text`."""
    whole = tree.plain(call.body).strip() == call.text.strip()
    body = tree.without_prefix(tree.stripped(call.body), len(number[0].lstrip())) if whole else call.body
    return replace(call, text=call.text[number.end() :], body=body)


def look(rx: Rx, policy: Policy, call: CommandCall, now: Instant) -> Answer:
    """Carries out a call of a command that only reads, beside the writer. Raises `UserError`."""
    command, call = find(call.name), _clean(call)
    agent = people.known(rx, call.actor)
    if not call.actor.is_agent:
        raise UserError("stranger.refused")
    people.require(agent, command.role)
    assert command.anywhere is not None
    return command.anywhere(rx, policy, agent, call, now)


def run_in(tx: Tx, case: Case, agent: Agent, call: CommandCall) -> Answer:
    """Carries out a line typed in the thread of `case`, which the caller closes. A refusal is the answer."""
    command, call = find(call.name), _clean(call)
    try:
        people.require(agent, command.role)
        number = _NUMBER.match(call.text)
        if number is not None and int(number[1]) != case.id:
            raise UserError("command.other_thread", number=number[1])
        if number is not None:
            call = _without_number(call, number)
        if command.on_case is not None:
            return command.on_case(tx, case, agent, call)
        assert command.anywhere is not None
        return command.anywhere(tx, case.policy, agent, call, case.now)
    except UserError as error:
        case.set.clear()
        case.changes.clear()
        case.drafts.clear()
        case.card = False
        return refusal(case.policy, error)


def refusal(policy: Policy, error: UserError) -> Answer:
    """What the person reads who asked for something that cannot be done."""
    return Answer(text=policy.say(error.key, **error.params), ok=False)


def form_button(policy: Policy, form: Form) -> Answer:
    """A form for somebody who typed: platforms open one only after a click."""
    return Answer(text=policy.say("form.click"), buttons=(Button(label=form.title, command=form.command),))
