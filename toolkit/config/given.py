"""What the command line and the environment variables say, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from toolkit.spec.jobspec import EMPTY
from toolkit.spec.target import Secret


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says; None where it says nothing."""

    environment: str | None = None
    namespace: str | None = None
    region: str | None = None
    nomad_address: str | None = None
    consul_address: str | None = None
    variables: tuple[str, ...] = ()
    """`--var`, as typed."""
    var_files: tuple[str, ...] = ()
    release: str | None = None
    count: int | None = None
    given: Mapping[str, Any] = EMPTY
    """What a push gives to its jobs: `code` and `build`; nobody types it."""


class ApiVariables(NamedTuple):
    """What the environment variables of one API say; None where they say nothing."""

    system: Literal["Nomad", "Consul", "Kick", "Hook"]
    address_variable: str
    """`NOMAD_ADDR`, `CONSUL_HTTP_ADDR`, `KICK_ADDR` or `HOOK_ADDR`."""
    address: str | None = None
    """Parsed."""
    token: Secret | None = None
    ca_file: str | None = None
    ca_path: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    tls_server_name: str | None = None
    verify: bool = True
    tls: bool = False
    """An address without a scheme means https."""


class Reached(NamedTuple):
    """What `toolkit cluster env` exported; None where it did not."""

    environment: str | None = None
    """TOOLKIT_ACCESS: the one that all of it is for."""
    proxy: str | None = None
    """TOOLKIT_PROXY, parsed."""
    private: str | None = None
    """TOOLKIT_EDGE_PRIVATE, parsed: where requests from inside enter."""


class Variables(NamedTuple):
    """What the environment variables say about the target."""

    environment: str | None = None
    """TOOLKIT_ENV."""
    nomad: ApiVariables = ApiVariables("Nomad", "NOMAD_ADDR")
    consul: ApiVariables = ApiVariables("Consul", "CONSUL_HTTP_ADDR")
    kick: ApiVariables = ApiVariables("Kick", "KICK_ADDR")
    hook: ApiVariables = ApiVariables("Hook", "HOOK_ADDR")
    namespace: str | None = None
    region: str | None = None
    traefik_password: Secret | None = None
    registry_password: Secret | None = None
    reached: Reached = Reached()
