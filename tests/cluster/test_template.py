"""The template: the same bytes for the same file, nothing moved for nothing, never too large."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings

from tests.cluster.templates import (
    ACCOUNT,
    KICK_POLICY,
    MATRIX,
    Rendered,
    cluster,
    clusters,
    full,
    moved,
    pools,
    rendered,
)
from toolkit.cluster.boot import boot_script, group_id, script_digest
from toolkit.cluster.network import slots
from toolkit.cluster.template import (
    LARGEST,
    SERVER,
    alias,
    machine_kinds,
    pool_group,
    render_template,
    role_name,
)
from toolkit.cluster.template.roles import CONTROLLED
from toolkit.cluster.template.security import rules
from toolkit.errors import RefusedError
from toolkit.spec.cluster import BINARIES, Arch, Bastion, Binary, Cluster, Download, Pool, Servers

REFERENCE = {"Ref", "Fn::GetAtt", "Fn::Sub"}
PSEUDO = {"AWS::AccountId"}


def many(count: int) -> Mapping[str, Pool]:
    return pools(
        Pool("frontend", "t3.small"), *(Pool(f"p{n}", "t3.small") for n in range(1, count))
    )


# Refusals.


def test_a_template_that_is_too_large_is_refused_with_its_size() -> None:
    with pytest.raises(RefusedError) as caught:
        render_template(cluster(pools=many(20)))
    said = caught.value.message
    assert said.startswith("the template of cluster prod has ")
    assert f"{LARGEST:,}" in said
    size = int(said.split(" has ")[1].split(" bytes")[0].replace(",", ""))
    assert size > LARGEST
    assert caught.value.hint == "it has 20 pools and tags of 0 characters: fewer pools"


def test_tags_that_make_it_too_large_are_named() -> None:
    tags = MappingProxyType({f"{at}" + "k" * 120: "v" * 250 for at in range(40)})
    with pytest.raises(RefusedError) as caught:
        render_template(cluster(tags=tags))
    assert "fewer or shorter tags" in str(caught.value.hint)


def test_five_pools_fit_into_a_call_and_three_with_everything() -> None:
    assert render_template(cluster(pools=many(5))).size <= LARGEST
    three = replace(full(), pools={**full().pools, "more": Pool("more", "t4g.small", spot=10)})
    assert render_template(three, KICK_POLICY).size <= LARGEST


def test_the_size_is_that_of_the_bytes_that_are_sent() -> None:
    template = render_template(cluster(tags=MappingProxyType({"Größe": "ä" * 100})))
    assert template.size == len(template.body.encode())
    assert template.size > len(template.body)


@pytest.mark.parametrize("name", BINARIES)
def test_a_program_without_a_sum_makes_no_template(name: Binary) -> None:
    one = cluster()
    release = one.binaries[name]
    bare = replace(release.downloads["amd64"], sha256="")
    downloads: dict[Arch, Download] = {"amd64": bare}
    others = {**one.binaries, name: replace(release, downloads=downloads)}
    with pytest.raises(RefusedError, match="no address with a sha256"):
        render_template(replace(one, binaries=others))


def test_endpoints_whose_names_nobody_knows_are_refused() -> None:
    with pytest.raises(RefusedError, match="China"):
        render_template(moved(cluster(nat="none"), "cn-north-1"))


# Pure, literal, whole.


@pytest.mark.parametrize("name", MATRIX)
def test_the_same_file_gives_the_same_bytes(name: str) -> None:
    one = MATRIX[name]
    first = render_template(one, KICK_POLICY).body
    turned = replace(one, tags=MappingProxyType(dict(reversed(list(one.tags.items())))))
    assert render_template(turned, copy.deepcopy(dict(KICK_POLICY))).body == first
    assert json.dumps(
        json.loads(first), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ) == first  # fmt: skip


def references(value: Any) -> set[str]:
    """Logical ids that something names, `DependsOn` aside."""
    match value:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::GetAtt": [name, _]}:
            return {str(name)}
        case {"Fn::Sub": str(text)}:
            return {part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:]}
        case dict():
            return set().union(*(references(each) for each in value.values())) if value else set()
        case list():
            return set().union(*(references(each) for each in value)) if value else set()
    return set()


def check_whole(template: Rendered) -> None:
    """Every reference leads somewhere, and none in a circle."""
    needs = {}
    for name, each in template.resources.items():
        said = each.get("DependsOn", [])
        needs[name] = references(each) | set([said] if isinstance(said, str) else said)
        assert needs[name] - PSEUDO <= set(template.resources), name
    while needs:
        free = {name for name, others in needs.items() if not others & set(needs)}
        assert free, f"a circle of {sorted(needs)}"
        for name in free:
            del needs[name]


@settings(max_examples=25, deadline=None)
@given(clusters())
def test_every_reference_leads_somewhere(one: Cluster) -> None:
    try:
        check_whole(rendered(one))
    except RefusedError as error:
        assert f"{LARGEST:,}" in error.message


@pytest.mark.parametrize("name", MATRIX)
def test_every_reference_of_the_matrix_leads_somewhere(name: str) -> None:
    check_whole(rendered(MATRIX[name]))


def test_nothing_is_left_to_whoever_makes_the_stack() -> None:
    body = rendered(full()).body
    for word in ("Fn::Cidr", "Fn::GetAZs", "Fn::If", "Fn::ImportValue", "AWS::Region"):
        assert word not in body


# What stays when other things change.


def changed(one: Cluster, other: Cluster) -> set[str]:
    """Logical ids of what is not the same in both."""
    old, new = rendered(one).resources, rendered(other).resources
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def test_a_pool_that_comes_changes_nothing_else() -> None:
    one = cluster()
    more = replace(one, pools={**one.pools, "fresh": Pool("fresh", "t3.small")})
    assert changed(one, more) == {"PoolFresh", "LtPoolFresh"}


def test_a_zone_that_comes_moves_no_subnet() -> None:
    one = cluster()
    several = {name for name in changed(one, moved(one, "eu-west-1", "abcd")) if not name.endswith(
        ("SubnetD", "SubnetDRoutes", "RoutesD", "RouteD"))}  # fmt: skip
    assert several == {"Edge", "S3Endpoint", "PoolControl", "PoolFrontend", "PoolWorker"}


def test_another_kind_of_server_changes_launch_templates_and_their_digests_only() -> None:
    one = cluster()
    found = changed(one, replace(one, servers=Servers("m5.large")))
    assert found == {f"Server{n}" for n in (1, 2, 3)} | {f"ServerLt{n}" for n in (1, 2, 3)}
    for number in (1, 2, 3):
        new = rendered(replace(one, servers=Servers("m5.large"))).resources[f"Server{number}"]
        old = rendered(one).resources[f"Server{number}"]
        old_tags, new_tags = old["Properties"].pop("Tags"), new["Properties"].pop("Tags")
        assert old == new
        keys = {old_["Key"] for old_, new_ in zip(old_tags, new_tags, strict=True) if old_ != new_}
        assert keys == {"toolkit:digest"}


@pytest.mark.parametrize("change", [
    {"servers": Servers("t3.large")},
    {"servers": Servers("t3.medium", root_volume=99)},
    {"images": MappingProxyType({"amd64": "ami-0fedcba9876543210"})},
    {"datacenter": "dublin"},
    {"private_domain": "other.internal"},
])  # fmt: skip
def test_what_a_machine_is_made_of_is_in_its_digest(change: dict[str, Any]) -> None:
    one = cluster()
    assert machine_kinds(one)[SERVER].digest != machine_kinds(replace(one, **change))[SERVER].digest


@pytest.mark.parametrize("change", [
    {"servers": Servers("t3.medium", volume=99)},
    {"tags": MappingProxyType({"team": "other"})},
    {"alarm_topic": "arn:aws:sns:eu-west-1:123456789012:alarms"},
    {"nat": "per-az"},
])  # fmt: skip
def test_what_needs_no_new_machine_is_not_in_the_digest(change: dict[str, Any]) -> None:
    one = cluster()
    old, new = machine_kinds(one), machine_kinds(replace(one, **change))
    assert {name: each.digest for name, each in old.items()} == {
        name: each.digest for name, each in new.items()
    }


# What machines get.


@pytest.mark.parametrize("name", MATRIX)
def test_a_stub_leads_to_its_roles_script_and_names_its_sum(name: str) -> None:
    one = MATRIX[name]
    template = rendered(one)
    templates = {f"ServerLt{slot.number}": ("server", "") for slot in slots(one)}
    templates |= {f"Lt{group_id(pool.name)}": (pool.role, pool.name) for pool in one.all_pools}
    for launch_template, (role, pool) in templates.items():
        stub = template.user_data(launch_template)
        script = boot_script(one, role)  # type: ignore[arg-type]
        assert template.script(stub) == script
        assert f'"{script_digest(script)}  boot.new"' in stub
        assert stub == machine_kinds(one)[pool or SERVER].begins
        assert stub.rstrip().endswith(group_id(pool) if pool else "/opt/toolkit/boot")
        needed = template.resources[launch_template]["DependsOn"]
        read = {template.resources[each]["Properties"]["Name"] for each in needed}
        assert read == {f"/toolkit/prod/boot/{part}" for part in parts(stub)}


def parts(stub: str) -> list[str]:
    [line] = [line for line in stub.splitlines() if line.startswith("{ get")]
    return [word for word in line.split(">")[0].replace(";", " ").split() if "/" in word]


def test_every_parameter_fits_and_is_said_once() -> None:
    names = [each["Name"] for _, each in rendered(full()).each("SSM::Parameter")]
    assert len(names) == len(set(names))
    assert all(len(each["Value"]) <= 4096 for _, each in rendered(full()).each("SSM::Parameter"))


def test_an_image_is_itself_or_asked_of_its_parameter() -> None:
    template = rendered(full())
    images = {
        name: each["LaunchTemplateData"]["ImageId"]
        for name, each in template.each("EC2::LaunchTemplate")
    }
    assert images["LtPoolFrontend"] == "ami-0123456789abcdef0"
    assert images["ServerLt1"] == "{{resolve:ssm:/aws/service/own/image}}"


def test_a_bastion_of_another_processor_than_all_machines_has_an_image() -> None:
    bastion = full().bastion
    images = MappingProxyType({"amd64": "ami-0123456789abcdef0"})
    template = rendered(cluster(bastion=bastion, images=images))
    image = template.resources["BastionLt"]["Properties"]["LaunchTemplateData"]["ImageId"]
    assert image.startswith("{{resolve:ssm:/aws/service/ami-amazon-linux-latest/")
    assert image.endswith("-arm64}}")


def test_a_bastion_lets_in_whose_keys_the_file_has() -> None:
    words = rendered(full()).user_data("BastionLt")
    assert words.startswith("#cloud-config\n")
    assert json.loads(words.partition("\n")[2])["ssh_authorized_keys"] == list(full().bastion.keys)  # type: ignore[union-attr]


# Order: nobody waits for whom waits.


def order(template: Rendered, name: str) -> set[str]:
    """All that comes before."""
    said = template.resources[name].get("DependsOn", [])
    direct = references(template.resources[name]) | set([said] if isinstance(said, str) else said)
    found = direct - PSEUDO
    for each in tuple(found):
        found |= order(template, each)
    return found


def test_servers_wait_for_their_way_out_and_for_no_other_server() -> None:
    template = rendered(cluster())
    for number, at in ((1, "A"), (2, "B"), (3, "C")):
        before = order(template, f"Server{number}")
        assert {f"PrivateRoute{at}", f"Data{number}", f"Eni{number}", "Hosts", "NatA"} <= before
        assert {"MachineRights", "BootBase1", "BootServer1", "S3Endpoint"} <= before
        assert not before & {"Server1", "Server2", "Server3"}


def test_pools_wait_for_all_servers_and_alarms_too() -> None:
    template = rendered(moved(cluster(), "eu-west-1", "abcdef"))
    for name in ("PoolFrontend", "PoolControl", "QuorumLost", "CertificatesEnd"):
        assert {"Server1", "Server2", "Server3"} <= order(template, name)
    assert {"PrivateRouteF", "PrivateSubnetFRoutes"} <= order(template, "PoolFrontend")


def test_without_nat_machines_wait_for_the_ways_to_aws() -> None:
    template = rendered(MATRIX["lonely"])
    ways = {name for name in template.resources if name.startswith("Endpoint")}
    assert len(ways) == 11
    assert ways <= order(template, "Server1")
    # An endpoint that came first could have a server's address.
    assert all({"Eni1", "Eni2", "Eni3"} <= order(template, each) for each in ways)
    assert not list(template.each("EC2::NatGateway"))


# Single things.


def test_rules_of_security_groups_have_names_of_their_own() -> None:
    for one in MATRIX.values():
        names = [rule.logical for rule in rules(one)]
        assert len(names) == len(set(names))


def test_ranges_that_read_alike_have_rules_of_their_own() -> None:
    alike = tuple(IPv4Network(each) for each in ("11.1.1.1/32", "1.11.1.1/32", "1.1.11.1/32"))
    own = replace(full(), bastion=Bastion(alike, ("ssh-ed25519 AAAA me",)))
    found = dict(rendered(own).each("EC2::SecurityGroupIngress"))
    assert {
        each["CidrIp"] for each in found.values() if each["GroupId"] == {"Ref": "SgBastion"}
    } == {str(each) for each in alike}


def test_only_machines_of_the_edges_pool_are_behind_the_balancer() -> None:
    groups = dict(rendered(cluster()).each("AutoScaling::AutoScalingGroup"))
    behind = {name for name, each in groups.items() if "TargetGroupARNs" in each}
    assert behind == {"PoolFrontend"}


def test_a_spot_share_is_said_as_what_is_left_to_on_demand() -> None:
    group = rendered(full()).resources["PoolBatchJobs"]["Properties"]
    share = group["MixedInstancesPolicy"]["InstancesDistribution"]
    assert share["OnDemandPercentageAboveBaseCapacity"] == 20
    assert group["CapacityRebalance"] is True
    assert "LaunchTemplate" not in group
    assert "SpotWarnings" in rendered(full()).resources
    assert "SpotWarnings" not in rendered(cluster()).resources


def test_the_number_of_machines_of_a_pool_is_not_set_back_by_an_update() -> None:
    group = rendered(cluster()).resources["PoolWorker"]["Properties"]
    assert (group["MinSize"], group["MaxSize"]) == ("2", "6")
    assert "DesiredCapacity" not in group


@pytest.mark.parametrize(("nat", "count"), [("single", 1), ("per-az", 3), ("none", 0)])
def test_nat_is_as_many_as_asked_for(nat: Any, count: int) -> None:
    template = rendered(cluster(nat=nat))
    assert len(list(template.each("EC2::NatGateway"))) == count
    assert len([name for name, _ in template.each("EC2::Route")]) == 1 + (3 if count else 0)


def test_public_names_lead_to_the_balancer() -> None:
    group = rendered(full()).resources["PublicNames"]["Properties"]
    assert group["HostedZoneId"] == "Z0ABC"
    assert [each["Name"] for each in group["RecordSets"]] == [
        "shop.example.com.", "*.shop.example.com."]  # fmt: skip
    found = rendered(MATRIX["lonely"]).resources["PublicNames"]["Properties"]
    assert found["HostedZoneName"] == "example.com."
    assert "PublicNames" not in rendered(cluster()).resources


def test_the_kick_servers_role_may_what_its_policy_says_and_nothing_without() -> None:
    one = moved(cluster(), "cn-north-1")
    policy = rendered(one).policies("KickRole")[0]
    assert policy["Statement"][0]["Resource"] == ["arn:aws-cn:route53:::hostedzone/ZPUBLIC"]
    assert rendered(cluster()).policies("KickRole") == [dict(KICK_POLICY)]
    assert rendered(cluster(), None).policies("KickRole") == []


def test_names_that_others_are_told_fit_into_what_aws_takes() -> None:
    one = moved(cluster(name="a" * 24), "ap-southeast-1")
    assert all(len(role_name(one, name)) <= 64 for name in CONTROLLED)
    assert len(pool_group(one, "p" * 16)) <= 255
    assert alias(one) == "alias/toolkit/" + "a" * 24


def test_only_the_account_is_left_to_aws() -> None:
    assert ACCOUNT not in rendered(cluster()).body
    assert "${AWS::AccountId}" in rendered(cluster()).body
