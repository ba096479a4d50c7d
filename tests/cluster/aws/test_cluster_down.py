"""`toolkit cluster down` against an AWS account: what it refuses, what stops it, what it leaves."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.aws.account import REGION, Aws
from tests.cluster.aws.standing import FILE, Standing, owner, standing
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import zones_provider
from toolkit.clients.aws.inventory import tagged
from toolkit.clients.aws.parameters import KIND
from toolkit.clients.aws.stacks import Stacks
from toolkit.clients.tunnel import identity
from toolkit.clients.tunnel_record import FILE as RECORD
from toolkit.config.kick import load_kick
from toolkit.errors import ApiError, ConfigError, ExitCode, InterruptedRolloutError, RefusedError
from toolkit.spec.cluster_down import ClusterDownReport
from toolkit.spec.cluster_template import Template
from toolkit.spec.events import Event
from toolkit.views.cluster import down as view
from toolkit.workflows.cluster.down import Tools, down
from toolkit.workflows.cluster.down.names import find_names, remove_names
from toolkit.workflows.cluster.down.work import Work, open_cloud
from toolkit.workflows.cluster.reach import private_folder


@pytest.fixture
def prod(aws: Aws, tmp_path: Path) -> Standing:
    """A project, an account with a public zone, nothing of the cluster yet."""
    return standing(aws, tmp_path / "shop")


class Hurried:
    """A clock that goes as fast as it is waited for, with a moment for the account to go on."""

    def __init__(self, each: Callable[[], None] = lambda: None) -> None:
        self.at = 0.0
        self.each = each

    def sleep(self, seconds: float) -> None:
        self.each()
        self.at += seconds
        time.sleep(0.01)


def end(
    prod: Standing,
    *,
    keep_data: bool = False,
    said: list[Event] | None = None,
    hurried: Hurried | None = None,
    **more: Any,
) -> ClusterDownReport:
    """`toolkit cluster down prod --yes`."""
    clock = hurried or Hurried()
    tools = Tools(
        confirm=more.pop("confirm", lambda _question: True),
        on_event=(said if said is not None else []).append,
        clock=lambda: clock.at,
        sleep=clock.sleep,
        **{"cloud": lambda _cluster: prod.cloud, **more},
    )
    return down(prod.folder, "prod", tools, keep_data=keep_data)


def volumes(prod: Standing) -> dict[str, str]:
    """Slot -> id of the data volumes that there are."""
    found = prod.client("ec2").describe_volumes(
        Filters=[{"Name": "tag-key", "Values": ["toolkit:slot"]}]
    )["Volumes"]
    return {
        tag["Value"]: each["VolumeId"]
        for each in found
        for tag in each["Tags"]
        if tag["Key"] == "toolkit:slot"
    }


def agree(asked: list[str]) -> Callable[[str], bool]:
    """Says yes, and remembers to what."""

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    return confirm


@contextmanager
def kept_tunnel(prod: Standing) -> Iterator[subprocess.Popen[bytes]]:
    """What stands in for the tunnel that `toolkit cluster env` leaves; it ends at the latest."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    record = {
        "pid": process.pid, "group": process.pid, "started": identity(process.pid), "port": 36001,
        "instance": "i-1",
    }  # fmt: skip
    (private_folder(prod.folder, "prod") / RECORD).write_text(json.dumps(record))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


# --- what it refuses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (FILE.replace("protected = false", "protected = true"), "clusters/prod.toml:3: protected:"),
        (FILE.replace("protected = false\n", ""), "true therefore"),
    ],
)
def test_a_protected_cluster_is_refused_with_key_and_line_before_anything_is_asked(
    prod: Standing, text: str, why: str
) -> None:
    prod.write(text)
    prod.aws.forget()
    with pytest.raises(ConfigError, match=why) as caught:
        end(prod)
    assert "protected = false" in str(caught.value)
    assert prod.aws.operations() == []


def test_a_stack_of_that_name_that_is_not_ours_is_left_alone(prod: Standing) -> None:
    body = '{"Resources":{"Own":{"Type":"AWS::SQS::Queue","Properties":{}}}}'
    stacks = Stacks(prod.cloud)
    made = stacks.create_change_set(
        "prod", "x", Template("prod", body, {"team": "shop"}, (), 1), "CREATE", token="t"
    )
    prod.wait(lambda: getattr(stacks.change_set("prod", made), "execution", "") == "AVAILABLE")
    stacks.execute("prod", made, "t2")
    prod.wait(lambda: prod.status() == "CREATE_COMPLETE")
    with pytest.raises(RefusedError, match="not this cluster's: it lacks the tag"):
        end(prod)
    assert prod.status() == "CREATE_COMPLETE"


