"""What a preflight asks of AWS: reads only, few, and each answer that fails fails alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.aws.account import ACCOUNT, REGION, Aws
from tests.cluster.cluster_files import FULL, changed, read
from tests.cluster.preflighting import CNI
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.limits import Limits
from toolkit.cluster.preflight.names import parameter_names
from toolkit.cluster.preflight.quotas import ADDRESSES, STANDARD, VCPUS, VPCS
from toolkit.config.clusterfile import ClusterFile
from toolkit.errors import DeniedError, RefusedError, ServerError, UnreachableError
from toolkit.spec.cloudformation import StackView
from toolkit.spec.preflight import Finding, Preflight
from toolkit.workflows.cluster.preflight import preflight

NOW = datetime(2030, 1, 1, tzinfo=UTC)
CERTIFICATE = FULL["edge"]["certificate"]
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
SERVICES = (
    "sts", "ec2", "ssm", "iam", "kms", "acm", "route53", "autoscaling", "service-quotas",
)  # fmt: skip

Look = Callable[..., Preflight]
Clients = dict[str, Any]
"""By service; what a test does with them is in the server's log as well."""


class Quotas:
    """Service Quotas, which moto does not know beyond a few defaults."""

    def __init__(self) -> None:
        self.client: Any = boto3.session.Session(
            "tester", "tester", region_name=REGION
        ).client("service-quotas")  # fmt: skip
        self.stub = Stubber(self.client)

    def say(self, quota: Any, value: float) -> None:
        """The next question is for this one."""
        asked = {"ServiceCode": quota.service, "QuotaCode": quota.code}
        self.stub.add_response("get_service_quota", {"Quota": {"Value": value}}, asked)

    def refuse(self, code: str) -> None:
        """Whatever is asked next."""
        self.stub.add_client_error("get_service_quota", code, "no", http_status_code=400)


@pytest.fixture
def quotas() -> Iterator[Quotas]:
    found = Quotas()
    with found.stub:
        yield found


