"""Every key of the two files that a user writes: the one table that validation and docs read."""

from __future__ import annotations

from typing import NamedTuple

from toolkit.spec.depends import GATES

ANY = "*"
"""Stands for a name that the user chooses."""


class Key(NamedTuple):
    """One key: where it is, what it takes, what it means."""

    path: str
    """Dotted, `*` for a name that the user chooses: `ports.*.static`."""
    kind: str
    """A kind of `checks.KINDS`, `table`, or `tables` for an array of tables."""
    doc: str
    default: str = ""
    """As TOML; empty when there is none."""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


def _rollout(prefix: str) -> tuple[Key, ...]:
    return (
        Key(f"{prefix}", "table", "How a new release replaces the old one."),
        Key(f"{prefix}.canaries", "canaries", "New instances gated before old ones stop.", '"all"'),
        Key(f"{prefix}.max_parallel", "integer", "Instances replaced at a time.", "1", minimum=1),
        Key(f"{prefix}.min_healthy_time", "duration", "Checks must pass this long.", '"5s"'),
        Key(f"{prefix}.healthy_deadline", "duration", "An instance has this long.", '"2m"'),
        Key(f"{prefix}.progress_deadline", "duration", "Longest time between steps.", '"5m"'),
        Key(f"{prefix}.shutdown_delay", "duration", "From leaving Consul to the signal.", '"10s"'),
        Key(f"{prefix}.kill_timeout", "duration", "From the signal to the kill.", '"25s"'),
        Key(f"{prefix}.auto_revert", "boolean", "Go back when the release fails.", "true"),
        Key(f"{prefix}.fail_fast", "boolean", "Fail once it cannot become healthy.", "true"),
        Key(f"{prefix}.timeout", "duration", "The tool's own deadline.", '"10m"', minimum=1),
        Key(f"{prefix}.restart_attempts", "integer", "Restarts in place.", "1", minimum=0),
        Key(f"{prefix}.restart_delay", "duration", "Wait before a restart.", '"1s"'),
    )


def _tls(prefix: str, system: str) -> tuple[Key, ...]:
    path = f"environments.*.{prefix}"
    return (
        Key(f"{path}ca_file", "file", f"Certificates trusted for {system}."),
        Key(f"{path}cert_file", "file", f"Client certificate for {system}."),
        Key(f"{path}key_file", "file", f"Key of the client certificate for {system}."),
        Key(f"{path}tls_server_name", "string", f"Name expected in {system}'s certificate."),
    )


PROJECT_KEYS: tuple[Key, ...] = (
    Key("default_environment", "string", "Environment meant when none is named."),
    Key("stack", "table", "The jobs that belong together."),
    Key("stack.jobs", "strings", "What `--all` means.", "[]"),
    Key("stack.parallel", "integer", "Jobs that roll at a time.", "4", minimum=1, maximum=100),
    Key("variables", "table", "Template variables for every job and environment."),
    Key("variables.*", "value", "Value of one variable."),
    *_rollout("rollout"),
    Key("notify", "table", "Who is told how a rollout ended; never taken from a pushed tree."),
    Key("notify.command", "strings", "Gets the report as JSON on standard input."),
    Key("notify.webhook", "string", "Gets it as a POST; an address without secrets."),
    Key("notify.webhook_env", "string", "Environment variable that holds the address."),
    Key("notify.token_env", "string", "Environment variable that holds a bearer token for it."),
    Key("notify.on", "strings", "Verdicts that are told.", "all but unchanged and submitted"),
    Key("notify.environments", "strings", "Environments that are told of.", "all"),
    Key(
        "notify.timeout",
        "duration",
        "For each, after which the rollout's end does not wait.",
        '"10s"',
        minimum=0.1,
        maximum=300,
    ),
    Key("environments", "table", "Named targets."),
    Key("environments.*", "table", "One target."),
    Key("environments.*.local", "boolean", "Served by the agents of `toolkit dev`.", "false"),
    Key("environments.*.driver", "string", "Driver that jobs use here."),
    Key("environments.*.nomad", "address", "Nomad's address; left open: NOMAD_ADDR."),
    Key("environments.*.consul", "address", "Consul's address; left open: CONSUL_HTTP_ADDR."),
    Key(
        "environments.*.kick",
        "address",
        "The kick server's address; left open: KICK_ADDR, or found in Consul.",
    ),
    Key(
        "environments.*.hook",
        "address",
        "The hook server's address; left open: HOOK_ADDR, or found in Consul.",
    ),
    Key("environments.*.edge", "table", "Where requests enter, by visibility."),
    Key("environments.*.edge.public", "edge", "The world's entrance."),
    Key("environments.*.edge.private", "edge", "The entrance from inside."),
    Key("environments.*.traefik_user", "string", "User at Traefik's API.", '"toolkit"'),
    Key(
        "environments.*.proxy",
        "proxy",
        "HTTP or SOCKS proxy for every call: `http://…`, `socks5h://…`.",
    ),
    *_tls("", "Nomad and Consul"),
    *_tls("consul_", "Consul"),
    Key(
        "environments.*.registry",
        "registry",
        "Where images are pushed to, and jobs run from by digest: `registry.example:5000/shop`.",
    ),
    Key("environments.*.registry_user", "string", "User there; of ECR: found by AWS's own means."),
    Key("environments.*.namespace", "string", "Nomad namespace.", '"default"'),
    Key("environments.*.region", "string", "Nomad region.", '"global"'),
    Key("environments.*.datacenters", "strings", "Datacenters that jobs may use.", '["*"]'),
    Key("environments.*.node_pool", "string", "Node pool that jobs use.", '"default"'),
    Key("environments.*.protected", "boolean", "Changing commands ask first.", "false"),
    Key("environments.*.variables", "table", "Template variables here."),
    Key("environments.*.variables.*", "value", "Value of one variable."),
    *_rollout("environments.*.rollout"),
)
"""Keys of toolkit.toml."""

