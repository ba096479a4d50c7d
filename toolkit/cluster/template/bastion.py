"""The bastion: a machine without any right in AWS that people reach by SSH, where one is wanted."""

from __future__ import annotations

import json

from toolkit.cluster.template.forms import Resources, letter, ref, resource, tags
from toolkit.cluster.template.machines import (
    group_tags,
    image_id,
    latest,
    metadata,
    root_disk,
)
from toolkit.config.clusterfile_machines import IMAGES
from toolkit.spec.cluster import Bastion, Cluster, arch_of

ROOT_VOLUME = 8
"""GB."""


def bastion(cluster: Cluster) -> Resources:
    """Nothing, or a group of one in the public subnets."""
    own = cluster.bastion
    if own is None:
        return {}
    arch = arch_of(own.type)
    # The file's images are those of the processors that the cluster itself has.
    image = cluster.images.get(arch, IMAGES[arch])
    return {
        "BastionLt": resource(
            "EC2::LaunchTemplate",
            {
                "LaunchTemplateData": {
                    "ImageId": image_id(image),
                    "InstanceType": own.type,
                    "NetworkInterfaces": [
                        {
                            "DeviceIndex": 0,
                            "AssociatePublicIpAddress": True,
                            "Groups": [ref("SgBastion")],
                        }
                    ],
                    "MetadataOptions": metadata(),
                    "BlockDeviceMappings": [root_disk(ROOT_VOLUME)],
                    "UserData": {"Fn::Base64": first_words(own)},
                    "TagSpecifications": [
                        {"ResourceType": "volume", "Tags": tags(cluster, "bastion")}
                    ],
                },
            },
        ),
        "Bastion": resource(
            "AutoScaling::AutoScalingGroup",
            {
                "AutoScalingGroupName": f"{cluster.name}-bastion",
                "MinSize": "1",
                "MaxSize": "1",
                "VPCZoneIdentifier": [ref(f"PublicSubnet{letter(zone)}") for zone in cluster.zones],
                "LaunchTemplate": latest("BastionLt"),
                "HealthCheckType": "EC2",
                "Tags": group_tags(cluster, "bastion", role="bastion"),
            },
            DependsOn="PublicRoute",
        ),
    }


def first_words(own: Bastion) -> str:
    """What cloud-init reads: the public keys of the image's own user."""
    # JSON is YAML.
    told = {"disable_root": True, "ssh_pwauth": False, "ssh_authorized_keys": list(own.keys)}
    return "#cloud-config\n" + json.dumps(told, sort_keys=True) + "\n"
