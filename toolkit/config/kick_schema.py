"""Every key of kick.toml: the one table that validation and docs read."""

from __future__ import annotations

from toolkit.config.schema import Key
from toolkit.spec.kick import TTL_LEAST, TTL_MOST

VISIBILITIES = ("public", "private")

WORKLOAD_MOST = 10
PERSON_MOST = 1000


def _edge(visibility: str) -> tuple[Key, ...]:
    path = f"edge.{visibility}"
    return (
        Key(path, "table", f"The entrance that names in {visibility} zones lead to; one of:"),
        Key(f"{path}.addresses", "strings", "Its addresses."),
        Key(f"{path}.alias", "table", "A load balancer."),
        Key(f"{path}.alias.target", "string", "Its name."),
        Key(f"{path}.alias.zone", "string", "Hosted zone of that name, the load balancer's own."),
        Key(f"{path}.alias.healthy", "boolean", "Answer only while it is healthy.", "false"),
        Key(f"{path}.service", "string", "Nomad job whose passing instances are the entrance."),
        Key(f"{path}.namespace", "string", "That job's namespace.", '"default"'),
    )


def _grants(path: str, most: int) -> tuple[Key, ...]:
    return (
        Key(path, "tables", "What is granted; what no grant covers is refused."),
        Key(f"{path}.names", "strings", "Names; `*.` in front: every name below, at any depth."),
        Key(f"{path}.types", "strings", "Types of records.", '["A", "AAAA"]'),
        Key(f"{path}.zones", "strings", "In public or private zones.", "where the names are"),
        Key(
            f"{path}.most",
            "integer",
            "Records that the owner may hold in all for this to grant one more.",
            str(most),
            minimum=1,
            maximum=10_000,
        ),
        Key(
            f"{path}.grant",
            "strings",
            'What names alone never cover: `"apex"`, a zone\'s own name; `"wildcard"`, '
            "names that begin with `*.`.",
            "[]",
        ),
    )


def _api(name: str, what: str, spelled: str) -> tuple[Key, ...]:
    return (
        Key(name, "table", f"Where {what} is; what is left open comes from the environment."),
        Key(f"{name}.address", "string", spelled),
        Key(f"{name}.ca_file", "file", "Certificates trusted."),
        Key(f"{name}.cert_file", "file", "Client certificate."),
        Key(f"{name}.key_file", "file", "Key of the client certificate."),
        Key(f"{name}.tls_server_name", "string", "Name expected in the certificate."),
    )


