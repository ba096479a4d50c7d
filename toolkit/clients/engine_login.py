"""A login for one push: in a folder of its own, which is gone afterwards.

The user's own logins are neither used nor changed: their folder is not the one that is named. What
of theirs says which engine is meant is taken over.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_TAKEN_OVER = ("currentContext", "proxies", "HttpHeaders")


@contextmanager
def private_folder(environ: Mapping[str, str], host: str) -> Iterator[Path]:
    """A configuration of Docker's tool, readable by nobody else, without anybody's logins."""
    with tempfile.TemporaryDirectory(prefix="toolkit-login-") as name:
        folder = Path(name)  # made for its owner alone
        users = _users(environ)
        said = _read(users)
        # With a login in it, even an empty one, the tool does not look for the desktop's keyring,
        # where it would lay ours over the user's.
        config = {
            **{key: said[key] for key in _TAKEN_OVER if key in said},
            "auths": {host: {}},
        }
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "config.json").chmod(0o600)
        if users is not None:
            for beside in ("contexts", "cli-plugins"):
                if (users / beside).is_dir():
                    (folder / beside).symlink_to((users / beside).resolve())
        yield folder


def _users(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("DOCKER_CONFIG"):
        return Path(named)
    home = environ.get("HOME")
    return Path(home) / ".docker" if home else None


def _read(folder: Path | None) -> dict[str, Any]:
    if folder is not None:
        with suppress(OSError, ValueError):
            found = json.loads((folder / "config.json").read_text())
            if isinstance(found, dict):
                return found
    return {}
