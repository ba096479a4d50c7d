"""A cluster as `up` leaves it in AWS, made by the clients alone: cheap, and without servers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests.cluster.aws.account import REGION, Aws
from tests.cluster.cluster_files import SUM
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.clients.aws.stacks import Stacks
from toolkit.cluster.keeping import kept_slots
from toolkit.cluster.secrets import make_secrets
from toolkit.cluster.template import alias, key_policy, render_template
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_template import Template
from toolkit.spec.events import Event
from toolkit.spec.target import Secret
from toolkit.workflows.cluster.files import open_cluster

FILE = f"""\
region = "{REGION}"
account = "123456789012"
protected = false
[domain]
public = "example.com"
[pools.frontend]
type = "t3.small"
min = 2
max = 3
[pools.worker]
type = "t3.medium"
max = 4
[edge]
names = ["shop.example.com"]
[binaries.nomad]
version = "1.11.3"
amd64 = {{ sha256 = "{SUM}" }}
[binaries.consul]
version = "1.22.7"
amd64 = {{ sha256 = "{SUM}" }}
[binaries.cni]
version = "1.6.2"
amd64 = {{ sha256 = "{SUM}" }}
[images]
amd64 = "ami-0123456789abcdef0"
"""
PATIENCE = 60.0
SOME = ("Zone", "Hosts", "Server1", "Data1", "Data2", "PoolWorker")
"""Of the template."""


class _Cloud(Cloud):
    """Stays open: reading what boto3 knows of a service takes longer than all that is asked."""

    def close(self) -> None:
        """Not yet."""


@cache
def _opened(_endpoint: str) -> Cloud:
    return _Cloud(REGION)


@cache
def _looker(endpoint: str, service: str) -> Any:
    return Aws(endpoint).client(service)


@dataclass
class Standing:
    """A project with a cluster file, and the account that it is about."""

    aws: Aws
    folder: Path
    zone: str = ""
    """Id of example.com."""
    events: list[Event] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        """As the file says now."""
        return open_cluster(self.folder, "prod", complete=True).cluster

    @property
    def cloud(self) -> Cloud:
        """The account, for workflows too."""
        return _opened(self.aws.endpoint)

    def client(self, service: str) -> Any:
        """What others do there, by boto3."""
        return _looker(self.aws.endpoint, service)

    def write(self, text: str = FILE) -> None:
        """The cluster file."""
        (self.folder / "clusters").mkdir(exist_ok=True)
        (self.folder / "clusters/prod.toml").write_text(text)

    def make(self) -> None:
        """Key, secrets and stack, as `up` makes them."""
        make_secrets(self.store(), self.cluster, datetime.now(UTC))
        self._stack(lambda template: template, "CREATE_COMPLETE")

    def make_some(self, *, secrets: bool = True, until: str = "CREATE_COMPLETE") -> None:
        """A part of it that has everything that `down` looks for: two machines, three volumes."""
        for name in ("ca/key", "server/gossip/nomad") if secrets else ():
            self.store().put_new(name, Secret("x"))
        self._stack(lambda template: replace(template, body=_parts(template.body, SOME)), until)

    def _stack(self, made_of: Callable[[Template], Template], until: str) -> None:
        cluster, cloud = self.cluster, self.cloud
        tags = {"toolkit:cluster": cluster.name}
        Keys(cloud).make(alias(cluster), key_policy(cluster, "123456789012"), tags)
        stacks = Stacks(cloud)
        kept = kept_slots(cluster, Machines(cloud).volumes(cluster.name), ())
        template = made_of(render_template(cluster, None, kept=kept))
        made = stacks.create_change_set("prod", "first", template, "CREATE", token="t1")
        self.wait(lambda: getattr(stacks.change_set("prod", made), "execution", "") == "AVAILABLE")
        stacks.execute("prod", made, "t2")
        self.wait(lambda: self.status() == until)

    def store(self) -> ParameterStore:
        """The secrets."""
        return ParameterStore(self.cloud, "prod", "alias/toolkit/prod")

    def status(self) -> str:
        """Of the stack; empty where there is none."""
        stack = Stacks(self.cloud).find("prod")
        return "" if stack is None else stack.status

    def physical(self, logical: str) -> str:
        """What a resource of the stack is called."""
        found = Stacks(self.cloud).resources("prod")
        return next(each.physical for each in found if each.logical == logical)

    def record(self, name: str, type_: str, value: str, *, zone: str = "", **more: Any) -> None:
        """Write a record as anybody may."""
        said = {"Name": name, "Type": type_, "TTL": 60, "ResourceRecords": [{"Value": value}]}
        self.client("route53").change_resource_record_sets(
            HostedZoneId=zone or self.zone,
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": {**said, **more}}]},
        )

    def names(self, zone: str = "") -> set[tuple[str, str]]:
        """Names and types of a zone's records, its own left out."""
        listed = self.client("route53").list_resource_record_sets(HostedZoneId=zone or self.zone)
        return {
            (each["Name"].rstrip("."), each["Type"])
            for each in listed["ResourceRecordSets"]
            if each["Type"] not in {"NS", "SOA"}
        }

    def wait(self, holds: Any) -> None:
        """Until it does."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.02)


def standing(aws: Aws, folder: Path) -> Standing:
    """A project, an account with a public zone, and nothing of the cluster yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "toolkit.toml").write_text("")
    made = _looker(aws.endpoint, "route53").create_hosted_zone(
        Name="example.com", CallerReference="x"
    )
    found = Standing(aws, folder, made["HostedZone"]["Id"].removeprefix("/hostedzone/"))
    found.write()
    return found


def _parts(body: str, wanted: Collection[str]) -> str:
    """The template with these resources, and what they refer to, alone."""
    document = json.loads(body)
    whole, found, ahead = document["Resources"], {}, list(wanted)
    while ahead:
        name = ahead.pop()
        if name in whole and name not in found:
            found[name] = {key: value for key, value in whole[name].items() if key != "DependsOn"}
            ahead += _referred(found[name])
    return json.dumps({**document, "Resources": found})


def _referred(value: Any) -> list[str]:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return [name]
        case {"Fn::Sub": str(text)}:
            return re.findall(r"\$\{(\w+)\}", text)
        case dict():
            return [name for each in value.values() for name in _referred(each)]
        case list():
            return [name for each in value for name in _referred(each)]
        case _:
            return []


def owner(cluster: str = "prod", types: str = "A") -> str:
    """The text of an owner record."""
    return f'"heritage=toolkit,cluster={cluster},kind=people,types={types}"'


def environ_of(aws: Aws) -> Mapping[str, str]:
    """What a command sees."""
    return {**aws.environ, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
