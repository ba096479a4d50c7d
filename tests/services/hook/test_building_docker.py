"""A command that is run in a container, as in production: Nomad's docker driver, a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.cluster import pinned_machine
from tests.agents.hook_yard import hook_yard
from tests.agents.test_hook_build import files
from tests.services.engine import Engine

pytestmark = [
    pytest.mark.soak,
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.agents,
    pytest.mark.timeout(400),
]
SCRIPT = """
import os, pathlib
pathlib.Path("greet.tar").write_text(pathlib.Path("app/greet.txt").read_text())
print("inside:", pathlib.Path.cwd(), not any("TOKEN" in each for each in os.environ))
"""


def test_a_command_runs_in_the_image_that_the_server_names(
    engine: Engine, base_image: str, tmp_path: Path
) -> None:
    builds = f'driver = "docker"\nimage = "{base_image}"'
    with hook_yard(pinned_machine(), tmp_path, builds=builds, docker_endpoint=engine.host) as yard:
        body = {"command": ["python3", "-c", "; ".join(SCRIPT.strip().split("\n"))],
                "artifact": "greet.tar"}  # fmt: skip
        answer = yard.ask("PUT", "/repos/shop/builds/greeter", json=body)
        assert answer.status_code == 201, answer.text
        made = files("hello from a container\n", "cat local/build/greet.tar")
        _, said = yard.push(made, "reader")
        assert yard.last()["state"] == "deployed", said.stderr
        assert "greeter  inside: /local/code True" in said.stderr
        assert yard.output("reader") == "hello from a container\n"
