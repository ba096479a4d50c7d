"""Entries of the audit, a line each, and what is known of their chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.spec.dns_reports import DnsAuditReport
from toolkit.views.text import counted, staged, table

TEXTS = (
    "time", "kind", "action", "subject", "zone", "via", "request", "key", "fingerprint", "result",
    "detail", "prev", "hash",
)  # fmt: skip
ACTOR = ("kind", "namespace", "job", "task", "allocation", "accessor", "name")
HEAD = ["", "when", "who", "what", "about", "change", "result"]


def lines(report: DnsAuditReport) -> list[str]:
    """Oldest first; then whether the chain holds, and the hash that it ends with."""
    outcomes = {
        int(each["intent"]): each for each in report.entries if isinstance(each.get("intent"), int)
    }
    rows = [
        _row(each, outcomes.get(int(each.get("seq") or 0)))
        for each in report.entries
        if each.get("kind") != "outcome"
    ]
    result = table([HEAD, *rows]) if rows else ["nothing was recorded of that"]
    if report.verified:
        result += staged("verified", _verified(report))
    result += staged("head", f"{report.count}:{report.head}" if report.head else "none yet")
    return result


def document(report: DnsAuditReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.dns-audit/1",
        "environment": report.environment,
        "address": report.address,
        "entries": [_described(entry) for entry in report.entries],
        "verified": report.verified,
        "head": report.head,
        "count": report.count,
        "anchor": report.anchor,
    }


def _verified(report: DnsAuditReport) -> str:
    before = int((report.anchor or "0").partition(":")[0])
    whole = counted(report.count - before, "entry").replace("entrys", "entries")
    if not before:
        return f"{whole}, one chain from the first to the last"
    return f"{whole}, one chain from the anchor {before} to the last; none before it was read"


def _described(entry: Mapping[str, Any]) -> dict[str, Any]:
    """All keys of an entry: in the audit's own line those are left out that say nothing."""
    actor = entry.get("actor")
    who = actor if isinstance(actor, Mapping) else {}
    return {
        **{key: entry.get(key, 0) for key in ("seq", "intent")},
        **{key: entry.get(key, "") for key in TEXTS},
        "actor": {key: who.get(key, "") for key in ACTOR},
        **{key: entry.get(key) for key in ("before", "after")},
    }


def _row(entry: Mapping[str, Any], outcome: Mapping[str, Any] | None) -> list[str]:
    return [
        str(entry.get("seq", "")),
        str(entry.get("time", ""))[:19].replace("T", " "),
        _who(entry),
        str(entry.get("action", "")),
        str(entry.get("subject", "")),
        _change(entry),
        _result(outcome),
    ]


def _change(entry: Mapping[str, Any]) -> str:
    """What it had and has; of a note of the reconciler, what leaves or stays after all."""
    after = entry.get("after")
    if isinstance(after, Mapping) and after.keys() == {"leaving", "staying"}:
        said = (f"{word} {_names(names)}" for word, names in sorted(after.items()) if names)
        return "; ".join(said)
    return f"{_short(entry.get('before'))} → {_short(after)}"


def _names(pairs: Any) -> str:
    """Pairs of a zone, such as `example.com (public)`, and a name in it."""
    if not isinstance(pairs, list):
        return str(pairs)
    return ", ".join(
        f"{each[1]} {str(each[0]).rpartition(' ')[2]}"
        for each in pairs
        if isinstance(each, list) and len(each) == 2
    )


def _who(entry: Mapping[str, Any]) -> str:
    actor = entry.get("actor")
    if not isinstance(actor, Mapping):
        return ""
    if actor.get("kind") == "workload":
        who = f"{actor.get('namespace', '')}/{actor.get('job', '')}"
    else:
        accessor = str(actor.get("accessor") or "")[:8]
        who = str(actor.get("name") or f"token {accessor}")
    via = entry.get("via")
    return who if via in {None, "", "request"} else f"{who} ({via})"


def _result(outcome: Mapping[str, Any] | None) -> str:
    if outcome is None:
        return "not in this part"
    said = str(outcome.get("result") or "")
    detail = str(outcome.get("detail") or "")
    return f"{said}: {detail}" if detail and said != "done" else said


def _short(value: Any) -> str:
    """What a name had or gets, on one line: `A 203.0.113.7`."""
    if isinstance(value, Mapping):
        if isinstance(value.get("records"), list):
            return _short(value["records"])
        if isinstance(value.get("values"), list):
            values = ", ".join(str(each) for each in value["values"]) or "an alias"
            return f"{value.get('type', '')} {values}".strip()
        return ", ".join(f"{key} {_short(each)}" for key, each in value.items()) or "nothing"
    if isinstance(value, list):
        return "; ".join(_short(each) for each in value) or "nothing"
    return "nothing" if value in (None, "") else str(value)
