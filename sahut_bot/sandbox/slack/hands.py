"""A person's clicks, choices, forms, shortcuts and commands. Each waits for the app's answer, as the client does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sahut_bot.sandbox.slack import events, interactions, respond
from sahut_bot.sandbox.slack.choosing import chosen, complete_form, option_named
from sahut_bot.sandbox.slack.failure import ApiError, DriverError
from sahut_bot.sandbox.slack.methods.views import push_view, replace_view, shown
from sahut_bot.sandbox.slack.model import Ack, Channel, Ephemeral, Json, User
from sahut_bot.sandbox.slack.views import check_view, interactive

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_USER_TOKEN = re.compile(r"<@([UW][A-Z0-9]+)>")
_CHANNEL_TOKEN = re.compile(r"<#(C[A-Z0-9]+)>")


@dataclass(frozen=True, slots=True)
class _Surface:
    """Something with blocks on a person's screen, and how an action on it is told."""

    blocks: list[Json]
    payload: Callable[[Json], Json]
    channel: Channel | None = None
    view: Json | None = None


class Hands:
    """What people do with the app's surfaces. Raises `DriverError` where a real client would not let them."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.ws = workspace

    # ------------------------------------------------------------ buttons and menus

    async def click(self, user: str, on: str, what: str, *, value: str = "", channel: str = "") -> Ack:
        """Presses a button. `on` is a message's ts, `modal` or `home`; `what` its action id or label.

        Where several fit, `value` tells which one.
        """
        surface = self._surface(user, on, channel)
        block, element = self._find(surface, what, ("button",), value)
        return await self._act(surface, block, element, {})

    async def select(self, user: str, on: str, what: str, value: Any, *, channel: str = "") -> Ack:
        """Chooses in a menu: an option's value or label, an id, a date; lists for those that take several.

        In a form, an input without `dispatch_action` tells the app nothing until the form is submitted.
        """
        surface = self._surface(user, on, channel)
        block, element = self._find(surface, what, (), "")
        if element["type"] == "button":
            raise DriverError(f"{what!r} is a button: click it")
        if element["type"].endswith("external_select"):
            value = await self._pick_external(user, surface, block, element, value)
        change = chosen(self.ws, element, value)
        if surface.view is not None and element["type"] != "overflow":
            state = self.ws.surfaces.values[surface.view["id"]]
            state[block["block_id"]][element["action_id"]] = {"type": element["type"], **change}
        if block["type"] == "input" and not block.get("dispatch_action"):
            self.ws.touch("modal", user=user)
            return Ack(ok=True)
        return await self._act(surface, block, element, change)

    async def suggest(self, user: str, on: str, what: str, query: str) -> list[Json]:
        """The options that the app offers for what is typed into an external menu."""
        surface = self._surface(user, on, "")
        block, element = self._find(surface, what, (), "")
        return await self._suggestions(user, surface, block, element, query)

    async def _suggestions(self, user: str, surface: _Surface, block: Json, element: Json, query: str) -> list[Json]:
        if surface.view is None or not element["type"].endswith("external_select"):
            raise DriverError("only external menus of views ask for options")
        if len(query) < element.get("min_query_length", 3):
            return []
        payload = interactions.suggestion(self.ws, user, surface.view, block, element, query)
        ack = await self.ws.interact("interactive", payload)
        options: list[Json] = ack.body.get("options", [])
        return options

    async def _pick_external(self, user: str, surface: _Surface, block: Json, element: Json, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        options = await self._suggestions(user, surface, block, element, str(value))
        return option_named(options, str(value))

    async def _act(self, surface: _Surface, block: Json, element: Json, change: Json) -> Ack:
        if not self.ws.manifest.interactivity:
            raise DriverError("the app's manifest has interactivity switched off")
        ts = f"{self.ws.now():.6f}"
        payload = surface.payload(interactions.action_of(block, element, change, ts))
        return await self.ws.interact("interactive", payload)

    def _surface(self, user: str, on: str, channel: str) -> _Surface:
        self.person(user)
        if on in ("home", "modal"):
            view = self.ws.surfaces.homes.get(user) if on == "home" else self.ws.surfaces.top(user)
            if view is None:
                raise DriverError(f"{user} has no {on} open")
            return self._view_surface(user, view)
        if ephemeral := self._ephemeral(user, on, channel):
            room = self.ws.channels[ephemeral.channel]
            return _Surface(
                ephemeral.blocks, lambda action: interactions.on_ephemeral(self.ws, user, ephemeral, action), room
            )
        room = self.room_of(on, channel)
        self.member(user, room)
        message = room.messages[on]
        return _Surface(
            message.get("blocks", []),
            lambda action: interactions.on_message(self.ws, user, room, message, action),
            room,
        )

    def _view_surface(self, user: str, view: Json) -> _Surface:
        def payload(action: Json) -> Json:
            return interactions.on_view(self.ws, user, shown(self.ws, view), action)

        return _Surface(view["blocks"], payload, view=view)

    def _ephemeral(self, user: str, ts: str, channel: str) -> Ephemeral | None:
        fits = (one for one in self.ws.ephemerals if one.ts == ts and one.user == user and not one.deleted)
        return next((one for one in fits if channel in ("", one.channel) and one.visible), None)

    def _find(self, surface: _Surface, what: str, kinds: tuple[str, ...], value: str) -> tuple[Json, Json]:
        found = [
            (block, element)
            for block, element in interactive(surface.blocks)
            if what in _names(block, element)
            and (not kinds or element["type"] in kinds)
            and (not value or element.get("value") == value)
        ]
        if len(found) != 1:
            offered = [sorted(_names(block, element)) for block, element in interactive(surface.blocks)]
            raise DriverError(f"{len(found)} elements fit {what!r}; there are {offered}")
        return found[0]

    # ------------------------------------------------------------ forms

    async def submit_view(self, user: str, values: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Fills the shown modal (by action id, block id or label) and submits it.

        Gives the errors by block id with which the modal stayed open; empty when it was taken.
        """
        view = self.ws.surfaces.top(user)
        if view is None:
            raise DriverError(f"{user} has no modal open")
        if not view["submit"]:
            raise DriverError("this modal has no submit button")
        for name, value in (values or {}).items():
            block, element = self._find(self._view_surface(user, view), name, (), "")
            change = {"type": element["type"], **chosen(self.ws, element, value)}
            self.ws.surfaces.values[view["id"]][block["block_id"]][element["action_id"]] = change
        complete_form(view["blocks"], self.ws.surfaces.values[view["id"]])
        self.ws.surfaces.errors.pop(view["id"], None)
        ack = await self.ws.interact("interactive", interactions.submission(self.ws, user, shown(self.ws, view)))
        if ack.ok:
            self._take_answer(user, view, ack.body)
        return dict(self.ws.surfaces.errors.get(view["id"], {}))

    def _take_answer(self, user: str, view: Json, body: Json) -> None:
        """Slack docs, modals: `response_action` says what becomes of the submitted modal."""
        action = body.get("response_action")
        try:
            match action:
                case None:
                    if self.ws.surfaces.find(view["id"]):
                        self.ws.surfaces.drop(user, everything=False)
                case "clear":
                    self.ws.surfaces.drop(user, everything=True)
                case "errors":
                    self._mark_errors(view, body.get("errors"))
                case "update" | "push":
                    raw = check_view(body.get("view"), "modal")
                    if action == "push":
                        push_view(self.ws, user, raw)
                    else:
                        replace_view(self.ws, view, raw)
                case _:
                    self.ws.complaints.append(f"view_submission: unknown response_action {action}")
        except ApiError as error:
            self.ws.complaints.append(f"view_submission: {error.code} {error.extra}")
        self.ws.touch("modal", user=user, view=view["id"])

    def _mark_errors(self, view: Json, errors: Any) -> None:
        inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
            self.ws.complaints.append(f"view_submission: errors must name input blocks, got {errors}")
            return
        self.ws.surfaces.errors[view["id"]] = {key: str(value) for key, value in errors.items()}

    async def close_view(self, user: str, *, everything: bool = False) -> None:
        """Cancel closes the shown modal, the cross (`everything`) all of them; apps hear of it where they asked."""
        before = self.ws.surfaces.top(user)
        if before is None:
            raise DriverError(f"{user} has no modal open")
        told = shown(self.ws, before)
        self.ws.surfaces.drop(user, everything=everything or before["clear_on_close"])
        self.ws.touch("modal", user=user, view=before["id"])
        if before["notify_on_close"]:
            await self.ws.interact("interactive", interactions.closed(self.ws, user, told, cleared=everything))

    # ------------------------------------------------------------ commands and shortcuts

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> Ack:
        """Types a slash command in a channel; in threads Slack does not run an app's commands at all."""
        declared = self.ws.manifest.commands.get(command)
        if declared is None:
            raise DriverError(f"{command} is not in the app's manifest")
        self.ws.scopes_used.add("commands")
        room = self.member(user, self.ws.channels[channel])
        form = interactions.slash_command(self.ws, user, room, command, self._typed(text, declared.should_escape))
        ack = await self.ws.interact("slash_commands", form)
        if ack.ok and (ack.body.get("text") or ack.body.get("blocks")):
            respond.say(self.ws, room, user, ack.body, via=command)
        return ack

    def _typed(self, text: str, escaped: bool) -> str:
        """Slack docs, slash commands: `should_escape` turns names into ids, otherwise they arrive as typed."""
        users, channels = self.ws.users, self.ws.channels
        if escaped:
            text = _USER_TOKEN.sub(lambda match: f"<@{match[1]}|{users[match[1]].name}>", text)
            return _CHANNEL_TOKEN.sub(lambda match: f"<#{match[1]}|{channels[match[1]].name}>", text)
        text = _USER_TOKEN.sub(lambda match: f"@{users[match[1]].name}", text)
        return _CHANNEL_TOKEN.sub(lambda match: f"#{channels[match[1]].name}", text)

    async def shortcut(self, user: str, message_ts: str, callback_id: str, *, channel: str = "") -> Ack:
        """A message shortcut, on parents and replies alike."""
        self._declared(callback_id, "message")
        room = self.room_of(message_ts, channel)
        self.member(user, room)
        payload = interactions.message_shortcut(self.ws, user, room, room.messages[message_ts], callback_id)
        return await self.ws.interact("interactive", payload)

    async def global_shortcut(self, user: str, callback_id: str) -> Ack:
        self._declared(callback_id, "global")
        self.person(user)
        return await self.ws.interact("interactive", interactions.global_shortcut(self.ws, user, callback_id))

    def _declared(self, callback_id: str, kind: str) -> None:
        found = self.ws.manifest.shortcuts.get(callback_id)
        if found is None or found.kind != kind:
            raise DriverError(f"the app's manifest has no {kind} shortcut {callback_id}")
        self.ws.scopes_used.add("commands")

    def open_home(self, user: str, tab: str = "home") -> None:
        """Opens the app's page. The view is told only if one was published before."""
        self.person(user)
        if not (self.ws.manifest.home_tab if tab == "home" else self.ws.manifest.messages_tab):
            raise DriverError(f"the app's manifest has no {tab} tab")
        room = self.ws.direct_channel(user)
        event: Json = {"user": user, "channel": room.id, "tab": tab, "event_ts": room.next_ts(self.ws.now())}
        if tab == "home" and user in self.ws.surfaces.homes:
            event["view"] = shown(self.ws, self.ws.surfaces.homes[user])
        events.plain_event(self.ws, "app_home_opened", event)

    # ------------------------------------------------------------ who and where

    def person(self, user: str) -> User:
        found = self.ws.users.get(user)
        if found is None or found.deleted or found.is_bot:
            raise DriverError(f"{user} is nobody who can act here")
        return found

    def member(self, user: str, room: Channel) -> Channel:
        self.person(user)
        if user not in room.members:
            raise DriverError(f"{user} is not in {room.id}")
        return room

    def room_of(self, ts: str, channel: str = "") -> Channel:
        """The channel of a message; a ts alone is enough where only one channel has it."""
        rooms = [self.ws.channels[channel]] if channel else list(self.ws.channels.values())
        found = [room for room in rooms if ts in room.messages]
        if len(found) != 1:
            raise DriverError(f"{len(found)} channels have the message {ts}")
        return found[0]


def _names(block: Json, element: Json) -> set[str]:
    names = {element["action_id"]}
    if element["type"] == "button":
        names.add(element["text"]["text"])
    if block["type"] == "input":
        names |= {block["block_id"], block["label"]["text"]}
    return names
