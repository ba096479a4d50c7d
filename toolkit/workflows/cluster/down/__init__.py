"""`toolkit cluster down`: nothing of a cluster stays in AWS, in the order of `cluster.ending`.

::

    checks     the file's word, whose stack it is, as whom its kick server signs
    perform    what there is, the question, then every part
    names      public records that the cluster's kick server owns, in whatever zone
    machines   groups to zero, and each machine let go
    stack      the private zone emptied, protection switched off, the stack deleted and followed
    rest       volumes, secrets, key, and the look at what carries the cluster's tag still

Every part finds its work by asking AWS, so that a run that was killed anywhere, or that ended with
something in its way, is gone on with by the same command.
"""

from __future__ import annotations

from toolkit.workflows.cluster.down.perform import down
from toolkit.workflows.cluster.down.work import Tools

__all__ = ["Tools", "down"]
