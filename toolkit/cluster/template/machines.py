"""What every machine is launched with: metadata by token only, encrypted disks, a stub to begin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from toolkit.cluster.boot import boot_parameters, boot_script, script_digest, user_data
from toolkit.cluster.secrets.needed import folder_of
from toolkit.cluster.template.forms import CLUSTER_TAG, Resources, att, resource, tags
from toolkit.spec.cluster import Cluster, Pool, Role, Servers

ROOT_DEVICE = "/dev/xvda"
"""What Amazon Linux and Debian call the disk that a machine starts from."""
BEGIN = "Begin"
SERVER = "server"
"""The kind that the servers are; no pool is called so."""
_DIGITS = 16


class Kind(NamedTuple):
    """What machines of one launch template have in common."""

    name: str
    """`server`, or the pool's name."""
    role: Role
    image: str
    type: str
    root_volume: int
    """GB."""
    begins: str
    """User data, plain."""
    boot: tuple[str, ...]
    """Logical ids of the parameters that the stub reads."""

    @property
    def shared(self) -> str:
        """The part of the user data that is the same for all pools, or for all servers."""
        return self.begins.removesuffix(self.told)

    @property
    def told(self) -> str:
        """Its last line, in which machines are told what they are."""
        return self.begins.splitlines(keepends=True)[-1]

    @property
    def digest(self) -> str:
        """What a machine of an earlier configuration is known by."""
        parts = [self.image, self.type, self.root_volume, self.begins]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_DIGITS]


def machine_kinds(cluster: Cluster) -> Mapping[str, Kind]:
    """What machines there are: `server` for all three, and each pool by its name."""
    names = tuple(each.logical for each in boot_parameters(cluster))
    own = cluster.servers
    kinds = {SERVER: _kind(cluster, SERVER, "server", own, names)}
    for pool in cluster.all_pools:
        kinds[pool.name] = _kind(cluster, pool.name, pool.role, pool, names)
    return kinds


def _kind(
    cluster: Cluster, name: str, role: Role, machine: Servers | Pool, boot: tuple[str, ...]
) -> Kind:
    digest = script_digest(boot_script(cluster, role))
    parts = ("BootBase", f"Boot{folder_of(role).title()}")
    return Kind(
        name=name,
        role=role,
        image=image_id(cluster.images[machine.arch]),
        type=machine.type,
        root_volume=machine.root_volume,
        begins=user_data(cluster, role, digest, "" if role == "server" else name),
        boot=tuple(each for each in boot if each.startswith(parts)),
    )


def image_id(image: str) -> str:
    """The image itself, or how CloudFormation asks the parameter that holds it."""
    return "{{resolve:ssm:" + image + "}}" if image.startswith("/") else image


def boot(cluster: Cluster) -> Resources:
    """The parameters that boot scripts are kept in, each named after what it holds."""
    return {
        each.logical: resource(
            "SSM::Parameter", {"Name": each.name, "Type": "String", "Value": each.value}
        )
        for each in boot_parameters(cluster)
    }


def beginnings(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The template's mapping of what user data begins with: said once, for it is much."""
    return {BEGIN: {_folder(kind): {"Text": kind.shared} for kind in kinds.values()}}


def _shared(kind: Kind) -> dict[str, list[str]]:
    return {"Fn::FindInMap": [BEGIN, _folder(kind), "Text"]}


def _folder(kind: Kind) -> str:
    return folder_of(kind.role)


def launch_template(
    cluster: Cluster, kind: Kind, profile: str, interface: dict[str, Any]
) -> dict[str, Any]:
    """A launch template whose machines have this profile and network interface."""
    # The stack's tags reach what the stack makes, and machines by their group, but no disk.
    said = {**cluster.tags, CLUSTER_TAG: cluster.name}
    disk = [{"Key": key, "Value": said[key]} for key in sorted(said)]
    return resource(
        "EC2::LaunchTemplate",
        {
            "LaunchTemplateData": {
                "ImageId": kind.image,
                "InstanceType": kind.type,
                "IamInstanceProfile": {"Arn": att(profile, "Arn")},
                "NetworkInterfaces": [{"DeviceIndex": 0, **interface}],
                "MetadataOptions": metadata(),
                "BlockDeviceMappings": [root_disk(kind.root_volume)],
                "UserData": {"Fn::Base64": {"Fn::Join": ["", [_shared(kind), kind.told]]}},
                "TagSpecifications": [{"ResourceType": "volume", "Tags": disk}],
            },
        },
        DependsOn=list(kind.boot),
    )


def metadata() -> dict[str, Any]:
    """Tokens only, and none beyond the machine itself: a task's own network is one hop away."""
    return {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def root_disk(size: int) -> dict[str, Any]:
    """The disk that a machine starts from; GB."""
    disk = {"VolumeType": "gp3", "VolumeSize": size, "Encrypted": True}
    return {"DeviceName": ROOT_DEVICE, "Ebs": disk}


def group_tags(cluster: Cluster, name: str, **more: str) -> list[dict[str, Any]]:
    """Tags of a group and of each machine that it starts."""
    return [{**each, "PropagateAtLaunch": True} for each in tags(cluster, name, **more)]


def latest(template: str) -> dict[str, Any]:
    """A launch template as a group names it."""
    version = att(template, "LatestVersionNumber")
    return {"LaunchTemplateId": {"Ref": template}, "Version": version}
