"""The workspace: a pure state machine in memory, with everything that happened in it as plain data for asserts."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sahut_bot.sandbox.slack import events
from sahut_bot.sandbox.slack.driver import Driver
from sahut_bot.sandbox.slack.failure import DriverError
from sahut_bot.sandbox.slack.limits import RateLimits
from sahut_bot.sandbox.slack.manifest import EVENT_SCOPES, Manifest
from sahut_bot.sandbox.slack.model import (
    DIRECT,
    PRIVATE,
    PUBLIC,
    Ack,
    Call,
    Channel,
    Ephemeral,
    Json,
    Ping,
    ResponseUrl,
    StoredFile,
    Trigger,
    User,
)
from sahut_bot.sandbox.slack.snapshot import snapshot
from sahut_bot.sandbox.slack.views import Surfaces
from sahut_bot.sandbox.slack.watching import Watch

T = TypeVar("T")

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the app is configured with. They open nothing but this stand-in."""

    bot_token: str = "xoxb-sandbox-bot"  # noqa: S105
    app_token: str = "xapp-sandbox-app"  # noqa: S105
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105
    verification_token: str = "sandbox-verification"  # noqa: S105
    app_scopes: frozenset[str] = frozenset(("connections:write",))


class Outlet(Protocol):
    """The way to the app: Socket Mode or HTTP."""

    def event(self, envelope: Json) -> None: ...

    async def interact(self, kind: str, payload: Json) -> Ack: ...


