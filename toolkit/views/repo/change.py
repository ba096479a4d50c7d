"""A repository that was made, changed or deleted."""

from __future__ import annotations

from typing import Any

from toolkit.spec.repo_reports import RepoCreateReport, RepoDeleteReport
from toolkit.views.repo.parts import repo_document
from toolkit.views.text import staged


def lines(report: RepoCreateReport | RepoDeleteReport) -> list[str]:
    """The end in one sentence, the remote, and what git was told."""
    result = staged(report.verdict, report.sentence)
    if isinstance(report, RepoDeleteReport):
        return result + (staged("trash", report.trash) if report.trash else [])
    result += staged("remote", report.row.url)
    if report.work_tree is not None:
        told = "for the token" if report.work_tree.changed else "already"
        result += staged("git", f"asks toolkit {told}, in this work tree")
    for note in report.notes:
        result += staged("note", note)
    if report.next is not None:
        result += staged("  next", report.next)
    return result


def document(report: RepoCreateReport | RepoDeleteReport) -> dict[str, Any]:
    """The report for programs."""
    if isinstance(report, RepoDeleteReport):
        return {
            "schema": "toolkit.repo-delete/1",
            "verdict": report.verdict,
            "code": int(report.code),
            "sentence": report.sentence,
            "environment": report.environment,
            "address": report.address,
            "repo": report.repo,
            "trash": report.trash,
        }
    tree = report.work_tree
    return {
        "schema": "toolkit.repo-create/1",
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "environment": report.environment,
        "address": report.address,
        "repo": repo_document(report.row),
        "work_tree": None
        if tree is None
        else {"folder": tree.folder, "keys": list(tree.keys), "changed": tree.changed},
        "notes": list(report.notes),
        "next": report.next,
    }
