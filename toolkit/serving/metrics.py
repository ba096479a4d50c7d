"""What every server counts, in Prometheus' text format; labels come from fixed sets only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

MEDIA = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """The counters of one server; other parts add theirs to `registry`."""

    def __init__(self, name: str) -> None:
        """`name`: the server's, which all names of metrics begin with."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            f"{name}_requests",
            "Requests answered, by action (`none` for no such path) and status.",
            ("action", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            f"{name}_request_seconds",
            "Seconds from the headers of a request to its answer.",
            ("action",),
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self.in_progress = Gauge(
            f"{name}_requests_in_progress", "Requests being worked on.", registry=self.registry
        )
        self.unidentified = Counter(
            f"{name}_unidentified",
            "Callers that could not be verified, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self.held_back = Counter(
            f"{name}_writes_held_back",
            "Changes refused because their caller made too many just now, by kind of caller.",
            ("caller",),
            registry=self.registry,
        )

    def text(self) -> bytes:
        """The page."""
        return generate_latest(self.registry)
