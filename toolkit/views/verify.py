"""What `toolkit verify` prints: the whole chain, then the verdict."""

from __future__ import annotations

from toolkit.spec.report import DeployReport
from toolkit.views import deploy, verification
from toolkit.views.deploy import document

__all__ = ["document", "lines"]


def lines(report: DeployReport) -> list[str]:
    """Every link and every instance, then the final block."""
    chain = [] if report.verification is None else verification.lines(report.verification)
    return [*chain, *deploy.lines(report)]
