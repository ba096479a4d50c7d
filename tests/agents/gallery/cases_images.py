"""Containers: images that cannot be had, ports that are taken, memory that is not there."""

from __future__ import annotations

import json

from tests.agents.gallery.case import ANY, Case
from tests.agents.gallery.hcl import group, job, network, program, short_update

IMAGE = "python-of-the-tests:local"
WHERE = {"group": "web", "task": "app", "allocation": ANY, "node": ANY}
SLOW = short_update(healthy=60, progress=90)
"""An engine that starts its first container on a busy machine."""
SLEEPS = "import time; time.sleep(3600)"
GREEDY = "import time; time.sleep(0.5); b'x' * 10**9; time.sleep(3600)"


def _container(script: str = SLEEPS, *, image: str = IMAGE, more: str = "", port: str = "") -> str:
    config = f'image = "{image}"\ncommand = "python3"\nargs = {json.dumps(["-S", "-c", script])}\n'
    config += 'ports = ["http"]' if port else ""
    parts = [network(static=port)] if port else []
    return job(group(*parts, program(config + more, driver="docker", memory=48), update=SLOW))


def _failed(name: str, mode: int, text: str, kind: str, says: str, never: str = "") -> Case:
    return Case(
        name, text, "failed", 3, mode, kind=kind, says=says, never=never, place=WHERE,
        needs="docker",
    )  # fmt: skip


CASES = (
    Case("image-good", _container(), "deployed", 0, needs="docker"),
    _failed(
        "image-missing", 7, _container(image="no-such-image:1.0.0"), "image",
        r"no-such-image:1\.0\.0",
    ),
    _failed(
        "image-registry", 7, _container(image="127.0.0.1:9/shop:1.0.0"), "image",
        r"refused",
    ),
    _failed(
        "image-command", 13,
        job(
            group(
                program(f'image = "{IMAGE}"\ncommand = "/no/such/program"', driver="docker"),
                update=SLOW,
            )
        ),
        "command", r"/no/such/program",
    ),
    _failed("image-port", 6, _container(port="@TAKEN@"), "port", r"@TAKEN@"),
    _failed("image-memory", 11, _container(GREEDY), "oom", r"memory", never=r"exited 137"),
)  # fmt: skip
