"""HTTP mode: signed requests to the app's URLs (Slack docs, verifying requests; Events API)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import aiohttp

from sahut_bot.sandbox.slack.delivery import Attempt, Delivery, Pending, Switches
from sahut_bot.sandbox.slack.model import Ack, Json

if TYPE_CHECKING:
    from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_FORM = "application/x-www-form-urlencoded"
_MAX_REDIRECTS = 2


class HttpMode(Delivery):
    """`app_url` is where the app listens; the paths come from the manifest's request URLs.

    `clock_skew` (seconds) and `forge_signature` spoil what is sent.
    """

    def __init__(self, workspace: SlackWorkspace, switches: Switches, app_url: str) -> None:
        super().__init__(workspace, switches)
        self.app_url = app_url.rstrip("/")
        self.clock_skew = 0.0
        self.forge_signature = False
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(headers={"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"})

    async def stop(self) -> None:
        self.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def verify_url(self) -> bool:
        """The handshake with which Slack accepts a request URL: the challenge must come back."""
        challenge = secrets.token_hex(16)
        body = {"type": "url_verification", "token": self.ws.credentials.verification_token, "challenge": challenge}
        reply = await self._post(self._url(self.ws.manifest.events_url), json.dumps(body), "application/json", {})
        if isinstance(reply, str) or reply[0] != 200:
            return False
        text = reply[1].strip()
        return text == challenge or (text.startswith("{") and json.loads(text).get("challenge") == challenge)

    # ------------------------------------------------------------ sending

    def _url(self, declared: str) -> str:
        return self.app_url + urlsplit(declared).path

    def sign(self, body: str) -> dict[str, str]:
        """The two headers of a genuine request."""
        stamp = str(int(time.time() + self.clock_skew))
        secret = "forged" if self.forge_signature else self.ws.credentials.signing_secret
        digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def _post(
        self, url: str, body: str, content_type: str, headers: dict[str, str]
    ) -> tuple[int, str, bool] | str:
        """Status, text and whether retries are unwanted; or the reason why nothing came."""
        if self._session is None:
            return "connection_failed"
        sent = {"Content-Type": content_type, **self.sign(body), **headers}
        timeout = aiohttp.ClientTimeout(total=self.switches.ack_timeout)
        try:
            async with self._session.post(
                url, data=body.encode(), headers=sent, timeout=timeout, max_redirects=_MAX_REDIRECTS
            ) as response:
                text = await response.text()
                return response.status, text, response.headers.get("X-Slack-No-Retry") == "1"
        except TimeoutError:
            return "http_timeout"
        except aiohttp.TooManyRedirects:
            return "too_many_redirects"
        except aiohttp.ClientError:
            return "connection_failed"

    def _send(self, pending: Pending, attempt: Attempt) -> None:
        task = asyncio.create_task(self._deliver(pending, attempt), name="slack-sandbox-event")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, pending: Pending, attempt: Attempt) -> None:
        headers: dict[str, str] = {}
        if pending.attempt:
            headers = {"X-Slack-Retry-Num": str(pending.attempt), "X-Slack-Retry-Reason": pending.reason}
        url = self._url(self.ws.manifest.events_url)
        reply = await self._post(url, json.dumps(pending.envelope), "application/json", headers)
        if isinstance(reply, str):
            self.failed(pending, attempt, reply)
        elif 200 <= reply[0] < 300:
            self.done(pending, attempt)
        else:
            self.failed(pending, attempt, "http_error", give_up=reply[2])

    async def _ask(self, kind: str, payload: Json) -> Ack:
        if kind == "slash_commands":
            url, body = self._url(self.ws.manifest.commands[payload["command"]].url), urlencode(payload)
        else:
            url, body = self._url(self.ws.manifest.interactivity_url), urlencode({"payload": json.dumps(payload)})
        reply = await self._post(url, body, _FORM, {})
        if isinstance(reply, str):
            return Ack(ok=False, reason=reply)
        status, text, _ = reply
        if status != 200:
            return Ack(ok=False, reason=f"http status {status}")
        return Ack(ok=True, body=_answer(text, kind))


def _answer(text: str, kind: str) -> Json:
    """A JSON object, or for a slash command also plain text to show."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return {"text": text} if kind == "slash_commands" and text.strip() else {}
