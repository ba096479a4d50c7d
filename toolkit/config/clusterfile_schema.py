"""Every key of a cluster file: the one table that validation and docs read."""

from __future__ import annotations

from toolkit.config.schema import Key
from toolkit.spec.cluster import BINARIES

POOL_MOST = 500
LEAST_VERSIONS = {"nomad": (1, 9), "consul": (1, 18)}
"""What the machines' configuration needs."""

_DISK = {"minimum": 8, "maximum": 16_384}


def _machine(path: str, type_default: str, root: int) -> tuple[Key, ...]:
    return (
        Key(f"{path}.type", "string", "EC2 instance type.", type_default),
        Key(f"{path}.root_volume", "integer", "GB of the machine's own disk.", str(root), **_DISK),  # type: ignore[arg-type]
    )


def _binary(name: str) -> tuple[Key, ...]:
    path = f"binaries.{name}"
    what = "The CNI plugins, for bridge networks" if name == "cni" else name.capitalize()
    arches = tuple(
        key
        for arch in ("amd64", "arm64")
        for key in (
            Key(f"{path}.{arch}", "table", f"Where it is for {arch} machines."),
            Key(f"{path}.{arch}.address", "string", "HTTPS address.", "the release's own"),
            Key(f"{path}.{arch}.sha256", "text", "Of the file as it is fetched; 64 hex digits."),
        )
    )
    return (
        Key(path, "table", f"{what}."),
        Key(f"{path}.version", "string", "Version, such as 1.2.3."),
        *arches,
    )


CLUSTER_KEYS: tuple[Key, ...] = (
    Key("region", "string", "AWS region."),
    Key("zones", "strings", "3 to 6 availability zones; the first three have the servers.",
        "a, b and c of the region"),
    Key("account", "string", "Number of the AWS account: credentials of any other are refused."),
    Key("protected", "boolean", "Commands that change something ask first, and the stack has"
        " termination protection.", "true"),
    Key("datacenter", "string", "Of Nomad and Consul.", '"dc1"'),
    Key("permission_boundary", "string", "ARN of a policy that bounds every role."),
    Key("network", "table", "The VPC."),
    Key("network.range", "string", "Its private IPv4 range, /16 to /22.", '"10.42.0.0/16"'),
    Key("network.nat", "string", "How private machines reach the world.", '"single"',
        choices=("single", "per-az", "none")),
    Key("network.connected", "strings", "Ranges of other networks that it is connected to.", "[]"),
    Key("domain", "table", "Names."),
    Key("domain.public", "string", "Public domain, a hosted zone of the account."),
    Key("domain.public_zone", "string", "Id of that hosted zone, where there are several."),
    Key("domain.private", "string", "Private domain, made for the cluster.", "NAME.internal"),
    Key("servers", "table", "The three servers."),
    *_machine("servers", '"t3.medium"', 16),
    Key("servers.volume", "integer", "GB of the data volume, which outlives the machine.", "20",
        **_DISK),  # type: ignore[arg-type]
    Key("control", "table", "The machine that the cluster's own servers run on."),
    *_machine("control", '"t3.small"', 30),
    Key("pools", "table", "Workers: autoscaling groups."),
    Key("pools.*", "table", "One pool, by its name."),
    *_machine("pools.*", "", 40),
    Key("pools.*.min", "integer", "Fewest machines.", "1", minimum=1, maximum=POOL_MOST),
    Key("pools.*.max", "integer", "Most machines.", "min", minimum=1, maximum=POOL_MOST),
    Key("pools.*.spot", "integer", "Percent of spot instances.", "0", minimum=0, maximum=100),
    Key("pools.*.node_class", "string", "Nomad's node class, which jobs ask for.",
        "the pool's name"),
    Key("pools.*.node_pool", "string", "Nomad's node pool.", '"default"'),
    Key("pools.*.ephemeral", "boolean", "Instance store disks hold containers and allocations,"
        " where the type has some.", "false"),
    Key("pools.*.drain", "duration", "Allocations have this long to leave a machine that goes.",
        '"2m"', maximum=280),
    Key("edge", "table", "The load balancer, and Traefik behind it."),
    Key("edge.kind", "string", "Kind of balancer: HTTP, or TCP with fixed addresses.", '"alb"',
        choices=("alb", "nlb")),
    Key("edge.pool", "string", "Pool whose machines run Traefik.", '"frontend"'),
    Key("edge.http", "integer", "Port for HTTP; 0: none.", "80", minimum=0, maximum=65_535),
    Key("edge.https", "integer", "Port for HTTPS; 0: none.", "443 with a certificate", minimum=0,
        maximum=65_535),
    Key("edge.certificate", "string", "ARN of an ACM certificate in the same region."),
    Key("edge.redirect", "boolean", "Send HTTP to HTTPS.", "true with both"),
    Key("edge.names", "strings", "Names in the public domain that lead here; `*.` may begin one.",
        "NAME.PUBLIC"),
    Key("edge.traefik_port", "integer", "Traefik's public entrance.", "80", minimum=1,
        maximum=65_535),
    Key("edge.private_port", "integer", "Its private entrance.", "8081", minimum=1, maximum=65_535),
    Key("edge.ping_port", "integer", "Where `/ping` is.", "8082", minimum=1, maximum=65_535),
    Key("edge.drain", "duration", "A machine that leaves the balancer has this long to answer"
        " what it took.", '"30s"', minimum=28, maximum=3600),
    Key("bastion", "table", "A machine for SSH; without this table there is only SSM."),
    Key("bastion.allowed", "strings", "IPv4 ranges that may reach it; never all."),
    Key("bastion.keys", "strings", "Public keys, as in authorized_keys."),
    Key("bastion.type", "string", "EC2 instance type.", '"t3.nano"'),
    Key("images", "table", "Machine images, by processor."),
    *(
        Key(f"images.{arch}", "string", "`ami-…`, or a public SSM parameter that holds one.",
            "Amazon Linux 2023")
        for arch in ("amd64", "arm64")
    ),
    Key("binaries", "table", "What machines fetch at boot."),
    *(key for name in BINARIES for key in _binary(name)),
    Key("alarms", "table", "Certificates' age, lost quorum."),
    Key("alarms.topic", "string", "ARN of the SNS topic that alarms go to."),
    Key("tags", "table", "On everything that takes tags."),
    Key("tags.*", "text", "Value of one tag."),
)  # fmt: skip
