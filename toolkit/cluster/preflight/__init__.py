"""What AWS said before anything was made -> what would fail, what may, what nobody could say. Pure.

`judge` is the list of subjects; each is a file:

==============  ===================================================================================
`places`        zones, and the instance types that they have
`images`        parameters that hold images, the images, their processors and disks
`quotas`        what the cluster needs beside what is used already
`edge`          the public domain, the names in it, the certificate
`names`         what has a name of ours already; the permission boundary
==============  ===================================================================================

A question that was not asked leads to no finding: whoever asks says so. One that was asked in vain
is a finding of its own kind, because not knowing is not the same as being well.
"""

from __future__ import annotations

from toolkit.cluster.preflight.edge import judge_certificate, judge_domain, judge_records
from toolkit.cluster.preflight.images import judge_images
from toolkit.cluster.preflight.names import judge_boundary, judge_names, judge_stack
from toolkit.cluster.preflight.places import judge_types, judge_zones
from toolkit.cluster.preflight.quotas import judge_quotas
from toolkit.cluster.preflight.saying import Findings
from toolkit.config.clusterfile import ClusterFile
from toolkit.spec.preflight import Finding, Seen

__all__ = ["judge"]


def judge(file: ClusterFile, seen: Seen, *, now: float) -> tuple[Finding, ...]:
    """Every finding, in the order in which a cluster is made; `now`: seconds since the epoch."""
    found = Findings(file)
    judge_stack(file.cluster, seen, found)
    judge_zones(file.cluster, seen, found)
    judge_types(file.cluster, seen, found)
    judge_images(file.cluster, seen, found)
    judge_quotas(file.cluster, seen, found)
    judge_boundary(file.cluster, seen, found)
    judge_names(file.cluster, seen, found)
    judge_domain(file.cluster, seen, found)
    judge_records(file.cluster, seen, found)
    judge_certificate(file.cluster, seen, found, now=now)
    return tuple(found.found)
