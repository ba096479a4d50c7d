"""What this machine lacks for a rehearsal: looked at before anything is made, all of it at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit.cluster.rehearsal.cgroups import here
from toolkit.cluster.rehearsal.processes import SYSTEM_PATH
from toolkit.errors import RefusedError

PROGRAMS = (
    "bash", "curl", "flock", "hostname", "ip", "iptables", "mount", "mountpoint", "nsenter",
    "openssl", "setpriv", "setsid", "sha256sum", "umount", "unshare",
)  # fmt: skip
"""Of the system: what machines are made with, and what boot scripts call."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Something that is tried in namespaces of its own, so that nothing of it stays."""

    what: str
    flags: tuple[str, ...]
    shell: str


TRIALS = (
    Trial(
        "namespaces",
        ("--net", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork", "--mount-proc"),
        "hostname rehearsal",
    ),
    Trial(
        "bridges and veth",
        ("--net",),
        "ip link add name one type bridge && ip link add name two type veth peer name three"
        " && ip link set two master one",
    ),
    Trial(
        "overlay file systems in this folder",
        ("--mount", "--propagation", "private"),
        "mkdir upper work && mount -t overlay overlay"
        " -o lowerdir=/etc,upperdir=upper,workdir=work /etc",
    ),
    Trial("iptables", ("--net",), "iptables -w -t mangle -S OUTPUT"),
)


def check_host(
    folder: Path,
    *,
    path: str = SYSTEM_PATH,
    platform: str = sys.platform,
    user: int | None = None,
) -> None:
    """RefusedError that names all that this machine lacks; nothing of it changes.

    `folder` is where the rehearsal's state will be, or will be made.
    """
    if platform != "linux":
        raise RefusedError(
            "a rehearsal needs Linux: its machines are namespaces",
            hint="run it on a Linux machine, or in a virtual one",
        )
    if (os.geteuid() if user is None else user) != 0:
        raise RefusedError(
            "a rehearsal needs root: it makes networks, mounts and cgroups for its machines",
            hint="run the same command with sudo",
        )
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    lacks = [f"no program {name}" for name in missing] or [*_tried(folder), *_cgroups()]
    if lacks:
        raise RefusedError(
            "this machine cannot rehearse a cluster: " + "; ".join(lacks),
            hint="install what is missing; a container needs --privileged",
        )


def _tried(folder: Path) -> Iterator[str]:
    near = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        made = Path(tempfile.mkdtemp(prefix=".rehearsal-check-", dir=near))
    except OSError as exc:
        yield f"{near} cannot be written: {exc.strerror or exc}"
        return
    try:
        for trial in TRIALS:
            if (said := attempt(trial, made)) is not None:
                yield f"no {trial.what} ({said})"
    finally:
        shutil.rmtree(made, ignore_errors=True)


def attempt(trial: Trial, folder: Path) -> str | None:
    """Try it; None when it works, else what was said."""
    try:
        done = subprocess.run(
            ["unshare", *trial.flags, "/bin/bash", "-c", trial.shell],
            cwd=folder,
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return str(exc)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"it ends with {done.returncode}"


def _cgroups() -> Iterator[str]:
    trees = here()
    if not trees:
        yield "no cgroups"
    for tree in trees:
        if not os.access(tree.folder, os.W_OK):
            yield f"no right to make cgroups in {tree.folder}"
            return
