"""`toolkit cluster rehearse up | down | status`: a cluster's machines as namespaces of this one.

::

    up        check -> programs -> secrets -> switch, relay, balancer -> servers -> bootstrap
              -> workers -> every machine in, raft well        -> report
    status    state, processes, both systems, the balancer     -> report
    down      every process of it, cgroups, folder             -> report

The bootstrap is the very code that a cluster in AWS begins with, and the machines run the very
script. Whatever interrupts a first `up` ends all of it; logs stay until the next `up` or `down`.
"""

from __future__ import annotations

from toolkit.workflows.cluster.rehearse.down import down
from toolkit.workflows.cluster.rehearse.status import status
from toolkit.workflows.cluster.rehearse.up import up

__all__ = ["down", "status", "up"]
