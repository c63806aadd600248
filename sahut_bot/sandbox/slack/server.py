"""The web server around a workspace: Web API, Socket Mode, files and response URLs on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from sahut_bot.sandbox.slack import respond
from sahut_bot.sandbox.slack.access import need_scope
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.delivery import Switches
from sahut_bot.sandbox.slack.failure import ApiError, RateLimitedError
from sahut_bot.sandbox.slack.faults import Fault, FaultScript
from sahut_bot.sandbox.slack.http_mode import HttpMode
from sahut_bot.sandbox.slack.methods.files import readable
from sahut_bot.sandbox.slack.methods.registry import METHODS
from sahut_bot.sandbox.slack.model import Call, Json
from sahut_bot.sandbox.slack.socket_mode import SocketMode
from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_CONNECT = "apps.connections.open"
_SIGN_IN = (
    "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to your workspace</body></html>"
)
_MAX_BODY = 64 * 1024 * 1024


class SlackServer:
    """Serves one workspace. `app_url` is where the app listens when its manifest has Socket Mode off."""

    def __init__(self, workspace: SlackWorkspace, *, port: int = 0, app_url: str = "") -> None:
        self.workspace = workspace
        self.switches = Switches()
        self.sockets = SocketMode(workspace, self.switches)
        self.http = HttpMode(workspace, self.switches, app_url)
        self.faults = FaultScript()
        self._port = port
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    @property
    def delivery(self) -> SocketMode | HttpMode:
        return self.sockets if self.workspace.manifest.socket_mode else self.http

    @property
    def port(self) -> int:
        return self._port

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api/"

    @property
    def idle(self) -> bool:
        """Every event was acknowledged or is lost."""
        return self.delivery.idle

    def create_app(self) -> web.Application:
        """The server as an aiohttp application, to be run or mounted by someone else."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._api),
                web.get("/link", self.sockets.serve),
                web.post("/upload/v1/{ticket}", self._upload),
                web.get("/files-pri/{file}/download/{name}", self._download),
                web.get("/files-pri/{file}/{name}", self._download),
                web.post("/actions/{team}/{key}", self._respond),
            ]
        )
        app.on_startup.append(self._on_startup)
        app.on_shutdown.append(self._on_shutdown)
        return app

    async def _on_startup(self, app: web.Application) -> None:
        self._stopping.clear()
        self.workspace.outlet = self.delivery
        await self.http.start()

    async def _on_shutdown(self, app: web.Application) -> None:
        self._stopping.set()
        self.workspace.outlet = None
        await self.sockets.stop()
        await self.http.stop()

    async def start(self) -> None:
        """Listens on 127.0.0.1; with port 0 on a free one, which a later start takes again."""
        self._runner = web.AppRunner(self.create_app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.workspace.base_url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def fail_next(
        self,
        method: str,
        *,
        status: int = 0,
        error: str = "",
        retry_after: int = 1,
        hang: float = 0.0,
        drop_before_effect: bool = False,
        drop_after_effect: bool = False,
        times: int = 1,
        match: Callable[[Json], bool] | None = None,
    ) -> None:
        """Scripts the next calls to a Web API method, or to `upload`, `download` or `response_url` (see `Fault`)."""
        fault = Fault(
            status=status,
            error=error,
            retry_after=retry_after,
            hang=hang,
            drop_before_effect=drop_before_effect,
            drop_after_effect=drop_after_effect,
            times=times,
            match=match,
        )
        self.faults.plan(method, fault)

    # ------------------------------------------------------------ the Web API

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        known = METHODS.get(method)
        args, token = await _read(request, json_body=known is None or known.json_body)
        return await self._with_fault(request, method, args, lambda: self._call(method, Arguments(args), token))

    async def _with_fault(
        self, request: web.Request, method: str, args: Json, effect: Callable[[], Json]
    ) -> web.Response:
        fault = self.faults.next(method, args)
        at = time.monotonic()
        if fault is None:
            return self._answer(method, args, at, effect)
        response = (
            self._answer(method, args, at, effect) if fault.has_effect else self._spoiled(method, args, at, fault)
        )
        if fault.hang:
            await self._hang(fault.hang)
        if (fault.drop_before_effect or fault.drop_after_effect) and request.transport is not None:
            request.transport.abort()
        return response

    def _answer(self, method: str, args: Json, at: float, effect: Callable[[], Json]) -> web.Response:
        status, headers, error = 200, {"x-oauth-scopes": ",".join(sorted(self.workspace.manifest.scopes))}, ""
        try:
            body = {"ok": True, **effect()}
        except RateLimitedError as refusal:
            status, error, headers["Retry-After"] = 429, refusal.code, str(refusal.retry_after)
            body = {"ok": False, "error": error}
        except ApiError as refusal:
            error = refusal.code
            body = {"ok": False, "error": error, **refusal.extra}
        self.workspace.record(Call(method=method, args=args, at=at, ok=not error, error=error, status=status))
        return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")

    def _spoiled(self, method: str, args: Json, at: float, fault: Fault) -> web.Response:
        """The answer of a call without effect."""
        error = fault.error or ("ratelimited" if fault.status == 429 else "")
        status = fault.status or 200
        headers: dict[str, str] = {}
        if status == 429:
            headers["Retry-After"] = str(fault.retry_after)
            self.workspace.limits.close(method, str(args.get("channel", "")), fault.retry_after)
        self.workspace.record(Call(method=method, args=args, at=at, ok=False, error=error or "fault", status=status))
        if error:
            return web.json_response({"ok": False, "error": error}, status=status, headers=headers)
        return web.Response(text="<html>something went wrong</html>", status=status, content_type="text/html")

    async def _hang(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _call(self, method: str, args: Arguments, token: str) -> Json:
        ws = self.workspace
        if method == _CONNECT:
            return self._connect(token)
        known = METHODS.get(method)
        if known is None:
            raise ApiError("unknown_method", req_method=method)
        self._authenticate(token)
        ws.limits.check(method, known.tier, args.text("channel"))
        if known.scopes:
            need_scope(ws, *known.scopes)
        return known.run(ws, args)

    def _authenticate(self, token: str) -> None:
        ws = self.workspace
        if not token:
            raise ApiError("not_authed")
        if token == ws.credentials.app_token:
            raise ApiError("not_allowed_token_type")
        if token != ws.credentials.bot_token:
            raise ApiError("invalid_auth")
        if ws.token_error:
            raise ApiError(ws.token_error)

    def _connect(self, token: str) -> Json:
        """apps.connections.open takes the app-level token only (Slack docs)."""
        ws = self.workspace
        if not token:
            raise ApiError("not_authed")
        if token == ws.credentials.bot_token:
            raise ApiError("not_allowed_token_type")
        if token != ws.credentials.app_token:
            raise ApiError("invalid_auth")
        ws.limits.check(_CONNECT, 1, "")
        if "connections:write" not in ws.credentials.app_scopes:
            raise ApiError("missing_scope", needed="connections:write", provided=",".join(ws.credentials.app_scopes))
        base = ws.base_url.replace("http://", "ws://", 1)
        return {"url": f"{base}/link?ticket={self.sockets.new_ticket()}&app_id={ws.app_id}"}

    # ------------------------------------------------------------ files and response URLs

    async def _upload(self, request: web.Request) -> web.Response:
        """The raw bytes, or a multipart form with one file; exactly as many as were announced."""
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            part = next((one for one in form.values() if isinstance(one, web.FileField)), None)
            content = part.file.read() if part is not None else b""
        else:
            content = await request.read()
        ticket = request.match_info["ticket"]
        response = await self._with_fault(
            request, "upload", {"ticket": ticket, "size": len(content)}, lambda: self._keep(ticket, content)
        )
        if response.status != 200 or b'"ok":true' not in (response.body or b""):  # type: ignore[operator]
            return web.Response(text="upload refused", status=max(400, response.status))
        return web.Response(text=f"OK - {len(content)}")

    def _keep(self, ticket: str, content: bytes) -> Json:
        stored = self.workspace.files.get(self.workspace.uploads.get(ticket, ""))
        if stored is None or stored.uploaded:
            raise ApiError("invalid_upload_url")
        if len(content) != stored.length:
            raise ApiError("length_mismatch")
        stored.content, stored.uploaded = content, True
        return {}

    async def _download(self, request: web.Request) -> web.Response:
        file_id = request.match_info["file"].rpartition("-")[2]
        fault = self.faults.next("download", {"file": file_id})
        if fault is not None and fault.hang:
            await self._hang(fault.hang)
        if fault is not None and fault.status:
            return web.Response(status=fault.status)
        ws = self.workspace
        stored = ws.files.get(file_id)
        allowed = _bearer(request) == ws.credentials.bot_token and "files:read" in ws.manifest.scopes
        at = time.monotonic()
        ws.record(Call(method="download", args={"file": file_id}, at=at, ok=allowed and stored is not None))
        if not allowed or ws.token_error:
            # Slack docs, file object: without a good token a sign-in page comes, with status 200.
            return web.Response(text=_SIGN_IN, content_type="text/html")
        ws.scopes_used.add("files:read")
        if stored is None or not readable(ws, stored) or stored.mode != "hosted":
            return web.Response(text=_SIGN_IN, content_type="text/html", status=404)
        if fault is not None and (fault.drop_before_effect or fault.drop_after_effect):
            return web.Response(body=stored.content[: len(stored.content) // 2], content_type=stored.mimetype)
        return web.Response(body=stored.content, content_type=stored.mimetype)

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            body: Any = orjson.loads(await request.read())
        except ValueError:
            return web.Response(text="invalid_payload", status=400)
        key = request.match_info["key"]

        def effect() -> Json:
            respond.use(self.workspace, key, body if isinstance(body, dict) else {})
            return {}

        response = await self._with_fault(request, "response_url", body, effect)
        done = json.loads(response.body or b"{}") if response.content_type == "application/json" else {}  # type: ignore[arg-type]
        if done.get("ok"):
            return web.Response(text="ok")
        return web.json_response(done, status=404 if response.status == 200 else response.status)


async def _read(request: web.Request, *, json_body: bool) -> tuple[Json, str]:
    """Arguments from query and body, and the token: a header, or a form field, never the query (Slack docs)."""
    args: Json = dict(request.query)
    args.pop("token", None)
    token = _bearer(request)
    if request.method == "POST" and request.body_exists:
        if request.content_type == "application/json":
            body = orjson.loads(await request.read() or b"{}")
            if json_body and isinstance(body, dict):
                args |= body
        else:
            form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
            token = token or form.pop("token", "")
            args |= form
    return args, token


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""
