"""Reading variables with their name in every complaint; both services carry this file.

Imports next to nothing, so that a wrong configuration ends the task at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


class SettingsError(Exception):
    """A variable is wrong; the message names it."""


def read_release(environ: Mapping[str, str]) -> str:
    """`RELEASE`, `dev` when unset; it has to fit into a header."""
    release = environ.get("RELEASE") or "dev"
    if not (release.isascii() and release.isprintable()):
        raise SettingsError("RELEASE must be printable ASCII, because it travels in a header")
    return release


def read_address(environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: `HOST`, `NOMAD_IP_http`, loopback; `NOMAD_PORT_http`, `PORT`, 8080.

    `HOST` comes before Nomad's own address because inside a container `NOMAD_IP_http` is the
    machine's address, which the container cannot listen on: the image sets `HOST=0.0.0.0`.
    """
    host = environ.get("HOST") or environ.get("NOMAD_IP_http") or "127.0.0.1"
    name = "NOMAD_PORT_http" if environ.get("NOMAD_PORT_http") else "PORT"
    text = environ.get(name) or "8080"
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise SettingsError(f"{name} must be a port number from 0 to 65535, not {text!r}")
    return host, int(text)


def read_seconds(environ: Mapping[str, str], name: str, default: str = "0") -> float:
    """A finite number of seconds that is not negative."""
    text = environ.get(name) or default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise SettingsError(f"{name} must be a number of seconds, not {text!r}")
    return seconds
