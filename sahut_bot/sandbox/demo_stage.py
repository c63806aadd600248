"""The scene of the demo: a small shop's team in the Slack stand-in, and two customers whom the shop can vouch for."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace

IDENTITY_SECRET = "the demo shop's own secret"  # noqa: S105 - proves the customers of a shop that does not exist
SHOP = "Kopi Senja"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A member of the team whom the page can be. `part` is admin, agent or guest."""

    id: str
    name: str
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """`hash` is the shop's proof of `user_id` (HMAC-SHA256), as its own server would make it."""

    user_id: str
    name: str
    email: str

    @property
    def hash(self) -> str:
        words = f"{self.user_id}\n{self.email}\n"
        return hmac.new(IDENTITY_SECRET.encode(), words.encode(), hashlib.sha256).hexdigest()


CUSTOMERS = (
    Customer(user_id="rina", name="Rina Wijaya", email="rina@example.com"),
    Customer(user_id="tom", name="Tom Becker", email="tom@example.com"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`support` is the team's channel, where conversations become threads."""

    workspace: SlackWorkspace
    server: SlackServer
    actors: tuple[Actor, ...]
    support: str
    manifest: Mapping[str, Any]

    def actor(self, part: str) -> Actor:
        return next(one for one in self.actors if one.part == part)


def build(manifest: Mapping[str, Any], now: Callable[[], float]) -> Stage:
    """A team of four: an admin, two agents and a guest, who sees the channel and may not answer in it."""
    workspace = SlackWorkspace(manifest, now=now, team_name=SHOP, domain="kopi-senja")
    # Here nobody wants to see Slack's one post a second; `run` paces itself as Slack asks.
    workspace.limits.enabled = False
    people = (("Ayu Lestari", "admin"), ("Bram Setiawan", "agent"), ("Citra Dewi", "agent"), ("Gus Halim", "guest"))
    actors = tuple(
        Actor(
            id=workspace.add_user(name, is_admin=part == "admin", guest="single" if part == "guest" else ""),
            name=name,
            part=part,
        )
        for name, part in people
    )
    everyone = [actor.id for actor in actors]
    support = workspace.add_channel("support", members=everyone)
    general = workspace.add_channel("general", members=everyone[:3], with_bot=False)
    workspace.driver.post(everyone[2], general, "Good morning! The new Gayo beans are in :tada:")
    return Stage(workspace=workspace, server=SlackServer(workspace), actors=actors, support=support, manifest=manifest)
