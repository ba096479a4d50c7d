"""Constraints as Nomad's scheduler decides them, on values; real Nomad agrees in tests/agents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.rollout.fit.equipment import device_cell, driver_cell, secrets_cell
from toolkit.rollout.fit.facts import NodeFacts, Rule
from toolkit.rollout.fit.interpolate import resolve
from toolkit.rollout.fit.lifecycle import Need, together
from toolkit.rollout.fit.operators import held
from toolkit.rollout.fit.read_job import job_facts
from toolkit.rollout.fit.read_nodes import node_facts, port_numbers
from toolkit.rollout.fit.standing import globbed
from toolkit.rollout.fit.versions import compare, parse, satisfies


def node(**more: Any) -> NodeFacts:
    """A node with a few attributes."""
    raw = {
        "ID": "id-1", "Name": "worker-1", "Datacenter": "dc1", "NodeClass": "big",
        "Status": "ready", "SchedulingEligibility": "eligible",
        "Attributes": {"size": "10", "odd": "x\n"}, "Meta": {"tags": "a, b"},
    }  # fmt: skip
    return node_facts({**raw, **more})


@pytest.mark.parametrize(
    ("target", "value", "found"),
    [
        ("plain", "plain", True),
        ("", "", True),
        ("${node.unique.id}", "id-1", True),
        ("${node.unique.name}", "worker-1", True),
        ("${node.class}", "big", True),
        ("${node.pool}", "default", True),
        ("${node.region}", "", False),
        ("${attr.size}", "10", True),
        ("${attr.none}", "", False),
        ("${meta.tags}", "a, b", True),
        ("${meta.tags", "a, b", True),
        ("x-${attr.size}", "x-${attr.size}", True),
        ("${attr.size}-x", "", False),
    ],
)
def test_a_side_is_a_literal_or_one_whole_interpolation(
    target: str, value: str, found: bool
) -> None:
    assert resolve(target, node()) == (value, found, True)


def test_attributes_that_were_not_read_are_no_answer() -> None:
    unread = node(Attributes=None)
    for operator in ("=", "!=", "is_set", "is_not_set", "version", "regexp"):
        cell = held(Rule("${attr.size}", operator, "10"), unread)
        assert cell.mark == "unknown"
        assert "could not be read" in cell.said
    assert held(Rule("${node.class}", "=", "big"), unread).mark == "yes"
    assert secrets_cell("vault", unread).mark == "unknown"


@pytest.mark.parametrize(
    ("left", "operator", "right", "mark"),
    [
        ("9", "<", "10", "yes"),
        ("9", "<", "1e1", "yes"),
        ("9", "<", "ten", "yes"),
        ("a9", "<", "a10", "no"),
        ("9223372036854775808", ">", "9223372036854775807", "no"),
        ("1_0", "<", "9", "yes"),
        ("0x10", ">", "9", "no"),
        ("NaN", ">=", "NaN", "no"),
        ("+Inf", ">", "1", "yes"),
        ("1e999", ">", "2", "no"),
        ("é", ">", "z", "yes"),
        ("a, b", "set_contains", "b,a", "yes"),
        ("a, b", "set_contains_any", "c, b", "yes"),
        ("a, b", "set_contains_all", "a,c", "no"),
        ("x\n", "regexp", "x$", "no"),
        ("x\n", "regexp", "(?m)x$", "yes"),
        ("xyz", "regexp", "y", "yes"),
        ("xyz", "regexp", "(?=y)", "unknown"),
        ("a++", "regexp", r"a\++$", "unknown"),
        ("aa", "regexp", "a{,2}", "unknown"),
        ("xyz", "regexp", r"\p{L}", "unknown"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "regexp", "(a+)+$", "unknown"),
        ("xyz", "regexp", "[[:alpha:]]", "unknown"),
        ("x", "nonsense", "x", "no"),
        ("x", "distinct_hosts", "", "yes"),
    ],
)
def test_an_operator(left: str, operator: str, right: str, mark: str) -> None:
    assert held(Rule(left, operator, right), node()).mark == mark


@given(st.text(), st.text())
def test_no_text_breaks_an_operator(left: str, right: str) -> None:
    for operator in ("<", "regexp", "version", "semver", "set_contains", "=", "!="):
        held(Rule(left, operator, right), node())


def test_a_missing_side_makes_all_but_two_operators_false() -> None:
    for operator in ("=", "is", "<", ">=", "version", "semver", "regexp", "set_contains"):
        assert held(Rule("${attr.none}", operator, "1"), node()).mark == "no"
    assert held(Rule("${attr.none}", "!=", "1"), node()).mark == "yes"
    # Nomad takes what is missing for an empty text.
    assert held(Rule("${attr.none}", "!=", ""), node()).mark == "no"
    assert held(Rule("${attr.none}", "is_not_set", ""), node()).mark == "yes"


@pytest.mark.parametrize(
    ("version", "constraint", "lenient", "strict"),
    [
        ("1.2.3", ">= 1.2", True, True),
        ("1.2.3-beta", ">= 1.2", False, True),
        ("1.2.3-beta", ">= 1.2.3-alpha", True, True),
        ("1.2.4-beta", ">= 1.2.3-alpha", False, True),
        ("1.2.3", "~> 1.2", True, False),
        ("1.3.0", "~> 1.2.0", False, False),
        ("2", "= 2.0.0", True, True),
        ("v2", "2", True, True),
        ("1.2.3+meta", "= 1.2.3", True, True),
        ("1.2.3.4", "> 1.2.3", True, True),
        ("1.2beta", "< 1.2", False, True),
        ("1.2", ">= 1, < 1.2", False, False),
        ("junk", ">= 1", False, False),
        ("1", "junk", False, False),
        ("1", "", False, False),
        ("1.2.3-rc.10", "> 1.2.3-rc.9", True, True),
    ],
)
def test_a_version(version: str, constraint: str, lenient: bool, strict: bool) -> None:
    assert satisfies(version, constraint, semver=False) is lenient
    assert satisfies(version, constraint, semver=True) is strict


@given(
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-[a-z]{1,4}(\.[0-9]{1,2})?)?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-[a-z]{1,4})?", fullmatch=True),
)
def test_the_order_of_versions_is_the_same_from_both_sides(one: str, other: str) -> None:
    left, right = parse(one), parse(other)
    assert left is not None
    assert right is not None
    assert compare(left, right) == -compare(right, left)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "", True), ("dc*", "dc1", True), ("*1", "dc1", True), ("d*c*1", "dxcy1", True),
        ("d*c*1", "dxcy2", False), ("", "", True), ("", "dc1", False), ("dc1", "dc1", True),
        ("*c*", "dc1", True), ("a*", "dc1", False), ("dc?", "dc1", False),
    ],
)  # fmt: skip
def test_a_datacenter_pattern(pattern: str, text: str, matches: bool) -> None:
    assert globbed(pattern, text) is matches


def test_phases_of_a_group_share_their_room() -> None:
    def need(memory: int, hook: str | None = None, sidecar: bool = False) -> Need:
        lifecycle = None if hook is None else {"Hook": hook, "Sidecar": sidecar}
        return Need(memory, memory, lifecycle)

    assert together([need(100), need(50)]) == (150, 150)
    assert together([need(100), need(300, "prestart")]) == (300, 300)
    assert together([need(100), need(30, "prestart", True)]) == (130, 130)
    assert together([need(100), need(30, "poststart"), need(120, "poststop")]) == (130, 130)


def test_a_driver_must_be_there_and_well() -> None:
    drivers = {
        "docker": {"Detected": True, "Healthy": False, "HealthDescription": "no daemon"},
        "java": {"Detected": False},
    }
    cell = driver_cell("docker", node(Drivers=drivers))
    assert (cell.mark, cell.said) == ("no", "driver docker is not healthy: no daemon")
    assert driver_cell("java", node(Drivers=drivers)).said == "does not have driver java"
    assert driver_cell("podman", node(Drivers=drivers)).mark == "no"


def test_which_device_is_free_only_nomad_knows() -> None:
    devices = [{"Vendor": "nvidia", "Type": "gpu", "Name": "t4", "Instances": [{"Healthy": True}]}]
    with_one = node(NodeResources={"Devices": devices})
    for wanted in ("gpu", "nvidia/gpu", "nvidia/gpu/t4"):
        assert device_cell(wanted, with_one).mark == "unknown"
    for wanted in ("fpga", "amd/gpu", "nvidia/gpu/a100"):
        assert device_cell(wanted, with_one).mark == "no"
    assert device_cell("gpu", node()).mark == "no"


def test_reserved_ports_are_read_as_ranges() -> None:
    assert port_numbers("22, 80-82,9000") == {22, 80, 81, 82, 9000}
    assert port_numbers("") == set()


def test_a_sidecar_that_nomad_will_add_is_not_guessed() -> None:
    service = {"Name": "web", "Connect": {"SidecarService": {}}}
    raw = {"ID": "web", "TaskGroups": [{"Name": "g", "Services": [service], "Tasks": []}]}
    [group] = job_facts(raw).groups
    assert group.unclear == ("Nomad adds a sidecar for service web when the job is registered",)
    raw["TaskGroups"][0]["Tasks"] = [  # type: ignore[index]
        {"Name": "connect-proxy-web", "Driver": "docker", "Kind": "connect-proxy:web"}
    ]
    [group] = job_facts(raw).groups
    assert group.unclear == ()
