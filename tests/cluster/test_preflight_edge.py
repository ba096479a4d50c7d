"""The public domain and its names, the certificate, the boundary, and names that are taken."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.cluster.cluster_files import FULL
from tests.cluster.preflighting import CERTIFICATE, KEY, NOW, found, full, only, well
from tests.cluster.templates import MATRIX, rendered
from toolkit.cluster.preflight.edge import covers, public_zone
from toolkit.cluster.preflight.names import group_names, parameter_names, role_names
from toolkit.spec.aws import HostedZoneView, ZoneRecord
from toolkit.spec.preflight import Unseen

FILE = full()
NAMED = re.compile(r'"(\w*Name)":"')
NO_ID = full("domain.public_zone", None)
PUBLIC = HostedZoneView("Z1", "example.com", private=False)
PRIVATE = HostedZoneView("Z2", "example.com", private=True)
BALANCER = "dualstack.prod-edge-1j8.eu-west-1.elb.amazonaws.com"


def record(type_: str, value: str, name: str = "shop.example.com", **more: Any) -> ZoneRecord:
    """A record of the public zone."""
    said = {"identifier": "", "alias": False, **more}
    return ZoneRecord(name=name, type=type_, values=(value,), raw={}, **said)


@pytest.mark.parametrize(
    ("hosted", "said"),
    [
        ((), "account 123456789012 has no hosted zone example.com"),
        ((PRIVATE,), "account 123456789012 has only a private hosted zone example.com"),
        ((PUBLIC, replace(PUBLIC, id="Z0")),
         "account 123456789012 has 2 public hosted zones example.com: Z0 and Z1"),
    ],
)  # fmt: skip
def test_a_domain_that_is_not_ours_or_not_certain_stops(
    hosted: tuple[HostedZoneView, ...], said: str
) -> None:
    finding = only(NO_ID, hosted=hosted)
    assert (finding.kind, finding.about, finding.key) == ("stops", "domain", "domain.public")
    assert finding.message == said
    assert public_zone(NO_ID.cluster, hosted) is None


def test_a_private_zone_beside_the_public_one_is_nobodys_business() -> None:
    assert found(NO_ID, hosted=(PRIVATE, PUBLIC)) == ()
    assert public_zone(NO_ID.cluster, (PRIVATE, PUBLIC)) == PUBLIC


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (None, "account 123456789012 has no hosted zone Z0ABC"),
        (replace(PRIVATE, id="Z0ABC"), "the hosted zone Z0ABC (example.com) is private"),
        (HostedZoneView("Z0ABC", "example.org", private=False), "the hosted zone Z0ABC is"
         " example.org, and example.com is not in it"),
    ],
)  # fmt: skip
def test_a_zone_that_the_file_names_has_to_be_right(zone: HostedZoneView | None, said: str) -> None:
    finding = only(FILE, hosted=() if zone is None else (zone,))
    assert (finding.kind, finding.key) == ("stops", "domain.public_zone")
    assert finding.message.startswith(said)


def test_the_zone_that_the_file_names_may_be_one_above_the_domain() -> None:
    assert found(FILE, hosted=(HostedZoneView("Z0ABC", "com", private=False),)) == ()


@pytest.mark.parametrize(
    ("there", "kind", "said"),
    [
        (record("A", "192.0.2.1"), "stops", "shop.example.com is there already, A to 192.0.2.1"),
        (record("CNAME", "other.org", "*.shop.example.com"), "stops", "*.shop.example.com is"),
        (record("A", "other.org", alias=True), "stops", "shop.example.com is there already, A"),
        (record("AAAA", "2001:db8::1"), "warns", "shop.example.com is there already, AAAA"),
        (record("AAAA", "2001:db8::1", identifier="blue"), "stops", "shop.example.com is there"),
        (record("TXT", "heritage"), "", ""), (record("MX", "10 mail"), "", ""),
        (record("A", "192.0.2.1", "www.example.com"), "", ""),
        (record("A", BALANCER, alias=True), "stops", "shop.example.com is there already, A"),
    ],
)  # fmt: skip
def test_names_that_somebody_has(there: ZoneRecord, kind: str, said: str) -> None:
    findings = found(FILE, records=(there,))
    assert [each.kind for each in findings] == [kind] * bool(kind)
    for each in findings:
        assert each.key == "edge.names"
        assert each.message.startswith(said)


@pytest.mark.parametrize(
    ("there", "kinds"),
    [
        (record("A", BALANCER, alias=True), []),
        (record("A", BALANCER.replace("eu-west-1", "us-east-1"), alias=True), ["stops"]),
        (record("A", "192.0.2.1"), ["stops"]),
        (record("CNAME", BALANCER), ["stops"]),
    ],
)
def test_a_stack_that_is_there_may_keep_its_own(there: ZoneRecord, kinds: list[str]) -> None:
    assert [each.kind for each in found(FILE, stack="ours", records=(there,))] == kinds


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("shop.example.com", True), ("a.shop.example.com", True), ("*.shop.example.com", True),
        ("a.b.shop.example.com", False), ("example.com", False), ("*.example.com", False),
        ("*.b.shop.example.com", False), ("xshop.example.com", False),
    ],
)  # fmt: skip
def test_which_names_a_certificate_is_for(host: str, covered: bool) -> None:
    assert covers(CERTIFICATE.names, host) is covered


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"status": "PENDING_VALIDATION"}, "stops", "the certificate is pending validation, not"),
        ({"status": "EXPIRED"}, "stops", "the certificate is expired, not issued"),
        ({"ends": NOW - timedelta(hours=1)}, "stops", "the certificate ended on 2029-12-31"),
        ({"ends": NOW + timedelta(days=9)}, "warns", "the certificate ends in 9 days, on 2030"),
        ({"ends": NOW + timedelta(hours=20)}, "warns", "the certificate ends in 20 hours, on 2030"),
        ({"ends": NOW + timedelta(days=31)}, "", ""), ({"ends": None}, "", ""),
        ({"names": ("shop.example.com",)}, "stops",
         "the certificate is for shop.example.com, and not for *.shop.example.com"),
        ({"names": ("example.org",)}, "stops",
         "the certificate is for example.org, and not for shop.example.com or *.shop.example.com"),
    ],
)  # fmt: skip
def test_certificates(changes: dict[str, Any], kind: str, said: str) -> None:
    findings = found(FILE, certificate=(replace(CERTIFICATE, **changes),))
    assert [(each.kind, each.key) for each in findings] == [(kind, "edge.certificate")] * bool(kind)
    for each in findings:
        assert each.message.startswith(said)


def test_a_certificate_that_is_not_there_or_somebody_elses_stops() -> None:
    assert only(FILE, certificate=()).message == "there is no such certificate in eu-west-1"
    other = found(FILE, account="999999999999")
    assert [each.key for each in other] == ["permission_boundary", "edge.certificate"]
    assert other[1].message == (
        "the certificate is of account 123456789012, the credentials are of 999999999999"
    )


def test_a_boundary_that_is_not_there_stops() -> None:
    finding = only(FILE, boundary=False)
    assert (finding.kind, finding.key) == ("stops", "permission_boundary")
    assert finding.message == f"account 123456789012 has no policy {FULL['permission_boundary']}"


def test_a_boundary_of_aws_own_is_of_every_account() -> None:
    file = full("permission_boundary", "arn:aws:iam::aws:policy/PowerUserAccess")
    assert [each.key for each in found(file, account="999999999999")] == ["edge.certificate"]


def test_a_stack_of_that_name_that_is_not_ours_stops() -> None:
    finding = only(FILE, stack="others")
    assert (finding.kind, finding.about) == ("stops", "stack")
    assert "no tag toolkit:cluster = prod" in finding.message


def test_names_of_ours_are_those_of_the_template() -> None:
    body = rendered(FILE.cluster).body
    for name in (*group_names(FILE.cluster), *role_names(FILE.cluster)):
        assert f'Name":"{name}"' in body
    for name in parameter_names(FILE.cluster):
        assert f'"Name":"{name}"' in body
    assert body.count('"AutoScalingGroupName":"') == len(group_names(FILE.cluster))
    assert body.count('"RoleName":"') == len(role_names(FILE.cluster))


def test_nothing_else_has_a_name_that_somebody_could_have() -> None:
    """What gets one is to be looked for beforehand, in `names.py`."""
    said = {name for one in MATRIX.values() for name in NAMED.findall(rendered(one).body)}
    assert said == {
        "AutoScalingGroupName", "RoleName", "Name",  # looked for; `Name` is of records, too
        "DeviceName", "HostedZoneName", "LifecycleHookName", "MetricName", "PolicyName",
        "ServiceName",  # nobody else's, wherever they are
    }  # fmt: skip


def test_leftovers_of_an_earlier_cluster_stop_a_new_one_only() -> None:
    parameters = {**well(FILE).parameters, parameter_names(FILE.cluster)[0]: "H4s"}  # type: ignore[dict-item]
    left = {
        "parameters": parameters,
        "groups": {"prod-server-1": "prod"},
        "roles": ("prod-eu-west-1-kick",),
    }
    findings = found(FILE, **left)
    assert [(each.kind, each.about) for each in findings] == [("stops", "clash")] * 3
    assert all((each.hint or "").startswith("left of an earlier cluster") for each in findings)
    assert found(FILE, stack="ours", **left) == ()


@pytest.mark.parametrize("stack", ["none", "ours"])
@pytest.mark.parametrize(("owner", "of"), [("staging", "of cluster staging"), ("", "of somebody")])
def test_a_group_of_others_stops_always(stack: str, owner: str, of: str) -> None:
    finding = only(FILE, stack=stack, groups={"prod-pool-worker": owner})
    assert finding.kind == "stops"
    assert finding.message.startswith(f"there is an autoscaling group prod-pool-worker {of}")


def test_the_alias_may_lead_to_the_clusters_own_key_only() -> None:
    assert found(FILE, key=(replace(KEY, tags={"toolkit:cluster": "prod"}),)) == ()
    finding = only(FILE, key=(KEY,))
    assert finding.kind == "stops"
    assert finding.message == "alias/toolkit/prod leads to a key that is not this cluster's: 1234"


@pytest.mark.parametrize("answer", ["records", "certificate", "boundary", "groups",
                                    "roles", "key"])  # fmt: skip
def test_what_nobody_may_read_is_said_as_that(answer: str) -> None:
    finding = only(FILE, **{answer: Unseen("x:Y is denied")})
    assert finding.kind == "unchecked"
    assert finding.message.endswith("could not be checked: x:Y is denied")


def test_without_the_zone_its_names_are_not_known_either() -> None:
    findings = found(FILE, hosted=Unseen("x:Y is denied"), records=None)
    assert [(each.kind, each.about) for each in findings] == [
        ("unchecked", "domain"),
        ("unchecked", "names"),
    ]


def test_every_finding_is_one_line_that_begins_with_its_place() -> None:
    (finding,) = found(FILE, boundary=False)
    line = FILE.source.line(("permission_boundary",))
    assert str(finding).startswith(f"clusters/prod.toml:{line}: permission_boundary: account ")
    assert "\n" not in str(finding)
