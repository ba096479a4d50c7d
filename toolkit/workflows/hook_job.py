"""The shipped job `hook`: its hook.toml, the server, and the programs that it runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

from toolkit.errors import RefusedError
from toolkit.repos.git import MINIMUM
from toolkit.spec.jobspec import JobSpec
from toolkit.workflows.server_job import ServerJob

_SECONDS = 10.0


def _load(text: bytes, path: str) -> object:
    # Not at the top: no other job needs it.
    from toolkit.config.hook import load_hook

    return load_hook(text, path)


HOOK = ServerJob("hook", _load)


def git_version() -> str | None:
    """What the git of this machine says of itself; None where there is none."""
    try:
        said = subprocess.run(
            ["git", "version"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.decode(errors="replace").strip()


def check_programs(
    spec: JobSpec,
    *,
    version: Callable[[], str | None] = git_version,
    which: Callable[[str], object] = shutil.which,
) -> None:
    """RefusedError when the task would run here and what it runs is missing, or too old.

    `version` says what the git of this machine says of itself, `which` where a program is.
    """
    if not HOOK.runs_here(spec):
        return
    if which("prlimit") is None:
        raise RefusedError(
            "the hook server starts git with limits, and there is no prlimit on this machine",
            hint="install util-linux",
        )
    said = version()
    oldest = ".".join(map(str, MINIMUM))
    if said is None:
        raise RefusedError(
            "the hook server runs git, and there is none on this machine",
            hint=f"install git {oldest} or newer",
        )
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < MINIMUM:
        raise RefusedError(
            f"the hook server needs git {oldest} or newer, and this machine has {said}",
            hint="install a newer git",
        )
