"""What can be done to a job that is deployed; each is watched to its end.

Every function takes a session, a job's name and `confirm`, which is asked first in a protected
environment, and returns an `OperateReport`. None registers a job file: that is `deploy`.
"""

from __future__ import annotations

from toolkit.workflows.deployments import abort, pause, promote, resume
from toolkit.workflows.restart import restart
from toolkit.workflows.scale import scale
from toolkit.workflows.stop import stop

__all__ = ["abort", "pause", "promote", "restart", "resume", "scale", "stop"]
