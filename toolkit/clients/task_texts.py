"""What Nomad's client, its drivers, and programs themselves say of a task that failed.

The texts are theirs, matched nowhere else; in each table the first rule that matches decides.
`{place}` in an advice is the node that it happened on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """One text, and what it stands for."""

    pattern: re.Pattern[str]
    kind: str
    """Of the cause."""
    what: str
    """In a few words."""
    advice: str


def _meaning(kind: str, what: str, pattern: str, advice: str) -> Meaning:
    return Meaning(re.compile(pattern, re.IGNORECASE), kind, what, advice)


_TAKEN = (
    "find who has the port on {place} (`ss -ltnp`), or let Nomad choose one: a dynamic port that"
    " the task reads from NOMAD_PORT_<label>"
)
_DISK = "free disk space on {place}, or raise ephemeral_disk of the group"
_RIGHTS = (
    "give the task the right: a policy for its workload identity in Nomad, Consul or Vault,"
    " whichever refused"
)
_NO_SPACE = r"no space left on device|disk quota exceeded|\benospc\b"
_REFUSED = (
    r"permission denied|access denied|not authorized|unauthorized|forbidden|\b40[13]\b"
    r"|acl token not found|acl not found"
)

# Docker's own words and those of the registries behind it.
_PULL = r"(?s)(?:pull|image|manifest|repository).*"
DRIVER = (
    _meaning(
        "port", "the host's port is taken",
        r"port is already allocated|address already in use|bind for .* failed", _TAKEN,
    ),
    _meaning(
        "image", "the registry limits how often images are pulled",
        r"toomanyrequests|pull rate limit|too many requests",
        "log in to the registry (`auth` of the task's config), or use a mirror of it",
    ),
    _meaning(
        "image", "the image was not found, or may not be pulled without a login",
        _PULL + r"(pull access denied|may require .docker login)",
        "compare name and tag with the registry; a private one needs `auth` in the task's config",
    ),
    _meaning(
        "image", "the image was not found",
        r"manifest( for .*)? (is )?(unknown|not found)|no such image|repository does not exist"
        r"|(image|repository|reference|tag|manifest)\b[^\n]*\bnot found\b|name unknown",
        "compare name and tag with the registry, and push the image before it is deployed",
    ),
    _meaning(
        "image", "the registry did not let us in",
        _PULL + r"(unauthorized|authentication required|no basic auth|denied|forbidden|\b40[13]\b)",
        "give the registry's login in `auth` of the task's config, or in the node's docker config",
    ),
    _meaning(
        "image", "the registry does not answer",
        _PULL + r"(time(d )?out|deadline exceeded|no such host|connection refused|tls handshake"
        r"|network is unreachable|name resolution|connection reset|server misbehaving|dial tcp"
        r"|client\.timeout|\beof\b|no route to host)",
        "check from {place} that the registry answers: name resolution, proxy, firewall",
    ),
    _meaning(
        "driver", "the driver's own service does not answer",
        r"cannot connect to the docker daemon|connect to docker daemon|docker\.sock"
        r"|driver (is )?unhealthy|plugin is shut down",
        "look at the driver's service on {place}: `nomad node status` shows its health",
    ),
    _meaning("disk", "the node's disk is full", _NO_SPACE, _DISK),
    _meaning(
        "command", "its user does not exist",
        r"unknown user|unable to find user|failed to identify user|no matching entries in passwd",
        "name a user that {place}, or the image, has",
    ),
    _meaning(
        "command", "its command is no file that can be executed",
        r"exec format error|permission denied|is a directory|not executable",
        "make the file executable, built for this machine, and its first line name an interpreter",
    ),
    _meaning(
        "command", "its command was not found",
        r"could not be found|no such file or directory|executable file not found"
        r"|not found in \$path|file not found",
        "compare `command` with the path inside the task's folder or image: is it installed there,"
        " and spelled so?",
    ),
    _meaning(
        "image", "the image could not be pulled", r"failed to pull|error pulling|pulling image",
        "pull it by hand on {place} to see more",
    ),
)  # fmt: skip
"""A driver's error at a task's start."""

OUTPUT = (
    _meaning(
        "port", "its port is taken",
        r"address (is )?already in use|\beaddrinuse\b|errno (98|48)\b|address in use"
        r"|only one usage of each socket address"
        r"|port(\s+\d+)? (is |was )?(already )?(in use|allocated)",
        _TAKEN,
    ),
    _meaning("disk", "the disk is full", _NO_SPACE, _DISK),
    _meaning(
        "oom", "the program itself ran out of memory",
        r"java\.lang\.outofmemoryerror|javascript heap out of memory|\bmemoryerror\b"
        r"|cannot allocate memory|fatal error: runtime: out of memory",
        "raise resources.memory, or the program's own limit below it",
    ),
)  # fmt: skip
"""A task's own last words."""

