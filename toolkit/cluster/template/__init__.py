"""A cluster file as a CloudFormation template: pure, and the same bytes for the same file.

JSON with literals: no parameters, outputs, conditions or exports. What can be computed is computed
here; what is left to CloudFormation are references between resources and the account's number.

==============  ===================================================================================
`network`       VPC, subnets in each zone, gateways, NAT, endpoints
`security`      security groups, each rule a resource
`machines`      what every machine is launched with; the parameters with the boot scripts
`servers`       three slots: interface, volume, launch template, group of one
`pools`         a group each, with the hook that tells of machines that go
`notices`       the queue that it tells
`edge`          balancer, target group, listeners, public names
`dns`           private zone, names of the servers
`roles`         roles and profiles
`alarms`        no leader, certificates about to end
`bastion`       the way in by SSH, where one is wanted
`key`           what the stack only refers to: the key of the secrets
==============  ===================================================================================

Logical ids stay what they are when zones, pools or rules come and go: a changed id is another
resource.
"""

from __future__ import annotations

from toolkit.cluster.template.document import (
    CAPABILITIES,
    LARGEST,
    render_template,
    stack_tags,
)
from toolkit.cluster.template.key import alias, key_policy
from toolkit.cluster.template.machines import SERVER, Kind, machine_kinds
from toolkit.cluster.template.pools import pool_group
from toolkit.cluster.template.roles import role_name
from toolkit.cluster.template.servers import group_name

__all__ = [
    "CAPABILITIES",
    "LARGEST",
    "SERVER",
    "Kind",
    "alias",
    "group_name",
    "key_policy",
    "machine_kinds",
    "pool_group",
    "render_template",
    "role_name",
    "stack_tags",
]
