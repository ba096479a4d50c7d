"""The key that a cluster's secrets are encrypted with.

It is no part of the stack: secrets are made before the stack is, and outlive one that failed. The
roles know it by its alias.
"""

from __future__ import annotations

from typing import Any

from toolkit.config.clusterfile_owned import partition
from toolkit.spec.cluster import Cluster

ALIAS_KEY = "kms:ResourceAliases"


def alias(cluster: Cluster) -> str:
    """The alias of the key: `alias/toolkit/prod`."""
    return f"alias/toolkit/{cluster.name}"


def key_policy(cluster: Cluster, account: str) -> dict[str, Any]:
    """The key's own policy: whatever policies of the account's users and roles allow, and no more.

    `account`: 12 digits.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Account",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition(cluster.region)}:iam::{account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }


def services_domain(cluster: Cluster) -> str:
    """What the names of AWS's services end in."""
    china = partition(cluster.region) == "aws-cn"
    return "amazonaws.com.cn" if china else "amazonaws.com"
