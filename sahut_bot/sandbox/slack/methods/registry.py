"""Which methods there are, with their tier, scopes and encodings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.limits import SPECIAL
from sahut_bot.sandbox.slack.methods import chat, conversations, files, people, reactions, views
from sahut_bot.sandbox.slack.model import Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace


@dataclass(frozen=True, slots=True)
class Method:
    """`scopes`: any one is enough; methods on conversations check the scope of the conversation's kind themselves.

    `json_body`: takes arguments as JSON (Slack docs, Web API basics: methods that write); others do not see it.
    """

    run: Callable[[SlackWorkspace, Arguments], Json]
    tier: int
    scopes: tuple[str, ...] = ()
    json_body: bool = True


# Tiers and scopes: Slack docs, each method's page.
METHODS: Mapping[str, Method] = {
    "auth.test": Method(people.auth_test, SPECIAL),
    "bots.info": Method(people.bots_info, 3, ("users:read",), False),
    "chat.delete": Method(chat.delete, 3, ("chat:write",)),
    "chat.getPermalink": Method(chat.get_permalink, SPECIAL, (), False),
    "chat.postEphemeral": Method(chat.post_ephemeral, 4, ("chat:write",)),
    "chat.postMessage": Method(chat.post_message, SPECIAL, ("chat:write",)),
    "chat.update": Method(chat.update, 3, ("chat:write",)),
    "conversations.history": Method(conversations.history, 3, (), False),
    "conversations.info": Method(conversations.info, 3, (), False),
    "conversations.list": Method(conversations.list_all, 2, (), False),
    "conversations.members": Method(conversations.members, 4, (), False),
    "conversations.open": Method(conversations.open_direct, 3),
    "conversations.replies": Method(conversations.replies, 3, (), False),
    "files.completeUploadExternal": Method(files.complete_upload, 4, ("files:write",)),
    "files.delete": Method(files.delete, 3, ("files:write",)),
    "files.getUploadURLExternal": Method(files.get_upload_url, 4, ("files:write",), False),
    "files.info": Method(files.info, 4, ("files:read",), False),
    "reactions.add": Method(reactions.add, 3, ("reactions:write",)),
    "reactions.get": Method(reactions.get, 3, ("reactions:read",), False),
    "reactions.remove": Method(reactions.remove, 2, ("reactions:write",)),
    "users.conversations": Method(conversations.users_conversations, 2, (), False),
    "users.info": Method(people.users_info, 4, ("users:read",), False),
    "users.list": Method(people.users_list, 2, ("users:read",), False),
    "views.open": Method(views.open_view, 4),
    "views.publish": Method(views.publish, 4),
    "views.push": Method(views.push, 4),
    "views.update": Method(views.update, 4),
}
