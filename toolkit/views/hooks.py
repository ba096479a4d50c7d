"""The hooks of repositories: their versions, what one holds, what a change came to."""

from __future__ import annotations

from typing import Any

from toolkit.spec.bundle import IDLE, HookEntry, HookSet, HookVersion
from toolkit.spec.hook_reports import HookChangeReport, HookListReport, HookShowReport
from toolkit.views.text import staged, table
from toolkit.views.when import minute

Report = HookListReport | HookShowReport | HookChangeReport

SHORT = 12
"""Digits of a digest, for people; four of them are enough to name a version."""


def lines(report: Report) -> list[str]:
    """A table, or the end in one sentence."""
    match report:
        case HookListReport():
            return _listed(report)
        case HookShowReport():
            return _shown(report)
        case HookChangeReport():
            return _changed(report)


def document(report: Report) -> dict[str, Any]:
    """The report for programs."""
    where = {"environment": report.environment, "address": report.address}
    match report:
        case HookListReport():
            return {
                "schema": "toolkit.hook-list/1",
                **where,
                "repo": report.repo,
                "why_not": report.why_not,
                "hooks": [_set_document(each) for each in report.sets],
            }
        case HookShowReport():
            return {
                "schema": "toolkit.hook-show/1",
                **where,
                "repo": report.repo,
                "current": report.current,
                "version": _version_document(report.version),
                "entries": [_entry_document(each) for each in report.entries],
            }
        case HookChangeReport():
            return {
                "schema": "toolkit.hook-change/1",
                "verdict": report.verdict,
                "code": int(report.code),
                "sentence": report.sentence,
                **where,
                "repo": report.repo,
                "hooks": None if report.found is None else _set_document(report.found),
                "trash": report.trash,
                "notes": list(report.notes),
                "next": report.next,
            }


def _listed(report: HookListReport) -> list[str]:
    if report.repo is not None:
        result = _versions(report.repo, report.sets[0] if report.sets else None)
    elif report.sets:
        head = ["repo", "version", "runs", "versions", "pushed"]
        result = table([head, *(_row(each) for each in report.sets)])
    else:
        result = [f"no hooks that this token may see, at {report.address}"]
    return result + (staged("note", report.why_not) if report.why_not else [])


def _row(each: HookSet) -> list[str]:
    running = each.by_digest.get(each.current)
    runs = ", ".join(each.active) or "none"
    when = minute(running.at) if running else "-"
    return [each.repo, each.current[:SHORT] or "-", runs, str(len(each.versions)), when]


def _versions(repo: str, found: HookSet | None) -> list[str]:
    if found is None or not found.versions:
        return [f"{repo} has no version of its hooks"]
    rows = [
        [
            each.digest[:SHORT],
            _runs(found) if each.digest == found.current else "",
            minute(each.at),
            each.by,
            str(each.files),
            ", ".join(each.hooks),
        ]
        for each in reversed(found.versions)
    ]
    return table([["version", "", "pushed", "by", "files", "hooks"], *rows])


def _runs(found: HookSet) -> str:
    return f"runs, without {', '.join(sorted(found.off))}" if found.off else "runs"


def _shown(report: HookShowReport) -> list[str]:
    version = report.version
    runs = "runs on pushes" if report.current else "does not run"
    result = staged("hooks", f"{report.repo} version {version.digest[:SHORT]}, {runs}")
    result += staged("pushed", f"{minute(version.at)} by {version.by}")
    result += staged("digest", version.digest)
    rows = [
        [each.path, f"{each.size} B", _word(each), each.sha256[:SHORT]] for each in report.entries
    ]
    return result + table([["file", "size", "", "sha256"], *rows])


def _word(each: HookEntry) -> str:
    if each.path in IDLE:
        return "never runs on a server"
    return "executable" if each.executable else ""


def _changed(report: HookChangeReport) -> list[str]:
    result = staged(report.verdict, report.sentence)
    if report.trash:
        result += staged("trash", report.trash)
    for note in report.notes:
        result += staged("note", note)
    if report.next is not None:
        result += staged("  next", report.next)
    return result


def _set_document(each: HookSet) -> dict[str, Any]:
    return {
        "repo": each.repo,
        "current": each.current or None,
        "active": list(each.active),
        "off": sorted(each.off),
        "versions": [_version_document(version) for version in each.versions],
    }


def _version_document(each: HookVersion) -> dict[str, Any]:
    return {
        "digest": each.digest,
        "at": each.at,
        "by": each.by,
        "hooks": list(each.hooks),
        "files": each.files,
        "size": each.size,
    }


def _entry_document(each: HookEntry) -> dict[str, Any]:
    return {
        "path": each.path,
        "size": each.size,
        "executable": each.executable,
        "sha256": each.sha256,
    }
