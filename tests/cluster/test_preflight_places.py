"""Zones, instance types and images: what cannot start where it is to start is said beforehand."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.cluster.preflighting import AMI, NOW, found, full, only, well, zone
from tests.cluster.templates import MATRIX
from toolkit.cluster.preflight import judge
from toolkit.config.clusterfile import ClusterFile
from toolkit.config.source import Source
from toolkit.spec.aws import ImageView, InstanceTypeView
from toolkit.spec.cluster import Cluster
from toolkit.spec.preflight import Seen, Unseen

FILE = full()
ZONES = FILE.cluster.zones
"""c, a, b and d: the servers are in the first three."""
TYPES = frozenset({"m7g.large", "t4g.small", "t3.small", "m7gd.xlarge", "t4g.nano"})


def types_of(file: ClusterFile) -> dict[str, InstanceTypeView]:
    """What AWS says of the types of a file with which all is well."""
    types = well(file).types
    assert isinstance(types, dict)
    return dict(types)


def offered(**lacks: str) -> dict[str, frozenset[str]]:
    """By letter of the zone the one type that it has not."""
    return {zone: TYPES - {lacks.get(zone[-1], "")} for zone in ZONES}


def test_nothing_is_found_where_all_is_well() -> None:
    assert found(FILE) == ()


def test_what_was_not_asked_leads_to_no_finding() -> None:
    assert judge(FILE, Seen("123456789012"), now=NOW.timestamp()) == ()


def test_a_type_that_a_servers_zone_lacks_stops_with_the_zones_that_have_it() -> None:
    finding = only(FILE, offered=offered(a="m7g.large"))
    assert (finding.kind, finding.key) == ("stops", "servers.type")
    assert finding.line is not None
    assert finding.message == (
        "m7g.large, the type of the servers, is not offered in eu-west-1a;"
        " it is in eu-west-1b, eu-west-1c and eu-west-1d"
    )


def test_servers_need_nothing_in_a_fourth_zone() -> None:
    assert found(FILE, offered=offered(d="m7g.large")) == ()


def test_a_pool_with_one_zone_less_is_warned_of() -> None:
    finding = only(FILE, offered=offered(d="m7gd.xlarge"))
    assert (finding.kind, finding.key) == ("warns", "pools.worker.type")
    assert "not offered in eu-west-1d; it is in" in finding.message
    assert finding.message.endswith("where all such machines will be")


@pytest.mark.parametrize(
    ("type_", "key"),
    [("m7g.large", "servers.type"), ("t4g.small", "control.type"), ("t3.small",
     "pools.frontend.type"), ("t4g.nano", "bastion.type")],
)  # fmt: skip
def test_a_type_that_is_nowhere_stops_at_its_key(type_: str, key: str) -> None:
    finding = only(FILE, offered={each: TYPES - {type_} for each in ZONES})
    assert (finding.kind, finding.key) == ("stops", key)
    assert finding.message.startswith(f"no zone of eu-west-1 has {type_}, the type of ")


def test_a_pool_whose_type_is_only_in_zones_of_others_stops() -> None:
    elsewhere = {zone: TYPES - {"m7gd.xlarge"} for zone in ZONES}
    finding = only(FILE, offered={**elsewhere, "eu-west-1e": frozenset({"m7gd.xlarge"})})
    assert finding.kind == "stops"
    assert finding.message.endswith("; it is in eu-west-1e")


def test_a_zone_that_is_none_is_said_once_with_those_there_are() -> None:
    has = dict.fromkeys(ZONES[:3], TYPES)
    known = tuple(zone(each) for each in ZONES[:3])
    finding = only(FILE, offered=has, zones=known)
    assert (finding.kind, finding.about, finding.key) == ("stops", "zones", "zones")
    assert finding.message == (
        "eu-west-1 offers this account no zone eu-west-1d;"
        " it offers eu-west-1a, eu-west-1b and eu-west-1c"
    )


def test_a_zone_that_has_nothing_is_a_finding_of_each_type() -> None:
    has = dict.fromkeys(ZONES[1:], TYPES)
    findings = found(FILE, offered=has, zones=tuple(zone(each) for each in ZONES))
    assert {each.key for each in findings if each.kind == "stops"} == {"servers.type"}
    assert len(findings) == 5


def test_a_zone_that_is_ill_is_warned_of() -> None:
    known = (*(zone(each) for each in ZONES[:3]), zone(ZONES[3], available=False))
    finding = only(FILE, zones=known)
    assert (finding.kind, finding.key) == ("warns", "zones")
    assert "eu-west-1d is not available now" in finding.message


def test_a_processor_that_was_taken_for_another_stops() -> None:
    types = types_of(FILE)
    types["m7g.large"] = InstanceTypeView("m7g.large", 2, ("x86_64",), storage=False)
    finding = only(FILE, types=types)
    assert (finding.kind, finding.key) == ("stops", "servers.type")
    assert finding.message == "m7g.large is x86_64, and toolkit takes it for arm64"


def test_disks_that_a_type_has_not_are_warned_of() -> None:
    types = types_of(FILE)
    types["m7gd.xlarge"] = InstanceTypeView("m7gd.xlarge", 4, ("arm64",), storage=False)
    finding = only(FILE, types=types)
    assert (finding.kind, finding.key) == ("warns", "pools.worker.ephemeral")


PARAMETER = "/aws/service/own/image"
OWN = "ami-0123456789abcdef0"
GOOD = ImageView(AMI, "arm64", "available", root_device="/dev/xvda", root_size=8)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architecture": "x86_64"}, f"{AMI} is for x86_64, not for arm64"),
        ({"state": "deregistered"}, f"{AMI} is deregistered"),
        ({"root_device": "/dev/sda1"}, f"{AMI} starts from /dev/sda1"),
    ],
)
def test_an_image_that_does_not_fit_stops(changes: dict[str, Any], said: str) -> None:
    images = {**well(FILE).images, AMI: replace(GOOD, **changes)}  # type: ignore[dict-item]
    finding = only(FILE, images=images)
    assert (finding.kind, finding.key) == ("stops", "images.arm64")
    assert finding.message.startswith(said)


def test_a_root_disk_smaller_than_the_image_stops_at_each_that_is() -> None:
    images = {**well(FILE).images, AMI: replace(GOOD, root_size=25)}  # type: ignore[dict-item]
    findings = found(FILE, images=images)
    assert [(each.kind, each.key) for each in findings] == [
        ("stops", "servers.root_volume"),
        ("stops", "bastion"),
    ]
    assert findings[0].message == f"a server has a root disk of 20 GB, and {AMI} needs 25"


def test_a_parameter_that_is_not_there_or_holds_no_image_stops() -> None:
    gone = only(FILE, parameters={})
    assert (gone.kind, gone.key) == ("stops", "images.arm64")
    assert gone.message == f"there is no parameter {PARAMETER} in eu-west-1"
    odd = only(FILE, parameters={PARAMETER: "hello"})
    assert odd.message == f"the parameter {PARAMETER} holds no image"


def test_an_image_that_is_not_there_stops() -> None:
    finding = only(FILE, images={AMI: GOOD})
    assert (finding.kind, finding.key) == ("stops", "images.amd64")
    assert finding.message.startswith(f"there is no image {OWN} that this account may use")


@pytest.mark.parametrize("answer", ["offered", "zones", "types", "parameters", "images"])
def test_an_answer_that_did_not_come_is_a_finding_of_its_own_and_nothing_else(answer: str) -> None:
    findings = found(FILE, **{answer: Unseen("ec2:DescribeX is denied", "the right is needed")})
    assert findings
    assert {each.kind for each in findings} == {"unchecked"}
    assert all("could not be checked: ec2:DescribeX is denied" in each.message for each in findings)
    assert {each.hint for each in findings} == {"the right is needed"}


def unknown(cluster: Cluster) -> ClusterFile:
    """A cluster as if from a file without text."""
    return ClusterFile(cluster, Source("clusters/prod.toml"))


@pytest.mark.parametrize("name", MATRIX)
def test_clusters_of_every_shape_are_well_where_all_is_well(name: str) -> None:
    file = unknown(MATRIX[name])
    plenty = dict.fromkeys(well(file).quotas, 1000.0)
    assert found(file, certificate=None, boundary=None, quotas=plenty) == ()


@pytest.mark.parametrize("name", MATRIX)
def test_clusters_of_every_shape_are_not_known_where_nobody_answers(name: str) -> None:
    file = unknown(MATRIX[name])
    asked = {each.name for each in fields(Seen)} - {"account", "stack", "quotas"}
    quotas = dict.fromkeys(well(file).quotas, Unseen("denied"))
    findings = found(file, **dict.fromkeys(asked, Unseen("denied")), quotas=quotas)
    assert len(findings) > 8
    assert {each.kind for each in findings} == {"unchecked"}
