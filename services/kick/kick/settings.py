"""What the kick server is told from outside, read once and checked before anything is opened.

========================== ==========================================================
``KICK_CONFIG``            the file kick.toml; must be said
``KICK_DATA``              the folder of the audit and of local zones; must be said
``HOST``                   address to listen on; else ``NOMAD_IP_http``, else loopback
``NOMAD_PORT_http``        port to listen on; else ``PORT``, else 8652; 0 takes a free one
``NOMAD_PORT_dns``         loopback port where local zones are served, the public view
``NOMAD_PORT_dns_private`` the same for the private view; without them none is served
``DRAIN_SECONDS``          seconds between a signal and the end of listening
``KICK_PATIENCE``          seconds to wait for another kick to let go of the audit; else 60
``NOMAD_ADDR`` …           Nomad's own variables; the address may be ``unix:/path``
``NOMAD_TOKEN_FILE``       in the place of ``NOMAD_TOKEN``: a file, read anew when needed
``CONSUL_HTTP_ADDR`` …     Consul's own variables
``KICK_STATUS_TOKEN``      sent with statuses to the address of ``[status] forward``
========================== ==========================================================

kick.toml has what is no secret, and wins where both say something. No secret is an argument.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from toolkit.config.given import ApiVariables
from toolkit.config.kick import load_kick
from toolkit.config.settings import read_variables
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.kick import Api, KickConfig
from toolkit.spec.target import Endpoint, Secret

PORT = 8652
_LOCAL = {"Nomad": "http://127.0.0.1:4646", "Consul": "http://127.0.0.1:8500"}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment and kick.toml, checked."""

    config: KickConfig
    data: Path
    address: tuple[str, int]
    nomad: Endpoint
    consul: Endpoint
    dns: tuple[str, int] | None = None
    dns_private: tuple[str, int] | None = None
    drain: float = 0.0
    patience: float = 60.0
    nomad_token_file: Path | None = None
    status_token: Secret | None = None
    who: str = field(default="")
    """For another kick that wants the same audit."""

    def nomad_now(self) -> Endpoint:
        """Nomad with the token as its file has it at this moment."""
        if self.nomad_token_file is None:
            return self.nomad
        try:
            token = self.nomad_token_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return self.nomad
        return replace(self.nomad, token=Secret(token) if token else None)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings of a process; ConfigError with every mistake of the variables and of kick.toml."""
    mistakes: list[Mistake] = []
    config = _config(environ, mistakes)
    data = _folder(environ, mistakes)
    nomad, consul, token_file = _apis(environ, config, mistakes)
    host = environ.get("HOST") or environ.get("NOMAD_IP_http") or "127.0.0.1"
    _check_host(host, mistakes)
    port = _port(environ, ("NOMAD_PORT_http", "PORT"), mistakes)
    dns = _port(environ, ("NOMAD_PORT_dns",), mistakes)
    private = _port(environ, ("NOMAD_PORT_dns_private",), mistakes)
    drain = _seconds(environ, "DRAIN_SECONDS", 0.0, mistakes)
    patience = _seconds(environ, "KICK_PATIENCE", 60.0, mistakes)
    if mistakes or config is None or data is None:
        raise ConfigError(mistakes)
    token = environ.get("KICK_STATUS_TOKEN")
    return Settings(
        config=config,
        data=data,
        address=(host, PORT if port is None else port),
        nomad=nomad,
        consul=consul,
        dns=None if dns is None else ("127.0.0.1", dns),
        dns_private=None if private is None else ("127.0.0.1", private),
        drain=drain,
        patience=patience,
        nomad_token_file=token_file,
        status_token=Secret(token) if token else None,
        who=environ.get("NOMAD_ALLOC_ID", "") or "a process started by hand",
    )


def _config(environ: Mapping[str, str], mistakes: list[Mistake]) -> KickConfig | None:
    name = environ.get("KICK_CONFIG")
    if not name:
        hint = "set it to the file kick.toml"
        mistakes.append(Mistake("KICK_CONFIG", None, None, "is not set", hint))
        return None
    try:
        return load_kick(Path(name).read_bytes(), Path(name).name)
    except ConfigError as error:
        mistakes += error.mistakes
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        mistakes.append(Mistake("KICK_CONFIG", None, None, f"{name} cannot be read: {reason}"))
    return None


def _folder(environ: Mapping[str, str], mistakes: list[Mistake]) -> Path | None:
    name = environ.get("KICK_DATA")
    if not name:
        hint = "set it to a folder that outlives the task: the audit is kept there"
        mistakes.append(Mistake("KICK_DATA", None, None, "is not set", hint))
        return None
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a folder's name"
        mistakes.append(Mistake("KICK_DATA", None, None, f"{name} cannot be used: {reason}"))
        return None
    return folder


def _apis(
    environ: Mapping[str, str], config: KickConfig | None, mistakes: list[Mistake]
) -> tuple[Endpoint, Endpoint, Path | None]:
    """Nomad, Consul, and the file of Nomad's token."""
    said = dict(environ)
    socket = said.pop("NOMAD_ADDR", "") if said.get("NOMAD_ADDR", "").startswith("unix:") else ""
    variables, wrong = read_variables(said)
    # Of the command's own variables none means anything here.
    mistakes += [each for each in wrong if each.where.startswith(("NOMAD_", "CONSUL_"))]
    filed = (config.nomad, config.consul) if config is not None else (Api(), Api())
    nomad = _endpoint("Nomad", variables.nomad, filed[0], environ, mistakes, socket)
    consul = _endpoint("Consul", variables.consul, filed[1], environ, mistakes, "")
    name = environ.get("NOMAD_TOKEN_FILE")
    if not name:
        return nomad, consul, None
    if not Path(name).is_file():
        message = f"{name} cannot be read: it is no file"
        mistakes.append(Mistake("NOMAD_TOKEN_FILE", None, None, message))
    return nomad, consul, Path(name)