class SlackWorkspace:
    """One team with one installed app.

    `manifest` limits what the app may call, hear and offer. `now` is the clock of ts and expiry times. Without an
    `outlet` (a server attaches one) events are only recorded in `events`.
    """

    # What a test may change. token_error: token_revoked or account_inactive switch the bot token off.
    token_error = ""
    # Slack docs, chat:write.customize: such posts cannot be deleted. False imitates workspaces that allow it.
    customized_posts_stay = True
    # Seconds between files.completeUploadExternal and the message that it makes.
    share_delay = 0.02

    def __init__(
        self,
        manifest: Manifest | Mapping[str, Any],
        *,
        credentials: Credentials | None = None,
        now: Callable[[], float] = time.time,
        team_name: str = "Sandbox",
        domain: str = "sandbox",
    ) -> None:
        self.manifest = manifest if isinstance(manifest, Manifest) else Manifest.parse(manifest)
        self.credentials = credentials or Credentials()
        self.now = now
        self.team_name = team_name
        self.domain = domain
        self.outlet: Outlet | None = None
        self._counters: dict[str, int] = defaultdict(int)
        self.team_id = self.new_id("T")
        self.app_id = self.new_id("A")
        self.bot_id = self.new_id("B")
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, StoredFile] = {}
        self.ephemerals: list[Ephemeral] = []
        self.surfaces = Surfaces()
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.uploads: dict[str, str] = {}  # upload ticket → file id
        self.base_url = ""  # of the server, for file and response URLs
        self.limits = RateLimits(clock=time.monotonic)
        self.recorded: list[Call] = []
        self.events: list[Json] = []
        self.lost_events: list[Json] = []
        self.pings: list[Ping] = []
        self.complaints: list[str] = []  # what a person would have seen go wrong in the client
        self.scopes_used: set[str] = set()
        self._by_method: dict[str, list[Call]] = defaultdict(list)
        self._watch = Watch()
        self.bot_user_id = self._install_bot()
        self.driver = Driver(self)

    def _install_bot(self) -> str:
        name = self.manifest.bot_name or self.manifest.app_name
        user = self.add_user(name, is_bot=True)
        self.users[user].bot_id = self.bot_id
        return user

    # ------------------------------------------------------------ setting the scene

    def new_id(self, prefix: str) -> str:
        self._counters[prefix] += 1
        number, digits = self._counters[prefix], ""
        while number:
            number, rest = divmod(number, 36)
            digits = _DIGITS[rest] + digits
        return f"{prefix}0{digits:0>8}"

    def add_user(
        self, name: str, *, guest: str = "", stranger: bool = False, is_bot: bool = False, is_admin: bool = False
    ) -> str:
        """A member; `guest` is `multi` or `single`; a `stranger` comes from another team by Slack Connect."""
        user = User(
            id=self.new_id("U"),
            team_id="T0STRANGER" if stranger else self.team_id,
            name=name.lower().replace(" ", "."),
            real_name=name,
            display_name=name,
            email="" if is_bot else f"{name.lower().replace(' ', '.')}@example.com",
            is_admin=is_admin,
            is_restricted=guest in ("multi", "single"),
            is_ultra_restricted=guest == "single",
            is_stranger=stranger,
            is_bot=is_bot,
            updated=int(self.now()),
        )
        self.users[user.id] = user
        self.touch("user", user=user.id)
        return user.id

    def add_channel(
        self, name: str, *, members: tuple[str, ...] | list[str] = (), private: bool = False, with_bot: bool = True
    ) -> str:
        """A channel as it stands before the story begins: no join messages, no events."""
        channel = Channel(
            id=self.new_id("C"),
            name=name,
            kind=PRIVATE if private else PUBLIC,
            creator=next(iter(members), self.bot_user_id),
            created=int(self.now()),
            is_ext_shared=any(self.users[member].is_stranger for member in members),
            members=dict.fromkeys([*members, *([self.bot_user_id] if with_bot else [])]),
        )
        self.channels[channel.id] = channel
        self.touch("channel", channel=channel.id)
        return channel.id

    def direct_channel(self, user: str) -> Channel:
        """The direct message between the app and a person, made when first needed."""
        found = next((one for one in self.channels.values() if one.kind == DIRECT and one.peer == user), None)
        if found is None:
            found = Channel(
                id=self.new_id("D"),
                name=user,
                kind=DIRECT,
                creator=self.bot_user_id,
                created=int(self.now()),
                peer=user,
                members=dict.fromkeys([user, self.bot_user_id]),
            )
            self.channels[found.id] = found
        return found

    # ------------------------------------------------------------ what the parts tell it

    def emit(self, subscription: str, event: Json, *, shared: bool = False) -> None:
        """Sends an event that the app subscribed to on its way."""
        scopes = EVENT_SCOPES[subscription]
        self.scopes_used.update(self.manifest.scopes.intersection(scopes))
        envelope = events.envelope(self, event, shared=shared)
        self.events.append(envelope)
        if self.outlet is not None:
            self.outlet.event(envelope)

    async def interact(self, kind: str, payload: Json) -> Ack:
        if self.outlet is None:
            raise DriverError("no server is running: nobody would answer")
        ack = await self.outlet.interact(kind, payload)
        if not ack.ok:
            self.complaints.append(f"{kind}: {ack.reason}")
        return ack

    def record(self, call: Call) -> None:
        self.recorded.append(call)
        self._by_method[call.method].append(call)
        self.touch("call", method=call.method)

    def note_pings(self, channel: Channel, message: Json, *, linked_names: bool = False) -> None:
        self.pings += events.pings(channel, message, linked_names=linked_names)

    @property
    def rate_violations(self) -> int:
        """Calls that Slack's own limits refused."""
        return self.limits.violations

    @property
    def calls_during_retry_after(self) -> int:
        """Calls that came before a Retry-After was over."""
        return self.limits.ignored_waits

    def touch(self, kind: str, **about: Any) -> None:
        """Something changed: wakes `wait_for` and tells the subscribers."""
        self._watch.touch(kind, about)

    # ------------------------------------------------------------ observation

    def messages(self, channel: str) -> list[Json]:
        """What stands at channel level, oldest first, with reactions and metadata."""
        room = self.channels[channel]
        return [dict(room.messages[ts]) for ts in room.top]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """The parent (or its tombstone), if it still is, and its replies, oldest first."""
        room = self.channels[channel]
        wanted = [ts, *room.threads.get(ts, ())]
        return [dict(room.messages[one]) for one in wanted if one in room.messages]

    def message(self, channel: str, ts: str) -> Json | None:
        found = self.channels[channel].messages.get(ts)
        return None if found is None else dict(found)

    def reactions(self, channel: str, ts: str) -> dict[str, list[str]]:
        """Emoji name → who, in the order they were added."""
        message = self.channels[channel].messages.get(ts, {})
        return {one["name"]: list(one["users"]) for one in message.get("reactions", ())}

    def calls(self, method: str = "") -> list[Call]:
        """The requests to a method (to all, without a name) in order of arrival, refused ones too."""
        return list(self._by_method[method] if method else self.recorded)

    def seen_by(self, user: str) -> list[Ephemeral]:
        """The ephemerals shown to a person, also those that went away again."""
        return [one for one in self.ephemerals if one.user == user]

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first true value of `predicate`, asked again after each change. Raises `TimeoutError`."""
        return await self._watch.wait_for(predicate, timeout)

    def subscribe(self) -> asyncio.Queue[Json]:
        """Change notices as `{"kind": …}`. One who does not keep up gets `resync` in place of the backlog."""
        return self._watch.subscribe()

    def unsubscribe(self, queue: asyncio.Queue[Json]) -> None:
        self._watch.unsubscribe(queue)

    def snapshot(self, user: str) -> Json:
        """What the person sees now, ready for JSON."""
        return snapshot(self, user)
