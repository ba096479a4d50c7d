"""What this server counts beside what every server counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from toolkit.serving import metrics


class Metrics(metrics.Metrics):
    """The counters of the hook server; other parts add theirs to `registry`."""

    def __init__(self) -> None:
        super().__init__("hook")
        self.audited = Counter(
            "hook_audited",
            "Entries of the audit, by action and by what became of it.",
            ("action", "result"),
            registry=self.registry,
        )
        self.deployments = Counter(
            "hook_deployments",
            "Deployments that ended, by verdict; `needs-token`: until somebody resumes them.",
            ("state",),
            registry=self.registry,
        )
        self.open = Gauge(
            "hook_open", "Whether the server takes changes: 1 or 0.", registry=self.registry
        )
