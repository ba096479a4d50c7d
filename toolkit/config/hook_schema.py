"""Every key of hook.toml: the one table that validation and docs read."""

from __future__ import annotations

from toolkit.config.schema import Key

_GRANTS = (
    ("grants", "tables", "What is granted; what no grant covers is refused."),
    ("grants.repos", "strings", "Exact names of repositories, or `*` alone for all."),
)


def _grants(path: str, rights: str) -> tuple[Key, ...]:
    return (
        *(Key(f"{path}.{name}", kind, doc) for name, kind, doc in _GRANTS),
        Key(f"{path}.grants.rights", "strings", rights),
    )


def _api(name: str, what: str, variable: str) -> tuple[Key, ...]:
    path = f"target.{name}"
    spelled = "`http://…` or `https://…`; `${NAME}` stands for a variable of the task."
    return (
        Key(path, "table", f"Where {what} is; addresses only, never a token."),
        Key(f"{path}.address", "string", spelled, variable),
        Key(f"{path}.ca_file", "file", "Certificates trusted."),
        Key(f"{path}.cert_file", "file", "Client certificate."),
        Key(f"{path}.key_file", "file", "Key of the client certificate."),
        Key(f"{path}.tls_server_name", "string", "Name expected in the certificate."),
    )


def _bytes(name: str, doc: str, default: int, minimum: int = 1024) -> Key:
    return Key(f"limits.{name}", "integer", doc, str(default), minimum=minimum, maximum=1 << 40)


def _count(name: str, doc: str, default: int, maximum: int = 10_000) -> Key:
    return Key(f"limits.{name}", "integer", doc, str(default), minimum=1, maximum=maximum)


def _seconds(name: str, doc: str, default: str) -> Key:
    return Key(f"limits.{name}", "duration", doc, default, minimum=1, maximum=86_400)


