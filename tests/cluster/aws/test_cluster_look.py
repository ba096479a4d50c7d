"""`toolkit cluster status` against an AWS account: what there is, what is wrong, what is unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.cluster.aws.account import Aws
from tests.cluster.aws.standing import FILE, Standing, standing
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.machines import Machines
from toolkit.cluster.secrets.store import Store
from toolkit.errors import ApiError, ExitCode, RefusedError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.cluster_status import ClusterStatusReport
from toolkit.views.cluster import status as view
from toolkit.workflows.cluster.status import Tools, status
from toolkit.workflows.cluster.status.way import way_in


@contextmanager
def no_way(_cluster: Cluster, _store: Store, _cloud: Cloud) -> Iterator[Access]:
    """As where there is neither a VPN nor the programs for a tunnel."""
    raise RefusedError("a way into prod needs session-manager-plugin on PATH")
    yield


@pytest.fixture
def prod(aws: Aws, tmp_path: Path) -> Standing:
    """A project, an account with a public zone, nothing of the cluster yet."""
    return standing(aws, tmp_path / "shop")


def look(prod: Standing) -> ClusterStatusReport:
    """`toolkit cluster status prod`."""
    tools = Tools(no_way, connect=lambda _region, account: prod.cloud)
    return status(prod.folder, "prod", tools)


def test_a_cluster_that_is_not_there_is_absent_and_up_is_what_to_type(prod: Standing) -> None:
    report = look(prod)
    assert (report.word, report.code) == ("absent", ExitCode.FAILED)
    assert report.next == ("toolkit cluster up prod",)
    assert "there is no stack prod" in report.sentence


def test_whoever_throttles_or_denies_is_not_taken_for_there_is_none(prod: Standing) -> None:
    prod.aws.fault("denied", "DescribeStacks", times=-1)
    with pytest.raises(ApiError, match="denied"):
        look(prod)


def test_credentials_of_another_account_are_refused_before_anything_is_asked(
    prod: Standing,
) -> None:
    prod.write(FILE.replace("123456789012", "999999999999"))
    prod.aws.forget()
    with pytest.raises(RefusedError, match=r"prod.toml:2: account: .*of account 123456789012"):
        status(prod.folder, "prod", Tools(no_way))
    assert prod.aws.operations() == ["GetCallerIdentity"]


def test_a_cluster_as_aws_has_it_with_what_is_wrong_and_what_nobody_saw(prod: Standing) -> None:
    prod.make()
    prod.aws.forget()
    report = look(prod)
    few = prod.aws.operations()
    assert (report.word, report.code) == ("unseen", ExitCode.UNKNOWN), report.wrong
    assert report.wrong == ()
    assert report.unseen == (
        "the servers and Nomad's nodes: a way into prod needs session-manager-plugin on PATH",
    )
    assert {each.raft for each in report.servers} == {"unseen"}
    assert [(each.slot, each.state, each.configuration) for each in report.servers] == [
        (f"server-{number}", "running", "current") for number in (1, 2, 3)
    ]
    assert [(each.name, each.in_service, each.nodes) for each in report.pools] == [
        ("control", 1, None), ("frontend", 2, None), ("worker", 1, None),
    ]  # fmt: skip
    assert [each.state for each in report.edge] == ["healthy", "healthy"]
    assert [(each.name, each.names, each.missing) for each in report.zones] == [
        ("prod.internal", 3, ()), ("example.com", 1, ()),
    ]  # fmt: skip
    assert [each.days for each in report.certificates if each.name != "ca/cert"] == [364] * 3
    assert [each.name for each in report.alarms] == ["CertificatesEnd", "QuorumLost"]
    assert report.queue is not None
    assert "PRIVATE KEY" not in str(view.document(report))

    # As many calls for thirty machines as for seven.
    prod.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName="prod-pool-worker", MaxSize=24, DesiredCapacity=24
    )
    prod.aws.forget()
    many = look(prod)
    assert next(each.in_service for each in many.pools if each.name == "worker") == 24
    assert prod.aws.operations() == few

    # What is not as it should be, each by name.
    _break(prod)
    broken = look(prod)
    assert (broken.word, broken.code) == ("unwell", ExitCode.FAILED)
    said = "\n".join(broken.wrong)
    assert "server-2 has no machine" in said
    assert "the pool worker wants 0 machines, the file 1 at least" in said
    assert "server-1.prod.internal is not, or not as it should be" in said
    assert "shop.example.com is not, or not as it should be" in said
    assert "the alarm QuorumLost rings" in said
    assert broken.sentence == broken.wrong[0]

    # Whoever may not read all of it is told what they did not see, and the rest.
    for operation in ("DescribeAlarms", "GetParametersByPath", "DescribeTargetHealth"):
        prod.aws.fault("denied", operation, times=-1)
    part = look(prod)
    assert part.servers
    assert part.certificates == ()
    assert part.alarms == ()
    for what in ("the alarms: ", "the secrets: ", "the balancer's targets: "):
        assert any(each.startswith(what) and "denied" in each for each in part.unseen), what
    assert not any("gets requests" in each for each in part.wrong), "nobody saw that"


def _break(prod: Standing) -> None:
    machines = Machines(prod.cloud)
    machines.resize("prod-server-2", min=0, desired=0)
    machines.resize("prod-pool-worker", min=0, desired=0)
    private = prod.physical("Zone")
    for zone, name in ((private, "server-1.prod.internal."), (prod.zone, "shop.example.com.")):
        listed = prod.client("route53").list_resource_record_sets(HostedZoneId=zone)
        (own,) = (each for each in listed["ResourceRecordSets"] if each["Name"] == name)
        prod.client("route53").change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": own}]},
        )
    prod.record("shop.example.com", "A", "203.0.113.9")
    prod.client("cloudwatch").set_alarm_state(
        AlarmName=prod.physical("QuorumLost"), StateValue="ALARM", StateReason="x"
    )


def test_the_way_is_the_environments_where_it_says_one(prod: Standing) -> None:
    (prod.folder / "toolkit.toml").write_text(
        '[environments.prod]\nproxy = "socks5h://127.0.0.1:9"\n'
    )
    prod.aws.forget()
    way = way_in(prod.folder, {})
    opened: AbstractContextManager[Access] = way(prod.cluster, prod.store(), prod.cloud)
    with pytest.raises(RefusedError, match="ca/cert"), opened:
        pytest.fail("there are no secrets yet")
