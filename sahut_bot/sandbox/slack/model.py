"""What the workspace holds. Messages and views stay JSON objects, as Slack shows them on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

PUBLIC, PRIVATE, DIRECT = "channel", "group", "im"


@dataclass(slots=True, eq=False, kw_only=True)
class User:
    """A person or bot. `is_restricted` with `is_ultra_restricted` is a single-channel guest."""

    id: str
    team_id: str
    name: str
    real_name: str
    display_name: str
    email: str = ""
    tz: str = "Asia/Jakarta"
    tz_offset: int = 25200
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    bot_id: str = ""
    updated: int = 0

    def as_json(self, *, with_email: bool) -> Json:
        """The user object of users.info and user_change."""
        shown: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": self._profile(with_email),
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": self.updated,
        }
        if self.deleted:
            return shown  # Slack docs, user object: deactivated users come without time zone and role flags
        shown |= {
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_offset": self.tz_offset,
            "is_admin": self.is_admin,
            "is_owner": self.is_admin,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
        }
        if self.is_stranger:
            shown["is_stranger"] = True
        return shown

    def _profile(self, with_email: bool) -> Json:
        profile: Json = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.display_name,
            "display_name_normalized": self.display_name,
            "status_text": "",
            "status_emoji": "",
            "avatar_hash": f"g{self.id.lower()}",
            "image_48": f"https://avatars.example.com/{self.id}/48.png",
            "image_72": f"https://avatars.example.com/{self.id}/72.png",
            "team": self.team_id,
        }
        if with_email and self.email:
            profile["email"] = self.email
        if self.bot_id:
            profile["bot_id"] = self.bot_id
        return profile


@dataclass(slots=True, eq=False, kw_only=True)
class Channel:
    """A conversation with its messages. `top` and each list in `threads` are in order of time."""

    id: str
    name: str
    kind: str = PUBLIC
    creator: str = ""
    created: int = 0
    is_archived: bool = False
    is_ext_shared: bool = False
    peer: str = ""  # the person of a direct message
    members: dict[str, None] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    top: list[str] = field(default_factory=list)
    threads: dict[str, list[str]] = field(default_factory=dict)
    newest: int = 0  # microseconds; a ts is unique inside its channel only

    def next_ts(self, now: float) -> str:
        self.newest = max(int(now * 1_000_000), self.newest + 1)
        return f"{self.newest // 1_000_000}.{self.newest % 1_000_000:06d}"


@dataclass(slots=True, eq=False, kw_only=True)
class StoredFile:
    """`mode` and `access` imitate the odd kinds: tombstone, hidden_by_limit, external, check_file_info."""

    id: str
    name: str
    title: str
    mimetype: str
    owner: str
    created: int
    content: bytes = b""
    length: int = 0
    alt_text: str = ""
    uploaded: bool = False
    completed: bool = False
    mode: str = "hosted"
    access: str = "visible"
    shares: dict[str, list[Json]] = field(default_factory=dict)  # channel id → where it was shared


@dataclass(slots=True, eq=False, kw_only=True)
class Ephemeral:
    """Shown to one person alone. In a thread it is `visible` only if the thread had a reply already."""

    channel: str
    user: str
    ts: str
    text: str
    blocks: list[Json]
    thread_ts: str = ""
    visible: bool = True
    deleted: bool = False
    via: str = "chat.postEphemeral"


@dataclass(slots=True, eq=False, kw_only=True)
class Trigger:
    id: str
    user: str
    expires: float
    view: str = ""  # the modal from which it came
    used: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class ResponseUrl:
    """Five uses within thirty minutes (Slack docs, handling user interaction)."""

    key: str
    channel: str
    user: str
    expires: float
    message_ts: str = ""
    ephemeral: bool = False
    uses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it arrived. `at` is a monotonic time stamp."""

    method: str
    args: Json
    at: float
    ok: bool
    error: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The app's answer to an interaction. Not `ok`: no answer within three seconds, or a failure."""

    ok: bool
    body: Json = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A notification that a message caused: a user id, `here`, `channel`, `everyone` or a group id."""

    channel: str
    ts: str
    target: str
    by: str
