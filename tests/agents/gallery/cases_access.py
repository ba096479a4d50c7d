"""Who may not, what is not there, and a Nomad that cannot be spoken to."""

from __future__ import annotations

from tests.agents.gallery.case import ANY, Case
from tests.agents.gallery.hcl import block, group, job, short_update, task

STAYS = job(group(task()))
CRASH = job(group(task("echo FATAL no such thing >&2\nexit 3")))
FORBIDDEN = block(
    "template", data='{{ with nomadVar "nomad/jobs/another" }}{{ .key }}{{ end }}',
    destination="local/made",
)  # fmt: skip
"""A variable of another job: the task has no right to it."""
WHERE = {"group": "web", "task": "app", "allocation": ANY, "node": ANY}
IDENTITY = block("identity", name="consul_default", aud=["consul.io"], ttl="1h")


def _refused(name: str, mode: int, says: str, **how: object) -> Case:
    return Case(name, STAYS, "refused", 1, mode, says=says, **how)  # type: ignore[arg-type]


CASES = (
    _refused(
        "access-namespace", 28, r"nonexistent namespace \W*nowhere",
        options=("--namespace", "nowhere"),
    ),
    _refused("access-region", 31, r"No path to region", options=("--region", "mars")),
    # On agents that ask for tokens: what is done first is said where they are played.
    _refused("access-nobody", 26, r"Permission denied", needs="acl"),
    _refused("access-reader", 26, r"Permission denied.*/plan", needs="acl"),
    _refused("access-stranger", 26, r"Permission denied|ACL token not found", needs="acl"),
    _refused("access-elsewhere", 28, r"Permission denied", needs="acl"),
    _refused(
        "access-closed", 27, r"registration, dispatch, and scale are disabled", needs="acl"
    ),
    Case(
        "access-logs", CRASH, "failed", 3, 26, needs="acl", kind="crash",
        says=r"stderr.*read-logs", never=r"FATAL", place=WHERE,
    ),
    Case(
        "access-identity",
        job(group(task(more=IDENTITY), more=block("consul"))),
        "failed", 3, 42, needs="acl", kind="identity", says=r"[Cc]onsul", place=WHERE,
    ),
    # Nomad itself tells a secret that may not be read from one that is not there only after many
    # tries: both are said.
    Case(
        "access-template",
        job(group(task(more=FORBIDDEN), update=short_update(healthy=6, steady="3s"))),
        "failed", 3, 10, needs="acl", kind="template", says=r"nomad/jobs/another", place=WHERE,
    ),
    # Behind a proxy, or at an address where something else is spoken.
    _refused("access-tls", 29, r"speaks plain HTTP, and was asked with TLS", needs="proxy"),
    _refused("access-no-leader", 30, r"No cluster leader", needs="proxy"),
    _refused("access-too-many", 32, r"too many concurrent connections", needs="proxy"),
    Case("access-lost", STAYS, "unknown", 5, 30, needs="proxy"),
    _refused(
        "access-check-index", 21, r"registered by somebody else between plan and submit",
        needs="proxy",
    ),
)  # fmt: skip
