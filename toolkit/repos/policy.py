"""Who may do what with which repository: deny by default, exact names, never a prefix.

Pure, and by names alone: it is asked before any file is touched, so that who has no right to a name
does not learn whether there is such a repository.
"""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.errors import ForbiddenError
from toolkit.repos.names import show
from toolkit.spec.hook import PersonRule, RepoGrant, RepoPolicy, WorkloadRule
from toolkit.spec.identity import Caller, Person, Workload
from toolkit.spec.repo import Right

ALL = "*"
"""Alone in a grant: every repository."""

_INCLUDED: dict[Right, frozenset[Right]] = {
    "read": frozenset({"read"}),
    "push": frozenset({"read", "push"}),
    "admin": frozenset({"read", "push", "admin"}),
}
_NONE: frozenset[Right] = frozenset()
_OF_WORKLOADS: frozenset[Right] = frozenset({"read"})


def permit(policy: RepoPolicy, caller: Caller, repo: str, right: Right) -> None:
    """Let the caller use the right, or raise ForbiddenError that says which grant is missing."""
    held = rights(policy, caller, repo)
    if right in held:
        return
    if isinstance(caller, Workload) and right != "read":
        raise ForbiddenError(
            f"{_named(caller)} may not {_doing(right)} {show(repo)}: workloads may only read",
            hint="use the Nomad token of a person",
        )
    has = f"it may {' and '.join(sorted(held))}" if held else "no rule grants it anything there"
    raise ForbiddenError(
        f"{_named(caller)} may not {_doing(right)} {show(repo)}: {has}",
        hint=f"a rule in the server's hook.toml has to grant {right} on it",
    )


def rights(policy: RepoPolicy, caller: Caller, repo: str) -> frozenset[Right]:
    """What the caller may do with the repository; empty for whom no rule names."""
    held = _NONE
    for grant in _grants(policy, caller):
        if _covers(grant, repo):
            held = held.union(*(_INCLUDED[right] for right in grant.rights))
    return held & _OF_WORKLOADS if isinstance(caller, Workload) else held


def _grants(policy: RepoPolicy, caller: Caller) -> Iterator[RepoGrant]:
    if isinstance(caller, Workload):
        for workload in policy.workloads:
            if _is_workload(workload, caller):
                yield from workload.grants
        return
    for person in policy.people:
        if _is_person(person, caller):
            yield from person.grants


def _is_workload(rule: WorkloadRule, caller: Workload) -> bool:
    return (rule.namespace, rule.job) == (caller.namespace, caller.job) and (
        not rule.task or rule.task == caller.task
    )


def _is_person(rule: PersonRule, caller: Person) -> bool:
    # A rule that names nobody fits nobody: an empty set shares nothing with any other.
    return bool(
        rule.policies & caller.policies
        or rule.roles & caller.roles
        or (rule.management and caller.management)
    )


def _covers(grant: RepoGrant, repo: str) -> bool:
    return repo in grant.repos or grant.repos == (ALL,)


def _named(caller: Caller) -> str:
    return show(str(caller), 80)


def _doing(right: Right) -> str:
    return {"read": "read", "push": "push to", "admin": "administer"}[right]
