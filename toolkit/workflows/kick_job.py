"""The shipped job `kick`: its kick.toml, and the server."""

from __future__ import annotations

from toolkit.workflows.server_job import ServerJob


def _load(text: bytes, path: str) -> object:
    # Not at the top: no other job needs it.
    from toolkit.config.kick import load_kick

    return load_kick(text, path)


KICK = ServerJob("kick", _load)
FOLDER = KICK.folder
