"""What the backend reads from its environment, checked before anything else is imported.

========================== ==========================================================
``RELEASE``                what every answer says; ``dev`` when unset
``HOST``                   address to listen on; else ``NOMAD_IP_http``, else loopback
``NOMAD_PORT_http``        port to listen on; else ``PORT``, else 8080; 0 takes a free one
``DB_URL``                 unset: the built-in demonstration data; set but empty: refused
``SLOW_START``             seconds during which ``/health`` answers 503 after the start
``DRAIN_SECONDS``          seconds between a signal and the end of listening, ``/health`` 503
``NODE_NAME``              the machine; else its host name
``SHOW_ENV``               more variables whose values may be shown, separated by commas
========================== ==========================================================
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from backend.environ import SettingsError, read_address, read_release, read_seconds


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, read once."""

    release: str
    address: tuple[str, int]
    slow_start: float
    drain: float
    allocation: str
    node: str


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read and check the environment; raises `SettingsError` at the first mistake."""
    if environ.get("DB_URL") == "":
        raise SettingsError("config key 'db_url' missing")
    return Settings(
        release=read_release(environ),
        address=read_address(environ),
        slow_start=read_seconds(environ, "SLOW_START"),
        drain=read_seconds(environ, "DRAIN_SECONDS"),
        allocation=environ.get("NOMAD_ALLOC_ID", ""),
        node=environ.get("NODE_NAME") or socket.gethostname(),
    )
