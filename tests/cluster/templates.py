"""Clusters of many shapes, and a rendered template as tests look at it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from tests.cluster import machines
from tests.cluster.machines import CNI, CONSUL, NOMAD
from toolkit.cluster.template import render_template
from toolkit.spec.cluster import Bastion, Cluster, Download, Edge, Pool, Release, Servers
from toolkit.spec.cluster_template import Template

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/team/boundary"
CERTIFICATE = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alarms"
SSH_KEY = "ssh-ed25519 " + "A" * 68 + " me@example.com"
KICK_POLICY: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "route53:ListResourceRecordSets",
            "Resource": ["arn:aws:route53:::hostedzone/ZPUBLIC"],
        }
    ],
}


def cluster(**changes: Any) -> Cluster:
    """The plain cluster, whatever processor this machine has."""
    said: dict[str, Any] = {
        "servers": Servers("t3.medium"),
        "pools": pools(
            Pool("frontend", "t3.medium", max=3, node_class="edge"),
            Pool("worker", "i3.large", min=2, max=6, node_pool="batch", ephemeral=True),
        ),
        "control": Pool("control", "t3.small", node_class="control", node_pool="control"),
        "images": MappingProxyType({"amd64": "ami-0123456789abcdef0"}),
        "binaries": MappingProxyType(
            {
                name: Release(version, MappingProxyType({"amd64": download}))
                for name, version, download in (
                    ("nomad", "1.11.3", NOMAD), ("consul", "1.22.7", CONSUL), ("cni", "1.9.0", CNI),
                )
            }
        ),
    }  # fmt: skip
    return machines.cluster(**{**said, **changes})


def both(cluster_: Cluster) -> Cluster:
    """With programs and images for both processors."""
    sums = {"nomad": "a1", "consul": "b2", "cni": "c3"}
    binaries = {
        name: Release(
            release.version,
            MappingProxyType(
                {
                    arch: Download(f"https://releases.example/{name}_{arch}.zip", sums[name] * 32)
                    for arch in ("amd64", "arm64")
                }
            ),
        )
        for name, release in cluster_.binaries.items()
    }
    return replace(
        cluster_,
        images=MappingProxyType(
            {"amd64": "ami-0123456789abcdef0", "arm64": "/aws/service/own/image"}
        ),
        binaries=MappingProxyType(binaries),
    )


def pools(*several: Pool) -> Mapping[str, Pool]:
    """By name."""
    return MappingProxyType({pool.name: pool for pool in several})


def full() -> Cluster:
    """Everything that can be asked for beside the plain cluster."""
    return both(
        cluster(
            servers=Servers("m7g.large", 50, 24),
            pools=pools(
                Pool("frontend", "t3.medium", min=2, max=4),
                Pool("batch-jobs", "m7gd.xlarge", max=20, spot=80, ephemeral=True, drain=240.0),
            ),
            control=Pool("control", "t4g.small", node_pool="control"),
            edge=Edge(
                https=443,
                certificate=CERTIFICATE,
                redirect=True,
                names=("shop.example.com", "*.shop.example.com"),
            ),
            public_domain="example.com",
            public_zone="Z0ABC",
            nat="per-az",
            bastion=Bastion((IPv4Network("203.0.113.0/24"),), (SSH_KEY,), "t4g.nano"),
            tags=MappingProxyType({"team": "shop", "cost centre": "42/7", "Größe": "ß"}),
            permission_boundary=BOUNDARY,
            account=ACCOUNT,
            alarm_topic=TOPIC,
        )
    )


def lonely() -> Cluster:
    """No way out but AWS's endpoints; a TCP balancer."""
    names = ("prod.example.com",)
    return cluster(nat="none", edge=Edge(kind="nlb", names=names), public_domain="example.com")


def moved(base: Cluster, region: str, letters: str = "abc") -> Cluster:
    """The same in another region."""
    zones = tuple(f"{region}{each}" for each in letters)
    return replace(base, region=region, zones=zones)


MATRIX: Mapping[str, Cluster] = {
    "plain": cluster(),
    "full": full(),
    "lonely": lonely(),
    "six zones": moved(
        cluster(nat="per-az", network=IPv4Network("10.0.0.0/22")), "us-east-1", "fedcba"
    ),
    "nlb with tls": cluster(
        edge=Edge(kind="nlb", http=None, https=8443, certificate=CERTIFICATE, traefik_port=81)
    ),
    "china": moved(cluster(), "cn-north-1"),
    "government": moved(lonely(), "us-gov-west-1"),
    "many pools": both(
        cluster(pools=pools(*(Pool(name, "t4g.small") for name in ("frontend", *"abcd"))))
    ),
}
"""Cases of the matrix, by name."""


def clusters() -> st.SearchStrategy[Cluster]:
    """Clusters as a cluster file can make them."""
    return st.builds(_cluster, *_PARTS)


