"""User data as a template has it, run by a real bash: it becomes the role's script, or nothing.

`aws` is a program of the test's that answers from the template's own parameters.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cluster.templates import MATRIX, Rendered, rendered
from toolkit.cluster.boot import boot_script

AWS = """#!/bin/bash
# aws ssm get-parameter --region R --name N --query Q --output text
[ "$1 $2 $3 $5" = "ssm get-parameter --region --name" ] || exit 2
cat "$PARAMETERS/${6//\\//_}"
"""
ENDS = "exec /bin/bash"


@pytest.fixture(scope="module")
def template() -> Rendered:
    return rendered(MATRIX["plain"])


def kept(folder: Path, template: Rendered, part: str = "") -> list[Path]:
    """The files that the stand-in answers from, of the parameters of a part."""
    (folder / "parameters").mkdir(exist_ok=True)
    found = []
    for name, value in template.parameters.items():
        path = folder / "parameters" / name.replace("/", "_")
        if not path.exists():
            path.write_text(value + "\n")
        if part in name:
            found.append(path)
    return found


def begin(folder: Path, template: Rendered, launch_template: str) -> tuple[int, list[str]]:
    """Runs the user data in the folder; its exit code, and what it would have become."""
    kept(folder, template)
    program = folder / "aws"
    program.write_text(AWS)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    text = template.user_data(launch_template)
    assert text.count(ENDS) == 1
    text = text.replace(ENDS, "printf '%s\\n'").replace("/opt/toolkit", str(folder / "home"))
    # Tries once: nothing that is missing here comes by itself.
    text = re.sub(r'\[ "\$SECONDS" -lt \d+ \]', "exit 9", text)
    ran = subprocess.run(
        ["bash", "-s"], input=text, text=True, capture_output=True, timeout=60, cwd=folder,
        env={"PATH": f"{folder}:/usr/bin:/bin", "PARAMETERS": str(folder / "parameters")},
    )  # fmt: skip
    return ran.returncode, ran.stdout.split()


@pytest.mark.parametrize(("name", "role", "told"), [
    ("ServerLt2", "server", []),
    ("LtPoolWorker", "worker", ["worker", "worker", "batch", "1", "PoolWorker"]),
    ("LtPoolControl", "control", ["control", "control", "control", "0", "PoolControl"]),
])  # fmt: skip
def test_a_machine_becomes_its_roles_script(
    tmp_path: Path, template: Rendered, name: str, role: str, told: list[str]
) -> None:
    code, became = begin(tmp_path, template, name)
    script = tmp_path / "home" / "boot"
    assert (code, became) == (0, [str(script), *told])
    assert script.read_bytes() == boot_script(MATRIX["plain"], role)  # type: ignore[arg-type]
    assert stat.S_IMODE(script.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("how", ["changed", "cut", "empty", "gone", "another's"])
def test_a_machine_becomes_nothing_else(tmp_path: Path, template: Rendered, how: str) -> None:
    for path in kept(tmp_path, template, "/boot/server/"):
        match how:
            case "gone":
                path.unlink()
                path.mkdir()
            case "empty":
                path.write_text("\n")
            case "cut":
                path.write_text(path.read_text()[:-20])
            case "changed":
                path.write_text(path.read_text().replace("A", "B", 1))
            case _:
                other = kept(tmp_path, template, "/boot/worker/")[0]
                path.write_text(other.read_text())
    code, became = begin(tmp_path, template, "ServerLt1")
    assert code == 9
    assert became == []
    assert not (tmp_path / "home" / "boot").exists()


def test_the_files_of_a_bastion_are_read_by_cloud_init() -> None:
    words = rendered(MATRIX["full"]).user_data("BastionLt")
    assert json.loads(words.removeprefix("#cloud-config\n"))["ssh_pwauth"] is False