def test_credentials_of_another_account_are_refused(prod: Standing) -> None:
    prod.write(FILE.replace('account = "123456789012"', 'account = "999999999999"'))
    with pytest.raises(RefusedError) as caught:
        end(prod, cloud=open_cloud)
    assert caught.value.message == (
        "clusters/prod.toml:2: account: is 999999999999, and the AWS credentials are of account"
        " 123456789012: nothing was done"
    )


def test_where_there_is_nothing_nothing_is_asked_and_that_is_well(prod: Standing) -> None:
    report = end(prod, confirm=pytest.fail)
    assert (report.word, report.code) == ("absent", ExitCode.OK)
    assert report.sentence == "there is nothing of prod in eu-west-1"


def test_a_stack_that_is_being_changed_is_left_alone_until_that_is_over(prod: Standing) -> None:
    cloud = Cloud(REGION, clients={"cloudformation": Changing()})
    prod.aws.forget()
    with pytest.raises(RefusedError, match="is being changed \\(UPDATE_IN_PROGRESS\\)") as caught:
        end(prod, cloud=lambda _cluster: cloud)
    assert caught.value.hint == "wait until that is over: toolkit cluster status prod"
    assert prod.aws.operations() == ["GetCallerIdentity"]


class Changing:
    """CloudFormation, which is at the stack."""

    def describe_stacks(self, **_params: Any) -> Any:
        tags = [{"Key": "toolkit:cluster", "Value": "prod"}]
        stack = {"StackId": "arn:1", "StackName": "prod", "StackStatus": "UPDATE_IN_PROGRESS"}
        return {"Stacks": [{**stack, "Tags": tags}]}


def test_what_a_killed_up_leaves_is_found_a_key_without_a_name_and_a_stack_without_tags(
    prod: Standing,
) -> None:
    tags = {"toolkit:cluster": "prod"}
    kms = prod.client("kms")
    kms.create_key(Tags=[{"TagKey": key, "TagValue": text} for key, text in tags.items()])
    body = '{"Resources":{"Own":{"Type":"AWS::SQS::Queue","Properties":{}}}}'
    draft = Template("prod", body, tags, (), 1)
    Stacks(prod.cloud).create_change_set("prod", "toolkit-up-1", draft, "CREATE", token="t")
    report = end(prod)
    assert (report.word, [each.part for each in report.done]) == ("gone", ["stack", "key"])
    assert prod.status() == ""
    assert tagged(prod.cloud, "prod") == ()
    assert end(prod, confirm=pytest.fail).word == "absent"


KICK = """
cluster = "shop"
[[zone]]
name = "example.net"
provider = "route53"
id = "ZNET"
[targets]
public = ["203.0.113.0/24"]
"""


def test_two_kick_servers_that_sign_alike_are_refused(prod: Standing) -> None:
    jobs = prod.folder / "jobs/kick"
    jobs.mkdir(parents=True)
    (jobs / "kick.prod.toml").write_text(KICK)
    (jobs / "kick.staging.toml").write_text(KICK)
    with pytest.raises(RefusedError, match=r'kick.prod.toml and .*staging.toml both say .*"shop"'):
        end(prod)
    (jobs / "kick.staging.toml").write_text(KICK.replace("shop", "staging"))
    (jobs / "kick.toml").write_text("no kick.toml at all")
    assert end(prod).word == "absent"


def test_names_are_those_that_the_kick_server_signed_in_all_of_its_zones(prod: Standing) -> None:
    made = prod.client("route53").create_hosted_zone(Name="example.net", CallerReference="y")
    zone = made["HostedZone"]["Id"].removeprefix("/hostedzone/")
    theirs = {("b.example.net", "A"), ("_toolkit.b.example.net", "TXT")}
    for where in (zone, prod.zone):
        domain = "example.net" if where == zone else "example.com"
        prod.record(f"a.{domain}", "A", "1.2.3.4", zone=where)
        prod.record(f"_toolkit.a.{domain}", "TXT", owner("shop"), zone=where)
    prod.record("b.example.net", "A", "1.2.3.4", zone=zone)
    prod.record("_toolkit.b.example.net", "TXT", owner("prod"), zone=zone)
    said = load_kick(KICK.encode(), "kick.prod.toml")
    zones = tuple(replace(each, id=zone) for each in said.zones)
    kick = replace(said, policy=replace(said.policy, zones=zones))
    with closing(zones_provider(prod.cloud)) as records:
        work = Work(prod.cluster, kick, prod.cloud, records, Tools(), 0.0)
        assert len(find_names(work)) == 2
        assert remove_names(work) == 2
        assert remove_names(work) == 0
    assert prod.names() == set()
    assert prod.names(zone) == theirs


