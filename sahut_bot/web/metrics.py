"""What Prometheus may count. Names and labels only: never a text, a name or an address of a person."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Metrics:
    """One registry per program, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter(
            "sahut_events", "Events taken in, by where from and what kind", ["source", "kind"], registry=self.registry
        )
        self._took: dict[tuple[str, str], Counter] = {}
        self.refused = Counter(
            "sahut_requests_refused",
            "Requests refused, by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.outcomes = Counter(
            "sahut_outbox_outcomes", "Attempts at outbox rows", ["target", "kind", "outcome"], registry=self.registry
        )
        self.lag = Histogram(
            "sahut_outbox_lag_seconds",
            "From when a row was due to when its attempt ended",
            ["kind"],
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 300, 3600),
            registry=self.registry,
        )
        self.waiting = Gauge("sahut_store_waiting", "Works that wait for the database", registry=self.registry)

    def took(self, source: str, kind: str) -> None:
        """One more event; on the path of every message, so the counter is looked up once."""
        counter = self._took.get((source, kind))
        if counter is None:
            counter = self._took[source, kind] = self.events.labels(source, kind)
        counter.inc()

    def route(self, before: Callable[[], None]) -> Route:
        """`GET /metrics`; `before` brings the gauges up to date."""

        async def metrics(_request: Request) -> Response:
            before()
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

        return Route("/metrics", metrics)
