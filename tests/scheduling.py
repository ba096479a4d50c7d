"""Which tests share a worker, and which come first.

Those of one file share one, and all that start a Docker engine: an engine makes and removes the
bridge `docker0`, of which a machine has one. What takes longest begins first, so that no worker is
left alone with a long file at the end.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from xdist.scheduler import LoadFileScheduling

ENGINES = (
    "tests/services/test_images.py",
    "tests/services/test_docker_job.py",
    "tests/services/test_docker_stack.py",
    "tests/services/test_gallery_images.py",
    "tests/services/test_kick_image.py",
    "tests/services/test_hook_image.py",
    "tests/services/hook/test_building_image.py",
    "tests/services/hook/test_building_docker.py",
)
SECONDS = {
    "engines": 8.0,
    "tests/lossless/": 15.0,
    "tests/agents/test_stack": 8.0,
    "tests/edge/": 6.0,
    "tests/faults/": 5.0,
    "tests/agents/test_kick_journey": 1.0,
    "tests/agents/test_hook_journey": 2.0,
    "tests/agents/": 4.0,
    "tests/services/hook/test_hook_faults_many": 3.0,
    "tests/services/hook/test_hook_faults_limits": 0.5,
    "tests/services/hook/test_hook_faults": 1.5,
    "tests/services/hook/test_gate_process": 2.0,
    "tests/services/hook/test_hooks_commands": 1.0,
    "tests/services/hook/test_hook_process": 0.6,
    "tests/services/hook/test_git_broken": 0.5,
    "tests/services/hook/test_sandbox": 0.3,
    "tests/services/hook/": 0.1,
    "tests/repos/": 0.1,
    "tests/cluster/test_rehearsal_cluster": 7.0,
    "tests/cluster/test_rehearsal_": 0.6,
    "tests/cluster/test_equip_cluster": 4.0,
    "tests/cluster/test_equip_deploy": 3.0,
    "tests/cluster/test_bootstrap": 1.0,
    "tests/cluster/test_boot_": 0.5,
    "tests/cluster/aws/test_cluster_journey": 60.0,
    "tests/cluster/aws/test_cluster_faults": 4.0,
    "tests/cluster/aws/test_cluster_": 1.5,
    "tests/cluster/aws/": 0.3,
    "tests/docs/test_tutorial": 60.0,
    "tests/page/": 1.0,
}
"""Beginning of a file's path -> what one of its tests takes, about; the first that fits counts."""
OTHERS = 0.05


class Together(LoadFileScheduling):  # type: ignore[misc]  # the library has no types
    """One file, one worker; the files that start an engine count as one."""

    ordered = False
    workqueue: OrderedDict[str, dict[str, bool]]

    def _split_scope(self, nodeid: str) -> str:
        scope = str(super()._split_scope(nodeid))
        return "engines" if scope in ENGINES else scope

    def _assign_work_unit(self, node: Any) -> None:
        if not self.ordered:
            self.ordered = True
            units = sorted(self.workqueue.items(), key=lambda unit: -seconds(unit[0], len(unit[1])))
            self.workqueue = OrderedDict(units)
        super()._assign_work_unit(node)


def seconds(scope: str, tests: int) -> float:
    """What a file takes, about."""
    each = next((each for start, each in SECONDS.items() if scope.startswith(start)), OTHERS)
    return each * tests


def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Take the place of `--dist loadfile`."""
    return Together(config, log)
