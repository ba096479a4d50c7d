"""What this server counts beside what every server counts."""

from __future__ import annotations

from prometheus_client import Counter

from toolkit.serving import metrics


class Metrics(metrics.Metrics):
    """The counters of the kick server; other parts add theirs to `registry`."""

    def __init__(self) -> None:
        super().__init__("kick")
        self.forwarded = Counter(
            "kick_statuses_forwarded",
            "Statuses handed on to the configured target, by result.",
            ("result",),
            registry=self.registry,
        )
