"""The lines around a build's command, as a task runs them: what is run, and what is taken."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hook.building import script

MOST = 100_000
LASTS = "exec 9> lock; flock 9; sleep 300 &"
"""Something that goes on, and has the lock for as long as it does."""


@dataclass
class Task:
    """A task's folders, and the script as Nomad would run it."""

    root: Path

    @property
    def code(self) -> Path:
        return self.root / "task" / "code"

    @property
    def out(self) -> Path:
        return self.root / "alloc" / "out.tar.gz"

    def run(
        self, command: list[str], artifact: str = "out", *, seconds: float = 60.0, most: int = MOST
    ) -> subprocess.CompletedProcess[str]:
        self.code.mkdir(parents=True)
        (self.root / "alloc").mkdir()
        work: dict[str, Any] = {
            "command": command,
            "artifact": artifact,
            "seconds": seconds,
            "bytes": most,
            "environ": {"REPO": "shop", "COMMIT": "4be1c02", "SERVICE": "web"},
        }
        environ = {
            "PATH": os.environ["PATH"],
            "NOMAD_TASK_DIR": str(self.root / "task"),
            "NOMAD_ALLOC_DIR": str(self.root / "alloc"),
            "NOMAD_TOKEN": "a secret of the task's",
            "NOMAD_TOKEN_hook": "another",
            "BUILD": base64.b64encode(json.dumps(work).encode()).decode(),
        }
        source = Path(script.__file__).read_text()
        return subprocess.run(
            [sys.executable, "-I", "-c", source],
            env=environ, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def until_all_ended(self) -> None:
        """Returns when nothing holds the lock; else the test's own time limit ends it."""
        with (self.code / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    def packed(self) -> dict[str, tuple[int, float, str]]:
        """Of each file that was taken: mode, time, text."""
        with tarfile.open(self.out) as tar:
            found = {}
            for member in tar:
                source = tar.extractfile(member)
                assert source is not None, member.name
                found[member.name] = (member.mode, member.mtime, source.read().decode())
            return found


pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(tmp_path)


def shell(text: str) -> list[str]:
    return ["sh", "-c", text]


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (shell("echo no; exit 3"), 3, ""),
        (shell("kill -9 $$"), 137, ""),
        (["no-such-program"], 127, "build: no-such-program: No such file or directory"),
    ],
)
def test_a_command_that_fails_ends_the_task_as_it_ended(
    task: Task, command: list[str], code: int, said: str
) -> None:
    done = task.run(command)
    assert (done.returncode, task.out.exists()) == (code, False)
    assert said in done.stderr


def test_a_command_that_hangs_is_ended_with_all_that_it_started(task: Task) -> None:
    done = task.run(shell(f"{LASTS} wait"), seconds=0.5)
    assert done.returncode == script.LATE
    assert "build: not done after 0.5 s, its time limit; it was ended" in done.stderr
    task.until_all_ended()


def test_what_it_leaves_running_ends_with_it(task: Task) -> None:
    done = task.run(shell(f"touch out; {LASTS}"))
    assert done.returncode == 0, done.stderr
    task.until_all_ended()


def test_the_command_sees_a_small_environment_and_no_token(task: Task) -> None:
    done = task.run(shell("env > out"))
    assert done.returncode == 0, done.stderr
    (_, _, text) = task.packed()["out"]
    names = {line.partition("=")[0] for line in text.splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "PATH", "HOME", "TMPDIR", "LANG", "CI", "REPO", "COMMIT", "SERVICE",
    }  # fmt: skip
    assert "secret" not in text


@pytest.mark.parametrize(
    ("command", "artifact", "said"),
    [
        ("true", "dist/app", "the command did well, and there is no dist/app"),
        ("ln -s /etc out", "out/hostname", "out/hostname is not inside the commit's folder"),
        ("true", "../home", "../home is not inside the commit's folder"),
        ("mkdir out; ln -s /etc/passwd out/p", "out", "p is neither a file nor a folder"),
        ("mkdir out; ln -s /etc out/etc", "out", "etc is neither a file nor a folder"),
        ("mkdir out; mkfifo out/pipe", "out", "pipe is neither a file nor a folder"),
        ("head -c 200000 /dev/urandom > out", "out", "out has more than 100,000 bytes"),
        ("head -c 200000 /dev/zero > a.tar.gz", "a.tar.gz", "a.tar.gz has more than 100,000"),
    ],
)
def test_what_cannot_be_taken_is_said(task: Task, command: str, artifact: str, said: str) -> None:
    done = task.run(shell(command), artifact)
    assert done.returncode == script.BAD
    assert f"build: {said}" in done.stderr


def test_a_folder_is_packed_the_same_each_time(tmp_path: Path) -> None:
    digests = set()
    for name, order in (("one", "b a"), ("two", "a b")):
        (tmp_path / name).mkdir()
        task = Task(tmp_path / name)
        made = (
            f"mkdir -p out/sub; for f in {order}; do echo $f > out/sub/$f; done; chmod +x out/sub/b"
        )
        assert task.run(shell(made)).returncode == 0
        digests.add(Path(f"{task.out}.sha256").read_text())
        assert task.packed() == {"sub/a": (0o644, 0, "a\n"), "sub/b": (0o755, 0, "b\n")}
    assert len(digests) == 1


def test_a_tarball_is_taken_as_it_is(task: Task) -> None:
    assert task.run(shell("echo anything > a.tgz"), "a.tgz").returncode == 0
    assert task.out.read_text() == "anything\n"
