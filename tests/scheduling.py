"""Which tests share a worker: those of one file, and all that start a Docker engine.

An engine makes and removes the bridge `docker0`, of which a machine has one.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadFileScheduling

ENGINES = (
    "tests/services/test_images.py",
    "tests/services/test_docker_job.py",
    "tests/services/test_gallery_images.py",
)


class Together(LoadFileScheduling):  # type: ignore[misc]  # the library has no types
    """One file, one worker; the files that start an engine count as one."""

    def _split_scope(self, nodeid: str) -> str:
        scope = str(super()._split_scope(nodeid))
        return "engines" if scope in ENGINES else scope


def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Take the place of `--dist loadfile`."""
    return Together(config, log)
