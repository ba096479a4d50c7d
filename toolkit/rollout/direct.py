"""The kinds of jobs that are not rolled by a deployment; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BATCH = {"batch", "sysbatch"}


def is_launched_later(job: Mapping[str, Any]) -> bool:
    """True for periodic and parameterized jobs: registering them runs nothing.

    What they launch is not: a dispatched job keeps the words of its parent, and says so.
    """
    return bool(job.get("Periodic") or (job.get("ParameterizedJob") and not job.get("Dispatched")))


def is_work(job: Mapping[str, Any]) -> bool:
    """True for a job that does its work and ends, itself and not by what it launches."""
    return job.get("Type") in BATCH and not is_launched_later(job)