def test_a_rehearsal_is_ended_by_its_own_command(prod: Standing) -> None:
    with pytest.raises(RefusedError, match="is a rehearsal") as caught:
        down(prod.folder, "prod-rehearsal", Tools())
    assert caught.value.hint == "toolkit cluster rehearse down prod"


def test_boot_scripts_that_a_stack_left_are_found_and_nothing_else_of_their_kind(
    prod: Standing,
) -> None:
    """Beside them, no stack could be made."""
    ssm, tags = prod.client("ssm"), [{"Key": "toolkit:cluster", "Value": "prod"}]
    left = [f"/toolkit/prod/boot/base/{number}" for number in range(12)]
    theirs = ["/toolkit/prod/bootstrap", "/toolkit/prod2/boot/base/1"]
    for name in (*left, *theirs):
        said = {"Tags": tags} if name in left else {}
        ssm.put_parameter(Name=name, Value="true", Type="String", **said)
    ssm.put_parameter(Name="/toolkit/prod/boot/key", Value="x", Type=KIND)

    asked: list[str] = []
    report = end(prod, keep_data=True, confirm=agree(asked))
    assert "12 parameters of boot scripts" in asked[0]
    assert [each.text for each in report.done] == ["12 parameters of boot scripts deleted"]
    # What else is there is nobody's to guess at: it is said.
    assert [each.name for each in report.left] == ["/toolkit/prod/bootstrap"]
    names = {each["Name"] for each in ssm.describe_parameters()["Parameters"]}
    assert names == {*theirs, "/toolkit/prod/boot/key"}


# --- one cluster and its end -----------------------------------------------------------------


def test_nothing_stays_and_nobody_elses_goes(prod: Standing) -> None:
    prod.make_some()
    private = prod.physical("Zone")
    ours = {("a.apps.example.com", "A"), ("_toolkit.a.apps.example.com", "TXT")}
    theirs = {("b.example.com", "A"), ("_toolkit.b.example.com", "TXT"), ("www.example.com", "A")}
    for name, type_ in ours | theirs:
        value = owner("prod" if (name, type_) in ours else "prod2") if type_ == "TXT" else "1.2.3.4"
        prod.record(name, type_, value)
    prod.record("x.prod.internal", "A", "10.42.0.9", zone=private, TTL=5)
    prod.record("x.prod.internal", "TXT", '"two"', zone=private)
    prod.record("w.prod.internal", "A", "1.1.1.1", zone=private, SetIdentifier="blue", Weight=1)
    prod.store().put_new("server/state/bootstrapped", prod.store().get("ca/key") or pytest.fail())
    foreign = prod.client("ssm")
    foreign.put_parameter(Name="/toolkit/prod2/ca/key", Value="x", Type=KIND)

    Stacks(prod.cloud).protect("prod", on=True)

    with pytest.raises(RefusedError, match="nothing was changed"):
        end(prod, confirm=lambda _question: False)
    assert prod.status() == "CREATE_COMPLETE"
    asked: list[str] = []
    said: list[Event] = []
    with kept_tunnel(prod) as tunnel:
        report = end(prod, said=said, confirm=agree(asked))
        assert tunnel.wait(60) != 0
    assert any("the tunnel of toolkit cluster env has ended" in each.text for each in said)

    assert (report.word, report.code, report.left) == ("gone", ExitCode.OK, ())
    assert [each.part for each in report.done] == [
        "names", "machines", "zone", "stack", "volumes", "secrets", "key",
    ]  # fmt: skip
    assert "2 machines" in asked[0] and "1 public name of its jobs" in asked[0]
    assert prod.status() == ""
    assert tagged(prod.cloud, "prod") == ()
    assert prod.names() == theirs
    assert foreign.get_parameter(Name="/toolkit/prod2/ca/key")["Parameter"]["Type"] == KIND
    assert report.key_ends
    assert any("Zone (Route53::HostedZone) removed" in each.text for each in said)
    again = end(prod, confirm=pytest.fail)
    assert again.word == "absent"


