"""What AWS says before anything is made: every finding at once, within a number of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.config.clusterfile import ClusterFile
from toolkit.spec.preflight import Preflight

if TYPE_CHECKING:
    from toolkit.clients.aws.cloud import Cloud
    from toolkit.spec.cloudformation import StackView

PLAN_NEW = 10
"""Calls that a plan may spend here where there is no stack."""
PLAN_OLD = 5
"""And where there is one."""


def preflight(
    file: ClusterFile,
    cloud: Cloud,
    stack: StackView | None,
    *,
    now: float,
    calls: int | None = None,
) -> Preflight:
    """What would fail, what may, and what nobody could say; reads only.

    `stack`: the one of the cluster's name, None where there is none. `now`: seconds since the
    epoch. `calls`: at most so many requests; what there was none left for is in `unasked`. None:
    everything is asked. ApiError when even the credentials could not be used; RefusedError when
    they are of another account.
    """
    return Preflight(account=cloud.identity().account, region=cloud.region)
