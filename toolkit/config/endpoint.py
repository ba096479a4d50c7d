"""One API's address, identity and TLS, from flag, variable and file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from toolkit.config.addresses import is_same_place, parse_address
from toolkit.config.given import ApiVariables
from toolkit.errors import Mistake
from toolkit.spec.target import Endpoint, Secret

PORTS = {"Nomad": 4646, "Consul": 8500, "Kick": 8652, "Hook": 8655}
_FLAGS = {"Nomad": "--nomad-addr", "Consul": "--consul-addr"}


class Filed(NamedTuple):
    """What toolkit.toml or the local agents say about one API."""

    address: str | None = None
    origin: str = ""
    token: Secret | None = None
    """Belongs to `address` only."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    tls_server_name: str | None = None
    proxy: str | None = None
    nowhere: str = ""
    """What to do where nothing says the address, and the standard one is certainly wrong."""
    is_standard: bool = False
    """A standard address of agents that are not started: a loopback variable may say better."""


def resolve_endpoint(
    said: ApiVariables,
    flag: str | None,
    filed: Filed,
    environment: str,
    contact: bool,
    mistakes: list[Mistake],
) -> Endpoint:
    """The endpoint that all of them make together; what is wrong is added to `mistakes`."""
    address, origin = _address(said, flag, filed, environment, contact, mistakes)
    own = filed.address is not None and is_same_place(address, filed.address)
    # A certificate and its key come from one place, too.
    pair = (said.cert_file, said.key_file)
    cert, key = pair if any(pair) else (filed.cert_file, filed.key_file)
    endpoint = Endpoint(
        system=said.system,
        address=address,
        origin=origin,
        token=said.token or (filed.token if own else None),
        ca_file=said.ca_file or filed.ca_file,
        ca_path=said.ca_path,
        cert_file=cert,
        key_file=key,
        tls_server_name=said.tls_server_name or filed.tls_server_name,
        verify=said.verify,
        proxy=filed.proxy,
    )
    if contact:
        _check_files(endpoint, mistakes)
    return endpoint


def _address(
    said: ApiVariables,
    flag: str | None,
    filed: Filed,
    environment: str,
    contact: bool,
    mistakes: list[Mistake],
) -> tuple[str, str]:
    default = f"http{'s' if said.tls else ''}://127.0.0.1:{PORTS[said.system]}"
    if flag is not None:
        where = _FLAGS[said.system]
        try:
            return parse_address(flag, port=PORTS[said.system], tls=said.tls), where
        except ValueError as error:
            mistakes.append(Mistake(where, None, None, f"the address {error}"))
            return default, where
    if filed.address is None:
        if said.address:
            return said.address, said.address_variable
        return ("", filed.nowhere) if filed.nowhere else (default, "default")
    if said.address is None or not contact or is_same_place(said.address, filed.address):
        return filed.address, filed.origin
    if filed.is_standard and _is_loopback(said.address):
        return said.address, said.address_variable
    message = (
        f"environment {environment} has {said.system} at {filed.address} ({filed.origin}), "
        f"but {said.address_variable} says {said.address}"
    )
    hint = f"unset {said.address_variable}, or name another environment with --env"
    mistakes.append(Mistake(said.address_variable, None, None, message, hint))
    return filed.address, filed.origin


def _is_loopback(address: str) -> bool:
    return "://127." in address or "://localhost:" in address or "://[::1]:" in address


def _check_files(endpoint: Endpoint, mistakes: list[Mistake]) -> None:
    files = {"CA": endpoint.ca_file, "certificate": endpoint.cert_file, "key": endpoint.key_file}
    for what, name in files.items():
        if name is not None and not _exists(Path(name)):
            message = f"{what} file {name} for {endpoint.system} does not exist"
            mistakes.append(Mistake("TLS", None, None, message))
    if bool(endpoint.cert_file) != bool(endpoint.key_file):
        message = f"a client certificate for {endpoint.system} needs its key, and the reverse"
        mistakes.append(Mistake("TLS", None, None, message))


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
