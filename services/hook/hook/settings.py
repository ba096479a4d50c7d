"""What the hook server is told from outside, read once and checked before anything is opened.

============================ ========================================================
``HOOK_CONFIG``              the file hook.toml; must be said
``HOOK_DATA``                the folder of repositories, records and the audit; must be said
``HOST``                     address to listen on; else ``NOMAD_IP_http``, else loopback
``NOMAD_PORT_http``          port to listen on; else ``PORT``, else 8655; 0 takes a free one
``DRAIN_SECONDS``            seconds between a signal and the end of listening
``HOOK_PATIENCE``            seconds to wait for another hook to let go of the audit; else 60
``NOMAD_ADDR`` …             Nomad's own variables; the address may be ``unix:/path``
``NOMAD_TOKEN_FILE``         in the place of ``NOMAD_TOKEN``: a file, read anew when needed
``CONSUL_HTTP_ADDR`` …       Consul's own variables
``TOOLKIT_TRAEFIK_PASSWORD`` for Traefik's APIs, where ``[target.traefik]`` says a user
``HOOK_REGISTRY_PASSWORD``   of the user of ``[builds] registry_user``
============================ ========================================================

hook.toml has what is no secret, and wins where both say something. No secret is an argument. The
server's own Nomad token only tells callers apart: a push is deployed with the pusher's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from toolkit.config.addresses import parse_entrance
from toolkit.config.hook import load_hook
from toolkit.config.server import ServerReader, ServerSettings
from toolkit.errors import ConfigError
from toolkit.spec.agents import AgentState
from toolkit.spec.hook import HookConfig, HookTarget
from toolkit.spec.target import Endpoint, Secret

PORT = 8655


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServerSettings):
    """The environment and hook.toml, checked; `config` has whole addresses."""

    config: HookConfig
    registry_password: Secret | None = None
    path: str = ""
    """Where programs are looked for."""


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings of a process; ConfigError with every mistake of the variables and of hook.toml."""
    reader = _Reader("hook", environ)
    config = reader.config(load_hook)
    data = reader.data()
    address = reader.address(PORT)
    drain = reader.drain()
    patience = reader.patience()
    token_file = reader.token_file()
    nomad = None
    if config is not None:
        config, nomad = reader.whole(config)
    if reader.mistakes or config is None or data is None or nomad is None:
        raise ConfigError(reader.mistakes)
    password = environ.get("HOOK_REGISTRY_PASSWORD")
    return Settings(
        config=config,
        data=data,
        address=address,
        nomad=nomad,
        drain=drain,
        patience=patience,
        nomad_token_file=token_file,
        registry_password=Secret(password) if password else None,
        path=environ.get("PATH", ""),
        who=reader.who(),
    )


class _Reader(ServerReader):
    """What only the hook server is told."""

    def data(self) -> Path | None:
        """The data folder, which git and children are told of: by its whole name."""
        name = self.environ.get("HOOK_DATA")
        if name and not Path(name).is_absolute():
            self.wrong("HOOK_DATA", f"must be an absolute path, not {name}")
            return None
        return self.folder("what was pushed is kept there", mode=0o700)

    def whole(self, config: HookConfig) -> tuple[HookConfig, Endpoint]:
        """The configuration with every address known, and Nomad as the server itself asks it."""
        variables = self.variables("TOOLKIT_TRAEFIK_PASSWORD")
        target = config.target
        state = self.filled(target.state, "target.state", str)
        agents = self._agents(state)
        nomad = self.endpoint("Nomad", target.nomad, variables.nomad, key="target.nomad.address")
        consul = self.endpoint(
            "Consul", target.consul, variables.consul, key="target.consul.address"
        )
        traefik = target.traefik
        if variables.traefik_password:
            traefik = replace(
                traefik or Endpoint("Traefik", "", "Consul", username="toolkit"),
                token=variables.traefik_password,
            )
        whole = replace(
            target,
            nomad=replace(nomad, token=None),
            consul=consul,
            traefik=traefik,
            state=state,
            edge=self._edge(target, agents),
        )
        url = self.filled(config.url, "url", parse_entrance)
        return replace(config, url=url, target=whole), nomad

    def _agents(self, path: str) -> AgentState | None:
        if not path:
            return None
        try:
            return AgentState.from_json(Path(path).read_text())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "it is damaged"
            hint = "toolkit dev up, then toolkit deploy hook"
            self.wrong_key("target.state", f"{path} cannot be read: {reason}", hint)
            return None

    def _edge(
        self, target: HookTarget, agents: AgentState | None
    ) -> dict[Literal["public", "private"], str]:
        if target.edge or agents is None:
            return {
                name: self.filled(text, f"target.edge.{name}", parse_entrance)
                for name, text in target.edge.items()
            }
        return {
            "public": f"http://127.0.0.1:{agents.ports.edge_public}",
            "private": f"http://127.0.0.1:{agents.ports.edge_private}",
        }
