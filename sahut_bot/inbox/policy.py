"""How the workspace behaves, as one frozen value that is handed to every decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, tzinfo
from zoneinfo import ZoneInfo

from sahut_bot.text.words import say
from sahut_bot.types import Capabilities, Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """One customer channel. `place` is the team channel its threads open in; times in seconds."""

    name: str
    label: str
    teamchat: str
    place: str
    capabilities: Capabilities
    reply_by_default: bool = True
    hold: float = 5.0
    new_after: float = 30 * 86400.0  # 0: a resolved conversation always reopens
    thanks_reopens: bool = True
    removed: bool = False  # no longer in the settings: its conversations stay, nothing can be sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    channels: Mapping[str, ChannelPolicy]
    language: str = "en"
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    zone_name: str = "UTC"
    admins: frozenset[str] = frozenset()  # like slack:U123
    opening: time = time(9)
    closing: time = time(17)
    retry_for: float = 24 * 3600.0
    old_after: float = 15 * 60.0  # replies found by catch-up that are older than this ask first
    remind_after: float = 5 * 60.0
    unseen_after: float = 2 * 60.0
    card_after: float = 0.0  # a card is drawn so long after a change; what changes meanwhile is in the same edit

    def channel(self, name: str) -> ChannelPolicy:
        """The channel of that name. One that was removed has the team chat and place of another one."""
        if name in self.channels:
            return self.channels[name]
        some = next(iter(self.channels.values()), None)
        teamchat, place = (some.teamchat, some.place) if some else ("", "")
        nothing = Capabilities(text_limit=0)
        return ChannelPolicy(name=name, label=name, teamchat=teamchat, place=place, capabilities=nothing, removed=True)

    def say(self, key: str, **params: object) -> str:
        return say(self.language, key, **params)

    def local(self, at: Instant, zone: str = "") -> datetime:
        """`at` as a wall clock shows it in `zone` (an agent's, when known), else in the workspace's."""
        return datetime.fromtimestamp(at, _zone(zone) or self.zone)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None  # a platform may name a zone this machine does not know
