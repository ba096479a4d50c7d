"""A real sshd, and an `aws` that leads to it as SSM leads to a machine's.

It answers one connection at a time on its standard streams (`sshd -i`), so that there is no port to
find, nothing to wait for, and nothing left when the connection ends.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

CONFIG = """\
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/let_in
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel ERROR
"""

# Notes how it was called, then becomes the machine that it leads to; or fails, or is mute.
PROGRAM = """\
#!{python} -IS
import json, os, sys, time
with open({notes!r}, "a") as file:
    noted = {{"name": {name!r}, "argv": sys.argv[1:], "pid": os.getpid()}}
    noted["environ"] = dict(os.environ)
    file.write(json.dumps(noted) + "\\n")
does = {does!r}
if does == "mute":
    while os.read(0, 65536):
        pass
    sys.exit(1)
if does:
    sys.stderr.write(does + "\\n")
    sys.exit(254)
becomes = {becomes!r}
if becomes and any(word in sys.argv for word in ("AWS-StartSSHSession", "-W")):
    os.execvp(becomes[0], becomes)
real = {real!r}
if real:
    os.execvp(real, [{name!r}, *sys.argv[1:]])
sys.exit({code})
"""


@dataclass(frozen=True)
class Sshd:
    """A configuration, and who is let in."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Sshd:
        """With a host key of its own; skips where there is no sshd."""
        if SSHD is None:
            pytest.skip("sshd: no such program; on Debian: apt-get install openssh-server")
        if os.geteuid() == 0:
            # Where it is before anybody is known; Debian makes it when the service starts.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        made = cls(folder)
        made.new_host_key()
        (folder / "sshd_config").write_text(CONFIG.format(folder=folder))
        made.forget()
        return made

    def new_host_key(self) -> None:
        """Become another machine."""
        (self.folder / "host_key").unlink(missing_ok=True)
        where = str(self.folder / "host_key")
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", where]
        subprocess.run(command, check=True, timeout=20)

    def let_in(self, public_key: str) -> None:
        """What EC2 Instance Connect does."""
        with (self.folder / "let_in").open("a") as file:
            file.write(public_key + "\n")

    def forget(self) -> None:
        """Nobody is let in any more."""
        (self.folder / "let_in").write_text("")

    @property
    def command(self) -> list[str]:
        """One connection on standard streams."""
        return [str(SSHD), "-i", "-e", "-f", str(self.folder / "sshd_config")]


@dataclass(frozen=True)
class Programs:
    """Programs of the test's own, first on PATH."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, sshd: Sshd | None = None) -> Programs:
        """`aws` and its plugin; `aws` leads to that sshd."""
        folder.mkdir()
        made = cls(folder)
        made.put("aws", becomes=sshd.command if sshd else ())
        made.put("session-manager-plugin")
        return made

    def put(
        self,
        name: str,
        *,
        becomes: Sequence[str] = (),
        does: str = "",
        real: str | None = None,
        code: int = 0,
    ) -> None:
        """A program that notes its calls.

        `becomes`: when it is to lead to a machine; `does`: `mute`, or what it says before it
        fails; `real`: the program that all other calls are for.
        """
        text = PROGRAM.format(
            python=sys.executable, notes=str(self.folder / "notes"), name=name, does=does,
            becomes=list(becomes), real=real, code=code,
        )  # fmt: skip
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    @property
    def environ(self) -> dict[str, str]:
        """For a command that finds them."""
        home = os.environ.get("HOME", "/")
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": home, "LANG": "C.UTF-8"}

    def calls(self, name: str = "aws") -> list[list[str]]:
        """Arguments of every call."""
        return [each["argv"] for each in self.notes if each["name"] == name]

    @property
    def environments(self) -> list[Mapping[str, str]]:
        """What each call saw of the environment."""
        return [each["environ"] for each in self.notes]

    @property
    def notes(self) -> list[dict[str, Any]]:
        """All calls, as they were noted."""
        try:
            lines = (self.folder / "notes").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]
