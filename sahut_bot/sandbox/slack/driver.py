"""People in their Slack clients: what they write, upload, change and delete, and who comes and goes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sahut_bot.sandbox.slack import events, timeline
from sahut_bot.sandbox.slack.emoji_names import is_emoji_name
from sahut_bot.sandbox.slack.failure import DriverError
from sahut_bot.sandbox.slack.hands import Hands
from sahut_bot.sandbox.slack.methods.files import file_json, new_file, post_files
from sahut_bot.sandbox.slack.model import DIRECT, PRIVATE, Channel, Json, StoredFile
from sahut_bot.sandbox.slack.typing_text import compose

_MAX_TYPED = 12_000  # Slack docs, composing messages


class Driver(Hands):
    """Everything a person does. Raises `DriverError` where a real client would not let them."""

    def post(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str = "",
        broadcast: bool = False,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> str:
        """Writes in a channel, or in a thread with `thread_ts`; gives the ts. Files go along as in the composer."""
        room = self._writing(user, channel, thread_ts)
        if text.startswith("/"):
            raise DriverError("a text that starts with a slash never reaches the app as a message")
        if len(text) > _MAX_TYPED or not (text.strip() or files):
            raise DriverError("nothing to send, or too long for the composer")
        message = self._written(user, room, text)
        if files:
            stored = [self._uploaded(user, name, content) for name, content in files]
            return str(post_files(self.ws, room, message, stored, thread_ts)["ts"])
        message["client_msg_id"] = str(uuid.uuid4())
        timeline.add(self.ws, room, message, thread_ts=thread_ts, broadcast=broadcast)
        self.ws.note_pings(room, message)
        return str(message["ts"])

    def upload(
        self,
        user: str,
        channel: str,
        name: str,
        content: bytes,
        *,
        thread_ts: str = "",
        text: str = "",
        odd: str = "",
    ) -> str:
        """Shares one file; gives the message's ts.

        `odd` makes it one of the kinds without bytes: tombstone, hidden_by_limit, external; or check_file_info.
        """
        room = self._writing(user, channel, thread_ts)
        stored = self._uploaded(user, name, content)
        if odd == "check_file_info":
            stored.access = odd
        elif odd:
            stored.mode = odd
        message = self._written(user, room, text)
        return str(post_files(self.ws, room, message, [stored], thread_ts)["ts"])

    def _uploaded(self, user: str, name: str, content: bytes) -> StoredFile:
        stored = new_file(self.ws, user, name)
        stored.content, stored.length = content, len(content)
        stored.uploaded = stored.completed = True
        events.plain_event(self.ws, "file_created", {"file_id": stored.id, "user_id": user, "file": {"id": stored.id}})
        return stored

    def _writing(self, user: str, channel: str, thread_ts: str) -> Channel:
        room = self.member(user, self.ws.channels[channel])
        if room.is_archived:
            raise DriverError(f"{channel} is archived")
        if thread_ts:
            parent = room.messages.get(thread_ts)
            if parent is None or parent.get("thread_ts", thread_ts) != thread_ts:
                raise DriverError(f"{thread_ts} is not the first message of a thread")
        return room

    def _written(self, user: str, room: Channel, text: str) -> Json:
        person = self.ws.users[user]
        shown, elements = compose(text)
        message: Json = {"type": "message", "user": user, "text": shown, "team": person.team_id}
        if elements:
            message["blocks"] = [{"type": "rich_text", "block_id": self.ws.new_id("BK"), "elements": elements}]
        if person.is_stranger:
            message |= {"user_team": person.team_id, "source_team": person.team_id}  # Slack docs, Slack Connect
        return message

    def act(self, user: str, channel: str, subtype: str, text: str) -> str:
        """What Slack itself writes in a channel: channel_topic, me_message, reminder_add and other subtypes."""
        room = self._writing(user, channel, "")
        message: Json = {"type": "message", "subtype": subtype, "user": user, "text": text}
        return str(timeline.add(self.ws, room, message)["ts"])

    def other_bot(self, channel: str, text: str, *, thread_ts: str = "", on_behalf_of: str = "") -> str:
        """Another app, or a workflow, posts; some post as a person, with both `user` and `bot_id`."""
        room = self.ws.channels[channel]
        message: Json = {"type": "message", "bot_id": "B0OTHERAPP", "app_id": "A0OTHERAPP", "text": text}
        message |= {"user": on_behalf_of} if on_behalf_of else {"subtype": "bot_message", "username": "workflow"}
        return str(timeline.add(self.ws, room, message, thread_ts=thread_ts)["ts"])

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """A mention that the edit adds calls the app too (seen by several apps)."""
        room, message = self._own(user, channel, ts)
        before = message["text"]
        fields = self._written(user, room, text)
        timeline.change(self.ws, room, ts, {"text": fields["text"], "blocks": fields.get("blocks")}, editor=user)
        self.ws.note_pings(room, message)
        if f"<@{self.ws.bot_user_id}>" not in before:
            events.mention_event(self.ws, room, message)

    def delete(self, user: str, channel: str, ts: str) -> None:
        """One's own message, or an admin any message."""
        room = self.member(user, self.ws.channels[channel])
        if not self.ws.users[user].is_admin:
            self._own(user, channel, ts)
        elif ts not in room.messages:
            raise DriverError(f"no message {ts}")
        timeline.remove(self.ws, room, ts)

    def unfurl(self, channel: str, ts: str, url: str) -> None:
        """Slack adds a preview of a link some time later: a change without an edit."""
        preview = [{"id": 1, "from_url": url, "original_url": url, "fallback": url, "title": url}]
        timeline.change(self.ws, self.ws.channels[channel], ts, {"attachments": preview})

    def _own(self, user: str, channel: str, ts: str) -> tuple[Channel, Json]:
        room = self.member(user, self.ws.channels[channel])
        message = room.messages.get(ts)
        if message is None or message.get("user") != user or "bot_id" in message or "subtype" in message:
            raise DriverError(f"{ts} is not a message of {user}")
        return room, message

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        room = self._seen(user, channel, ts)
        if not is_emoji_name(name) or not timeline.react(self.ws, room, ts, name, user):
            raise DriverError(f"{name!r} is no emoji, or there already")

    def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        room = self._seen(user, channel, ts)
        if not timeline.unreact(self.ws, room, ts, name, user):
            raise DriverError(f"{user} has not put {name!r} there")

    def _seen(self, user: str, channel: str, ts: str) -> Channel:
        room = self.member(user, self.ws.channels[channel])
        if ts not in room.messages:
            raise DriverError(f"no message {ts}")
        return room

    def direct_message(self, user: str, text: str) -> str:
        """Writes to the app on its messages tab."""
        if not self.ws.manifest.messages_tab:
            raise DriverError("the app's manifest has no messages tab")
        return self.post(user, self.ws.direct_channel(user).id, text)

    # ------------------------------------------------------------ coming and going

    def join(self, user: str, channel: str, *, inviter: str = "") -> None:
        """Also for the app itself, by its bot user, when someone invites it."""
        room = self.ws.channels[channel]
        if user in room.members:
            raise DriverError(f"{user} is in {channel} already")
        room.members[user] = None
        room.is_ext_shared = room.is_ext_shared or self.ws.users[user].is_stranger
        message: Json = {"type": "message", "subtype": "channel_join", "user": user}
        message |= {"text": f"<@{user}> has joined the channel"} | ({"inviter": inviter} if inviter else {})
        timeline.add(self.ws, room, message)
        self._tell_member("member_joined_channel", user, room, {"inviter": inviter} if inviter else {})

    def leave(self, user: str, channel: str) -> None:
        """Leaves or is removed. The app, when removed itself, hears only that."""
        room = self.ws.channels[channel]
        if user not in room.members:
            raise DriverError(f"{user} is not in {channel}")
        if user == self.ws.bot_user_id:
            kind = "group_left" if room.kind == PRIVATE else "channel_left"
            events.plain_event(self.ws, kind, {"channel": room.id, "event_ts": room.next_ts(self.ws.now())})
            del room.members[user]
            return
        del room.members[user]
        text = f"<@{user}> has left the channel"
        timeline.add(self.ws, room, {"type": "message", "subtype": "channel_leave", "user": user, "text": text})
        self._tell_member("member_left_channel", user, room, {})

    def _tell_member(self, kind: str, user: str, room: Channel, more: Json) -> None:
        event: Json = {"user": user, "channel": room.id, "channel_type": "G" if room.kind == PRIVATE else "C"}
        event |= {"team": self.ws.users[user].team_id, "event_ts": room.next_ts(self.ws.now())} | more
        events.channel_event(self.ws, room, kind, event)

    def deactivate(self, user: str) -> None:
        self._change_person(user, deleted=True)

    def reactivate(self, user: str) -> None:
        self._change_person(user, deleted=False)

    def make_guest(self, user: str, *, single_channel: bool = False) -> None:
        self._change_person(user, is_restricted=True, is_ultra_restricted=single_channel)

    def make_full(self, user: str) -> None:
        self._change_person(user, is_restricted=False, is_ultra_restricted=False)

    def rename(self, user: str, name: str) -> None:
        self._change_person(user, real_name=name, display_name=name)

    def _change_person(self, user: str, **fields: Any) -> None:
        person = self.ws.users[user]
        for key, value in fields.items():
            setattr(person, key, value)
        person.updated = int(self.ws.now())
        shown = person.as_json(with_email="users:read.email" in self.ws.manifest.scopes)
        event: Json = {"user": shown, "cache_ts": person.updated, "event_ts": f"{self.ws.now():.6f}"}
        events.plain_event(self.ws, "user_change", event)
        self.ws.touch("user", user=user)

    # ------------------------------------------------------------ the channel itself

    def archive(self, user: str, channel: str, *, undo: bool = False) -> None:
        room = self.member(user, self.ws.channels[channel])
        room.is_archived = not undo
        self._tell_channel("unarchive" if undo else "archive", room, {"channel": room.id, "user": user})

    def rename_channel(self, user: str, channel: str, name: str) -> None:
        room = self.member(user, self.ws.channels[channel])
        room.name = name
        about = {"id": room.id, "name": name, "name_normalized": name, "created": room.created}
        self._tell_channel("rename", room, {"channel": about})

    def delete_channel(self, user: str, channel: str) -> None:
        room = self.member(user, self.ws.channels[channel])
        self._tell_channel("deleted", room, {"channel": room.id, "actor_id": user})
        del self.ws.channels[channel]
        for stored in self.ws.files.values():
            stored.shares.pop(channel, None)

    def _tell_channel(self, what: str, room: Channel, event: Json) -> None:
        if room.kind == DIRECT:
            raise DriverError("not in a direct message")
        side = "group" if room.kind == PRIVATE else "channel"
        events.channel_event(self.ws, room, f"{side}_{what}", event | {"event_ts": room.next_ts(self.ws.now())})
        self.ws.touch("channel", channel=room.id)

    def delete_file(self, user: str, file_id: str) -> None:
        """The messages stay, with a tombstone in place of the file."""
        stored = self.ws.files[file_id]
        if stored.owner != user and not self.person(user).is_admin:
            raise DriverError(f"{file_id} is not {user}'s")
        stored.mode, stored.content = "tombstone", b""
        for channel, shares in stored.shares.items():
            room = self.ws.channels[channel]
            for share in shares:
                message = room.messages.get(share["ts"])
                if message is not None:
                    files = [file_json(self.ws, self.ws.files[one["id"]]) for one in message["files"]]
                    timeline.change(self.ws, room, share["ts"], {"files": files})
        events.plain_event(self.ws, "file_deleted", {"file_id": file_id, "event_ts": f"{self.ws.now():.6f}"})

    def uninstall(self) -> None:
        """The app is removed: its tokens die with it."""
        self.ws.token_error = "account_inactive"  # noqa: S105 - an error code
        bots = {"tokens": {"oauth": [], "bot": [self.ws.bot_user_id]}}
        events.plain_event(self.ws, "tokens_revoked", bots)
        events.plain_event(self.ws, "app_uninstalled", {})
