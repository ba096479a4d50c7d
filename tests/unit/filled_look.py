"""Reports of `toolkit cluster status` and `down` with every part filled in."""

from __future__ import annotations

from toolkit.spec.cluster_down import ClusterDownReport, Done, Remains
from toolkit.spec.cluster_status import (
    AlarmRow,
    ClusterStatusReport,
    DrainQueue,
    EdgeRow,
    PoolRow,
    ServerRow,
    StackRow,
    ZoneRow,
)
from toolkit.spec.rehearsal import CertificateRow

CLUSTER_STATUS = ClusterStatusReport(
    "prod", "eu-west-1", "123456789012", "unwell", "server-2 has no machine",
    StackRow("UPDATE_COMPLETE", "everything of it was changed", True, True, "2026-11-23T12:00:00Z"),
    (
        ServerRow("server-1", "eu-west-1a", "10.42.0.11", "i-1", "running", "current", "leader"),
        ServerRow("server-2", "eu-west-1b", "10.42.32.12", "", "none", "unknown", "unseen"),
    ),
    (
        PoolRow("frontend", 2, 3, 2, 2, 0, 1, 1, 1, None),
        PoolRow("worker", 1, 4, 1, 1, 0, 0, 0, 0, 1),
    ),
    (EdgeRow("i-4", 80, "healthy"), EdgeRow("i-5", 80, "unhealthy", "Request timed out")),
    "prod-Edge-1.eu-west-1.elb.amazonaws.com",
    (
        ZoneRow("prod.internal", "private", "Z1", 2, ("server-2.prod.internal",)),
        ZoneRow("example.com", "public", "", 0, ("shop.example.com",)),
    ),
    (CertificateRow("server/tls/consul", "2027-11-23", 364),),
    (AlarmRow("QuorumLost", "ALARM"),),
    DrainQueue(2, 1),
    ("Consul: server-2 does not answer for itself",),
    (
        "server-2 has no machine",
        "Consul: server-2 does not answer for itself",
        "the alarm QuorumLost rings",
    ),
    ("the secrets: denied",),
    ("toolkit cluster up prod",),
)  # fmt: skip

CLUSTER_DOWN = ClusterDownReport(
    "prod", "eu-west-1", "123456789012", "left", "one thing of it is still there",
    (Done("names", "1 public name removed, and Route 53 answers so"),),
    (Remains("volume", "vol-1", "it is still attached to i-1", "aws ec2 detach-volume"),),
    (Remains("key", "alias/toolkit/prod"),),
    "2026-11-30", 3.5, ("toolkit cluster down prod",),
)  # fmt: skip
