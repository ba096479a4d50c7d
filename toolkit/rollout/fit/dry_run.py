"""Nomad's own answer to the same question, and what becomes of ours beside it; pure.

Where the two differ, ours is not given: it would be a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.rollout.fit.facts import JobFacts, Step
from toolkit.rollout.fit.rows import worst
from toolkit.spec.fit import DryRun, FitReport, GroupFit

Json = Mapping[str, Any]


def steps(answer: Json, job: JobFacts) -> dict[str, Step]:
    """What a plan would do with the instances of each of the job's groups."""
    updates = (answer.get("Annotations") or {}).get("DesiredTGUpdates") or {}
    return {
        group.name: _step(updates[group.name] or {}, group.count)
        for group in job.groups
        if group.name in updates
    }


def _step(update: Json, count: int) -> Step:
    def number(*keys: str) -> int:
        return sum(int(update.get(key) or 0) for key in keys)

    # Nomad never places more at once than the group has, canaries first.
    place = min(number("Place", "Canary", "Migrate"), count)
    return Step(
        place=place,
        canaries=min(number("Canary"), place),
        replace=number("DestructiveUpdate"),
        stays=number("Ignore", "InPlaceUpdate"),
        stops=number("Stop"),
    )


def dry_run(answer: Json) -> DryRun:
    """Who did not find a place."""
    failed = answer.get("FailedTGAllocs") or {}
    return DryRun(
        {
            str(group): int((metric or {}).get("CoalescedFailures") or 0) + 1
            for group, metric in failed.items()
        }
    )


def beside(report: FitReport, run: DryRun) -> FitReport:
    """The report, each group's answer compared with Nomad's."""
    if run.error:
        return replace(report, dry_run=run)
    groups = tuple(
        _compared(_named(group, run, report), run, report.kind) for group in report.groups
    )
    mark = worst(group.mark for group in groups)
    return replace(report, groups=groups, mark=mark, dry_run=run)


def _named(group: GroupFit, run: DryRun, report: FitReport) -> GroupFit:
    """Of groups that are in each other's way Nomad's dry run says which one is left out."""
    others = [each.group for each in report.groups if each.crowded]
    if not group.crowded or run.unplaced.get(group.group) or not set(others) & set(run.unplaced):
        return group
    return replace(group, mark="yes", placed=group.wanted, reason="", advice="")


def _compared(group: GroupFit, run: DryRun, kind: str) -> GroupFit:
    missing = run.unplaced.get(group.group, 0)
    match group.mark, missing > 0:
        case "unknown", False if group.later:
            # The dry run looks at the first step of the roll only.
            return group
        case "unknown", False:
            return replace(
                group, mark="yes", placed=group.wanted, reason="Nomad's dry run found a place",
                advice="",
            )  # fmt: skip
        case "unknown", True:
            placed = max(0, group.wanted - missing)
            return replace(group, mark="no", placed=placed, reason="Nomad's dry run found no place")
        case "yes", True:
            reason = "every demand that is known is met, yet Nomad's dry run found no place"
            return replace(group, mark="unknown", reason=reason)
        case "no", False if group.wanted and kind not in {"system", "sysbatch"}:
            reason = "some demand is not met, yet Nomad's dry run found a place"
            return replace(group, mark="unknown", reason=reason)
        case _:
            return group
