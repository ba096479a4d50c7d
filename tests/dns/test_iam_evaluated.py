"""The role's policy against our matcher, judged by an evaluator of IAM policies.

Whatever any rule lets any caller do must be allowed, with its owner record in the same batch. What
no rule covers must be denied: it is the second line, for the day somebody takes the server over.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from tests.dns.kicks import EVERYBODY, KICK, config
from tests.dns.matcher import allowed, below
from tests.iam import evaluator
from tests.iam.evaluator import Request
from toolkit.dns.iam import kick_role_policy
from toolkit.dns.names import is_reserved
from toolkit.dns.ownership import owner_name
from toolkit.spec.dev import Machine
from toolkit.spec.dns import WRITABLE, Zone
from toolkit.spec.policy import Policy

KEY = "route53:ChangeResourceRecordSets"
PARTS = ("shop", "evilshop", "wild", "a", "*", "_http")
TOPS = (
    "example.com", "apps.example.com", "shop.apps.example.com", "wild.apps.example.com",
    "example.co.uk", "co.uk", "apps.internal", "shop.apps.internal", "evilexample.com",
    "xapps.internal",
)  # fmt: skip


def names_of(deepest: int) -> tuple[str, ...]:
    """Names with so many parts before each of the tops."""
    return tuple(
        ".".join([*parts, top])
        for count in range(deepest + 1)
        for parts in product(PARTS, repeat=count)
        for top in TOPS
        if "*" not in parts[1:]
    )


MANAGERLESS = KICK.split("[[policy.person]]\nmanagement")[0]
WILDLESS = MANAGERLESS.replace(', grant = ["wildcard"]', "")
CONFIGS = tuple(config(text) for text in (KICK, MANAGERLESS, WILDLESS))
POLICIES = [kick_role_policy(each) for each in CONFIGS]


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return evaluator.install(Machine.of(os.environ).cache)
    except evaluator.MissingError as error:
        pytest.skip(f"IAM evaluator: {error}")


def spelled(name: str) -> str:
    """As Route 53 puts it into its condition keys."""
    return name.replace("*", "\\052")


def change(
    policy: int,
    zone: str,
    names: Sequence[str],
    types: Sequence[str],
    actions: Sequence[str] = ("CREATE",),
) -> Request:
    """A batch; what is empty is a key that the request lacks."""
    context = {
        f"{KEY}NormalizedRecordNames": [spelled(name) for name in names],
        f"{KEY}RecordTypes": list(types),
        f"{KEY}Actions": list(actions),
    }
    known = {key: values for key, values in context.items() if values}
    return Request(policy, KEY, arn(zone), known)


def arn(zone: str) -> str:
    return f"arn:aws:route53:::hostedzone/{zone}"


@cache
def is_covered(which: int, zone: Zone, name: str, type_: str) -> bool:
    policy = CONFIGS[which].policy
    return any(allowed(policy, caller, zone, name, type_) for caller in EVERYBODY)


def is_between(policy: Policy, name: str) -> bool:
    """A wildcard that IAM cannot tell from one granted below it: what iam.py leaves to us."""
    grants = [grant for rule in policy.workloads for grant in rule.grants]
    grants += [grant for rule in policy.people for grant in rule.grants]
    suffixes = [
        (pattern[2:], "wildcard" in grant.special)
        for grant in grants
        for pattern in grant.names
        if pattern.startswith("*.")
    ]
    return any(
        name.startswith("*.") and below(name[2:], plain) and below(granted, plain)
        for plain, wild in suffixes
        if not wild
        for granted, other in suffixes
        if other
    )


def cases(which: int, deepest: int) -> Iterator[tuple[Zone, str, str]]:
    for zone in CONFIGS[which].zones:
        if zone.provider == "route53":
            yield from product([zone], names_of(deepest), WRITABLE)


def differ(folder: Path, deepest: int, each: int | None) -> int:
    """Hold the two against each other, for so many cases of each side; how many there were."""
    dice = random.Random(7)
    requests: list[Request] = []
    expected: list[bool] = []
    for which in range(len(CONFIGS)):
        policy = CONFIGS[which].policy
        granted = [case for case in cases(which, deepest) if is_covered(which, *case)]
        types = {zone: {t for z, _, t in granted if z == zone} for zone in policy.zones}
        names = {(zone, name) for zone, name, _ in granted}
        denied = [
            (zone, name, type_)
            for zone, name, type_ in cases(which, deepest)
            if (zone, name) not in names or type_ not in types[zone] | {"TXT"}
            if not is_between(policy, name)
        ]
        assert not any(is_reserved(name) for _, name, _ in denied)
        for zone, name, type_ in some(granted, each, dice):
            pair = [name, owner_name(name)]
            actions = dice.choice([["CREATE"], ["DELETE"], ["CREATE", "DELETE"]])
            requests.append(change(which, zone.id, pair, [type_, "TXT"], actions))
            expected.append(True)
        for zone, name, type_ in some(denied, each, dice):
            requests.append(change(which, zone.id, [name], [type_]))
            expected.append(False)
            good = [n for z, n in names if z == zone][:1]
            requests.append(change(which, zone.id, [*good, name], [type_, "TXT"]))
            expected.append(False)
    verdicts = evaluator.evaluate(folder, POLICIES, requests)
    wrong = [r for r, v, e in zip(requests, verdicts, expected, strict=True) if v != e]
    assert not wrong, wrong[:5]
    return len(requests)


def some(
    every: list[tuple[Zone, str, str]], most: int | None, dice: random.Random
) -> list[tuple[Zone, str, str]]:
    return every if most is None or len(every) <= most else dice.sample(every, most)


def test_the_role_may_do_what_the_rules_grant_and_nothing_that_none_does(folder: Path) -> None:
    assert differ(folder, 1, 40) > 300


@pytest.mark.soak
def test_the_role_may_do_what_the_rules_grant_for_every_case(folder: Path) -> None:
    assert differ(folder, 2, None) > 10_000


SHOP = ("shop.apps.example.com", "_toolkit.shop.apps.example.com")
WILDCARD = ("*.wild.apps.example.com", "_toolkit._wildcard.wild.apps.example.com")


NEAR = [
    (change(2, "ZAPPS", SHOP, ["A", "TXT"]), True),
    (change(2, "ZAPPS", SHOP, ["A", "TXT"], ["DELETE", "CREATE"]), True),
    (change(2, "ZAPPS", SHOP, ["A", "TXT"], ["UPSERT"]), False),
    (change(2, "ZAPPS", SHOP, ["A", "TXT"], ["CREATE", "UPSERT"]), False),
    (change(2, "ZAPPS", SHOP, ["A", "NS"]), False),
    (change(2, "ZAPPS", SHOP, ["SRV", "TXT"]), False),
    (change(2, "ZPUBLIC", SHOP, ["A", "TXT"]), False),
    (change(2, "ZPRIVATE", SHOP, ["A", "TXT"]), False),
    (change(2, "ZOTHER", SHOP, ["A", "TXT"]), False),
    (change(2, "ZAPPS", [*SHOP, "evilapps.example.com"], ["A", "TXT"]), False),
    (change(2, "ZAPPS", ["apps.example.com"], ["A"]), False),
    (change(2, "ZAPPS", ["_toolkit.apps.example.com"], ["TXT"]), True),
    (change(2, "ZAPPS", ["evilapps.example.com"], ["A"]), False),
    (change(2, "ZAPPS", ["_toolkit.evilapps.example.com"], ["TXT"]), False),
    (change(2, "ZAPPS", ["*.apps.example.com"], ["A"]), False),
    (change(2, "ZAPPS", ["*.shop.apps.example.com"], ["A"]), False),
    (change(2, "ZAPPS", [], ["A"]), False),
    (change(2, "ZAPPS", SHOP, []), False),
    (change(2, "ZAPPS", SHOP, ["A"], []), False),
    (change(1, "ZAPPS", WILDCARD, ["A", "TXT"]), True),
    (change(1, "ZAPPS", [*WILDCARD, *SHOP], ["A", "TXT"]), True),
    (change(1, "ZAPPS", ["*.apps.example.com"], ["A"]), False),
    (change(1, "ZAPPS", ["*.shop.apps.example.com"], ["A"]), False),
    (change(1, "ZAPPS", ["*.a.shop.apps.example.com"], ["A"]), False),
    (change(2, "ZAPPS", WILDCARD, ["A", "TXT"]), False),
    (change(0, "ZPUBLIC", ["example.com", "_toolkit.example.com"], ["TXT"]), True),
    (change(0, "ZPUBLIC", ["a.apps.example.com"], ["A"]), False),
    (change(0, "ZPUBLIC", ["apps.example.com"], ["A"]), False),
    (change(0, "ZPUBLIC", ["evilexample.com"], ["A"]), False),
    (Request(0, KEY, arn("ZAPPS"), {}), False),
    (Request(0, KEY, arn("ZAPPS"), {f"{KEY}Actions": ["CREATE"]}), False),
    (Request(0, "route53:ListResourceRecordSets", arn("ZAPPS"), {}), True),
    (Request(0, "route53:ListResourceRecordSets", arn("ZOTHER"), {}), False),
    (Request(0, "route53:GetChange", "arn:aws:route53:::change/C1", {}), True),
    (Request(0, "route53:DeleteHostedZone", arn("ZAPPS"), {}), False),
    (Request(0, "route53:AssociateVPCWithHostedZone", arn("ZPRIVATE"), {}), False),
    (Request(0, "route53:CreateHostedZone", "*", {}), False),
    (change(0, "ZAPPS", ["apps.example.com", "_toolkit.apps.example.com"], ["A", "TXT"]), True),
]  # fmt: skip


def test_near_misses_are_misses(folder: Path) -> None:
    verdicts = evaluator.evaluate(folder, POLICIES, [request for request, _ in NEAR])
    wrong = [case for case, verdict in zip(NEAR, verdicts, strict=True) if case[1] != verdict]
    assert not wrong


def test_a_wildcard_between_a_granted_one_and_a_plain_grant_is_left_to_the_server(
    folder: Path,
) -> None:
    """The one place where the role may do more than the rules: IAM has no words for it."""
    between = "*.a.apps.example.com"
    assert is_between(CONFIGS[1].policy, between)
    zone = next(zone for zone in CONFIGS[1].zones if zone.id == "ZAPPS")
    assert not is_covered(1, zone, between, "A")
    assert evaluator.evaluate(folder, POLICIES, [change(1, "ZAPPS", [between], ["A"])]) == [True]


def test_the_usual_mistakes_are_mistakes_to_the_evaluator_too(folder: Path) -> None:
    """An evaluator that knew them would prove less: our policy has none by care, not by luck."""

    def policy(operator: str, pattern: str, null: bool) -> dict[str, object]:
        key = f"{KEY}NormalizedRecordNames"
        condition: dict[str, object] = {operator: {key: [pattern]}}
        if null:
            condition["Null"] = {key: "false"}
        statement = {"Effect": "Allow", "Action": KEY, "Resource": "*", "Condition": condition}
        return {"Version": "2012-10-17", "Statement": [statement]}

    policies = [
        policy("ForAllValues:StringLike", "*example.com", True),
        policy("ForAllValues:StringLike", "*.example.com", False),
        policy("ForAnyValue:StringLike", "*.example.com", True),
    ]
    requests = [
        change(0, "Z1", ["evilexample.com"], ["A"]),
        Request(1, KEY, arn("Z1"), {}),
        change(2, "Z1", ["good.example.com", "bad.example.org"], ["A"]),
    ]
    assert evaluator.evaluate(folder, policies, requests) == [True, True, True]
