"""What the frontend reads from its environment, checked before anything else is imported.

========================== ==========================================================
``RELEASE``                what every answer says; ``dev`` when unset
``HOST``                   address to listen on; else ``NOMAD_IP_http``, else loopback
``NOMAD_PORT_http``        port to listen on; else ``PORT``, else 8080; 0 takes a free one
``CONSUL_HTTP_ADDR``       Consul's address; ``http://127.0.0.1:8500`` when unset
``CONSUL_HTTP_SSL``        ``true``: TLS, where the address names no scheme
``CONSUL_HTTP_TOKEN``      sent to Consul; never shown
``CONSUL_CACERT``          file with the authority that signed Consul's certificate
``BACKEND_SERVICE``        the service to look for; ``backend`` when unset
``SLOW_START``             seconds during which ``/health`` answers 503 after the start
``DRAIN_SECONDS``          seconds between a signal and the end of listening, ``/health`` 503
``NODE_NAME``              the machine; else its host name
========================== ==========================================================
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from frontend.environ import SettingsError, read_address, read_release, read_seconds

ADDRESS = re.compile(r"https?://(?P<place>[^/?#@\s]+)/?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, read once."""

    release: str
    address: tuple[str, int]
    consul: str
    """Consul's base address with scheme, without a slash at its end."""
    token: str = field(repr=False)
    ca_file: str
    service: str
    slow_start: float
    drain: float
    allocation: str
    node: str


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read and check the environment; raises `SettingsError` at the first mistake."""
    return Settings(
        release=read_release(environ),
        address=read_address(environ),
        consul=_consul(environ),
        token=_token(environ),
        ca_file=environ.get("CONSUL_CACERT", ""),
        service=_service(environ),
        slow_start=read_seconds(environ, "SLOW_START"),
        drain=read_seconds(environ, "DRAIN_SECONDS"),
        allocation=environ.get("NOMAD_ALLOC_ID", ""),
        node=environ.get("NODE_NAME") or socket.gethostname(),
    )


def _consul(environ: Mapping[str, str]) -> str:
    text = environ.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
    if "://" not in text:
        secure = environ.get("CONSUL_HTTP_SSL", "").lower() in {"1", "true"}
        text = f"{'https' if secure else 'http'}://{text}"
    # What was given is not repeated: an address may carry a password.
    if not ADDRESS.fullmatch(text):
        raise SettingsError("CONSUL_HTTP_ADDR must be http(s)://host:port or host:port")
    return text.rstrip("/")


def _token(environ: Mapping[str, str]) -> str:
    token = environ.get("CONSUL_HTTP_TOKEN", "")
    if not (token.isascii() and token.isprintable()):
        raise SettingsError("CONSUL_HTTP_TOKEN must be printable ASCII")
    return token


def _service(environ: Mapping[str, str]) -> str:
    service = environ.get("BACKEND_SERVICE") or "backend"
    if not re.fullmatch(r"[A-Za-z0-9._-]+", service):
        raise SettingsError(f"BACKEND_SERVICE must be a service's name, not {service!r}")
    return service