HOOK_KEYS: tuple[Key, ...] = (
    Key("cluster", "string", "The cluster's name."),
    Key("audience", "string", "What tasks' identity tokens are made for.", '"hook.CLUSTER"'),
    Key("issuer", "string", "That they must come from, where Nomad has one set."),
    Key("url", "string", "Where people and workloads reach this server."),
    Key(
        "order",
        "string",
        "Of repositories that say nothing else: a push that waits gives way to a later one, or"
        " every push has its turn.",
        '"newest"',
        choices=("newest", "queue"),
    ),
    Key("target", "table", "The environment that pushes are deployed to; a push has no say in it."),
    Key("target.environment", "string", "Its name in the pushed toolkit.toml."),
    *_api("nomad", "Nomad", "NOMAD_ADDR"),
    *_api("consul", "Consul", "CONSUL_HTTP_ADDR"),
    Key("target.edge", "table", "Where requests enter, by visibility."),
    Key("target.edge.public", "string", "The world's entrance."),
    Key("target.edge.private", "string", "The entrance from inside."),
    Key("target.traefik", "table", "Traefik's APIs, which are found in Consul."),
    Key("target.traefik.user", "string", "User there; the password is TOOLKIT_TRAEFIK_PASSWORD."),
    Key("target.traefik.ca_file", "file", "Certificates trusted."),
    Key("target.namespace", "string", "Nomad namespace.", '"default"'),
    Key("target.region", "string", "Nomad region.", '"global"'),
    Key("target.datacenters", "strings", "Datacenters that jobs may use.", '["*"]'),
    Key("target.node_pool", "string", "Node pool that jobs use.", '"default"'),
    Key("target.state", "string", "Development: the local agents' state file."),
    Key("policy", "table", "Who may do what; nobody else may anything."),
    Key("policy.person", "tables", "Holders of Nomad ACL tokens with one of:"),
    Key("policy.person.policies", "strings", "ACL policies.", "[]"),
    Key("policy.person.roles", "strings", "ACL roles, by name.", "[]"),
    Key("policy.person.management", "boolean", "Management tokens.", "false"),
    *_grants("policy.person", "`read`; `push`, which includes it; `admin`, which includes both."),
    Key("policy.workload", "tables", "One job."),
    Key("policy.workload.namespace", "string", "Its namespace.", '"default"'),
    Key("policy.workload.job", "string", "Its ID, compared whole."),
    Key("policy.workload.task", "string", "Only this task of it.", "any"),
    *_grants("policy.workload", "`read`, and nothing else."),
    Key("limits", "table", "What one push may cost."),
    _bytes("pack_bytes", "Of what is pushed, packed.", 256 << 20),
    _count("objects", "Objects of a push.", 200_000, 10_000_000),
    _count("refs", "Refs of a push.", 100, 100_000),
    _count("files", "Files of a commit that is deployed.", 20_000, 10_000_000),
    _bytes("file_bytes", "Of a file that configuration or a template reads.", 1 << 20),
    _count("depth", "Folders in each other.", 32, 1000),
    _count("path_bytes", "Of a path.", 400, 4000),
    _seconds("seconds", "Until a push has arrived.", '"10m"'),
    _seconds("check_seconds", "For the check of a push: load, render, plan.", '"30s"'),
    _bytes("check_memory", "For the check of a push.", 512 << 20, 64 << 20),
    _seconds("deploy_seconds", "For a deployment.", '"1h"'),
    _bytes("deploy_memory", "For a deployment.", 768 << 20, 64 << 20),
    _bytes("log_bytes", "Of a deployment's log.", 4 << 20),
    _count("pushes", "Pushes on their way in at once.", 32, 1000),
    _count("pushes_of_one", "Of them, one caller's.", 24, 1000),
    _count("clones", "Clones and fetches under way at once.", 16, 1000),
    _count("requests", "Other requests in progress at once.", 64, 1000),
    Key("hooks", "table", "What a script of a repository may cost, and as whom it runs."),
    Key("hooks.seconds", "duration", "For one script.", '"1m"', minimum=1, maximum=3600),
    Key(
        "hooks.memory",
        "integer",
        "Bytes of memory.",
        str(512 << 20),
        minimum=16 << 20,
        maximum=1 << 40,
    ),
    Key(
        "hooks.output",
        "integer",
        "Bytes of output; what comes after is left out.",
        str(1 << 20),
        minimum=1024,
        maximum=1 << 30,
    ),
    Key(
        "hooks.user",
        "string",
        "The user that scripts run as; the server has to be root.",
        '"nobody"',
    ),
    Key(
        "hooks.same_user",
        "boolean",
        "Development: run them as the server itself where it cannot be somebody else.",
        "false",
    ),
    Key("builds", "table", "Where what a repository's settings name is built, and its cost."),
    Key(
        "builds.driver",
        "string",
        "Of the Nomad job that runs a command.",
        "`raw_exec` in development, else none",
        choices=("docker", "raw_exec"),
    ),
    Key("builds.image", "string", "What a command runs in, with `docker`."),
    Key("builds.python", "string", "There, for the lines around the command.", '"python3"'),
    Key("builds.node_pool", "string", "Where builds run.", "the target's"),
    Key("builds.cpu", "integer", "MHz.", "500", minimum=1, maximum=1_000_000),
    Key("builds.memory", "integer", "MB.", "512", minimum=16, maximum=1_000_000),
    Key("builds.seconds", "duration", "For one build.", '"15m"', minimum=1, maximum=86_400),
    Key(
        "builds.bytes",
        "integer",
        "Of what is built.",
        str(512 << 20),
        minimum=1024,
        maximum=1 << 40,
    ),
    Key(
        "builds.kept", "integer", "Builds of a service, the newest.", "20", minimum=1, maximum=1000
    ),
    Key("builds.engine", "string", "`DOCKER_HOST` of the engine that builds Dockerfiles."),
    Key("builds.registry", "registry", "Where images are pushed.", "they stay in that engine"),
    Key("builds.registry_user", "string", "User there; the password is HOOK_REGISTRY_PASSWORD."),
    Key("trash", "table", "What was deleted."),
    Key("trash.keep", "duration", "How long it can be had back.", '"720h"', minimum=60),
)
"""Keys of hook.toml."""
