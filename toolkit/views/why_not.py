"""Whether a job has a place: the answer, a matrix of nodes and demands, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.spec.fit import Demand, DryRun, FitReport, GroupFit, NodeFit
from toolkit.views.text import SCREEN, counted, folded, neutral, table, told

COLUMNS = 80
NAME = 22
"""Of a node's name so much is shown."""
LABEL = 12
FEW = 8
"""So many nodes are shown one by one; of more, those that are alike share a row."""
NEAR = 3
"""Nodes that are described in words."""
WORDS = {"yes": "yes", "no": "no", "unknown": "?"}


def lines(report: FitReport, *, every: bool = False) -> list[str]:
    """The answer first, then each group's matrix; with `every` no rows are put together."""
    first = folded(neutral(sentence(report)), SCREEN)
    result = [*first, *told("job", f"{report.source} · {report.kind}")]
    for group in report.groups:
        result += _group(group, report, every=every)
    if report.dry_run is not None:
        result += told("Nomad", _nomad(report.dry_run))
    for note in report.notes:
        result += told("note", note)
    return [neutral(line) for line in result]


def sentence(report: FitReport) -> str:
    """The whole answer: whether it fits, and of what does not which node is nearest."""
    if not report.groups:
        return f"{report.job} fits: it has no group to place"
    decisive = next(
        (group for group in report.groups if group.mark == report.mark), report.groups[0]
    )
    name = f"group {decisive.group}: " if len(report.groups) > 1 else ""
    match report.mark:
        case "yes":
            parts = "; ".join(_fits(group, report) for group in report.groups)
            return f"{report.job} fits: {parts}"
        case "no":
            return f"{report.job} does not fit: {name}{_nearest(decisive, report)}"
        case _:
            return f"{report.job}: could not tell: {name}{decisive.reason}"


def _fits(group: GroupFit, report: FitReport) -> str:
    where = f"{group.possible} of {counted(report.total_nodes, 'node')}"
    name = "" if group.group == report.job else f"{group.group} "
    if not group.wanted:
        stays = f"{counted(group.stays, 'instance')} {'stays' if group.stays == 1 else 'stay'}"
        return f"{name + 'has ' if name else ''}nothing to place, {stays}; room for more on {where}"
    return f"{name}{group.placed} of {group.wanted} wanted instances, {where} can take it"


def _nearest(group: GroupFit, report: FitReport) -> str:
    if group.reason and group.possible:
        return f"{group.reason} on the {counted(group.possible, 'node')} that can take it"
    near = next((node for node in group.nodes if node.mark != "yes"), None)
    if near is None:
        return "there is no node" if not report.total_nodes else group.reason
    return f"nearest: {near.name} {'; '.join((*near.lacks, *near.unclear))}"


def _group(group: GroupFit, report: FitReport, *, every: bool) -> list[str]:
    result = told("group", f"{group.group}: {_wanted(group)}")
    shown = [
        index
        for index, demand in enumerate(group.demands)
        if demand.unmet or demand.unknown or not group.nodes
    ]
    met = [demand.text for index, demand in enumerate(group.demands) if index not in shown]
    if met and group.nodes:
        result += told("met", _folded(met))
    if group.nodes:
        result += _matrix(group, shown, every=every)
    for index in shown:
        result += told(_label(group.demands[index]), _counts(group.demands[index]))
    for node in [node for node in group.nodes if node.mark != "yes"][:NEAR]:
        said = "; ".join((*node.lacks, *(f"? {text}" for text in node.unclear)))
        result += told("near", f"{node.name} {said}")
    if group.reason and group.mark != "unknown" and report.mark != "yes":
        result += told("reason", group.reason)
    if group.advice:
        result += told("advice", group.advice)
    return result


def _wanted(group: GroupFit) -> str:
    parts = [f"{group.placed} of {group.wanted} wanted have a place"]
    if not group.wanted:
        parts = ["nothing to place"]
    if group.canaries:
        word = "canary" if group.canaries == 1 else "canaries"
        parts.append(f"{group.canaries} {word} beside what runs")
    if group.replaced:
        parts.append(f"{group.replaced} in place of an instance that stops first")
    if group.stays:
        parts.append(f"{group.stays} {'stays' if group.stays == 1 else 'stay'}")
    return " · ".join(parts)


def _folded(texts: Sequence[str]) -> str:
    """Texts joined, with a line break before the screen ends."""
    rows = [""]
    for number, text in enumerate(texts):
        piece = text + ("," if number < len(texts) - 1 else "")
        if rows[-1] and len(rows[-1]) + 1 + len(piece) > COLUMNS - 10:
            rows.append("")
        rows[-1] = f"{rows[-1]} {piece}".strip()
    return "\n".join(rows)


