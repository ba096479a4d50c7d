"""What CloudFormation does with each type of resource, as calls of the services' own APIs.

Properties go to the API nearly as they are, so botocore checks their shape on the way.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.cluster.aws.kind import Kind
from tests.cluster.aws.kinds_ec2 import EC2
from tests.cluster.aws.kinds_groups import BALANCING, GROUP
from tests.cluster.aws.kinds_names import NAMES
from tests.cluster.aws.kinds_rights import RIGHTS
from tests.cluster.aws.kinds_small import SMALL

KINDS: Mapping[str, Kind] = {
    **{f"AWS::EC2::{name}": kind for name, kind in EC2.items()},
    "AWS::AutoScaling::AutoScalingGroup": GROUP,
    **{f"AWS::ElasticLoadBalancingV2::{name}": kind for name, kind in BALANCING.items()},
    **{f"AWS::Route53::{name}": kind for name, kind in NAMES.items()},
    **{f"AWS::IAM::{name}": kind for name, kind in RIGHTS.items()},
    **{f"AWS::{name}": kind for name, kind in SMALL.items()},
}
