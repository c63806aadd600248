"""Who is who in the workspace. Agents are the full members of a team channel: no bots, no guests, nobody from another
workspace (Slack Connect), nobody deactivated.

What is kept here is a cache that events keep true and that ages, so that a lost event does no harm for long. Nobody is
judged by an answer that did not come: then the `PlatformError` goes up and Slack brings the event again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from sahut_bot.bridges.teamchat.slack_api import SlackApi
from sahut_bot.bridges.teamchat.slack_events import Event, Identity
from sahut_bot.errors import Permanent, PlatformError
from sahut_bot.text.clean import clean_name
from sahut_bot.types import Instant, Person

log = structlog.get_logger(__name__)

PROFILE_AGE = 3600.0  # seconds until a profile is looked up again
MEMBERS_AGE = 900.0
STRANGER_AGE = 30.0  # an unknown author may have joined a moment ago
_UNHURRIED = 20  # calls of users.info a minute that the introductions leave to those who write


@dataclass(frozen=True, slots=True)
class _Profile:
    name: str
    timezone: str
    full_member: bool
    at: Instant | None  # None: old, and to be looked up again


class People:
    """`forget` after a gap in the events; the rest keeps itself up to date."""

    def __init__(self, api: SlackApi, channels: tuple[str, ...], now: Callable[[], Instant]) -> None:
        self._api = api
        self._channels = channels
        self._now = now
        self._me = Identity(user_id="", bot_id="", team_id="")
        self._profiles: dict[str, _Profile] = {}
        self._names: dict[str, str] = {}
        self._members: dict[str, set[str]] = {}
        self._members_at: Instant | None = None
        self._moves: list[tuple[str, str, bool]] = []  # heard while the members were being loaded
        self._loading = asyncio.Lock()
        self.complete = False  # the members of all team channels are known

    def introduce(self, me: Identity) -> None:
        self._me = me

    @property
    def names(self) -> Mapping[str, str]:
        """The display names known so far, by user id."""
        return self._names

    def forget(self) -> None:
        """Events may have been missed: look everybody up again."""
        self._members_at = None
        self._profiles = {user: replace(profile, at=None) for user, profile in self._profiles.items()}

    async def find(self, user: str) -> Person:
        """Who that is now. Raises `PlatformError` when it cannot be found out and was not known before."""
        profile = await self._profile(user)
        await self._load_members(MEMBERS_AGE if self._is_member(user) else STRANGER_AGE)
        return self._person(user, profile)

    async def everybody(self) -> list[str]:
        """The ids of all members of the team channels."""
        await self._load_members(MEMBERS_AGE)
        return sorted(set().union(*self._members.values()) - {self._me.user_id})

    async def find_unhurried(self, user: str) -> Person:
        """As `find`, leaving the rate limit to those who wait."""
        return self._person(user, await self._profile(user, spare=_UNHURRIED))

    def moved(self, channel: str, user: str, *, joined: bool) -> bool:
        """Somebody joined or left; whether that channel matters."""
        if channel not in self._channels:
            return False
        self._moves.append((channel, user, joined))
        self._move(self._members, channel, user, joined=joined)
        return True

    @staticmethod
    def _move(places: dict[str, set[str]], channel: str, user: str, *, joined: bool) -> None:
        members = places.setdefault(channel, set())
        if joined:
            members.add(user)
        else:
            members.discard(user)

    def changed(self, user: Event) -> Person | None:
        """The new truth about somebody, from a user_change event; None if nobody asked about them yet."""
        name = str(user.get("id") or "")
        if name not in self._profiles and not self._is_member(name):
            return None
        return self._person(name, self._keep(name, self._read(name, user)))

    def _person(self, user: str, profile: _Profile) -> Person:
        return Person(
            teamchat="slack",
            external_id=user,
            name=profile.name,
            is_agent=profile.full_member and self._is_member(user),
            timezone=profile.timezone,
        )

    def _is_member(self, user: str) -> bool:
        return any(user in members for members in self._members.values())

    async def _profile(self, user: str, spare: int = 0) -> _Profile:
        known = self._profiles.get(user)
        if known and known.at is not None and self._now() - known.at < PROFILE_AGE:
            return known
        try:
            answer = await self._api.call("users.info", user=user, spare=spare)
            fresh = self._read(user, answer.get("user") or {})
        except Permanent:  # user_not_found, user_not_visible: of another workspace
            fresh = _Profile(user, "", full_member=False, at=self._now())
        except PlatformError:
            if known is None or known.at is None:
                raise
            return known
        return self._keep(user, fresh)

    def _keep(self, user: str, profile: _Profile) -> _Profile:
        self._profiles[user] = profile
        self._names[user] = profile.name
        return profile

    def _read(self, user: str, told: Event) -> _Profile:
        profile = told.get("profile")
        profile = profile if isinstance(profile, Mapping) else {}
        names = (profile.get("display_name"), profile.get("real_name"), told.get("real_name"), told.get("name"), user)
        return _Profile(
            name=next((name for name in map(clean_name, map(str, filter(None, names))) if name), user),
            timezone=str(told.get("tz") or ""),
            full_member=bool(told) and not any(map(told.get, _LIMITED)) and self._is_home(told),
            at=self._now(),
        )

    def _is_home(self, told: Event) -> bool:
        team = told.get("team_id")
        grid = told.get("enterprise_user")
        teams = grid.get("teams") if isinstance(grid, Mapping) else None
        return not team or team == self._me.team_id or (isinstance(teams, list) and self._me.team_id in teams)

    async def _load_members(self, age: float) -> None:
        async with self._loading:
            if self._members_at is not None and self._now() - self._members_at < age:
                return
            self._moves.clear()
            self.complete = True
            try:
                fresh = {channel: await self._members_of(channel) for channel in self._channels}
            except PlatformError as error:
                if self._members_at is None:
                    raise
                log.warning("slack.members_stale", error=type(error).__name__)
            else:
                for channel, user, joined in self._moves:
                    self._move(fresh, channel, user, joined=joined)
                self._members, self._members_at = fresh, self._now()

    async def _members_of(self, channel: str) -> set[str]:
        members: set[str] = set()
        try:
            async for page in self._api.pages("conversations.members", "members", channel=channel):
                members.update(map(str, page))
        except Permanent as error:  # not invited, archived, gone: one channel must not silence the others
            log.warning("slack.members_unknown", channel=channel, code=error.code)
            self.complete = False
        return members


_LIMITED = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
