"""What is imported where: children find everything there, and the server holds none of it twice."""

from __future__ import annotations

import inspect
import io
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from hook.children import wire
from hook.children.children import Children
from hook.children.errand import Work
from hook.children.files import gather
from hook.children.zygote import PRELOAD
from hook.deployments import deploying
from hook.deployments.deploying import Order
from hook.gate import checking
from hook.gate.checking import Check

from tests.services.hook.gate_rig import TOKEN, config
from toolkit.config.project import PROJECT_FILE
from toolkit.spec.agents import AgentPorts, AgentProcess, AgentState
from toolkit.spec.hook import PushLimits
from toolkit.spec.target import Secret
from toolkit.spec.tree import DictTree

ROOT = Path(__file__).parents[3]
WORK = "tests.services.hook.child_work"


class Named(pickle.Unpickler):
    """Notes the modules that what it reads is of."""

    def __init__(self, data: bytes):
        super().__init__(io.BytesIO(data))
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module)
        return super().find_class(module, name)


def test_all_that_work_is_made_of_is_imported_before_any_child() -> None:
    """Another user may not be able to read Python, toolkit or the server: root's home is shut."""
    served = Children(modules=[*PRELOAD, WORK], path=[str(ROOT)])
    try:
        work = Work(f"{WORK}:imported", None, Secret(TOKEN))
        found = served.run(work, memory=192 << 20, seconds=30.0)
        there = set(found.value["modules"])
    finally:
        served.close()
    nomad = AgentProcess("nomad", 1, 0.0, "nomad", "1.11.3", "nomad.log")
    agents = AgentState(AgentPorts(), (nomad,), "traefik")
    files = gather(DictTree({PROJECT_FILE: b""}), PushLimits())
    for argument in (Check(config(), agents, {}), Order(config(), {}, "ada", agents)):
        named = Named(wire.pack(Work("x:y", argument, Secret(TOKEN), files))[8:])
        named.load()
        assert len(named.modules) > 5
        assert not named.modules - there
    # What their functions import when they are called.
    for module in (deploying, checking):
        within = re.findall(r"^    +from (\S+) import (\S+)", inspect.getsource(module), re.M)
        assert {room for room, _ in within} >= {"toolkit.views", "toolkit.workflows.session"}
        for room, name in within:
            assert room in there
            assert room != "toolkit.views" or f"{room}.{name}" in there


def test_the_server_itself_does_not_hold_what_deploys() -> None:
    """It would be in its memory twice: children have it from their own parent."""
    look = "import sys, hook.run; print(*(name for name in sys.modules if '.workflows' in name))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True)
    assert said.stdout == "\n"