_HOOK_SERVERS = r"(?s)/(?:archive/[0-9a-f]{40}|builds/[0-9a-f]{64})\.tar\.gz.*bad response code: "
ARTIFACT = (
    _meaning("disk", "the node's disk is full", _NO_SPACE, _DISK),
    _meaning(
        "artifact", "its checksum is another one", r"checksums? did not match|invalid checksum",
        "compare the checksum with the file: was it replaced, or is the address a web page?",
    ),
    _meaning(
        "artifact", "it is not there", r"bad response code: (404|410)|no such key|not found",
        "compare the artifact's address with what was uploaded",
    ),
    _meaning(
        "artifact", "the hook server grants its job no right to it", _HOOK_SERVERS + "403",
        "grant the job `read` of the repository: a [[policy.workload]] rule in the server's"
        " hook.toml",
    ),
    _meaning(
        "artifact", "the hook server does not know who asks", _HOOK_SERVERS + "401",
        "show it the task's own token: `lib.code(code)` or `lib.pulls(code)` in its template",
    ),
    _meaning(
        "artifact", "its server did not let us in",
        r"bad response code: 40[13]|access ?denied|forbidden|unauthorized",
        "give the node, or the artifact's headers or options, what the server asks for",
    ),
    _meaning(
        "artifact", "its server failed", r"bad response code: 5\d\d",
        "look at the server that has the artifact",
    ),
    _meaning(
        "artifact", "its server does not answer",
        r"connection refused|no such host|time(d )?out|deadline exceeded|network is unreachable"
        r"|no route to host|connection reset|name resolution",
        "check from {place} that the artifact's server answers",
    ),
    _meaning(
        "artifact", "its certificate is not trusted", r"x509|certificate",
        "put the authority that signed it into the trust store of {place}",
    ),
)  # fmt: skip
"""A failed download."""

SETUP = (
    _meaning("disk", "the node's disk is full", _NO_SPACE, _DISK),
    _meaning(
        "identity", "Consul gave no token for its identity in time",
        r"(?s)derive consul token.*(?:deadline exceeded|timeout|connection refused|\beof\b"
        r"|no cluster leader|no known consul servers|connection reset)",
        "look at the Consul agent of {place} and at Consul's leader, then deploy again",
    ),
    _meaning(
        "identity", "no token could be got for its identity",
        r"failed to derive|derive (si|consul|vault)? ?token|workload identity|signing identit"
        r"|auth method .* not found|\bjwt\b|consul token|vault token",
        "set up workload identity for it (`nomad setup consul`), or see why the login is refused",
    ),
    _meaning("denied", "it was refused", _REFUSED, _RIGHTS),
    _meaning(
        "port", "the host's port is taken", r"address already in use|port is already allocated",
        _TAKEN,
    ),
)  # fmt: skip
"""Hooks and setup of a task or of a whole allocation, and templates."""

HOOK_KINDS = {
    "template": "template",
    "artifacts": "artifact",
    "validate": "validation",
    "identity": "identity",
    "consul": "identity",
    "consul_task": "identity",
    "consul_si": "identity",
    "vault": "identity",
}
"""Nomad's hooks, by what fails with them; others are `hook`."""

_HOOK = re.compile(r'hook "?([a-z_]+)"? failed|^([a-z_]+)(?: hook)?: ')
_NOISE = re.compile(
    r"failed to launch command with executor: |rpc error: code = \w+ desc = "
    r"|getter subprocess failed: exit status \d+: |failed to download artifact: "
    r"|Error response from daemon: "
)
_PORT = re.compile(
    r"(?:port\s+|:)(\d{2,5})\b(?!\S*:\d)|\('[^']*', (\d{2,5})\)|address (?:\S+?:)?(\d{2,5})\b",
    re.IGNORECASE,
)

TEMPLATE_FAILED = "Template failed"
"""How Nomad begins to say that a task is killed because of its template."""

_QUOTED = re.compile(r'`([^`\s]+)`|(?:binary|path|user|exec|command)(?: |=|: )"([^"]+)"')
_URL = re.compile(r'artifact "([^"]+)"')


def find(rules: Sequence[Meaning], text: str) -> Meaning | None:
    """The first rule that matches."""
    return next((rule for rule in rules if rule.pattern.search(text)), None)


def hook_of(text: str) -> str:
    """The hook that failed, by name; empty where the text does not say."""
    match = _HOOK.search(text)
    return next((name for name in match.groups() if name), "") if match else ""


def plainly(text: str) -> str:
    """A driver's or downloader's message without the wrappings of the programs between."""
    return _NOISE.sub("", text)


def address_in(text: str) -> str:
    """The address of the artifact that could not be downloaded, without login and query."""
    match = _URL.search(text)
    return re.sub(r"//[^/@]*@", "//", match[1]).partition("?")[0] if match else "the artifact"


def without_query(text: str) -> str:
    """Without what addresses carry behind a question mark: signatures, tokens."""
    return re.sub(r"(https?://[^\s\"'?]+)\?[^\s\"']+", r"\1?***", text)


def quoted_in(text: str) -> str | None:
    """The image, command or user that a driver's message quotes."""
    match = _QUOTED.search(text)
    return next((part for part in match.groups() if part), None) if match else None


def port_in(text: str) -> str | None:
    """The port that a message about a taken one names."""
    for line in text.splitlines():
        if find(OUTPUT, line) is None and find(DRIVER, line) is None:
            continue
        if match := _PORT.search(line):
            return next(group for group in match.groups() if group)
    return None


# What the scheduler writes into an allocation: scheduler/reconciler constants.
DESIRED = (
    _meaning(
        "preempted", "a job of higher priority took its place", r"preempted by alloc",
        "raise the job's priority, or give the cluster more room",
    ),
    _meaning(
        "lost", "its node was lost", r"is lost since its node is down|unknown since its node",
        "look at the node: `toolkit explain {node}`",
    ),
    _meaning(
        "drained", "its node is being drained", r"alloc is being migrated|node is tainted",
        "wait for what replaces it, or add nodes; `nomad node eligibility -enable {node}` gives the"
        " node new work again",
    ),
)  # fmt: skip

_MISSING = re.compile(r"([a-z]+(?:\.[a-z]+)*)\(([^)]*)\)")


def missing(text: str) -> tuple[tuple[str, str], ...]:
    """What a template waits for, from Nomad's `Missing: kv.block(a/b), health.service(web)`."""
    _, _, rest = text.partition("Missing:")
    return tuple((match[1], match[2]) for match in _MISSING.finditer(rest))
