"""What the page's team side can do, each act by name: the browser's clicks become the hands of a person in Slack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sahut_bot.sandbox.slack import Ack, DriverError, SlackWorkspace

Json = dict[str, Any]
Act = Callable[[SlackWorkspace, str, Mapping[str, Any]], Awaitable[Json]]


async def perform(workspace: SlackWorkspace, name: str, user: str, args: Mapping[str, Any]) -> Json:
    """The answer for the page. Raises `DriverError` for what a real client would not let a person do."""
    act = ACTS.get(name)
    if act is None:
        raise DriverError(f"there is no act {name!r}")
    return await act(workspace, user, args)


def said(args: Mapping[str, Any], name: str) -> str:
    """A text argument; empty where it is missing. Raises `DriverError` for anything else."""
    value = args.get(name, "")
    if not isinstance(value, str):
        raise DriverError(f"{name} is not a text")
    return value


def channel(workspace: SlackWorkspace, args: Mapping[str, Any]) -> str:
    """Raises `DriverError` for a channel that does not exist."""
    value = said(args, "channel")
    if value not in workspace.channels:
        raise DriverError("there is no such channel")
    return value


def _on(workspace: SlackWorkspace, args: Mapping[str, Any]) -> str:
    """Where a message stands; modals and App Home stand in no channel."""
    return channel(workspace, args) if args.get("channel") else ""


def _answered(ack: Ack) -> Json:
    """As Slack's client shows it, in words and not in codes."""
    return {} if ack.ok else {"warning": "The app did not answer in time. Try again."}


# ---------------------------------------------------------------- messages


async def _post(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    ts = ws.driver.post(
        user,
        channel(ws, args),
        said(args, "text"),
        thread_ts=said(args, "thread_ts"),
        broadcast=args.get("broadcast") is True,
    )
    return {"ts": ts}


async def _edit(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    ws.driver.edit(user, channel(ws, args), said(args, "ts"), said(args, "text"))
    return {}


async def _delete(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    ws.driver.delete(user, channel(ws, args), said(args, "ts"))
    return {}


async def _react(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    """Adds one's reaction, or takes it back."""
    room, ts, name = channel(ws, args), said(args, "ts"), said(args, "name")
    mine = user in ws.reactions(room, ts).get(name, ())
    (ws.driver.unreact if mine else ws.driver.react)(user, room, ts, name)
    return {}


# ---------------------------------------------------------------- the app's surfaces


async def _click(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    return _answered(await ws.driver.click(user, said(args, "on"), said(args, "what"), channel=_on(ws, args)))


async def _select(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    value = args.get("value")
    return _answered(await ws.driver.select(user, said(args, "on"), said(args, "what"), value, channel=_on(ws, args)))


async def _submit(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    """`values` holds what was entered, by block id. Problems come with the next state, under their fields."""
    values = args.get("values")
    return {"errors": await ws.driver.submit_view(user, values if isinstance(values, Mapping) else {})}


async def _close(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    await ws.driver.close_view(user, everything=args.get("everything") is True)
    return {}


async def _home(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    ws.driver.open_home(user)
    return {}


async def _slash(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    return _answered(await ws.driver.slash(user, channel(ws, args), said(args, "command"), said(args, "text")))


async def _shortcut(ws: SlackWorkspace, user: str, args: Mapping[str, Any]) -> Json:
    room, ts = channel(ws, args), said(args, "ts")
    return _answered(await ws.driver.shortcut(user, ts, said(args, "callback_id"), channel=room))


ACTS: Mapping[str, Act] = {
    "post": _post,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "click": _click,
    "select": _select,
    "submit": _submit,
    "close": _close,
    "home": _home,
    "slash": _slash,
    "shortcut": _shortcut,
}