def _endpoint(
    system: Literal["Nomad", "Consul"],
    said: ApiVariables,
    filed: Api,
    environ: Mapping[str, str],
    mistakes: list[Mistake],
    socket: str,
) -> Endpoint:
    address, origin = _LOCAL[system], "default"
    if filed.address:
        address, origin = _expanded(filed.address, environ, mistakes), "kick.toml"
    elif socket or said.address:
        address, origin = socket or said.address or "", said.address_variable
    # A certificate and its key come from one place.
    pair = (filed.cert_file, filed.key_file)
    cert, key = pair if any(pair) else (said.cert_file, said.key_file)
    endpoint = Endpoint(
        system=system,
        address=address,
        origin=origin,
        token=said.token,
        ca_file=filed.ca_file or said.ca_file,
        ca_path=said.ca_path,
        cert_file=cert or None,
        key_file=key or None,
        tls_server_name=filed.tls_server_name or said.tls_server_name,
        verify=said.verify,
    )
    for what, name in (("CA", endpoint.ca_file), ("certificate", cert), ("key", key)):
        if name and not Path(name).is_file():
            message = f"the {what} file {name} for {system} does not exist"
            mistakes.append(Mistake("TLS", None, None, message))
    return endpoint


def _expanded(address: str, environ: Mapping[str, str], mistakes: list[Mistake]) -> str:
    """The address with the variables that it names: where a task's folders are, only Nomad says."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not environ.get(name):
            message = f"names {name}, which is not set"
            mistakes.append(Mistake("kick.toml", "nomad.address", None, message))
        return environ.get(name, "")

    return _VARIABLE.sub(value, address)


def _check_host(host: str, mistakes: list[Mistake]) -> None:
    if host == "localhost":
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        message = f"must be an IP address, not {host!r}"
        mistakes.append(Mistake("HOST", None, None, message))


def _port(
    environ: Mapping[str, str], names: tuple[str, ...], mistakes: list[Mistake]
) -> int | None:
    """The port of the first variable that is set; None when none is."""
    name = next((name for name in names if environ.get(name)), None)
    if name is None:
        return None
    text = environ[name]
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    message = f"must be a port number from 0 to 65535, not {text!r}"
    mistakes.append(Mistake(name, None, None, message))
    return None


def _seconds(
    environ: Mapping[str, str], name: str, default: float, mistakes: list[Mistake]
) -> float:
    text = environ.get(name)
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 <= seconds < math.inf:
        return seconds
    mistakes.append(Mistake(name, None, None, f"must be a number of seconds, not {text!r}"))
    return default
