"""A plan in words: what happens to each group, the diff, lint, warnings, whether it fits."""

from __future__ import annotations

from typing import Any

from toolkit.errors import ExitCode
from toolkit.spec.plan import GroupPlan, LintFinding, Plan
from toolkit.views import cause as cause_view
from toolkit.views import drift as drift_view
from toolkit.views.text import counted, staged, told


def code(plan: Plan) -> ExitCode:
    """0 nothing to do, 10 changes, 1 refused by lint, 4 does not fit."""
    if any(finding.level == "refused" and not finding.allowed for finding in plan.lint):
        return ExitCode.REFUSED
    if not plan.fits:
        return ExitCode.UNPLACED
    return ExitCode.CHANGES if plan.changed else ExitCode.OK


def lines(plan: Plan) -> list[str]:
    """The plan for people; the secrets of the diff are already redacted."""
    result = staged("plan", f"{plan.job_id}: {summary(plan)}")
    for group in plan.groups:
        result += staged("group", f"{group.group}: {actions(group)}")
    for note in plan.notes:
        result += told("note", note)
    if plan.question:
        result += staged("asks", plan.question)
    if plan.live is None and plan.diff:
        # Of a new job every field is new, Nomad's defaults included: pages that say nothing.
        result += staged("", f"+ {counted(len(plan.diff), 'field')} of a new job")
    else:
        for line in plan.diff:
            result += staged("", drift_view.changed(line.kind, line.path, line.old, line.new))
    # After the plan's own changes: they are told apart by the word at the line's start.
    result += drift_view.lines(plan)
    for warning in plan.warnings:
        result += told("warning", warning)
    for finding in plan.lint:
        result += _found(finding)
    if plan.unplaced:
        result.append("unplaced")
        result += cause_view.lines(plan.unplaced)
    return result


def summary(plan: Plan) -> str:
    """`1.0.0 → 1.1.0 · 2 canaries, then 2 stopped · fits`."""
    parts = [releases(plan)]
    if not plan.changed:
        parts.append("nothing to change")
    else:
        parts += [
            actions(group) if len(plan.groups) == 1 else f"{group.group}: {actions(group)}"
            for group in plan.groups
        ]
    parts.append("fits" if plan.fits else "does not fit")
    return " · ".join(part for part in parts if part)


def releases(plan: Plan) -> str:
    """`1.0.0 → 1.1.0`, `first deploy of 1.0.0`, or the release that stays."""
    new = plan.release or ""
    if plan.live is None or plan.live.stopped:
        word = "first deploy" if plan.live is None else "stopped now, starts again"
        return f"{word} of {new}" if new and plan.live is None else f"{word}, {new}".rstrip(", ")
    old = plan.live.release or f"version {plan.live.version}"
    return old if new in {"", old} else f"{old} → {new}"


def actions(group: GroupPlan) -> str:
    """What happens to one group, in words and numbers of instances."""
    parts = []
    if group.canary:
        then = f", then {group.ignore} stopped" if group.ignore else ""
        parts.append(f"{group.canary} {'canary' if group.canary == 1 else 'canaries'}{then}")
    elif group.replace:
        parts.append(f"{group.replace} replaced")
    for number, word in (
        (group.place, "placed"),
        (group.in_place, "updated in place"),
        (group.migrate, "migrated"),
        (group.stop, "stopped"),
        (group.preempt, "preempted elsewhere"),
        (0 if group.canary else group.ignore, "left as they are"),
    ):
        if number:
            parts.append(f"{number} {word}")
    return ", ".join(parts) or "nothing"


def _found(finding: LintFinding) -> list[str]:
    state = "allowed" if finding.allowed else finding.level
    way = "" if finding.allowed else f'\nallow it with [lint] allow = ["{finding.rule}"]'
    return told("lint", f"{finding.rule} ({state}): {finding.message}\n{finding.reason}{way}")


def document(plan: Plan) -> dict[str, Any]:
    """The plan for programs; without the parsed job, which may hold secrets."""
    return {
        "schema": "toolkit.plan/1",
        "job": plan.job_id,
        "code": int(code(plan)),
        "changed": plan.changed,
        "fits": plan.fits,
        "check_index": plan.check_index,
        "release": plan.release,
        "live": None
        if plan.live is None
        else {
            "version": plan.live.version,
            "release": plan.live.release,
            "stopped": plan.live.stopped,
            "counts": dict(plan.live.counts),
        },
        "groups": [_group(group) for group in plan.groups],
        "diff": [
            {"path": line.path, "kind": line.kind, "old": line.old, "new": line.new}
            for line in plan.diff
        ],
        "lint": [
            {
                "rule": finding.rule,
                "level": finding.level,
                "message": finding.message,
                "reason": finding.reason,
                "allowed": finding.allowed,
            }
            for finding in plan.lint
        ],
        "warnings": list(plan.warnings),
        "notes": list(plan.notes),
        "question": plan.question,
        "unplaced": [cause_view.document(cause) for cause in plan.unplaced],
        "drift": None if plan.drift is None else drift_view.document(plan.drift),
        "scaled": [drift_view.scaled_document(group) for group in plan.scaled],
        "environment": plan.environment,
        "address": plan.address,
        "namespace": plan.namespace,
        "made_at": plan.made_at,
    }


def _group(group: GroupPlan) -> dict[str, Any]:
    return {
        "group": group.group,
        "place": group.place,
        "canary": group.canary,
        "replace": group.replace,
        "in_place": group.in_place,
        "stop": group.stop,
        "migrate": group.migrate,
        "preempt": group.preempt,
        "ignore": group.ignore,
    }
