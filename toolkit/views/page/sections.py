"""The parts of a page below its charts: causes, chain, changes, origin, steps; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toolkit.views.page.markup import Child, Markup, el, inner
from toolkit.views.page.words import LINK_WORDS, LINKS, counted, length, moment
from toolkit.views.when import stamp

MOST_ROWS = 500
"""Rows of one table; what is beyond is counted."""

Json = Mapping[str, Any]


def section(name: str, title: str, *children: Child) -> Markup:
    """One part of the page, with its heading."""
    heading = el("h2", title, id=name)
    return el("section", heading, *children, aria_labelledby=name)


def rows(
    caption: str, head: Sequence[str], lines: Iterable[Sequence[Child]], codes: Iterable[int] = ()
) -> Markup:
    """A table whose first cell heads its row; `codes` are the columns of machines' names."""
    code, every = set(codes), list(lines)
    body = [
        el(
            "tr",
            [
                el(
                    "td" if place else "th",
                    cell,
                    scope=None if place else "row",
                    class_="code" if place in code else None,
                )
                for place, cell in enumerate(line)
            ],
        )
        for line in every[:MOST_ROWS]
    ]
    more = len(every) - MOST_ROWS
    return inner(
        el(
            "div",
            el(
                "table",
                el("caption", caption),
                el("thead", el("tr", [el("th", name, scope="col") for name in head])),
                el("tbody", body),
            ),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label=caption,
        ),
        el("p", f"and {more:,} more", class_="muted") if more > 0 else None,
    )


def folded(title: str, *children: Child) -> Markup:
    """Something to open, for whoever wants it."""
    return el("details", el("summary", title), *children)


def causes(report: Json) -> Markup | None:
    """Why it failed, the first cause first, and what to type next."""
    found = report.get("causes") or ()
    if not found:
        return None
    return section(
        "causes",
        "Why" if len(found) == 1 else "Why, the first cause first",
        el("ol", [el("li", _cause(each)) for each in found], class_="causes"),
    )


def _cause(cause: Json) -> Markup:
    place = []
    if cause.get("allocation"):
        place.append(f"allocation {cause['allocation'][:8]}")
    if cause.get("node"):
        place.append(f"on {cause['node']}")
    if cause.get("group"):
        place.append(f"group {cause['group']}")
    if int(cause.get("count") or 1) > 1:
        place.append("and " + counted(int(cause["count"]) - 1, "more instance"))
    evidence = cause.get("evidence") or ()
    return inner(
        el("p", el("strong", cause["summary"])),
        el("p", " · ".join(place), class_="muted") if place else None,
        el("pre", "\n".join(evidence), tabindex=0) if evidence else None,
        el("p", el("span", "advice ", class_="label"), cause["advice"])
        if cause.get("advice")
        else None,
    )


def chain(report: Json) -> Markup | None:
    """The chain that was verified, link by link and instance by instance."""
    verification = report.get("verification")
    if not verification:
        return None
    links = [
        el(
            "li",
            el("span", f"{LINKS[link['state']][0]} {link['name']}", class_=LINKS[link["state"]][1]),
            el("span", f" {LINK_WORDS[link['state']]}", class_="label"),
            el("span", f" {link['detail']}") if link["detail"] else None,
        )
        for link in verification["links"]
    ]
    head = ["instance", "node", "group", "Nomad", "Consul", "Traefik", "serves", "address"]
    lines = [
        (
            row["allocation"][:8], row["node"], row["group"], row["nomad"], row["consul"],
            row["traefik"], row["serves"], row["address"] or "–",
        )
        for row in verification["instances"]
    ]  # fmt: skip
    extras = [
        (extra["what"], f"{extra['kind']} in {extra['where']}", extra["detail"])
        for extra in verification["extras"]
    ]
    said = f"{verification['verified']} of {verification['expected']} instances verified"
    return section(
        "chain",
        "The chain, instance by instance",
        el("p", said),
        el("ul", links, class_="links"),
        rows("Every instance along the chain", head, lines, (0, 7)) if lines else None,
        rows("What should not be there", ["what", "where", "why"], extras, (0,))
        if extras
        else None,
    )


