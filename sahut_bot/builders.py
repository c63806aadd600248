"""From settings to the parts of the program: one line per adapter. Delete a line, and its adapter is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from zoneinfo import ZoneInfo

from sahut_bot.bridges.base import CanRecall, Channel, TeamChat
from sahut_bot.bridges.channels.livechat import LiveChat, LiveChatOptions
from sahut_bot.bridges.teamchat.slack import SlackChat
from sahut_bot.bridges.teamchat.slack_config import SlackConfig
from sahut_bot.dispatcher import Target
from sahut_bot.inbox import lanes
from sahut_bot.inbox.policy import ChannelPolicy, Policy
from sahut_bot.settings import ChannelSettings, LivechatSettings, Settings
from sahut_bot.types import Capabilities, Instant, Resend

DAY = 86400.0
POSTING, CALLING = 8, 4  # attempts at once, in one channel of a team chat and in one method of it
CARD_AFTER = 1.0  # seconds: a team chat takes some edits a minute, and many things change at once
SENDING = 32  # attempts at once towards one customer channel


def livechat(name: str, options: ChannelSettings, settings: Settings, secret: bytes) -> LiveChat:
    assert isinstance(options, LivechatSettings)
    proof = options.identity_secret
    return LiveChat(
        name,
        secret,
        LiveChatOptions(
            identity_secret=proof.get_secret_value() if proof else "",
            origins=options.origins,
            display_name=options.display_name,
            language=settings.language,
            form=options.form,
            greeting=options.greeting,
        ),
    )


CHANNELS: dict[str, Callable[[str, ChannelSettings, Settings, bytes], LiveChat]] = {"livechat": livechat}
CAPABILITIES: dict[str, Capabilities] = {"livechat": LiveChat.capabilities}


def slack(
    settings: Settings, places: tuple[str, ...], now: Callable[[], Instant], *, socket: bool = True
) -> SlackChat | None:
    """None where Slack is not set up. Without `socket` no Socket Mode, as where another process holds it."""
    given = settings.slack
    if given.bot_token is None:
        return None
    return SlackChat(
        SlackConfig(
            bot_token=given.bot_token.get_secret_value(),
            channels=places,
            app_token=given.app_token.get_secret_value() if socket and given.app_token else "",
            signing_secret=given.signing_secret.get_secret_value() if given.signing_secret else "",
            api_url=given.api_url,
            posts_per_second=given.posts_per_second,
            catch_up_hours=given.catch_up_hours,
            allowed_hosts=settings.media.allowed_hosts,
            lang=settings.language,
        ),
        now,
    )


def policy(settings: Settings) -> Policy:
    """How the workspace behaves, as far as the settings say it."""
    return Policy(
        channels={name: _channel(name, options, settings) for name, options in settings.channels.items()},
        language=settings.language,
        zone=ZoneInfo(settings.timezone),
        zone_name=settings.timezone,
        admins=frozenset(settings.admins),
        retry_for=settings.retry_hours * 3600.0,
        card_after=CARD_AFTER,
    )


def _channel(name: str, options: ChannelSettings, settings: Settings) -> ChannelPolicy:
    teamchat, _, place = options.teamchat.partition(":")
    return ChannelPolicy(
        name=name,
        label=options.display_name or name,
        teamchat=teamchat,
        place=place or settings.slack.channel or "",
        capabilities=CAPABILITIES[options.kind],
        reply_by_default=options.thread_mode == "reply",
        hold=options.reply_hold_seconds,
        new_after=options.new_after_days * DAY,
        thanks_reopens=options.thanks_reopens,
    )


def targets(
    teamchats: Mapping[str, TeamChat],
    channels: Mapping[str, Channel],
    policy: Policy,
    places: Collection[tuple[str, str]],
) -> dict[str, Target]:
    """Every name that an outbox row may be for, with the room its adapter has.

    `places`: (team chat, place) where threads live that began before the settings named another channel.
    """
    wanted = {(one.teamchat, one.place) for one in policy.channels.values()} | set(places)
    made: list[Target] = []
    for kind, chat in teamchats.items():
        there = sorted(place for teamchat, place in wanted if teamchat == kind)
        made += [_team_target(chat, place, "post", POSTING, chat.resend) for place in there]
        made += [
            _team_target(chat, "", method, CALLING, Resend.SAFE) for method in ("update", "react", "unreact", "whisper")
        ]
    for name, channel in channels.items():
        made.append(_channel_target(name, channel))
    return {target.name: target for target in made}


def _team_target(chat: TeamChat, place: str, method: str, concurrency: int, resend: Resend) -> Target:
    name = lanes.post_target(chat.kind, place) if method == "post" else lanes.method_target(chat.kind, method)
    return Target(
        name=name,
        room=lambda: chat.room(place, method),
        recall=lambda ago: chat.recall(place, method, ago) if isinstance(chat, CanRecall) else None,
        concurrency=concurrency,
        resend=resend,
        health=lambda: chat.health,
        adapter=chat.kind,
    )


def _channel_target(name: str, channel: Channel) -> Target:
    return Target(
        name=lanes.channel_target(name),
        room=lambda: (SENDING, 0.0),
        concurrency=SENDING,
        resend=channel.capabilities.resend,
        health=lambda: channel.health,
        adapter=name,
    )