_KINDS = ("service", "system", "batch", "sysbatch")
_ZONES = ("public", "private")
_TARGETS = ("edge", "instances")
_TYPES = ("A", "AAAA", "SRV")
_PAYLOADS = ("optional", "required", "forbidden")

_CANARY: tuple[Key, ...] = (
    Key("canary", "table", "Canaries are compared with stable instances; there: they are."),
    Key("canary.steps", "steps", "Canaries of each step; the last one promotes."),
    Key("canary.paths", "paths", "Where both sides are asked.", '["/"]'),
    Key("canary.rate", "number", "Requests per second to each.", "20", minimum=0.1, maximum=200),
    Key(
        "canary.samples",
        "integer",
        "Requests to each side before judging.",
        "200",
        minimum=20,
        maximum=100_000,
    ),
    Key("canary.hold", "duration", "Compared at least this long.", '"20s"'),
    Key("canary.deadline", "duration", "Compared at most this long.", '"2m"', minimum=1),
    Key("canary.timeout", "duration", "For one request.", '"2s"', minimum=0.1, maximum=60),
    Key("canary.errors", "share", "Share by which canaries may fail more often.", "0"),
    Key(
        "canary.confidence",
        "number",
        "One minus the chance of a false alarm.",
        "0.99",
        minimum=0.5,
        maximum=0.9999,
    ),
    Key("canary.latency", "number", "Times the stable latency.", "1.5", minimum=1, maximum=100),
    Key("canary.latency_least", "duration", "A smaller difference is none.", '"50ms"'),
    Key("canary.percentile", "number", "Of the latency.", "95", minimum=50, maximum=99.9),
)

