"""`toolkit cluster template`: what it refuses, what it prints, and that it gives nothing away."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster.canary import sightings
from tests.cluster.cluster_files import PLAIN
from tests.dns.kicks import KICK
from toolkit.cli.main import run
from toolkit.cli.world import World
from toolkit.cluster.boot import script
from toolkit.cluster.template import render_template
from toolkit.config.tree import FolderTree
from toolkit.workflows.cluster.files import open_cluster
from toolkit.workflows.cluster.template import dns_rights

SUM = "0123456789abcdef" * 4
CANARY = "hunter2-Zm9vYmFy+/=="
SECRETS = dict.fromkeys(
    (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "NOMAD_TOKEN",
        "CONSUL_HTTP_TOKEN",
    ),
    CANARY,
)  # fmt: skip
"""What an operator has in the environment."""
COMPLETE = f'[binaries.nomad.amd64]\nsha256 = "{SUM}"\n[binaries.consul.amd64]\nsha256 = "{SUM}"\n'


class Said(NamedTuple):
    code: int
    out: str
    err: str


def toolkit(folder: Path, *arguments: str, environ: Mapping[str, str] = SECRETS) -> Said:
    out, err = io.StringIO(), io.StringIO()
    code = run(World(arguments, environ, io.StringIO(), out, err, folder))
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").touch()
    (tmp_path / "clusters").mkdir()
    write(tmp_path, PLAIN + COMPLETE)
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / "clusters" / "prod.toml").write_text(text)


def kick(folder: Path, text: str, name: str = "prod") -> None:
    (folder / "jobs" / "kick").mkdir(parents=True, exist_ok=True)
    (folder / "jobs" / "kick" / f"kick.{name}.toml").write_text(text)


# Refusals.


def test_without_a_sum_no_template_is_shown_and_the_keys_are_said(folder: Path) -> None:
    write(folder, PLAIN)
    said = toolkit(folder, "cluster", "template", "prod")
    assert said.code == 1
    assert said.out == ""
    for key in ("binaries.nomad.amd64.sha256", "binaries.consul.amd64.sha256"):
        assert re.search(rf"clusters/prod\.toml:\d+: {re.escape(key)}: says no sha256", said.err)


def test_every_mistake_of_the_file_is_said(folder: Path) -> None:
    write(folder, PLAIN + COMPLETE + '[edge]\nhttp = 0\n[domain]\nprivate = "internal"\n')
    said = toolkit(folder, "cluster", "template", "prod", "--json")
    assert said.code == 1
    mistakes = json.loads(said.out)["error"]["mistakes"]
    assert {each["key"] for each in mistakes} == {"edge.http", "domain.private"}
    assert all(each["line"] for each in mistakes)


def test_a_cluster_that_there_is_not_is_refused_with_those_that_there_are(folder: Path) -> None:
    said = toolkit(folder, "cluster", "template", "pord")
    assert said.code == 1
    assert '"prod"' in said.err


def test_mistakes_of_the_kick_servers_file_are_said(folder: Path) -> None:
    kick(folder, "cluster = 'prod'\nnonsense = 1\n")
    said = toolkit(folder, "cluster", "template", "prod")
    assert said.code == 1
    assert "jobs/kick/kick.prod.toml" in said.err


def test_too_many_pools_are_refused_with_the_size(folder: Path) -> None:
    several = "".join(f'[pools.p{n}]\ntype = "t3.small"\n' for n in range(15))
    write(folder, PLAIN + COMPLETE + several)
    said = toolkit(folder, "cluster", "template", "prod")
    assert said.code == 1
    assert re.search(r"has \d\d,\d\d\d bytes, and CloudFormation takes 51,200", said.err)
    assert "fewer pools" in said.err


# What is printed.


def test_the_template_is_for_eyes_and_linters(folder: Path) -> None:
    said = toolkit(folder, "cluster", "template", "prod")
    assert said.code == 0
    assert said.err == ""
    assert '\n  "Resources": {' in said.out
    assert "Vpc" in json.loads(said.out)["Resources"]


def test_compact_is_just_what_is_sent(folder: Path) -> None:
    said = toolkit(folder, "cluster", "template", "prod", "--compact")
    template = render_template(open_cluster(folder, "prod").cluster)
    assert said.out == template.body + "\n"
    shown = toolkit(folder, "cluster", "template", "prod").out
    assert json.loads(shown) == json.loads(template.body)


def test_the_document_has_the_template_and_what_goes_with_it(folder: Path) -> None:
    said = json.loads(toolkit(folder, "cluster", "template", "prod", "--json").out)
    template = render_template(open_cluster(folder, "prod").cluster)
    assert said["template"] == template.body
    assert said["bytes"] == len(template.body.encode())
    assert said["resources"] == len(json.loads(template.body)["Resources"])
    assert said["tags"] == {"toolkit:cluster": "prod"}
    assert said["capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert [each["address"] for each in said["servers"]] == [
        "10.42.0.11", "10.42.32.12", "10.42.64.13"]  # fmt: skip


def test_it_is_the_same_bytes_wherever_it_is_printed(folder: Path, tmp_path: Path) -> None:
    inner = folder / "clusters"
    first = toolkit(folder, "cluster", "template", "prod", "--compact")
    assert toolkit(inner, "cluster", "template", "prod", "--compact", environ={}) == first


def test_the_kick_servers_rules_are_the_roles(folder: Path) -> None:
    kick(folder, KICK)
    said = json.loads(toolkit(folder, "cluster", "template", "prod").out)
    [policy] = said["Resources"]["KickRole"]["Properties"]["Policies"]
    assert "arn:aws:route53:::hostedzone/ZPUBLIC" in json.dumps(policy)
    kick(folder, KICK, "staging")
    assert json.loads(toolkit(folder, "cluster", "template", "prod").out) == said


def test_a_kick_server_without_a_zone_at_aws_needs_no_right(folder: Path) -> None:
    kick(folder, 'cluster = "prod"\n[[zone]]\nname = "example.com"\nprovider = "local"\n')
    assert dns_rights(FolderTree(folder), "prod") is None
    assert toolkit(folder, "cluster", "template", "prod").code == 0


# What is given away.


@pytest.mark.parametrize("more", [(), ("--json",), ("--compact",), ("--debug",)])
def test_no_credential_of_the_operator_is_in_what_is_printed(
    folder: Path, more: tuple[str, ...]
) -> None:
    said = toolkit(folder, "cluster", "template", "prod", *more)
    assert said.code == 0
    assert not list(sightings((said.out + said.err).encode(), [CANARY]))
    write(folder, PLAIN + f'[tags]\nsecret_access_key = "{"A" * 40}"\n')
    said = toolkit(folder, "cluster", "template", "prod", *more)
    assert said.code == 1
    assert "A" * 40 not in said.out + said.err


# What machines call.

CALLS = {
    "ssm get-parameter": "ssm:GetParameter",
    "ec2 describe-volumes": "ec2:DescribeVolumes",
    "ec2 attach-volume": "ec2:AttachVolume",
    "cloudformation signal-resource": "cloudformation:SignalResource",
    "cloudwatch put-metric-data": "cloudwatch:PutMetricData",
}


def test_machines_call_just_what_their_roles_may(folder: Path) -> None:
    """Whoever adds a call to the boot scripts has to add the right, and the question for it."""
    cluster = open_cluster(folder, "prod").cluster
    text = script.boot_script(cluster, "server") + script.boot_script(cluster, "worker")
    calls = re.findall(rb"\baws ([a-z0-9-]+ [a-z-]+)", text)
    assert {call.decode() for call in calls} == set(CALLS)
    resources = json.loads(render_template(cluster).body)["Resources"]
    rights = json.dumps([resources["ServerRole"], resources["MachineRights"]])
    assert all(f'"{action}"' in rights for action in CALLS.values())