def full(certificate: str = CERTIFICATE, zone: str | None = None) -> ClusterFile:
    """Every key of a cluster file that AWS can be asked about; moto's zones have no right id."""
    data = changed("zones", ["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    data["binaries"]["cni"] = CNI
    data["edge"]["certificate"] = certificate
    del data["bastion"]  # its disk is smaller than moto's images
    data["domain"] = {"public": "example.com"} | ({"public_zone": zone} if zone else {})
    data["images"] = {"amd64": image("x86_64"), "arm64": "/team/image"}
    return read(data)


def image(arch: str) -> str:
    """One of those that moto has from the beginning."""
    from moto.ec2.models.amis import AMIS

    return next(
        str(each["ami_id"]) for each in AMIS
        if each["architecture"] == arch and each["root_device_name"] == "/dev/xvda"
    )  # fmt: skip


@pytest.fixture(scope="module")
def clients(aws_server: Aws) -> Clients:
    """Made once: they are what costs time here."""
    session = boto3.session.Session("AKIATEST", "tester", region_name=REGION)
    config = Config(retries={"mode": "standard", "total_max_attempts": 2})
    return {
        each: session.client(each, endpoint_url=aws_server.endpoint, config=config)
        for each in SERVICES
    }


@pytest.fixture
def look(aws: Aws, clients: Clients) -> Look:
    """A preflight of a cluster file; with stubbed quotas, a stack, or few calls."""

    def run(
        file: ClusterFile,
        quotas: Quotas | None = None,
        *,
        stack: StackView | None = None,
        calls: int | None = None,
        account: str | None = None,
    ) -> Preflight:
        given = {} if quotas is None else {"service-quotas": quotas.client}
        cloud = Cloud(REGION, account=account, clients={**clients, **given})
        return preflight(file, cloud, stack, now=NOW.timestamp(), calls=calls)

    return run


def plain() -> ClusterFile:
    """What `init` writes, nearly."""
    data = changed("zones", ["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    data["binaries"]["cni"] = CNI
    for name in ("account", "permission_boundary", "domain", "bastion", "images", "servers"):
        del data[name]
    data["edge"] = {}
    data["network"]["nat"] = "single"
    data["pools"]["worker"]["spot"] = 0
    return read(data)


OURS = StackView("arn", "prod", "UPDATE_COMPLETE", tags={"toolkit:cluster": "prod"})


def prepare(clients: Clients) -> tuple[str, str]:
    """An account that has all that the full file names; the certificate and the zone."""
    iam, ssm, route53 = clients["iam"], clients["ssm"], clients["route53"]
    iam.create_policy(PolicyName="boundary", Path="/team/", PolicyDocument=POLICY)
    ssm.put_parameter(Name="/team/image", Value=image("arm64"), Type="String")
    made = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    return imported(clients, "shop.example.com", "*.shop.example.com"), made.removeprefix(
        "/hostedzone/"
    )


def imported(clients: Clients, *names: str) -> str:
    """ARN of a certificate of these names that ends in a hundred days."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=9000))
        .not_valid_after(NOW + timedelta(days=100))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
        .sign(key, hashes.SHA256())
    )
    answer = clients["acm"].import_certificate(
        Certificate=made.public_bytes(serialization.Encoding.PEM),
        PrivateKey=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    return str(answer["CertificateArn"])


def group(clients: Clients, name: str, cluster: str) -> None:
    """An empty autoscaling group with a cluster's tag."""
    client = clients["autoscaling"]
    if not client.describe_launch_configurations()["LaunchConfigurations"]:
        client.create_launch_configuration(
            LaunchConfigurationName="any", ImageId=image("x86_64"), InstanceType="t3.small"
        )
    client.create_auto_scaling_group(
        AutoScalingGroupName=name, MinSize=0, MaxSize=0, AvailabilityZones=["eu-west-1a"],
        LaunchConfigurationName="any",
        Tags=[{"Key": "toolkit:cluster", "Value": cluster, "PropagateAtLaunch": True}],
    )  # fmt: skip


def by_about(found: Preflight) -> dict[str, list[Finding]]:
    said: dict[str, list[Finding]] = {}
    for finding in found.findings:
        said.setdefault(finding.about, []).append(finding)
    return said


# --- how many calls, and which -------------------------------------------------------------------


def test_a_plan_asks_within_its_calls_and_says_what_it_did_not(aws: Aws, look: Look) -> None:
    for file, stack, calls in (
        (plain(), None, 9),
        (full(zone="Z0ABC"), None, 9),
        (full(zone="Z0ABC"), OURS, 4),
    ):
        aws.forget()
        found = look(file, stack=stack, calls=calls)
        asked = aws.operations()
        assert asked.pop(0) == "GetCallerIdentity"
        assert len(asked) <= calls
        assert found.unasked
        assert not set(found.unasked) & set(found.checked)
        # What others use is not asked for without a quota to compare it with.
        assert asked.count("DescribeInstances") <= asked.count("GetServiceQuota")


def test_whoever_makes_a_cluster_asks_everything_and_changes_nothing(aws: Aws, look: Look) -> None:
    found = look(full(zone="Z0ABC"))
    assert found.unasked == ()
    assert all(each.startswith(("Get", "Describe", "List")) for each in aws.operations())
    assert not any("DryRun" in call.body for call in aws.calls())


def test_no_calls_are_no_findings(aws: Aws, look: Look) -> None:
    found = look(full(zone="Z0ABC"), calls=0)
    assert (found.findings, found.checked) == ((), ())
    assert aws.operations() == ["GetCallerIdentity"]
    assert {"zones", "machine quotas", "certificate", "edge names", "images"} <= set(found.unasked)


# --- what is well, and what is not ---------------------------------------------------------------


def test_an_account_where_all_is_well(
    aws: Aws, clients: Clients, quotas: Quotas, look: Look
) -> None:
    arn, _ = prepare(clients)
    quotas.say(VCPUS[STANDARD, False], 64)
    quotas.say(VCPUS[STANDARD, True], 128)
    found = look(full(arn), quotas)
    assert found.findings == ()
    assert (found.account, found.region, found.code) == (ACCOUNT, REGION, 0)
    quotas.stub.assert_no_pending_responses()


def test_all_findings_at_once(aws: Aws, clients: Clients, quotas: Quotas, look: Look) -> None:
    ec2 = clients["ec2"]
    for _ in range(4):
        ec2.allocate_address(Domain="vpc")
    for at in range(4):
        ec2.create_vpc(CidrBlock=f"10.{at}.0.0/16")
    quotas.say(ADDRESSES, 5)
    quotas.say(VPCS, 5)
    quotas.say(VCPUS[STANDARD, False], 5)
    quotas.say(VCPUS[STANDARD, True], 0)
    data = changed("zones", ["eu-west-1a", "eu-west-1b", "eu-west-1c", "eu-west-1f"])
    data["binaries"]["cni"] = CNI
    data["servers"]["type"] = "m99.large"
    data["images"]["amd64"] = "ami-0000000000000bad0"
    found = look(read(data), quotas)
    assert found.code == 1
    assert [(each.kind, each.about, each.key) for each in found.findings] == [
        ("stops", "zones", "zones"),
        ("stops", "types", "servers.type"),
        ("stops", "image", "images.amd64"),
        ("stops", "image", "images.arm64"),
        ("stops", "quota", None),
        ("warns", "quota", None),
        ("stops", "quota", "network.nat"),
        ("stops", "quota", None),
        ("stops", "boundary", "permission_boundary"),
        ("stops", "domain", "domain.public_zone"),
        ("stops", "certificate", "edge.certificate"),
    ]
    assert all(each.line is not None for each in found.findings if each.key)


def test_names_that_are_taken(aws: Aws, clients: Clients, look: Look) -> None:
    arn, zone = prepare(clients)
    file = full(arn)
    iam, kms, ssm = clients["iam"], clients["kms"], clients["ssm"]
    iam.create_role(RoleName="prod-eu-west-1-kick", AssumeRolePolicyDocument="{}")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/toolkit/prod", TargetKeyId=key)
    ssm.put_parameter(Name=parameter_names(file.cluster)[1], Value="H4s", Type="String")
    group(clients, "prod-pool-worker", "staging")
    group(clients, "prod-server-2", "prod")
    clients["route53"].change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": {
            "Name": "\\052.shop.example.com.", "Type": "CNAME", "TTL": 60,
            "ResourceRecords": [{"Value": "other.example.org"}],
        }}]},
    )  # fmt: skip
    said = by_about(look(file))
    assert {each.kind for each in said["clash"]} == {"stops"}
    clashes = " / ".join(each.message for each in said["clash"])
    for part in (
        f"alias/toolkit/prod leads to a key that is not this cluster's: {key}",
        f"are there without the stack: {parameter_names(file.cluster)[1]}",
        "autoscaling groups of this cluster are there without its stack: prod-server-2",
        "there is an autoscaling group prod-pool-worker of cluster staging",
        "the account has a role of each of these names already: prod-eu-west-1-kick",
    ):
        assert part in clashes
    (name,) = said["names"]
    assert (name.kind, name.key) == ("stops", "edge.names")
    assert name.message == "*.shop.example.com is there already, CNAME to other.example.org"


