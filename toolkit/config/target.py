"""An environment of toolkit.toml, flags and variables -> Target.

Flag > environment variable > file > default. Addresses are the exception: an address in the chosen
environment and a variable that says another one are refused, both shown, because the wrong cluster
is the worst mistake.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from toolkit.config.addresses import (
    is_same_place,
    parse_address,
    parse_entrance,
    parse_registry,
)  # fmt: skip
from toolkit.config.cluster_environment import access_origin, nowhere, settle
from toolkit.config.endpoint import PORTS, Filed, resolve_endpoint
from toolkit.config.given import ApiVariables, Flags, Reached, Variables
from toolkit.config.near import suggest
from toolkit.config.project import EnvironmentFile, Project
from toolkit.config.reached import with_reached
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.agents import STATE_FILE, AgentPorts, AgentState
from toolkit.spec.cluster_access import Access
from toolkit.spec.image import RegistryPlace
from toolkit.spec.target import Endpoint, Secret, Target, Visibility

NO_ENVIRONMENT = "default"
"""What an environment without a name is called: addresses from variables, or the standard ones."""


def resolve_target(
    project: Project | None,
    flags: Flags,
    variables: Variables,
    *,
    contact: bool = True,
    access: Access | None = None,
) -> Target:
    """The target of a command; ConfigError with every mistake.

    `contact=False`, for commands that start or stop the local agents and talk to no address of the
    environment's: contradicting variables are ignored, and so is an unreadable state file.
    `access`: how the environment's cluster is reached, for who has a way in already.
    """
    mistakes: list[Mistake] = []
    environment = _choose(project, flags, variables)
    edge = None
    led = Reached() if access else variables.reached
    if environment.cluster is not None and project is not None:
        found = settle(project, environment, mistakes if contact else [], access)
        environment, access, edge = found
    environment = with_reached(
        environment, led, mistakes if contact else [], named=environment.name != NO_ENVIRONMENT
    )
    agents = _read_state(project, environment, mistakes if contact else [])
    endpoints = []
    for said, flag in ((variables.nomad, flags.nomad_address),
                       (variables.consul, flags.consul_address)):  # fmt: skip
        system: Literal["Nomad", "Consul"] = "Nomad" if said is variables.nomad else "Consul"
        filed = _filed(system, project, environment, agents, access)
        if environment.inherits is not None and access is None and contact and said.address:
            mistakes.append(_not_rehearsed(environment, said.address_variable, said.address))
        endpoints.append(resolve_endpoint(said, flag, filed, environment.name, contact, mistakes))
    root = project.root if project else None
    servers = [
        _server(said, project, environment, endpoints[0], agents, contact, mistakes)
        for said in (variables.kick, variables.hook)
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return Target(
        environment=environment.name,
        nomad=endpoints[0],
        consul=endpoints[1],
        edge=_edge(environment, agents),
        traefik=_traefik(environment, variables, root, access),
        kick=servers[0],
        hook=servers[1],
        registry=_registry(environment, variables),
        namespace=flags.namespace or variables.namespace or environment.namespace or "default",
        region=flags.region or variables.region or environment.region or "global",
        datacenters=environment.datacenters,
        node_pool=environment.node_pool,
        protected=environment.protected,
        local=environment.local,
        agents=agents,
        cluster=environment.cluster,
        rehearsed=environment.inherits is not None,
        access=access,
        cluster_edge=edge,
    )


def _choose(project: Project | None, flags: Flags, variables: Variables) -> EnvironmentFile:
    known = project.file.environments if project else {}
    where, name = "--env", flags.environment
    if name is None:
        where, name = "TOOLKIT_ENV", variables.environment
    if name is not None:
        if name in known:
            return known[name]
        if project is None:
            message = f'no toolkit.toml here or above says what environment "{name}" is'
            hint = f"leave {where} out: addresses come from NOMAD_ADDR and CONSUL_HTTP_ADDR"
        else:
            message = f'toolkit.toml has no environment "{name}"'
            hint = suggest(name, known) or f"add [environments.{name}]"
        raise ConfigError([Mistake(where, None, None, message, hint)])
    default = project.file.default_environment if project else None
    if default is not None:
        return known[default]
    if len(known) > 1 and project:
        message = "there are several environments, and none is the default"
        hint = "say --env, or default_environment: " + ", ".join(known)
        raise ConfigError([project.file.source.mistake((), message, hint)])
    return next(iter(known.values()), EnvironmentFile(NO_ENVIRONMENT))


def _read_state(
    project: Project | None, environment: EnvironmentFile, mistakes: list[Mistake]
) -> AgentState | None:
    if not environment.local or project is None or project.root is None:
        return None
    try:
        return AgentState.from_json((project.root / STATE_FILE).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        hint = "toolkit dev down, then toolkit dev up"
        mistakes.append(Mistake(STATE_FILE, None, None, f"cannot be read: {reason}", hint))
        return None


def _filed(
    system: Literal["Nomad", "Consul"],
    project: Project | None,
    environment: EnvironmentFile,
    agents: AgentState | None,
    access: Access | None,
) -> Filed:
    if environment.local:
        return _local(system, agents)
    root = project.root if project else None
    consul = system == "Consul"
    said = environment.consul if consul else environment.nomad
    address, origin = None, ""
    if said is not None and project is not None:
        address = parse_address(said, port=PORTS[system])
        source = project.file.source
        line = source.line(("environments", environment.name, system.lower()))
        origin = access_origin(environment) if access else f"{source.where}:{line}"
    pair = (environment.cert_file, environment.key_file)
    if consul and environment.consul_cert_file:  # a certificate and its key come from one place
        pair = (environment.consul_cert_file, environment.consul_key_file)
    ca_file = (environment.consul_ca_file if consul else None) or environment.ca_file
    names = (environment.tls_server_name, environment.consul_tls_server_name)
    token = access and (access.consul_token if consul else access.nomad_token)
    return Filed(
        address,
        origin,
        Secret(token) if token else None,
        ca_file=_beside(root, ca_file),
        cert_file=_beside(root, pair[0]),
        key_file=_beside(root, pair[1]),
        tls_server_name=names[consul],
        proxy=environment.proxy,
        nowhere=nowhere(environment) if environment.cluster else "",
    )


def _not_rehearsed(environment: EnvironmentFile, variable: str, address: str) -> Mistake:
    """What the variable says can only be another cluster."""
    message = f"the rehearsal of {environment.cluster} does not run, but {variable} says {address}"
    hint = f"unset {variable}; toolkit cluster rehearse up {environment.cluster}"
    return Mistake(variable, None, None, message, hint)


def _server(
    said: ApiVariables,
    project: Project | None,
    environment: EnvironmentFile,
    nomad: Endpoint,
    agents: AgentState | None,
    contact: bool,
    mistakes: list[Mistake],
) -> Endpoint:
    """Where a server of ours is said to be, with Nomad's token; an empty address: ask Consul."""
    kick, root = said.system == "Kick", project.root if project else None
    filed = Filed(
        ca_file=_beside(root, environment.ca_file),
        cert_file=_beside(root, environment.cert_file),
        key_file=_beside(root, environment.key_file),
        proxy=environment.proxy,
    )
    written = environment.kick if kick else environment.hook
    if written is not None and project is not None:
        source = project.file.source
        line = source.line(("environments", environment.name, said.system.lower()))
        address = parse_address(written, port=PORTS[said.system])
        filed = filed._replace(address=address, origin=f"{source.where}:{line}")
    own = None
    if agents:
        port = agents.ports.kick_http if kick else agents.ports.hook_http
        own = f"http://127.0.0.1:{port}"
    elsewhere = said.address is not None and not (own and is_same_place(said.address, own))
    here = environment.local or environment.inherits is not None
    if here and elsewhere and contact:
        # Its server is in the own Consul: a variable can only mean another cluster's.
        kind = "local" if environment.local else "a rehearsal"
        variable = said.address_variable
        message = f"environment {environment.name} is {kind}, but {variable} says {said.address}"
        hint = f"unset {variable}, or name another environment with --env"
        mistakes.append(Mistake(variable, None, None, message, hint))
    if here or (filed.address is None and said.address is None):
        return replace(_unfound(said, filed), token=nomad.token, verify=nomad.verify)
    found = resolve_endpoint(said, None, filed, environment.name, contact, mistakes)
    return replace(found, token=nomad.token, verify=nomad.verify)


