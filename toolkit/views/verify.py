"""What `toolkit verify` prints: the whole chain, then the verdict."""

from __future__ import annotations

from toolkit.spec.report import DeployReport
from toolkit.views import cause, deploy, verification
from toolkit.views.deploy import document
from toolkit.views.text import told

__all__ = ["document", "lines"]


def lines(report: DeployReport) -> list[str]:
    """Every link and every instance, then the final block; of a rollout the verdict first."""
    chain = [] if report.verification is None else verification.lines(report.verification)
    if report.verification is not None and report.verification.rolling:
        said = told(report.verdict, report.sentence)
        return [*said, *chain, *cause.lines(report.causes, report.next)]
    return [*chain, *deploy.lines(report)]
