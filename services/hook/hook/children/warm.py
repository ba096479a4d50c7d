"""What every child does first, done once before any of them: it is then there in each."""

from __future__ import annotations

from hook.children.loading import NOWHERE, builtin
from toolkit.config.given import Flags
from toolkit.config.project import load_project
from toolkit.config.settings import Settings
from toolkit.config.tree import LayeredTree
from toolkit.errors import ToolkitError
from toolkit.spec.target import Endpoint, Target
from toolkit.spec.tree import DictTree
from toolkit.workflows.session import open_session
from toolkit.workflows.stack.prepare import rendered_stack

JOB = """\
name = "NAME"
kind = "KIND"
[release]
version = "1"
[driver.raw_exec]
command = "/bin/true"
"""
KINDS = {"service": "service", "batch": "batch", "system": "service", "sysbatch": "batch"}
"""Kind of a job -> the template of the library that it extends."""


def warm() -> None:
    """Render a job of each kind from the library: its templates are compiled, modules imported."""
    files = {"toolkit.toml": f"[stack]\njobs = {list(KINDS)}\n".replace("'", '"')}
    for kind, library in KINDS.items():
        folder = f"jobs/{kind}"
        files[f"{folder}/job.toml"] = JOB.replace("NAME", kind).replace("KIND", kind)
        files[f"{folder}/job.nomad.hcl.j2"] = f'[% extends "_lib/{library}.nomad.hcl.j2" %]\n'
    tree = DictTree({path: text.encode() for path, text in files.items()})
    target = Target("warm", _endpoint("Nomad"), _endpoint("Consul"))
    try:
        settings = Settings(
            load_project(LayeredTree(tree, builtin())), target, Flags(), NOWHERE,
            None, None, None, True,
        )  # fmt: skip
        rendered_stack(settings, tuple(KINDS))
        open_session(settings).close()
    except ToolkitError:
        return  # a child does it itself, and says what is wrong


def _endpoint(system: str) -> Endpoint:
    return Endpoint(system, "http://127.0.0.1:1", "nowhere")  # type: ignore[arg-type]
