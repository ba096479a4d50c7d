"""Rights to repositories: nothing without a rule, and a rule is matched exactly."""

from __future__ import annotations

import pytest

from toolkit.errors import ForbiddenError
from toolkit.repos.policy import permit, rights
from toolkit.spec.hook import PersonRule, RepoGrant, RepoPolicy, WorkloadRule
from toolkit.spec.identity import Caller, Person, Workload
from toolkit.spec.repo import Right

READ: frozenset[Right] = frozenset({"read"})
PUSH: frozenset[Right] = frozenset({"read", "push"})
ADMIN: frozenset[Right] = frozenset({"read", "push", "admin"})
NONE: frozenset[Right] = frozenset()


def grant(right: Right, *repos: str) -> RepoGrant:
    return RepoGrant(repos, frozenset({right}))


POLICY = RepoPolicy(
    people=(
        PersonRule((grant("push", "shop"),), policies=frozenset({"deployers"})),
        PersonRule((grant("read", "*"),), policies=frozenset({"readers"})),
        PersonRule((grant("admin", "shop"),), roles=frozenset({"operators"})),
        PersonRule((grant("admin", "*"),), management=True),
        PersonRule((grant("admin", "*"),)),  # names nobody
    ),
    workloads=(
        WorkloadRule("default", "web", (grant("read", "shop"),)),
        WorkloadRule("default", "db", (grant("read", "shop"),), task="seed"),
        WorkloadRule("default", "greedy", (grant("admin", "*"),)),
    ),
)


def person(*policies: str, roles: tuple[str, ...] = (), management: bool = False) -> Person:
    return Person("0a1f3c52", "ann", frozenset(policies), frozenset(roles), management)


def workload(job: str, namespace: str = "default", task: str = "app") -> Workload:
    return Workload(namespace, job, task, "5b2c90aa", 0.0)


@pytest.mark.parametrize(
    ("caller", "repo"),
    [
        (person(), "shop"),
        (person("deployer"), "shop"),
        (person("deployers2"), "shop"),
        (person("Deployers"), "shop"),
        (person("operators"), "shop"),  # a role is no policy
        (person(roles=("deployers",)), "shop"),  # and a policy is no role
        (person("deployers"), "shop2"),
        (person("deployers"), "sho"),
        (person("deployers"), "*"),
        (person("deployers"), "other"),
        (workload("web-admin"), "shop"),
        (workload("we"), "shop"),
        (workload("web", namespace="other"), "shop"),
        (workload("web"), "shop-2"),
        (workload("db", task="app"), "shop"),
        (workload("db", task=""), "shop"),
        (workload(""), "shop"),
    ],
    ids=repr,
)
def test_who_is_not_named_may_nothing(caller: Caller, repo: str) -> None:
    assert rights(POLICY, caller, repo) == NONE
    for right in ADMIN:
        with pytest.raises(ForbiddenError, match="may not"):
            permit(POLICY, caller, repo, right)


@pytest.mark.parametrize(
    ("caller", "repo", "held"),
    [
        (person("deployers"), "shop", PUSH),
        (person("readers"), "anything", READ),
        (person("readers", "deployers"), "shop", PUSH),
        (person(roles=("operators",)), "shop", ADMIN),
        (person(management=True), "anything", ADMIN),
        (workload("web"), "shop", READ),
        (workload("db", task="seed"), "shop", READ),
        (workload("greedy"), "shop", READ),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, frozenset) else value),
)
def test_rights_are_what_the_rules_grant(caller: Caller, repo: str, held: frozenset[Right]) -> None:
    assert rights(POLICY, caller, repo) == held
    for right in ADMIN:
        if right in held:
            permit(POLICY, caller, repo, right)
        else:
            with pytest.raises(ForbiddenError):
                permit(POLICY, caller, repo, right)


def test_an_empty_policy_grants_nothing_even_to_management() -> None:
    assert rights(RepoPolicy(), person(management=True), "shop") == NONE


def test_a_star_beside_other_names_is_a_name() -> None:
    rule = PersonRule((grant("push", "*", "shop"),), management=True)
    policy = RepoPolicy(people=(rule,))
    assert rights(policy, person(management=True), "other") == NONE
    assert rights(policy, person(management=True), "shop") == PUSH


def test_a_refusal_says_what_is_missing_and_shows_no_control_characters() -> None:
    with pytest.raises(ForbiddenError) as caught:
        permit(POLICY, person("deployers"), "shop", "admin")
    assert caught.value.message == "ann may not administer shop: it may push and read"
    assert caught.value.hint == "a rule in the server's hook.toml has to grant admin on it"
    with pytest.raises(ForbiddenError) as caught:
        permit(POLICY, workload("web"), "shop", "push")
    assert caught.value.message == "default/web may not push to shop: workloads may only read"
    with pytest.raises(ForbiddenError) as caught:
        permit(POLICY, Person("0a1f", "a\x1b[2J" * 100), "shop\n", "read")
    assert caught.value.message.isprintable()
