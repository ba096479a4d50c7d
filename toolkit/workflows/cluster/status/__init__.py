"""`toolkit cluster status`: a cluster in AWS as it stands; reads only.

::

    look      AWS's side: a number of calls that does not grow with machines, but for pages
    inside    the servers' side, through the cluster's way in; where there is none it is not seen
    rows      both as rows, and what of them is not as it should be: pure

What was not seen is said to be so: a cluster is well when all of it was seen and nothing is wrong.
"""

from __future__ import annotations

from toolkit.workflows.cluster.status.look import Tools, status
from toolkit.workflows.cluster.status.way import way_in

__all__ = ["Tools", "status", "way_in"]
