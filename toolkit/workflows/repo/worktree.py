"""The configuration of the work tree that a command is in: who git asks for a token, and its way.

Only the configuration of this one repository is written, and no token is in it. What other helpers
there are is set aside for this server, because git would hand them the token to keep.
"""

from __future__ import annotations

import os.path
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from toolkit.config.settings import Settings
from toolkit.errors import RefusedError
from toolkit.spec.repo_reports import WorkTree
from toolkit.spec.target import Endpoint
from toolkit.views.placed import place

SECONDS = 10.0
_QUIETLY = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


def configure(
    folder: Path, settings: Settings, endpoint: Endpoint, flags: Mapping[str, object]
) -> WorkTree | None:
    """Let git in the work tree around `folder` ask us for the token of that server.

    `flags`: what the command line said of where to look. None where there is no work tree.
    """
    top = _git(folder, settings, "rev-parse", "--show-toplevel").rstrip("\n")
    if not top:
        return None
    base = endpoint.address
    wanted = {f"credential.{base}.helper": ["", helper(Path(top), settings, flags)]}
    wanted |= {f"http.{base}.{key}": [value] for key, value in _way(endpoint).items()}
    changed = False
    for key, values in wanted.items():
        said = _git(folder, settings, "config", "--local", "--null", "--get-all", key)
        if said.split("\0")[:-1] == values:
            continue
        changed = True
        first, *rest = values
        _write(folder, settings, "--replace-all", key, first)
        for value in rest:
            _write(folder, settings, "--add", key, value)
    return WorkTree(top, tuple(wanted), changed)


def helper(top: Path, settings: Settings, flags: Mapping[str, object]) -> str:
    """What git runs, at the top of the work tree, to be told the token: a line for a shell."""
    asked = "repo credential"
    if not flags.get("environment") and settings.project is not None:
        flags = {**flags, "environment": settings.target.environment}
    options = place(f"toolkit {asked}", flags).removeprefix(f"toolkit {asked}")
    # -P: a folder called toolkit in the project is not this program.
    line = f"{shlex.quote(sys.executable)} -P -m toolkit {asked}{options}"
    root = settings.project.root if settings.project else None
    if root is None or root.samefile(top):
        return f"!{line}"
    inside = root.resolve().is_relative_to(top.resolve())
    place_of = os.path.relpath(root.resolve(), top.resolve()) if inside else str(root)
    return f"!cd {shlex.quote(place_of)} && {line}"


def remote_of(folder: Path, settings: Settings, url: str) -> str | None:
    """What the remote with that address is called in the work tree around `folder`."""
    said = _git(folder, settings, "config", "--null", "--get-regexp", r"^remote\..*\.url$")
    for each in said.split("\0"):
        key, _, value = each.partition("\n")
        if value == url:
            return key.removeprefix("remote.").removesuffix(".url")
    return None


def _way(endpoint: Endpoint) -> dict[str, str]:
    """What git has to know of the way to the server, as the environment says it."""
    said = {
        "proxy": endpoint.proxy,
        "sslCAInfo": endpoint.ca_file,
        "sslCAPath": endpoint.ca_path,
        "sslCert": endpoint.cert_file,
        "sslKey": endpoint.key_file,
    }
    return {key: value for key, value in said.items() if value}


def _write(folder: Path, settings: Settings, how: str, key: str, value: str) -> None:
    ran = _run(folder, settings, "config", "--local", how, key, value)
    if ran is None or ran.returncode:
        said = "" if ran is None else ran.stderr.decode(errors="replace").strip()
        raise RefusedError(
            f"git could not write {key} into the configuration of {folder}: {said}",
            hint="the repository on the server is there; mend this and say it again",
        )


def _git(folder: Path, settings: Settings, *words: str) -> str:
    """What git says; nothing where it fails."""
    ran = _run(folder, settings, *words)
    return "" if ran is None or ran.returncode else ran.stdout.decode(errors="replace")


def _run(
    folder: Path, settings: Settings, *words: str
) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(
            ["git", *_QUIETLY, *words],
            cwd=folder,
            env={**settings.git, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
