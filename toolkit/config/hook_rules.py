"""`[policy]` of hook.toml: its rules, and those that could never grant anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from toolkit.config.lines import KeyPath
from toolkit.config.near import suggest
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.hook import PersonRule, RepoGrant, RepoPolicy, WorkloadRule
from toolkit.spec.repo import Right

ALL = "*"
RIGHTS: tuple[Right, ...] = ("read", "push", "admin")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_CHILD = re.compile(r"/(?:dispatch|periodic)-")


class Wrongs:
    """Where mistakes are gathered."""

    def __init__(self, source: Source, mistakes: list[Mistake]):
        self.source = source
        self.mistakes = mistakes

    def add(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """One mistake at `path`."""
        self.mistakes.append(self.source.mistake(path, message, hint))


def read_policy(data: Mapping[str, Any], good: Mapping[str, Any], found: Wrongs) -> RepoPolicy:
    """The rules; `data` as it was written, `good` what of it has the right types."""
    rules, written = good.get("policy", {}), data.get("policy", {})
    if isinstance(written, Mapping) and not (written.get("person") or written.get("workload")):
        hint = "add [[policy.person]] with policies, roles or management, and grants"
        found.add(("policy",) if "policy" in data else (), "nobody may do anything", hint)
    return RepoPolicy(_people(rules, written, found), _workloads(rules, written, found))


def _people(
    rules: Mapping[str, Any], written: Mapping[str, Any], found: Wrongs
) -> tuple[PersonRule, ...]:
    read: list[PersonRule] = []
    seen: dict[object, int] = {}
    for at, row in enumerate(rules.get("person", ())):
        path: KeyPath = ("policy", "person", at)
        said = written["person"][at]
        for key in ("policies", "roles"):
            for name in row.get(key, ()):
                _check_exact((*path, key), name, found)
        rule = PersonRule(
            grants=_grants(path, row, said, RIGHTS, found),
            policies=frozenset(row.get("policies", ())),
            roles=frozenset(row.get("roles", ())),
            management=row.get("management", False),
        )
        if _is_whole(row, said, "policies", "roles", "management"):
            if not (rule.policies or rule.roles or rule.management):
                hint = 'policies = ["…"], roles = ["…"] or management = true'
                found.add(path, "is nobody's rule", hint)
            first = seen.setdefault((rule.policies, rule.roles, rule.management), at)
            if first != at:
                line = found.source.line(("policy", "person", first))
                message = f"has the same holders as the rule at line {line}"
                found.add(path, message, "put all grants into one rule")
        read.append(rule)
    return tuple(read)


def _workloads(
    rules: Mapping[str, Any], written: Mapping[str, Any], found: Wrongs
) -> tuple[WorkloadRule, ...]:
    read: list[WorkloadRule] = []
    seen: dict[tuple[str, str, str], int] = {}
    for at, row in enumerate(rules.get("workload", ())):
        path: KeyPath = ("policy", "workload", at)
        said = written["workload"][at]
        if not said.get("job"):
            found.add(path, "says no job", 'job = "…": its ID in Nomad')
        for key in ("namespace", "job", "task"):
            _check_exact((*path, key), row.get(key, ""), found)
        job = row.get("job", "")
        if _CHILD.search(job):
            hint = f'say "{_CHILD.split(job)[0]}"'
            found.add((*path, "job"), "is a child: its token carries its parent's name", hint)
        rule = WorkloadRule(
            namespace=row.get("namespace", "default"),
            job=job,
            grants=_grants(path, row, said, ("read",), found),
            task=row.get("task", ""),
        )
        who = (rule.namespace, rule.job, rule.task)
        if job and _is_whole(row, said, "namespace", "job", "task"):
            first = seen.setdefault(who, at)
            if first != at:
                line = found.source.line(("policy", "workload", first))
                message = f"{rule.namespace}/{job} has a rule already, at line {line}"
                found.add(path, message, "put all grants into one rule")
        read.append(rule)
    return tuple(read)


def _is_whole(row: Mapping[str, Any], written: Mapping[str, Any], *keys: str) -> bool:
    return all((key in row) == (key in written) for key in keys)


def _check_exact(path: KeyPath, text: str, found: Wrongs) -> None:
    if "*" in text:
        found.add(path, f'"{text}" is compared whole: a * stands for nothing else')


def _grants(
    path: KeyPath,
    row: Mapping[str, Any],
    written: Mapping[str, Any],
    allowed: tuple[Right, ...],
    found: Wrongs,
) -> tuple[RepoGrant, ...]:
    if not written.get("grants"):
        hint = f'grants = [{{ repos = ["shop"], rights = ["{allowed[-1]}"] }}]'
        found.add(path, "grants nothing", hint)
    return tuple(
        _grant((*path, "grants", at), table, written["grants"][at], allowed, found)
        for at, table in enumerate(row.get("grants", ()))
    )


def _grant(
    path: KeyPath,
    table: Mapping[str, Any],
    written: Mapping[str, Any],
    allowed: tuple[Right, ...],
    found: Wrongs,
) -> RepoGrant:
    repos = tuple(table.get("repos", ()))
    if not written.get("repos"):
        found.add((*path, "repos"), "names no repository", '["shop"], or ["*"] for all')
    if ALL in repos and len(repos) > 1:
        found.add((*path, "repos"), "has names beside *, which stands alone for all")
    for name in repos:
        if name != ALL and "*" in name:
            _check_exact((*path, "repos"), name, found)
        elif name != ALL and not _NAME.fullmatch(name):
            hint = "1 to 63 of a-z, 0-9 and -, the first a letter or a digit"
            found.add((*path, "repos"), f'"{name}" cannot name a repository', hint)
        elif repos.count(name) > 1:
            found.add((*path, "repos"), f'has "{name}" twice')
            break
    rights = tuple(table.get("rights", ()))
    if not written.get("rights"):
        found.add((*path, "rights"), "says no right", " or ".join(f'["{r}"]' for r in allowed))
    for right in rights:
        if right not in RIGHTS:
            found.add((*path, "rights"), f'"{right}" is no right', suggest(right, RIGHTS))
        elif right not in allowed:
            message = f'workloads may not have "{right}": they may only read'
            found.add((*path, "rights"), message, "a push is a person's, with a token of their own")
    known = (cast(Right, right) for right in rights if right in allowed)
    return RepoGrant(repos, frozenset(known))
