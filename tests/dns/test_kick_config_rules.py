"""`[policy]` of kick.toml: a rule that could never grant anything is a mistake with its line."""

from __future__ import annotations

import pytest

from tests.dns.kicks import LEAST, LINES, mistake, mistakes
from toolkit.config.kick import load_kick


def grant(text: str) -> str:
    """A rule with one grant, on one line."""
    return f"[[policy.workload]]\njob = 'shop'\ngrants = [{{ {text} }}]\n"


USELESS = [
    ("types = ['A']", "names: says no name"),
    ("names = []", "names: says no name"),
    ("names = ['a..example.com']", "names: \"a..example.com\" has two dots"),
    ("names = ['_toolkit.example.com']", "is a name that owner records are kept at"),
    ("names = ['*._toolkit.example.com']", "is a name that owner records are kept at"),
    ("names = ['_wildcard.example.com']", "is a name that owner records are kept at"),
    ("names = ['evilexample.com']", "lies in no zone (zones: example.com (public))"),
    ("names = ['*.com']", '"*.com" lies in no zone'),
    ("names = ['com']", '"com" lies in no zone'),
    ("names = ['a.example.com'], zones = ['private']", '"a.example.com" lies in no private zone'),
    ("names = ['a.example.com'], zones = ['pubic']", 'did you mean "public"?'),
    ("names = ['a.example.com'], zones = []", "zones: must not be empty"),
    ("names = ['example.com']", "is the name of a zone itself (grant = [\"apex\"]"),
    ("names = ['a.example.com'], grant = ['apex']", '"apex" means nothing'),
    ("names = ['*.example.com'], grant = ['apex']", '"apex" means nothing'),
    ("names = ['a.example.com'], grant = ['wildcard']", '"wildcard" means nothing'),
    ("names = ['a.example.com'], grant = ['wildcrd']", 'did you mean "wildcard"?'),
    ("names = ['a.example.com'], grant = ['NS']", "NS records are never set by kick"),
    ("names = ['a.example.com'], types = ['MX']", "MX records are never set by kick"),
    ("names = ['a.example.com'], types = ['SOA']", "SOA records are never set by kick"),
    ("names = ['a.example.com'], types = ['a']", 'did you mean "A"?'),
    ("names = ['a.example.com'], types = []", "types: must not be empty"),
    ("names = ['a.example.com'], most = 0", "most: must be at least 1"),
    ("names = ['a.example.com', 'A.example.com']", 'has "a.example.com" twice'),
    ("name = ['a.example.com'], names = ['a.example.com']", 'unknown key (did you mean "names"?)'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why"), USELESS, ids=range(len(USELESS)))
def test_a_grant_that_grants_nothing_is_refused(text: str, why: str) -> None:
    found = [each for each in mistakes(LEAST + grant(text)) if why in each]
    assert len(found) == 1
    assert found[0].startswith(f"{LINES + 3}: policy.workload[0].grants[0]")


def test_addresses_in_zones_without_targets_are_granted_in_vain() -> None:
    private = "[[zone]]\nname = 'b.internal'\nvisibility = 'private'\nprovider = 'local'\n"
    names = "names = ['a.b.internal']"
    assert "no address may be set in private zones" in mistake(grant(names), LEAST + private)
    load_kick(LEAST + private + grant(names + ", types = ['SRV', 'A']"))
    load_kick(LEAST + private + "[edge.private]\nservice = 'traefik'\n" + grant(names))
    load_kick(LEAST.replace("[targets]", "[targets]\nloopback = true") + private + grant(names))


def test_a_name_in_public_and_private_zones_says_which_it_means() -> None:
    private = "[[zone]]\nname = 'example.com'\nvisibility = 'private'\nprovider = 'local'\n"
    text = LEAST + private
    assert "does not say which it means" in mistake(grant("names = ['a.example.com']"), text)
    kick = load_kick(text + grant("names = ['a.example.com'], zones = ['public']"))
    assert kick.policy.workloads[0].grants[0].zones == ("public",)


def test_two_rules_for_one_caller_are_refused_and_both_are_named() -> None:
    one = grant("names = ['a.example.com']")
    assert mistake(one + one) == (
        f"4: policy.workload[1]: default/shop has a rule already, at line {LINES + 1} "
        "(put all grants into one rule)"
    )
    other = one.replace("job = 'shop'", "job = 'shop'\ntask = 'app'")
    load_kick(LEAST + one + other)
    person = "[[policy.person]]\nroles = ['a', 'b']\ngrants = [{ names = ['a.example.com'] }]\n"
    again = person.replace("'a', 'b'", "'b', 'a'")
    assert f"has the same holders as the rule at line {LINES + 1}" in mistake(person + again)


def test_mistakes_in_zones_bring_no_false_ones_in_rules() -> None:
    text = LEAST.replace('"local"', '"loca"') + grant("names = ['a.example.com']")
    assert [each.split(" ")[1] for each in mistakes(text)] == ["zone[0].provider:"]
    assert len(mistakes('cluster = "x"\n' + grant("names = ['a.example.com']"))) == 1


@pytest.mark.parametrize("network", ['["203.0.113.7/24"]', '"203.0.113.0/24"', "[7]"])
def test_mistakes_in_targets_bring_no_false_ones_in_rules(network: str) -> None:
    text = LEAST.replace('["203.0.113.0/24"]', network) + grant("names = ['a.example.com']")
    assert [each.split(" ")[1] for each in mistakes(text)] == ["targets.public:"]