def test_what_is_in_the_way_is_said_with_whose_it_is_and_the_rest_waits_or_goes(
    prod: Standing,
) -> None:
    prod.make_some()
    ec2 = prod.client("ec2")
    machine = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
    held, instance = volumes(prod)["server-2"], machine["Instances"][0]["InstanceId"]
    ec2.attach_volume(VolumeId=held, InstanceId=instance, Device="/dev/sdf")
    why = "resource sg-1 has a dependent object"
    prod.aws.knobs(fails={"delete SgNode": why})

    # Of a stack that stays, data and secrets stay too.
    report = end(prod)
    assert (report.word, report.code) == ("left", ExitCode.FAILED)
    (left, *_) = (each for each in report.left if each.kind == "EC2::SecurityGroup")
    assert why in left.why
    assert "describe-network-interfaces" in left.advice
    assert report.next == ("toolkit cluster down prod",)
    assert prod.status() == "DELETE_FAILED"
    assert len(volumes(prod)) == 3
    assert prod.store().names() == ("ca/key", "server/gossip/nomad")

    # The stack goes, and somebody's machine has a volume.
    prod.aws.knobs(fails={})
    said: list[Event] = []
    report = end(prod, said=said)
    assert (report.word, report.code) == ("left", ExitCode.FAILED)
    assert [(each.kind, each.name) for each in report.left] == [("volume", held)]
    # Whose turn it is was said before it was waited for, not after.
    told = [each for each in said if held in each.text]
    assert [instance in each.text for each in told] == [True]
    assert "waiting up to 2 min" in told[0].text
    assert instance in report.left[0].why
    assert volumes(prod) == {"server-2": held}

    # Nothing but the volume is left to be found, by its tags alone.
    ec2.detach_volume(VolumeId=held, InstanceId=instance)
    assert end(prod).word == "gone"
    assert volumes(prod) == {}


def test_kept_data_is_what_the_next_stack_goes_on_with(prod: Standing) -> None:
    prod.make_some()
    before, secret = volumes(prod), prod.store().get("ca/key")
    report = end(prod, keep_data=True)
    assert (report.word, report.code) == ("kept", ExitCode.OK)
    assert [each.kind for each in report.kept] == ["data volume"] * 3 + ["secrets", "key"]
    assert prod.status() == ""
    assert report.next[0] == "toolkit cluster up prod"
    # Once more: there is nothing to ask about.
    assert end(prod, keep_data=True, confirm=pytest.fail).word == "kept"

    prod.make_some(secrets=False)
    assert volumes(prod) == before, "a slot has one volume"
    assert not any(each.logical.startswith("Data") for each in Stacks(prod.cloud).resources("prod"))
    assert prod.store().get("ca/key") == secret
    assert end(prod).word == "gone"
    assert tagged(prod.cloud, "prod") == ()


# --- ended in the middle ---------------------------------------------------------------------


def test_whatever_ends_it_says_what_goes_on_and_the_same_command_does_the_rest(
    prod: Standing,
) -> None:
    prod.aws.knobs(held=["PoolWorker"])
    # A stack that is still being made is deleted too.
    prod.make_some(until="CREATE_IN_PROGRESS")

    prod.aws.fault("expired", "DeleteStack", times=-1)
    with pytest.raises(ApiError, match="expired") as lost:
        end(prod)
    assert lost.value.code is ExitCode.UNKNOWN
    assert str(lost.value.hint).endswith(", then toolkit cluster down prod goes on")
    prod.aws.calm()

    prod.aws.knobs(held=["*"])
    report = end(prod, timeout=60.0)
    assert (report.word, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "not over in 60 s: the stack is DELETE_IN_PROGRESS" in report.sentence

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRolloutError, match="AWS goes on") as ended:
        end(prod, hurried=Hurried(interrupt))
    assert "toolkit cluster down prod" in str(ended.value.hint)

    # All of it is gone, and nobody could say so.
    prod.aws.knobs(held=[])
    prod.aws.fault("denied", "DescribeTags", times=-1)
    with pytest.raises(ApiError, match="denied") as unseen:
        end(prod)
    assert unseen.value.code is ExitCode.UNKNOWN
    prod.aws.calm()
    assert end(prod, confirm=pytest.fail).word == "absent"
    assert tagged(prod.cloud, "prod") == ()


def test_a_report_of_what_is_left_ends_in_what_to_type() -> None:
    from tests.unit.filled_look import CLUSTER_DOWN

    assert view.lines(CLUSTER_DOWN) == [
        "left      volume vol-1: it is still attached to i-1",
        "          aws ec2 detach-volume",
        "kept      key alias/toolkit/prod",
        "key       AWS deletes the key of its secrets on 2026-11-30",
        "left      one thing of it is still there, in 3.5 s",
        "next      toolkit cluster down prod",
    ]