_JOB: tuple[Key, ...] = (
    Key("name", "job", "Name in Nomad.", "the folder's name"),
    Key("kind", "string", "Kind of job.", '"service"', choices=_KINDS),
    Key("template", "string", "Template in the job's folder.", '"job.nomad.hcl.j2"'),
    Key(
        "count",
        "integer",
        "Instances; not of system and sysbatch jobs.",
        "1",
        minimum=0,
        maximum=10_000,
    ),
    Key("depends", "strings", 'Jobs before this one in a stack: `["db", "migrate:done"]`.', "[]"),
    Key("depends.*", "string", "Or as a table: what of it has to hold.", choices=GATES),
    Key("node_class", "string", "Only nodes of this class; ignored in a local environment."),
    Key(
        "node_pool",
        "string",
        "Node pool; ignored in a local environment.",
        "the environment's",
    ),
    Key("system", "boolean", "Equipment: `toolkit cluster up` deploys it.", "false"),
    Key("constraints", "tables", "Other constraints on nodes."),
    Key("constraints.attribute", "string", "What is compared: `${attr.kernel.name}`."),
    Key("constraints.operator", "string", "How it is compared.", '"="'),
    Key("constraints.value", "string", "What it is compared with."),
    Key("release", "release", 'What to deploy; `release = "1.0.0"` is short for its version.'),
    Key("release.version", "release", "The release."),
    Key("release.header", "string", "Response header that holds the served release."),
    Key("release.json", "string", "Dotted path to it in a JSON body."),
    Key("release.path", "path", "Where to ask.", '"/"'),
    Key("driver", "table", "What runs the task."),
    Key("driver.name", "string", "The driver.", "the environment's"),
    Key("driver.*", "table", "Settings of one driver; only the chosen one's are used."),
    Key("driver.*.*", "value", "A setting, as in Nomad's task config."),
    Key("image", "table", "What `toolkit image` builds."),
    Key("image.context", "folder", "Folder that the engine is sent.", "services/ and the job's"),
    Key("image.dockerfile", "folder", "Dockerfile, inside it.", '"Dockerfile"'),
    Key("image.command", "strings", "Run before the build; sees RELEASE and JOB.", "[]"),
    Key("image.args", "table", "Build arguments; whoever has the image can read them."),
    Key("image.args.*", "scalar", "Value of one argument."),
    Key("image.platform", "string", "Such as `linux/arm64`.", "the engine's own"),
    Key("image.timeout", "duration", "For command, build and push, each.", '"20m"', minimum=1),
    Key("resources", "table", "What one instance may use."),
    Key("resources.cpu", "integer", "MHz.", "100", minimum=1),
    Key("resources.memory", "integer", "MB, reserved.", "128", minimum=10),
    Key("resources.memory_max", "integer", "MB, the most.", "memory", minimum=10),
    Key("environment", "table", "Environment variables of the task."),
    Key("environment.*", "scalar", "Value of one variable."),
    Key("ports", "table", "Ports of the group."),
    Key("ports.*", "table", "One port, by its label."),
    Key("ports.*.static", "integer", "Reserved on the host.", minimum=1, maximum=65535),
    Key("ports.*.to", "integer", "Inside the container.", minimum=1, maximum=65535),
    Key("route", "table", "How the edge finds the service."),
    Key("route.host", "string", "Short for one host."),
    Key("route.hosts", "strings", "Hosts that requests name.", "[]"),
    Key("route.path", "path", "Path prefix.", '"/"'),
    Key("route.visibility", "string", "Entrance.", '"public"', choices=("public", "private")),
    Key("route.port", "string", "Label of the port.", '"http"'),
    Key("check", "table", "Health check of the service."),
    Key("check.kind", "string", "Kind of check.", '"http"', choices=("http", "tcp")),
    Key("check.path", "path", "Path to ask.", '"/health"'),
    Key("check.port", "string", "Label of the port.", '"http"'),
    Key("check.interval", "duration", "Between two checks.", '"2s"', minimum=1),
    Key("check.timeout", "duration", "For one check.", '"1s"', minimum=1),
    Key("dns", "table", "Names that the kick server keeps for the job."),
    Key("dns.hostname", "string", "Short for one host name."),
    Key("dns.hostnames", "strings", "Host names."),
    Key("dns.zone", "string", "Zone.", "the route's, else private", choices=_ZONES),
    Key("dns.target", "string", "Where they point.", "edge with a route", choices=_TARGETS),
    Key("dns.type", "string", "Type of record.", "by address", choices=_TYPES),
    Key("dns.ttl", "duration", "How long an answer may be kept.", minimum=1, maximum=86_400),
    Key("dns.port", "string", "Label of the port.", "the route's or the check's"),
    Key("identity", "table", "Tokens that Nomad signs for the task, to show to others."),
    Key("identity.*", "table", "One token, by its name."),
    Key("identity.*.audience", "strings", "Who it is for; the kick server: alone."),
    Key("identity.*.ttl", "duration", "It ends after this; renewed before.", '"1h"', minimum=60),
    Key("identity.*.file", "boolean", "As `nomad_NAME.jwt` in NOMAD_SECRETS_DIR.", "true"),
    Key("identity.*.env", "boolean", "As NOMAD_TOKEN_NAME, not renewed there.", "false"),
    Key("schedule", "table", "When a batch job starts by itself."),
    Key("schedule.cron", "string", "Minute, hour, day, month, weekday."),
    Key("schedule.time_zone", "string", "Time zone of the cron line.", '"UTC"'),
    Key("schedule.prohibit_overlap", "boolean", "Not while an earlier one runs.", "false"),
    Key("dispatch", "table", "What `toolkit dispatch` hands to a batch job."),
    Key("dispatch.payload", "string", "Data beside keys.", '"optional"', choices=_PAYLOADS),
    Key("dispatch.file", "string", "Where it is, in the task's `local/`.", '"payload"'),
    Key("dispatch.meta_required", "strings", "Keys that must be given.", "[]"),
    Key("dispatch.meta_optional", "strings", "Keys that may be given.", "[]"),
    Key("build", "table", "What `toolkit dev watch` does with a change before it deploys."),
    Key("build.watch", "folders", "What it watches.", "services/ and the job folder's name"),
    Key("build.command", "strings", "Program and arguments; sees RELEASE and JOB.", "[]"),
    Key("build.directory", "folder", "Where it runs, inside the project.", '"."'),
    Key("build.timeout", "duration", "It has this long.", '"10m"', minimum=1),
    *_rollout("rollout"),
    *_CANARY,
    Key("probe", "table", "Requests through the edge while a release rolls; there: they are made."),
    Key("probe.rate", "number", "Requests per second.", "10", minimum=0.1, maximum=200),
    Key("probe.paths", "paths", "Paths asked in turn, below the route's.", '["/"]'),
    Key("probe.methods", "methods", "Methods of each path, without a body.", '["GET"]'),
    Key("probe.expect", "statuses", "Good statuses; none: 200 to 399.", "[]"),
    Key("probe.timeout", "duration", "For one request.", '"5s"', minimum=0.1, maximum=60),
    Key("probe.settle", "duration", "Asked on once the old release is gone.", '"5s"', maximum=600),
    Key(
        "probe.most_requests",
        "integer",
        "Requests in all.",
        "100000",
        minimum=1,
        maximum=1_000_000,
    ),
    Key("probe.budget", "table", "What a rollout may cost; over it, it is taken back."),
    Key("probe.budget.failed", "share", "Share of requests that may fail.", "0"),
    Key("probe.budget.gap", "duration", "Longest time without a good answer.", '"1s"'),
    Key(
        "probe.budget.latency",
        "duration",
        "Longest answer at the percentile; none: not judged.",
        minimum=0.001,
    ),
    Key("probe.budget.percentile", "number", "Of the latency.", "99", minimum=1, maximum=100),
    Key("secrets", "table", "Secrets that the task reads from the Nomad variable of the job."),
    Key("secrets.keys", "identifiers", "Names only; values: `toolkit secret set`.", "[]"),
    Key("lint", "table", "What `toolkit plan` warns about."),
    Key("lint.allow", "strings", "Rules accepted for this job.", "[]"),
    Key("variables", "table", "Defaults of the template's `var.*`."),
    Key("variables.*", "value", "Value of one variable."),
)

JOB_KEYS: tuple[Key, ...] = (
    *_JOB,
    Key("env", "table", "Keys for one environment only."),
    Key("env.*", "table", "Any key of this file, for one environment; merged deeply."),
)
"""Keys of job.toml; `env.*` takes any of the others."""


class Node(NamedTuple):
    """The keys as a tree, for walking beside a file's tables."""

    key: Key | None
    children: dict[str, Node]


def key_tree(keys: tuple[Key, ...]) -> Node:
    """The table of keys as a tree."""
    root = Node(None, {})
    for key in keys:
        node, parts = root, key.path.split(".")
        for part in parts[:-1]:
            node = node.children[part]
        node.children[parts[-1]] = Node(key, {})
    return root


def job_tree() -> Node:
    """The tree of JOB_KEYS with every key below `env.*` too."""
    root = key_tree(JOB_KEYS)
    per_environment = root.children["env"].children[ANY]
    per_environment.children.update(
        {name: node for name, node in root.children.items() if name != "env"}
    )
    return root
