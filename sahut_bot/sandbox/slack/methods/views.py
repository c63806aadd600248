"""views.*: modals from a fresh trigger, and App Home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack.access import find_user
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.checking import HOME, MODAL
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.model import Json, Trigger
from sahut_bot.sandbox.slack.views import MAX_DEPTH, Owner, built, check_view, initial_state

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace


def _owner(ws: SlackWorkspace) -> Owner:
    return Owner(team_id=ws.team_id, app_id=ws.app_id, bot_id=ws.bot_id)


def _exchange(ws: SlackWorkspace, args: Arguments) -> Trigger:
    """A trigger lives three seconds and opens one view (Slack docs, views.open)."""
    trigger = ws.triggers.get(args.need("trigger_id"))
    if trigger is None:
        raise ApiError("invalid_trigger_id")
    if trigger.used:
        raise ApiError("exchanged_trigger_id")
    if trigger.expires < ws.now():
        raise ApiError("expired_trigger_id")
    return trigger


def _unique(ws: SlackWorkspace, raw: Json, *, but: str = "") -> None:
    external_id = raw.get("external_id")
    if external_id and (found := ws.surfaces.find(external_id=external_id)) and found[0][found[1]]["id"] != but:
        raise ApiError("duplicate_external_id")


def open_view(ws: SlackWorkspace, args: Arguments) -> Json:
    raw = check_view(args.raw.get("view"), MODAL)
    trigger = _exchange(ws, args)
    _unique(ws, raw)
    trigger.used = True
    ws.surfaces.drop(trigger.user, everything=True)
    return _show(ws, trigger.user, built(raw, _owner(ws), ws.new_id))


def push(ws: SlackWorkspace, args: Arguments) -> Json:
    raw = check_view(args.raw.get("view"), MODAL)
    trigger = _exchange(ws, args)
    _unique(ws, raw)
    if ws.surfaces.top(trigger.user) is None or not trigger.view:
        raise ApiError("not_found")
    view = push_view(ws, trigger.user, raw)
    trigger.used = True
    return {"view": view}


def push_view(ws: SlackWorkspace, user: str, raw: Json) -> Json:
    """On top of the person's stack, three deep at most (Slack docs, modals)."""
    stack = ws.surfaces.modals[user]
    if len(stack) >= MAX_DEPTH:
        raise ApiError("push_limit_reached")
    view = built(raw, _owner(ws), ws.new_id)
    view |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
    return dict(_show(ws, user, view)["view"])


def _show(ws: SlackWorkspace, user: str, view: Json) -> Json:
    ws.surfaces.modals.setdefault(user, []).append(view)
    ws.surfaces.values[view["id"]] = initial_state(view["blocks"])
    ws.touch("modal", user=user, view=view["id"])
    return {"view": shown(ws, view)}


def shown(ws: SlackWorkspace, view: Json) -> Json:
    """The view object with the state of now."""
    return {**view, "state": {"values": ws.surfaces.values.get(view["id"], {})}}


def update(ws: SlackWorkspace, args: Arguments) -> Json:
    raw = check_view(args.raw.get("view"), MODAL)
    found = ws.surfaces.find(args.text("view_id"), args.text("external_id"))
    if found is None:
        raise ApiError("not_found")
    stack, index = found
    before = stack[index]
    if args.has("hash") and args.text("hash") != before["hash"]:
        raise ApiError("hash_conflict")
    _unique(ws, raw, but=before["id"])
    return {"view": replace_view(ws, before, raw)}


def replace_view(ws: SlackWorkspace, before: Json, raw: Json) -> Json:
    stack, index = ws.surfaces.find(before["id"]) or ([], 0)
    view = built(raw, _owner(ws), ws.new_id, replaces=before)
    stack[index] = view
    ws.surfaces.reset(view)
    user = next(user for user, views in ws.surfaces.modals.items() if views is stack)
    ws.touch("modal", user=user, view=view["id"])
    return shown(ws, view)


def publish(ws: SlackWorkspace, args: Arguments) -> Json:
    if not ws.manifest.home_tab:
        raise ApiError("not_enabled")
    raw = check_view(args.raw.get("view"), HOME)
    user = find_user(ws, args.need("user_id"))
    before = ws.surfaces.homes.get(user.id)
    if args.has("hash") and before is not None and args.text("hash") != before["hash"]:
        raise ApiError("hash_conflict")
    view = built(raw, _owner(ws), ws.new_id, replaces=before)
    ws.surfaces.homes[user.id] = view
    ws.surfaces.reset(view)
    ws.touch("home", user=user.id)
    return {"view": shown(ws, view)}
