"""Which release over its probe's budget stays where it is."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.spec.jobspec import JobSpec, RolloutSettings
from toolkit.spec.plan import Plan
from toolkit.spec.rendered import RenderedJob
from toolkit.workflows.taking_back import refusal


def plan(*updates: dict[str, Any] | None, auto_revert: bool = True) -> Plan:
    groups = [{"Name": f"g{number}", "Update": update} for number, update in enumerate(updates)]
    spec = JobSpec("web", "service", "j", "t", rollout=RolloutSettings(auto_revert=auto_revert))
    return Plan(RenderedJob(spec, "", (), {}), {"ID": "web", "TaskGroups": groups})


@pytest.mark.parametrize(
    ("made", "stays"),
    [
        (plan({"AutoRevert": True}), False), (plan({"AutoRevert": False}), True),
        # What is registered counts, not what a file says of a template that ignores it.
        (plan({"AutoRevert": False}, auto_revert=True), True),
        (plan({"AutoRevert": True}, auto_revert=False), False),
        (plan({"AutoRevert": False}, {"AutoRevert": True}), False),
        # Nomad rolls it without a deployment: then the file's word is all there is.
        (plan(None), False), (plan(None, auto_revert=False), True),
    ],
)  # fmt: skip
def test_a_job_that_is_not_to_go_back_by_itself_does_not(made: Plan, stays: bool) -> None:
    assert refusal(made, no_revert=False) == ("auto_revert is off" if stays else None)
    assert refusal(made, no_revert=True) == "it stays as asked"
    # Nobody asked for that, and going on to where it came from would help nobody.
    assert "a rollback put back" in (refusal(made, no_revert=False, back=True) or "")