def _counts(demand: Demand) -> str:
    number = demand.met + demand.unmet + demand.unknown
    unknown = f", {demand.unknown} could not be told" if demand.unknown else ""
    added = " (Nomad adds it)" if demand.implied else ""
    return f"{demand.text}{added}: {demand.met} of {counted(number, 'node')}{unknown}"


def _label(demand: Demand) -> str:
    return demand.label if len(demand.label) <= LABEL else demand.label[: LABEL - 1] + "…"


def _matrix(group: GroupFit, shown: Sequence[int], *, every: bool) -> list[str]:
    rows = _rows(group.nodes, shown, every=every)
    scored = any(node.score is not None for _, node in rows)
    head = ["node", "room", *(["prefer"] if scored else [])]
    left = [
        [
            _name(number, node),
            "?" if node.room is None else str(node.room),
            *([_score(node)] if scored else []),
        ]
        for number, node in rows
    ]
    result: list[str] = []
    todo = list(shown)
    while todo or not result:
        # As many columns as the screen has room for, at least one.
        number = min(1, len(todo))
        while number < len(todo) and _fits_screen(
            _made(head, left, group, rows, todo[: number + 1])
        ):
            number += 1
        result += _made(head, left, group, rows, todo[:number])
        todo = todo[number:]
    return result


def _fits_screen(made: Sequence[str]) -> bool:
    return max(map(len, made)) <= COLUMNS


def _made(
    head: Sequence[str],
    left: Sequence[Sequence[str]],
    group: GroupFit,
    rows: Sequence[tuple[int, NodeFit]],
    chunk: Sequence[int],
) -> list[str]:
    first = [*head, *(_label(group.demands[index]) for index in chunk)]
    body = [
        [*cells, *(WORDS[node.cells[index].mark] for index in chunk)]
        for cells, (_, node) in zip(left, rows, strict=True)
    ]
    return table([first, *body], indent=2)


def _rows(
    nodes: Sequence[NodeFit], shown: Sequence[int], *, every: bool
) -> list[tuple[int, NodeFit]]:
    """Nodes with the number of those that are like each."""
    if every or len(nodes) <= FEW:
        return [(1, node) for node in nodes]
    alike: dict[tuple[object, ...], list[NodeFit]] = {}
    for node in nodes:
        key = (node.room, node.score, *(node.cells[index].mark for index in shown))
        alike.setdefault(key, []).append(node)
    return [(len(group), group[0]) for group in alike.values()]


def _name(number: int, node: NodeFit) -> str:
    name = node.name or node.id[:8]
    name = name if len(name) <= NAME else name[: NAME - 1] + "…"
    return name if number == 1 else f"{number} nodes like {name}"


def _score(node: NodeFit) -> str:
    return "-" if node.score is None else f"{node.score:+.2f}"


def _nomad(run: DryRun) -> str:
    if run.error:
        return "its dry run gave no answer"
    if not run.unplaced:
        return "its dry run places everything"
    missing = ", ".join(f"{number} of group {name}" for name, number in run.unplaced.items())
    return f"its dry run does not place {missing}"


def document(report: FitReport) -> dict[str, Any]:
    """The report for programs, with every node."""
    run = report.dry_run
    return {
        "schema": "toolkit.why-not/1",
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "job": report.job,
        "kind": report.kind,
        "source": report.source,
        "code": int(report.code),
        "fits": {"yes": True, "no": False, "unknown": None}[report.mark],
        "sentence": sentence(report),
        "total_nodes": report.total_nodes,
        "groups": [_group_document(group) for group in report.groups],
        "dry_run": None
        if run is None
        else {"unplaced": dict(run.unplaced), "error": run.error or None},
        "notes": list(report.notes),
        "calls": report.calls,
    }


def _group_document(group: GroupFit) -> dict[str, Any]:
    return {
        "group": group.group,
        "fits": {"yes": True, "no": False, "unknown": None}[group.mark],
        "wanted": group.wanted,
        "placed": group.placed,
        "stays": group.stays,
        "canaries": group.canaries,
        "replaced": group.replaced,
        "possible": group.possible,
        "reason": group.reason,
        "advice": group.advice,
        "demands": [
            {
                "kind": demand.kind,
                "label": demand.label,
                "text": demand.text,
                "implied": demand.implied,
                "met": demand.met,
                "unmet": demand.unmet,
                "unknown": demand.unknown,
            }
            for demand in group.demands
        ],
        "nodes": [_node_document(node) for node in group.nodes],
    }


def _node_document(node: NodeFit) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "datacenter": node.datacenter,
        "pool": node.pool,
        "class": node.node_class,
        "mark": node.mark,
        "room": node.room,
        "runs": node.runs,
        "score": node.score,
        "lacks": list(node.lacks),
        "unclear": list(node.unclear),
        "cells": [cell.mark for cell in node.cells],
    }
