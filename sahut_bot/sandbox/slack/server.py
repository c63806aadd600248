"""The web server around a workspace: Web API, Socket Mode, files and response URLs on loopback."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from sahut_bot.sandbox.slack.access import need_scope
from sahut_bot.sandbox.slack.arguments import Arguments
from sahut_bot.sandbox.slack.delivery import Switches
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.faults import Fault, FaultScript
from sahut_bot.sandbox.slack.file_routes import FileRoutes
from sahut_bot.sandbox.slack.http_arguments import read_call
from sahut_bot.sandbox.slack.http_mode import HttpMode
from sahut_bot.sandbox.slack.methods.registry import METHODS
from sahut_bot.sandbox.slack.model import Json
from sahut_bot.sandbox.slack.serving import Counter
from sahut_bot.sandbox.slack.socket_mode import SocketMode
from sahut_bot.sandbox.slack.workspace import SlackWorkspace

_CONNECT = "apps.connections.open"
_MAX_BODY = 64 * 1024 * 1024


class SlackServer:
    """Serves one workspace. `app_url` is where the app listens when its manifest has Socket Mode off.

    While the server is stopped, what happens in the workspace is recorded but told to nobody.
    """

    def __init__(self, workspace: SlackWorkspace, *, port: int = 0, app_url: str = "") -> None:
        self.workspace = workspace
        self.switches = Switches()
        self.sockets = SocketMode(workspace, self.switches)
        self.http = HttpMode(workspace, self.switches, app_url)
        self.faults = FaultScript()
        self._counter = Counter(workspace, self.faults)
        self._files = FileRoutes(self._counter)
        self._port = port
        self._runner: web.AppRunner | None = None

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
        """The server as an aiohttp application, for someone else to run, who then sets `workspace.base_url`."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.add_routes(
            [
                web.get("/api/{method}", self._api),
                web.post("/api/{method}", self._api),
                web.get("/link", self.sockets.serve),
                *self._files.routes(),
            ]
        )
        app.on_startup.append(self._on_startup)
        app.on_shutdown.append(self._on_shutdown)
        return app

    async def _on_startup(self, app: web.Application) -> None:
        self._counter.closing.clear()
        self.workspace.outlet = self.delivery
        await self.http.start()

    async def _on_shutdown(self, app: web.Application) -> None:
        self._counter.closing.set()
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

    def fail_next(  # noqa: PLR0913 - one name for each kind of fault
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
        args, token, problem = await read_call(request, json_body=known is None or known.json_body)

        def effect() -> Json:
            if problem:
                raise ApiError(problem)
            return self._call(method, Arguments(args), token)

        return (await self._counter.serve(request, method, args, effect)).response()

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
