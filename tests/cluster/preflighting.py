"""What AWS says when all is well, so that one answer can be another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from tests.cluster.cluster_files import FULL, SUM, changed, read
from toolkit.cluster.preflight import judge
from toolkit.cluster.preflight.images import images
from toolkit.cluster.preflight.places import PROCESSORS, wanted
from toolkit.cluster.preflight.quotas import ADDRESSES, INTERFACES, VCPUS, VPCS
from toolkit.config.clusterfile import ClusterFile
from toolkit.spec.aws import (
    CertificateView,
    HostedZoneView,
    ImageView,
    InstanceTypeView,
    KeyView,
    ZoneView,
)
from toolkit.spec.cluster import arch_of
from toolkit.spec.preflight import Finding, Seen

ACCOUNT = "123456789012"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
CNI = {"version": "1.6.2", "amd64": {"sha256": SUM}, "arm64": {"sha256": SUM}}
AMI = "ami-00000000000000001"
KEY = KeyView("1234", "arn:aws:kms:eu-west-1:123456789012:key/1234", "Enabled")
CERTIFICATE = CertificateView(
    FULL["edge"]["certificate"],
    "ISSUED",
    ("*.shop.example.com", "shop.example.com"),
    NOW + timedelta(days=200),
)


def full(path: str = "binaries.cni", value: Any = MappingProxyType(CNI)) -> ClusterFile:
    """The full cluster file, with all sums, and one more thing changed."""
    data = changed(path, dict(value) if isinstance(value, Mapping) else value)
    data["binaries"]["cni"] = CNI
    return read(data)


def well(file: ClusterFile, **other: Any) -> Seen:
    """Answers that leave nothing to find, but for those that are `other`."""
    cluster = file.cluster
    types = {each.type for each in wanted(cluster)}
    ids = {image.said if image.said.startswith("ami-") else AMI: image for image in images(cluster)}
    said: dict[str, Any] = {
        "account": ACCOUNT,
        "offered": {zone: frozenset(types) for zone in cluster.zones},
        "types": {
            each: InstanceTypeView(each, 2, (PROCESSORS[arch_of(each)],), storage=True)
            for each in types
        },
        "parameters": {
            each.said: AMI for each in images(cluster) if each.said.startswith("/")
        },
        "images": {
            id_: ImageView(
                id_, PROCESSORS[each.arch], "available", root_device="/dev/xvda", root_size=8
            )
            for id_, each in ids.items()
        },
        "quotas": {
            **{quota.code: 1000.0 for quota in VCPUS.values()},
            ADDRESSES.code: 5.0, VPCS.code: 5.0, INTERFACES.code: 5000.0,
        },
        "vcpus": {}, "addresses": 0, "vpcs": 1, "interfaces": 10,
        "boundary": True,
        "hosted": (HostedZoneView(cluster.public_zone or "Z1", "example.com", private=False),),
        "records": (),
        "certificate": (CERTIFICATE,),
        "groups": {}, "roles": (), "key": (),
    }  # fmt: skip
    return Seen(**{**said, **other})


def found(file: ClusterFile, **other: Any) -> tuple[Finding, ...]:
    """What is found when just these answers are not as they should be."""
    return judge(file, well(file, **other), now=NOW.timestamp())


def only(file: ClusterFile, **other: Any) -> Finding:
    """The one finding."""
    (finding,) = found(file, **other)
    return finding


def zone(name: str, *, available: bool = True) -> ZoneView:
    """One availability zone."""
    return ZoneView(name, "", available)