def test_what_the_cluster_has_itself_is_not_counted_against_it(aws: Aws, clients: Clients) -> None:
    ec2 = clients["ec2"]
    tags = [{"Key": "toolkit:cluster", "Value": "prod"}]

    def spec(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": tags}]

    ec2.allocate_address(Domain="vpc", TagSpecifications=spec("elastic-ip"))
    ec2.create_vpc(CidrBlock="10.42.0.0/16", TagSpecifications=spec("vpc"))
    ec2.run_instances(
        ImageId=image("x86_64"), MinCount=1, MaxCount=1, TagSpecifications=spec("instance")
    )
    limits = Limits(Cloud(REGION, clients=clients))
    assert limits.addresses(but="prod") == 0
    assert limits.addresses(but="staging") == 1
    others = limits.vpcs(but="prod")
    assert limits.vpcs(but="staging") == others + 1
    assert limits.vcpus(but="prod") == {}
    # moto does not say how many a machine has: that is not 0.
    with pytest.raises(ServerError, match="does not say how many i-"):
        limits.vcpus(but="staging")


def test_another_accounts_credentials_ask_nothing(aws: Aws, look: Look) -> None:
    with pytest.raises(RefusedError, match="999999999999"):
        look(plain(), account="999999999999")
    assert aws.operations() == ["GetCallerIdentity"]


def test_a_stack_of_others_is_one_finding_among_all(aws: Aws, look: Look) -> None:
    found = look(plain(), stack=StackView("arn", "prod", "UPDATE_COMPLETE"))
    assert [each.about for each in found.stops] == ["stack"]
    assert "role names" in found.checked


def test_a_stack_that_has_nothing_is_like_none(aws: Aws, clients: Clients, look: Look) -> None:
    ssm = clients["ssm"]
    ssm.put_parameter(Name=parameter_names(plain().cluster)[0], Value="H4s", Type="String")
    husk = StackView("arn", "prod", "ROLLBACK_COMPLETE", tags={"toolkit:cluster": "prod"})
    assert [each.about for each in look(plain(), stack=husk).stops] == ["clash"]
    assert look(plain(), stack=OURS).stops == ()


# --- what AWS does not answer --------------------------------------------------------------------

QUESTIONS = {
    "DescribeInstanceTypeOfferings": "zones", "DescribeInstanceTypes": "types",
    "ListHostedZonesByName": "domain", "ListResourceRecordSets": "names",
    "DescribeCertificate": "certificate", "GetPolicy": "boundary", "DescribeAddresses": "quota",
    "DescribeVpcs": "quota", "DescribeInstances": "quota", "GetParameters": "image",
    "DescribeImages": "image", "DescribeKey": "clash", "DescribeAutoScalingGroups": "clash",
    "GetRole": "clash", "DescribeNetworkInterfaces": "quota",
}  # fmt: skip


FIRST = ("DescribeInstanceTypes", "ListHostedZonesByName", "GetParameters")
"""Others are asked only with the answers of these."""
FOLLOWING = {("DescribeInstanceTypes", "quota"), ("ListHostedZonesByName", "names")}
"""And are not known without them."""


@pytest.mark.parametrize(
    "denied", [FIRST, tuple(QUESTIONS.keys() - set(FIRST))], ids=["few", "all"]
)
def test_each_answer_that_is_denied_is_its_own_finding_and_stops_no_other(
    aws: Aws, clients: Clients, quotas: Quotas, look: Look, denied: tuple[str, ...]
) -> None:
    arn, _ = prepare(clients)
    if "DescribeInstanceTypes" not in denied:
        quotas.say(VCPUS[STANDARD, False], 64)
        quotas.say(VCPUS[STANDARD, True], 128)
    for operation in denied:
        aws.fault("denied", operation, times=-1)
    found = look(full(arn), quotas)
    assert {each.kind for each in found.findings} == {"unchecked"}
    said = {
        (operation, each.about)
        for each in found.findings for operation in QUESTIONS if f":{operation} " in each.message
    }  # fmt: skip
    assert said - FOLLOWING == {(operation, QUESTIONS[operation]) for operation in denied}
    assert found.code == 0


def test_quotas_that_nobody_may_read(
    aws: Aws, clients: Clients, quotas: Quotas, look: Look
) -> None:
    arn, _ = prepare(clients)
    quotas.refuse("AccessDeniedException")
    quotas.refuse("NoSuchResourceException")
    first, second = look(full(arn), quotas).findings
    assert {first.kind, second.kind} == {"unchecked"}
    assert "service-quotas:GetServiceQuota in eu-west-1 is denied" in first.message
    assert first.hint == "the credentials need servicequotas:GetServiceQuota"
    assert second.message.endswith("could not be checked: AWS does not say it")


def test_credentials_that_end_in_the_middle_end_it(aws: Aws, look: Look) -> None:
    aws.fault("expired", "DescribeAddresses", times=-1)
    with pytest.raises(DeniedError, match="expired"):
        look(plain())
    assert aws.operations()[-1] == "DescribeAddresses"


def test_one_service_out_of_reach_is_a_finding_two_are_the_end(aws: Aws, look: Look) -> None:
    aws.fault("refused", "DescribeVpcs", times=-1)
    found = look(plain())
    assert "how many VPCs are used could not be checked" in by_about(found)["quota"][-1].message
    aws.fault("refused", "GetRole", times=-1)
    with pytest.raises(UnreachableError):
        look(plain())


# --- records of a few names ----------------------------------------------------------------------


def page(names: list[str], following: str | None = None) -> dict[str, Any]:
    """One answer of Route 53's."""
    sets = [
        {"Name": f"{name}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        for name in names
    ]
    more = {} if following is None else {"NextRecordName": f"{following}.", "NextRecordType": "A"}
    return {
        "ResourceRecordSets": sets, "IsTruncated": following is not None, "MaxItems": "300", **more,
    }  # fmt: skip


def test_names_far_apart_in_a_large_zone_are_a_call_each_and_near_ones_none() -> None:
    client: Any = boto3.session.Session("t", "t", region_name=REGION).client("route53")
    with Stubber(client) as stub:
        for start, answer in (
            (
                "a.example.com.",
                page(["a.example.com", "b.example.com", "\\052.b.example.com"], "d.example.com"),
            ),
            # How a wildcard is ordered is nothing to rely on: it is asked for by itself.
            ("*.b.example.com.", page(["\\052.b.example.com"], "d.example.com")),
            ("x.example.com.", page(["y.example.com"])),
        ):
            asked = {"HostedZoneId": "Z1", "StartRecordName": start}
            stub.add_response("list_resource_record_sets", answer, asked)
        zones = HostedZones(Cloud(REGION, clients={"route53": client}))
        names = [f"{each}.example.com" for each in ("x", "b", "c", "a", "*.b")]
        found = [record.name for record in zones.records_at("Z1", names)]
        assert sorted(found) == ["*.b.example.com", "a.example.com", "b.example.com"]
        stub.assert_no_pending_responses()


# --- images --------------------------------------------------------------------------------------


def test_an_image_that_is_not_there_hides_no_other() -> None:
    client: Any = boto3.session.Session("t", "t", region_name=REGION).client("ec2")
    known = {"ImageId": "ami-00000002", "Architecture": "arm64", "State": "available"}
    with Stubber(client) as stub:
        for asked, there in ((["ami-00000001", "ami-00000002"], False), (["ami-00000001"], False),
                             (["ami-00000002"], True)):  # fmt: skip
            if there:
                stub.add_response("describe_images", {"Images": [known]}, {"ImageIds": asked})
            else:
                stub.add_client_error("describe_images", "InvalidAMIID.NotFound",
                                      expected_params={"ImageIds": asked})  # fmt: skip
        limits = Limits(Cloud(REGION, clients={"ec2": client}))
        found = limits.images(["ami-00000002", "ami-00000001"])
        assert [(each.id, each.architecture) for each in found.values()] == [
            ("ami-00000002", "arm64")
        ]
        assert limits.images([]) == {}
        stub.assert_no_pending_responses()
