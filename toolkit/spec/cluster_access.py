"""How the environment of a running rehearsal is reached, as kept beside its other state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from toolkit.spec.target import Visibility

REHEARSALS = ".toolkit/rehearsal"
"""Folder in the project; each rehearsal has one of its cluster's name in it."""


def access_file(cluster: str) -> str:
    """Path inside the project of what says how the rehearsal of a cluster is reached."""
    return f"{REHEARSALS}/{cluster}/access.json"


@dataclass(frozen=True, slots=True)
class Access:
    """Addresses, CA and tokens of the operator; the file is readable by its owner only."""

    nomad: str
    """`https://server-1.prod.internal:4646`."""
    consul: str
    """`https://server-1.prod.internal:8501`."""
    proxy: str
    """`socks5h://127.0.0.1:PORT`: names are looked up on the other side."""
    ca_file: str
    """Path of the certificate that all others are signed with."""
    nomad_token: str = field(default="", repr=False)
    consul_token: str = field(default="", repr=False)
    traefik_user: str = ""
    traefik_password: str = field(default="", repr=False)
    """At Traefik's API."""
    traefik: str = ""
    """Path of the Traefik binary that the `traefik` job runs."""
    edge: Mapping[Visibility, str] = field(default_factory=dict)
    """Where requests enter, by visibility: `http://10.42.192.9`."""

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Access:
        """The value back from `to_json`; ValueError, KeyError or TypeError when it is none."""
        data: dict[str, Any] = json.loads(text)
        edge = data.pop("edge", {})
        if not isinstance(edge, dict) or not set(edge) <= {"public", "private"}:
            raise ValueError("edge")
        if not all(isinstance(value, str) for value in (*data.values(), *edge.values())):
            raise TypeError("text is expected")
        return cls(**data, edge=edge)
