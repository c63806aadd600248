"""Is it alive, is it ready: for whoever watches over the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sahut_bot.inbox.store import Store
from sahut_bot.types import Health


def routes(store: Store, adapters: Callable[[], Mapping[str, Health]]) -> list[Route]:
    """`/healthz` says that the process lives; `/readyz` is 200 when the database and every adapter work, else 503."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        database = await store.healthy()
        states = adapters()
        ready = database and all(state is Health.CONNECTED for state in states.values())
        body = {
            "ready": ready,
            "database": "ok" if database else "unavailable",
            "adapters": {name: state.value for name, state in states.items()},
        }
        return Response(orjson.dumps(body), 200 if ready else 503, media_type="application/json")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
