"""What is known to be wrong with which versions, and what it means for a deploy: data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

System = Literal["Nomad", "Consul", "Traefik"]

Only = Literal["system jobs", "old clients", "aws join"]


@dataclass(frozen=True, slots=True)
class Bug:
    """One known bug."""

    key: str
    """Stable."""
    system: System
    ranges: tuple[tuple[str, str], ...]
    """Each from a version on, to below the one that has the fix."""
    meaning: str
    """What it means for whoever deploys."""
    hurts: bool = False
    """True: nothing of ours guards against it."""
    advice: str | None = None
    """Of one that hurts: what to do."""
    only: Only | None = None
    """Bad only where: `system jobs` are deployed, clients are older than 1.11 (`old clients`),
    agents join by what they find in AWS (`aws join`)."""


BUGS: tuple[Bug, ...] = (
    Bug(
        "enforce-index",
        "Nomad",
        (("1.0.0", "1.10.11"), ("1.11.0", "1.11.5"), ("2.0.0", "2.0.1")),
        "a check index can be passed over by a registration at the same moment (GH-27832, fixed in "
        "2.0.1): what we register is read back",
    ),
    Bug(
        "deployment-id",
        "Nomad",
        (("1.0.0", "2.0.5"),),
        "an evaluation can name a deployment that was never kept (GH-28307, fixed in 2.0.5): "
        "deployments are found by the job's version",
    ),
    Bug(
        "purge-panic",
        "Nomad",
        (("1.11.3", "1.11.4"),),
        "a server dies when a job is purged while it is being placed: `toolkit stop --purge` waits "
        "for the scheduler first, `nomad job stop -purge` does not",
    ),
    Bug(
        "system-deployments",
        "Nomad",
        (("1.11.0", "1.11.3"),),
        "deployments of system jobs can pass over max_parallel, judge health wrongly or end the "
        "leader (GH-27262, GH-27284, GH-27497, GH-27604)",
        hurts=True,
        advice="upgrade Nomad's servers to 1.11.3 or later before a system job is deployed",
        only="system jobs",
    ),
    Bug(
        "system-deployments-old-clients",
        "Nomad",
        (("1.11.0", "1.11.3"),),
        "deployments of system jobs never end while clients are older than 1.11 (GH-27605)",
        hurts=True,
        advice="upgrade Nomad's servers to 1.11.3 or later, or the clients to 1.11",
        only="old clients",
    ),
    Bug(
        "no-system-deployments",
        "Nomad",
        (("1.0.0", "1.11.0"),),
        "system jobs have no deployments before 1.11: nothing reverts them",
        only="system jobs",
    ),
    Bug(
        "drained-canaries",
        "Nomad",
        (("1.9.0", "1.9.9"), ("1.10.0", "1.10.1")),
        "a deployment can hang when a node with canaries is drained (GH-25726): our deadline ends "
        "the wait",
    ),
    Bug(
        "check-sync-panic",
        "Nomad",
        (("1.9.0", "1.9.4"),),
        "an agent can die when Consul refuses a check (GH-24513)",
        hurts=True,
        advice="upgrade Nomad to 1.9.4 or later",
    ),
    Bug(
        "identity-prefix",
        "Nomad",
        (("1.9.0", "1.9.10"), ("1.10.0", "1.10.2")),
        "a job gets the policies of another whose name its own starts with (CVE-2025-4922)",
        hurts=True,
        advice="upgrade Nomad to 1.10.2 or later",
    ),
    Bug(
        "security-2.0.4",
        "Nomad",
        (("1.0.0", "2.0.4"),),
        "security fixes of 2.0.4 are missing (CVE-2026-14891, CVE-2026-14896)",
    ),
    Bug(
        "aws-join",
        "Nomad",
        (("1.10.3", "2.0.1"),),
        "joining by AWS tags asks dual-stack addresses, which fail behind IPv4-only networks and "
        "endpoints of one's own (go-discover 293)",
        only="aws join",
    ),
)
