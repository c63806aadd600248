"""The routes beside the Web API: upload URLs, private file URLs, response URLs."""

from __future__ import annotations

import time
from typing import Any

import orjson
from aiohttp import web

from sahut_bot.sandbox.slack import respond
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.http_arguments import bearer
from sahut_bot.sandbox.slack.methods.files import readable
from sahut_bot.sandbox.slack.model import Call, Json, StoredFile
from sahut_bot.sandbox.slack.serving import Counter

_SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to your team</body></html>"


class FileRoutes:
    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.ws = counter.ws

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/upload/v1/{ticket}", self._upload),
            web.get("/files-pri/{file}/download/{name}", self._download),
            web.get("/files-pri/{file}/{name}", self._download),
            web.post("/actions/{team}/{key}", self._respond),
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        """The raw bytes, or a multipart form with one file; exactly as many as were announced."""
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            part = next((one for one in form.values() if isinstance(one, web.FileField)), None)
            content = part.file.read() if part is not None else b""
        else:
            content = await request.read()
        ticket = request.match_info["ticket"]
        about: Json = {"ticket": ticket, "size": len(content)}
        outcome = await self.counter.serve(request, "upload", about, lambda: self._keep(ticket, content))
        if outcome.ok:
            return web.Response(text=f"OK - {len(content)}")
        return web.Response(text="upload refused", status=max(400, outcome.status))

    def _keep(self, ticket: str, content: bytes) -> Json:
        stored = self.ws.files.get(self.ws.uploads.get(ticket, ""))
        if stored is None or stored.uploaded:
            raise ApiError("invalid_upload_url")
        if len(content) != stored.length:
            raise ApiError("length_mismatch")
        stored.content, stored.uploaded = content, True
        return {}

    async def _download(self, request: web.Request) -> web.Response:
        """Without a good token a sign-in page comes, with status 200 (Slack docs, file object)."""
        file_id = request.match_info["file"].rpartition("-")[2]
        about: Json = {"file": file_id}
        if fault := self.counter.script.next("download", about):
            await self.counter.suffer(request, fault)
            if fault.status:
                return web.Response(status=fault.status)
        stored = self._allowed(request, file_id)
        self.ws.record(Call(method="download", args=about, at=time.monotonic(), ok=stored is not None))
        if stored is None:
            return web.Response(text=_SIGN_IN, content_type="text/html")
        if stored.mode != "hosted":
            return web.Response(text=_SIGN_IN, content_type="text/html", status=404)
        return web.Response(body=stored.content, content_type=stored.mimetype)

    def _allowed(self, request: web.Request, file_id: str) -> StoredFile | None:
        if bearer(request) != self.ws.credentials.bot_token or self.ws.token_error:
            return None
        if "files:read" not in self.ws.manifest.scopes:
            return None
        self.ws.scopes_used.add("files:read")
        stored = self.ws.files.get(file_id)
        return stored if stored is not None and readable(self.ws, stored) else None

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            body: Any = orjson.loads(await request.read())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.Response(text="invalid_payload", status=400)
        key = request.match_info["key"]

        def effect() -> Json:
            respond.use(self.ws, key, body)
            return {}

        outcome = await self.counter.serve(request, "response_url", body, effect)
        if outcome.ok:
            return web.Response(text="ok")
        if outcome.body is None or outcome.status != 200:
            return outcome.response()
        return web.json_response(outcome.body, status=404)
