"""What the reconciler counts, for `/metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from toolkit.spec.discovery import TurnReport


class ReconcilerMetrics:
    """The reconciler's counters, in the server's registry."""

    def __init__(self, registry: CollectorRegistry):
        self.turns = Counter(
            "kick_reconcile_turns",
            "Turns taken: `done`, `failed` in part, or `blind` for what could not be read.",
            ("result",),
            registry=registry,
        )
        self.seconds = Histogram(
            "kick_reconcile_seconds",
            "Seconds that a turn took.",
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
            registry=registry,
        )
        self.changes = Counter(
            "kick_reconcile_changes", "Records that discovery changed.", registry=registry
        )
        self.wanted = Gauge(
            "kick_reconcile_wanted", "Records that jobs ask for and have.", registry=registry
        )
        self.refused = Gauge(
            "kick_reconcile_refused",
            "Names that jobs ask for and that need somebody's attention.",
            registry=registry,
        )
        self.leaving = Gauge(
            "kick_reconcile_leaving", "Names of jobs that no longer ask for them.",
            registry=registry,
        )  # fmt: skip
        self.last = Gauge(
            "kick_reconcile_last_turn_timestamp_seconds",
            "When the last whole turn was taken; now minus this is how far records lag behind.",
            registry=registry,
        )

    def took(self, report: TurnReport, now: float) -> None:
        """Count a turn that was taken."""
        turn = report.turn
        self.turns.labels("failed" if report.failed else "done").inc()
        self.seconds.observe(report.seconds)
        done = [step for number, step in enumerate(turn.steps) if number not in report.failed]
        self.changes.inc(len(done))
        self.wanted.set(turn.unchanged + sum(step.after is not None for step in done))
        self.refused.set(sum(kept.refused for kept in turn.kept))
        self.leaving.set(sum(each.due > report.at for each in turn.leftovers))
        if not report.failed:
            self.last.set(now)