def _cluster(
    letters: list[str],
    nat: Any,
    kind: Any,
    secure: bool,
    spots: list[int],
    types: list[str],
    bastion: bool,
    boundary: bool,
    names: int,
    prefix: int,
    tags: dict[str, str],
) -> Cluster:
    several = [
        Pool(
            f"p{at}" if at else "frontend",
            type_,
            min=1 + at,
            max=5 + at,
            spot=spot,
            drain=10.0 * at,
        )
        for at, (spot, type_) in enumerate(zip(spots, types, strict=False))
    ]
    return moved(
        both(
            cluster(
                nat=nat,
                network=IPv4Network((int(IPv4Network("10.128.0.0/16").network_address), prefix)),
                pools=pools(*several),
                servers=Servers(types[-1]),
                edge=Edge(
                    kind=kind,
                    https=443 if secure else None,
                    certificate=CERTIFICATE if secure else None,
                    redirect=secure and kind == "alb",
                    names=tuple(f"n{each}.example.com" for each in range(names)),
                ),
                public_domain="example.com" if names else None,
                bastion=Bastion((IPv4Network("198.51.100.7/32"),), (SSH_KEY,)) if bastion else None,
                permission_boundary=BOUNDARY if boundary else None,
                tags=MappingProxyType(tags),
            )
        ),
        "eu-west-1",
        "".join(letters),
    )


_TYPES = ("t3.small", "t4g.small", "m7gd.xlarge", "i3.large")
_TEXT = st.text("abcXYZ019 _.:/=+-@äß", min_size=1, max_size=20)
_PARTS = (
    st.lists(st.sampled_from("abcdef"), min_size=3, max_size=6, unique=True),
    st.sampled_from(("single", "per-az", "none")),
    st.sampled_from(("alb", "nlb")),
    st.booleans(),
    st.lists(st.integers(0, 100), min_size=1, max_size=3),
    st.lists(st.sampled_from(_TYPES), min_size=3, max_size=3),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
    st.integers(16, 22),
    st.dictionaries(_TEXT, _TEXT, max_size=4),
)


@dataclass(frozen=True)
class Rendered:
    """A template, read back as whoever gets it would."""

    document: dict[str, Any]
    body: str

    @classmethod
    def of(cls, template: Template) -> Rendered:
        """What was rendered."""
        return cls(json.loads(template.body), template.body)

    @classmethod
    def broken(cls, document: dict[str, Any]) -> Rendered:
        """What somebody made of it."""
        return cls(document, json.dumps(document, separators=(",", ":"), ensure_ascii=False))

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """All of them, by logical id."""
        found: dict[str, dict[str, Any]] = self.document["Resources"]
        return found

    def each(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Logical id and properties of the resources of a type."""
        for name, resource in self.resources.items():
            if resource["Type"] == f"AWS::{kind}":
                yield name, resource["Properties"]

    def user_data(self, launch_template: str) -> str:
        """As the machine gets it."""
        data = self.resources[launch_template]["Properties"]["LaunchTemplateData"]
        text = self._text(data["UserData"])
        return base64.b64decode(text).decode()

    def _text(self, value: Any) -> str:
        match value:
            case str():
                return value
            case {"Fn::Base64": inner}:
                return base64.b64encode(self._text(inner).encode()).decode()
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self._text(part) for part in parts)
            case {"Fn::FindInMap": [table, key, name]}:
                return str(self.document["Mappings"][table][key][name])
        raise AssertionError(value)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Values of the SSM parameters, by name."""
        return {each["Name"]: each["Value"] for _, each in self.each("SSM::Parameter")}

    def script(self, user_data: str) -> bytes:
        """What the stub makes of the parameters that it names."""
        root = re.search(r'--name "(\S+)/\$part"', user_data)
        gets = re.search(r"^\{ (.*) \} >boot\.new$", user_data, re.MULTILINE)
        if not (root and gets):
            raise LookupError("the stub names no parameters")
        whole = b""
        for part in gets[1].split(";"):
            names = part.split()[1:]
            text = "".join(self.parameters[f"{root[1]}/{name}"] for name in names)
            whole += gzip.decompress(base64.b64decode(text)) if text else b""
        return whole

    def policies(self, role: str) -> list[dict[str, Any]]:
        """Every policy document of a role."""
        own = self.resources[role]["Properties"].get("Policies", [])
        found = [each["PolicyDocument"] for each in own]
        for _, policy in self.each("IAM::Policy"):
            if {"Ref": role} in policy["Roles"]:
                found.append(policy["PolicyDocument"])
        return found


def rendered(cluster_: Cluster, kick_policy: Mapping[str, Any] | None = KICK_POLICY) -> Rendered:
    """The template of a cluster."""
    return Rendered.of(render_template(cluster_, kick_policy))
