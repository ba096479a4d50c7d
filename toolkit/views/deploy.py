"""The outcome of a rollout: the verdict and its sentence, the causes, what to type next."""

from __future__ import annotations

from typing import Any

from toolkit.spec.report import DeployReport, Timings
from toolkit.views import analysis as analysis_view
from toolkit.views import cause as cause_view
from toolkit.views import event as event_view
from toolkit.views import lock as lock_view
from toolkit.views import plan as plan_view
from toolkit.views import probe as probe_view
from toolkit.views import provenance as provenance_view
from toolkit.views import timeline as timeline_view
from toolkit.views import verification as verification_view
from toolkit.views.text import told


def lines(report: DeployReport) -> list[str]:
    """The final block."""
    return [
        *told(report.verdict, report.sentence),
        *([] if report.probe is None else probe_view.lines(report.probe)),
        *([] if report.analysis is None else analysis_view.lines(report.analysis)),
        *cause_view.lines(report.causes, report.next),
    ]


def document(report: DeployReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.deploy/1",
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "job": report.job,
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "release": report.release,
        "previous_release": report.previous_release,
        "serving": report.serving,
        "version": report.version,
        "deployment": report.deployment,
        "evaluation": report.evaluation,
        "timings": _timings(report.timings),
        "verification": None
        if report.verification is None
        else verification_view.document(report.verification),
        "causes": [cause_view.document(cause) for cause in report.causes],
        "next": report.next,
        "plan": None if report.plan is None else plan_view.document(report.plan),
        "events": [event_view.document(event) for event in report.events],
        "calls": report.calls,
        "expired_waits": report.expired_waits,
        "lock": None if report.lock is None else lock_view.document(report.lock),
        "provenance": provenance_view.document(report.provenance),
        "probe": None if report.probe is None else probe_view.document(report.probe),
        "analysis": None if report.analysis is None else analysis_view.document(report.analysis),
        "timeline": None if report.timeline is None else timeline_view.document(report.timeline),
    }


def _timings(timings: Timings) -> dict[str, float | None]:
    return {
        "total": timings.total,
        "render": timings.render,
        "plan": timings.plan,
        "submit": timings.submit,
        "nomad": timings.nomad,
        "healthy": timings.healthy,
        "gate": timings.gate,
        "verify": timings.verify,
        "edge_wait": timings.edge_wait,
    }
