"""One request's way through scripted faults to its answer, and into the workspace's record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from sahut_bot.sandbox.slack.failure import ApiError, RateLimitedError
from sahut_bot.sandbox.slack.faults import Fault, FaultScript
from sahut_bot.sandbox.slack.model import Call, Json
from sahut_bot.sandbox.slack.workspace import SlackWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`body` is None where not even JSON comes, as from a broken gateway."""

    status: int = 200
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.body is not None and bool(self.body["ok"])

    def response(self) -> web.Response:
        if self.body is None:
            return web.Response(text="<html>something went wrong</html>", status=self.status, content_type="text/html")
        return web.Response(
            body=orjson.dumps(self.body), status=self.status, headers=self.headers, content_type="application/json"
        )


class Counter:
    """Where calls are answered, one after the other, with what the script has planned for them."""

    def __init__(self, workspace: SlackWorkspace, script: FaultScript) -> None:
        self.ws = workspace
        self.script = script
        self.closing = asyncio.Event()

    async def serve(self, request: web.Request, method: str, args: Json, effect: Callable[[], Json]) -> Outcome:
        fault = self.script.next(method, args)
        at = time.monotonic()
        if fault is None:
            return self._done(method, args, at, effect)
        answered = self._done(method, args, at, effect) if fault.has_effect else self._spoiled(method, args, at, fault)
        await self.suffer(request, fault)
        return answered

    async def suffer(self, request: web.Request, fault: Fault) -> None:
        """Hangs and drops, as planned; a stopping server ends every hang."""
        if fault.hang:
            try:
                async with asyncio.timeout(fault.hang):
                    await self.closing.wait()
            except TimeoutError:
                pass
        if (fault.drop_before_effect or fault.drop_after_effect) and request.transport is not None:
            request.transport.abort()

    def _done(self, method: str, args: Json, at: float, effect: Callable[[], Json]) -> Outcome:
        status, headers, error = 200, {"x-oauth-scopes": ",".join(sorted(self.ws.manifest.scopes))}, ""
        try:
            body = {"ok": True, **effect()}
        except RateLimitedError as refusal:
            status, error, headers["Retry-After"] = 429, refusal.code, str(refusal.retry_after)
            body = {"ok": False, "error": error}
        except ApiError as refusal:
            error = refusal.code
            body = {"ok": False, "error": error, **refusal.extra}
        self.ws.record(Call(method=method, args=args, at=at, ok=not error, error=error, status=status))
        return Outcome(status=status, body=body, headers=headers)

    def _spoiled(self, method: str, args: Json, at: float, fault: Fault) -> Outcome:
        error = fault.error or ("ratelimited" if fault.status == 429 else "")
        status = fault.status or 200
        headers: dict[str, str] = {}
        if status == 429:
            headers["Retry-After"] = str(fault.retry_after)
            self.ws.limits.close(method, str(args.get("channel", "")), fault.retry_after)
        self.ws.record(Call(method=method, args=args, at=at, ok=False, error=error or "fault", status=status))
        return Outcome(status=status, body={"ok": False, "error": error} if error else None, headers=headers)
