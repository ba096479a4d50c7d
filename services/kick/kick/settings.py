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

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.config.kick import load_kick
from toolkit.config.server import ServerReader, ServerSettings
from toolkit.errors import ConfigError
from toolkit.spec.kick import Api, KickConfig
from toolkit.spec.target import Endpoint, Secret

PORT = 8652


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServerSettings):
    """The environment and kick.toml, checked."""

    config: KickConfig
    consul: Endpoint
    dns: tuple[str, int] | None = None
    dns_private: tuple[str, int] | None = None
    status_token: Secret | None = None


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings of a process; ConfigError with every mistake of the variables and of kick.toml."""
    reader = ServerReader("kick", environ)
    config = reader.config(load_kick)
    data = reader.folder("the audit is kept there")
    variables = reader.variables()
    filed = (config.nomad, config.consul) if config is not None else (Api(), Api())
    nomad = reader.endpoint("Nomad", filed[0], variables.nomad, key="nomad.address")
    consul = reader.endpoint("Consul", filed[1], variables.consul, key="consul.address")
    token_file = reader.token_file()
    address = reader.address(PORT)
    dns = reader.port("NOMAD_PORT_dns")
    private = reader.port("NOMAD_PORT_dns_private")
    drain = reader.drain()
    patience = reader.patience()
    if reader.mistakes or config is None or data is None:
        raise ConfigError(reader.mistakes)
    token = environ.get("KICK_STATUS_TOKEN")
    return Settings(
        config=config,
        data=data,
        address=address,
        nomad=nomad,
        consul=consul,
        dns=None if dns is None else ("127.0.0.1", dns),
        dns_private=None if private is None else ("127.0.0.1", private),
        drain=drain,
        patience=patience,
        nomad_token_file=token_file,
        status_token=Secret(token) if token else None,
        who=reader.who(),
    )