KICK_KEYS: tuple[Key, ...] = (
    Key("cluster", "string", "Whose records these are; in every owner record, so keep it."),
    Key("audience", "string", "That the identity tokens of workloads are made for.", '"kick"'),
    Key("issuer", "string", "That they must come from, where Nomad has one set."),
    Key(
        "ttl",
        "integer",
        "Seconds, of records that say none.",
        "60",
        minimum=TTL_LEAST,
        maximum=TTL_MOST,
    ),
    Key("zone", "tables", "The zones that kick writes to."),
    Key("zone.name", "string", "Name of the zone."),
    Key("zone.visibility", "string", "Who sees it.", '"public"', choices=VISIBILITIES),
    Key("zone.provider", "string", "Where it lives.", choices=("route53", "local")),
    Key("zone.id", "string", "Route 53's id of the hosted zone."),
    Key("targets", "table", "What records may point to."),
    Key("targets.public", "strings", "Networks whose addresses may be in public zones.", "[]"),
    Key("targets.private", "strings", "Networks whose addresses may be in private zones.", "[]"),
    Key("targets.cnames", "strings", "Names of others: these and all below them.", "[]"),
    Key(
        "targets.loopback",
        "boolean",
        "Development: loopback addresses in zones of the local provider.",
        "false",
    ),
    Key("edge", "table", "Where requests enter the cluster; always a target."),
    *_edge("public"),
    *_edge("private"),
    Key("policy", "table", "Who may set what; nobody else may anything."),
    Key("policy.workload", "tables", "One job."),
    Key("policy.workload.namespace", "string", "Its namespace.", '"default"'),
    Key("policy.workload.job", "string", "Its ID, compared whole."),
    Key("policy.workload.task", "string", "Only this task of it.", "any"),
    *_grants("policy.workload.grants", WORKLOAD_MOST),
    Key("policy.person", "tables", "Holders of Nomad ACL tokens with one of:"),
    Key("policy.person.policies", "strings", "ACL policies.", "[]"),
    Key("policy.person.roles", "strings", "ACL roles, by name.", "[]"),
    Key("policy.person.management", "boolean", "Management tokens.", "false"),
    Key("policy.person.overrule", "boolean", "May change what a job owns.", "false"),
    *_grants("policy.person.grants", PERSON_MOST),
    Key("reconcile", "table", "How records follow the jobs that declare them."),
    Key(
        "reconcile.policy",
        "string",
        "`upsert-only` never deletes.",
        '"sync"',
        choices=("sync", "upsert-only"),
    ),
    Key("reconcile.grace", "duration", "From a job's end to the removal of its records.", '"5m"'),
    Key(
        "reconcile.hold",
        "duration",
        "From an instance's last pass to its leaving a record.",
        '"30s"',
    ),
    Key("reconcile.interval", "duration", "Shortest time between two turns.", '"5s"', minimum=0.1),
    Key("reconcile.settle", "duration", "From the first news to its turn.", '"1s"'),
    Key("status", "table", "What becomes of the statuses that jobs post."),
    Key("status.forward", "string", "The one address they are sent on to."),
    Key("status.timeout", "duration", "For one delivery.", '"5s"', minimum=0.1, maximum=60),
    Key("status.kept", "integer", "The newest, to be queried.", "1000", minimum=1, maximum=100_000),
    Key("limits", "table", "What one caller or one outage may cost."),
    Key("limits.requests", "integer", "In progress at a time.", "64", minimum=1, maximum=1000),
    Key("limits.waiting", "integer", "Writes that wait.", "1000", minimum=1, maximum=100_000),
    Key(
        "limits.writes",
        "number",
        "Changes a second that one caller may go on with.",
        "5",
        minimum=0.1,
        maximum=10_000,
    ),
    Key(
        "limits.burst",
        "integer",
        "Changes of one caller at once.",
        "300",
        minimum=1,
        maximum=1_000_000,
    ),
    Key(
        "limits.audit_file",
        "integer",
        "Bytes after which the audit goes on in a new file.",
        "67108864",
        minimum=65536,
    ),
    Key("limits.remember", "duration", "Idempotency keys.", '"24h"', minimum=60),
    Key("limits.leeway", "duration", "Difference of clocks.", '"30s"', maximum=300),
    Key("limits.lifetime", "duration", "Longest of a workload's token.", '"24h"', minimum=60),
    Key("limits.keys", "duration", "Nomad's signing keys serve while it is silent.", '"24h"'),
    Key("limits.alive", "duration", "What is known of an allocation serves so long.", '"5m"'),
    *_api("nomad", "Nomad", "`http://…`, `https://…` or `unix:/path`."),
    *_api("consul", "Consul", "`http://…` or `https://…`."),
    Key("route53", "table", "How Route 53 is reached; credentials are the environment's."),
    Key("route53.role", "string", "ARN of a role to take on."),
    Key("route53.region", "string", "Where STS is asked.", '"us-east-1"'),
    Key(
        "route53.calls",
        "number",
        "Calls a second at most; the account has 10 for everybody in it.",
        "5",
        minimum=0.1,
        maximum=1000,
    ),
    Key("route53.endpoint", "string", "Another address than AWS's own, for tests."),
    Key("route53.sts_endpoint", "string", "The same for STS."),
)
"""Keys of kick.toml."""
