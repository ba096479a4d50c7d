"""Runs a page from top to bottom as its reader would, on real agents at other ports.

`python -m tests.docs.session docs/tutorial.md` prints what the commands say today.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.docs.pages import Block, Step, blocks, steps
from toolkit.spec.agents import AgentPorts

SECONDS = 180.0

_PASSED_ON = ("HOME", "PATH", "XDG_CACHE_HOME", "LANG", "TMPDIR")


@dataclass
class Shell:
    """One shell session: working directory, exported variables and `$?` live on."""

    top: Path
    offset: int
    environ: Mapping[str, str]
    cwd: Path = field(init=False)
    status: int = 0

    def __post_init__(self) -> None:
        self.cwd = self.top

    def run(self, command: str) -> str:
        """What the command wrote, to both streams; its exit code is in `status`."""
        kept, place = self.top / ".exported", self.top / ".place"
        script = (
            f'[ ! -e "{kept}" ] || . "{kept}"\n(exit {self.status})\n{self.shifted(command)}\n'
            f'code=$?; export -p > "{kept}"; pwd > "{place}"; exit $code\n'
        )
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=self.cwd,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        self.status = ran.returncode
        self.cwd = Path(place.read_text().strip())
        return ran.stdout

    def edit(self, block: Block) -> None:
        """Do what the comment above a block says with the block."""
        deed, _, place = (block.order or "").partition(": ")
        name, _, after = place.partition(" after: ")
        path = self.cwd / name
        body = self.shifted(block.body)
        match deed:
            case "write":
                path.write_text(body)
            case "append":
                path.write_text(path.read_text() + "\n" + body)
            case "insert":
                lines = path.read_text().splitlines(keepends=True)
                where = [number for number, line in enumerate(lines) if after in line]
                assert len(where) == 1, f"{name}: {after!r} is in {len(where)} lines"
                lines.insert(where[0] + 1, body)
                path.write_text("".join(lines))
            case _:
                raise AssertionError(f"nobody knows how to {deed}")

    def shifted(self, words: str) -> str:
        """The words with the standard ports moved by the offset."""
        words = words.replace("toolkit dev up", f"toolkit dev up --port-offset {self.offset}")
        moved = asdict(AgentPorts.at(self.offset))
        for name, port in asdict(AgentPorts()).items():
            if name != "offset":
                words = re.sub(rf"(127\.0\.0\.1|localhost):{port}\b", rf"\1:{moved[name]}", words)
        return words


@contextmanager
def shell(top: Path, offset: int) -> Iterator[Shell]:
    """A shell in an empty folder; whatever cluster it has started is down afterwards."""
    given = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    beside = Path(sys.executable).parent
    environ = {**given, "PATH": f"{beside}:{given['PATH']}", "NO_COLOR": "1"}
    session = Shell(top, offset, environ)
    try:
        yield session
    finally:
        session.run("unset NOMAD_ADDR CONSUL_HTTP_ADDR; toolkit dev down")


def walk(page: str, session: Shell) -> Iterator[tuple[Step, str, int]]:
    """Run the page; each command with what it wrote and its exit code."""
    for block in blocks(page):
        if block.order is not None:
            session.edit(block)
        elif block.kind == "console":
            for step in steps(block):
                said = session.run(step.command)
                yield step, said, session.status


def main(page: str, offset: str = "0") -> None:
    """Print the session."""
    with tempfile.TemporaryDirectory() as folder, shell(Path(folder), int(offset)) as session:
        for step, said, status in walk(page, session):
            print(f"$ {step.command}\n{said}", end="")
            if status:
                print(f"[exit {status}]")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