def changes(report: Json, more: Sequence[Json]) -> Markup | None:
    """What the plan was going to change, or what the version changed where there is no plan."""
    plan = report.get("plan") or {}
    diff: Sequence[Json] = plan.get("diff") or more
    groups = [(group["group"], ", ".join(_deeds(group))) for group in plan.get("groups") or ()]
    remarks = [
        *(str(note) for note in plan.get("notes") or ()),
        *(str(warning) for warning in plan.get("warnings") or ()),
        *(
            f"{each['message']}: {each['reason']} ({each['rule']})"
            for each in plan.get("lint") or ()
        ),
    ]
    if not (diff or groups or remarks):
        return None
    first = bool(plan) and plan.get("live") is None
    lines = [
        (
            {"Added": "+", "Deleted": "−", "Edited": "±"}[line["kind"]] + " " + line["path"],
            line["old"] or "–",
            line["new"] or "–",
        )
        for line in diff
    ]
    table = rows(
        "What changed; secrets are left out", ["field", "before", "after"], lines, (0, 1, 2)
    )
    new_job = folded(f"{counted(len(diff), 'field')} of a new job", table)
    return section(
        "changes",
        "What changed",
        rows("What happened to each group", ["group", "what"], groups) if groups else None,
        None if not diff else new_job if first else table,
        el("ul", [el("li", remark) for remark in remarks]) if remarks else None,
    )


def _deeds(group: Json) -> list[str]:
    found = [f"{group[key]} {word}" for key, word in _ACTIONS if group[key]]
    return ["1 canary" if deed == "1 canaries" else deed for deed in found]


_ACTIONS = (
    ("canary", "canaries"), ("place", "placed"), ("replace", "replaced"),
    ("in_place", "updated in place"), ("stop", "stopped"), ("migrate", "migrated"),
    ("preempt", "preempted elsewhere"), ("ignore", "left as they are"),
)  # fmt: skip


def origin(report: Json) -> Markup | None:
    """Where the version came from."""
    found = report.get("provenance")
    if not found:
        return None
    commit = found.get("commit")
    dirty = {True: " with changes that are not committed", False: ""}.get(found.get("dirty"), "")
    pairs = [
        ("tag", found.get("tag")),
        ("commit", commit and f"{commit}{dirty}"),
        ("deployed by", found.get("actor")),
        ("digest of template and values", found.get("digest")),
        ("toolkit", found.get("tool")),
    ]
    return section("origin", "Where it came from", facts((k, v) for k, v in pairs if v))


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Names and values."""
    return el(
        "dl",
        [el("div", el("dt", name), el("dd", value)) for name, value in pairs],
        class_="facts",
    )


def steps(report: Json, zero: float | None) -> Markup | None:
    """What was said on the way, and where the seconds went."""
    events: Sequence[Json] = report.get("events") or ()
    if not events:
        return None
    start = float(events[0]["at"]) if zero is None else zero
    lines = [(moment(float(e["at"]) - start), e["stage"], e["text"]) for e in events]
    timings: Json = report.get("timings") or {}
    spent = [
        (name.replace("_", " "), length(float(value))) for name, value in timings.items() if value
    ]
    return section(
        "steps",
        "Step by step",
        facts(spent) if spent else None,
        folded(
            f"{counted(len(events), 'step')}, from {stamp(float(events[0]['at']))}",
            rows("What was said on the way", ["when", "stage", "what"], lines),
        ),
    )


def work(report: Json) -> Markup | None:
    """Each task of work that ended, and how."""
    instances: Sequence[Json] = report.get("instances") or ()
    if not instances:
        return None
    lines = []
    for row in instances:
        how = row["state"] + (" (replaced)" if row["replaced"] else "")
        if row["oom"]:
            how += ", out of memory"
        ended = f"exit {row['exit_code']}" if row["exit_code"] is not None else "–"
        if row["signal"]:
            ended = f"signal {row['signal']}"
        took = "–"
        if row["started"] and row["finished"]:
            took = length(float(row["finished"]) - float(row["started"]))
        lines.append(
            (row["allocation"][:8], row["group"], row["task"], row["node"], how, ended,
             str(row["restarts"]), took)
        )  # fmt: skip
    head = ["instance", "group", "task", "node", "state", "end", "restarts", "took"]
    return section("work", "The work, task by task", rows("Every task", head, lines, (0,)))