def _unfound(said: ApiVariables, filed: Filed) -> Endpoint:
    return Endpoint(
        system=said.system,
        address="",
        origin="Consul",
        ca_file=filed.ca_file,
        cert_file=filed.cert_file,
        key_file=filed.key_file,
        proxy=filed.proxy,
    )


def _local(system: Literal["Nomad", "Consul"], agents: AgentState | None) -> Filed:
    if agents is None:
        address = f"http://127.0.0.1:{PORTS[system]}"
        return Filed(address, "default", is_standard=True)
    nomad = system == "Nomad"
    token = agents.nomad_token if nomad else agents.consul_token
    address = agents.nomad_address if nomad else agents.consul_address
    return Filed(address, "toolkit dev", Secret(token) if token else None)


def _beside(root: Path | None, name: str | None) -> str | None:
    """A path in toolkit.toml is relative to its folder."""
    return name if name is None or root is None else str(root / name)


def _edge(environment: EnvironmentFile, agents: AgentState | None) -> dict[Visibility, str]:
    if environment.local:
        ports = agents.ports if agents else AgentPorts()
        return {
            "public": f"http://127.0.0.1:{ports.edge_public}",
            "private": f"http://127.0.0.1:{ports.edge_private}",
        }
    return {name: parse_entrance(address) for name, address in environment.edge.items()}


def _registry(environment: EnvironmentFile, variables: Variables) -> RegistryPlace | None:
    if environment.registry is None:
        return None
    host, _, prefix = parse_registry(environment.registry).partition("/")
    user, password = environment.registry_user, variables.registry_password
    return RegistryPlace(host, prefix, user, password)


def _traefik(
    environment: EnvironmentFile, variables: Variables, root: Path | None, access: Access | None
) -> Endpoint | None:
    """Credentials, proxy and CA for Traefik's APIs; their addresses are found in Consul."""
    password = variables.traefik_password
    if access is not None and access.traefik_password:
        password = Secret(access.traefik_password)
    if environment.local or not (
        password or environment.traefik_user or environment.proxy or environment.ca_file
    ):
        return None
    asks = bool(password or environment.traefik_user)
    return Endpoint(
        system="Traefik",
        address="",
        origin="Consul",
        token=password,
        username=(environment.traefik_user or "toolkit") if asks else None,
        ca_file=_beside(root, environment.ca_file),
        proxy=environment.proxy,
    )
