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

import ipaddress
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from toolkit.config.addresses import parse_address, parse_entrance
from toolkit.config.given import ApiVariables
from toolkit.config.hook import PORTS, VARIABLE, load_hook
from toolkit.config.settings import read_variables
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.agents import AgentState
from toolkit.spec.hook import HookConfig, HookTarget
from toolkit.spec.target import Endpoint, Secret

PORT = 8655
_LOCAL = {"Nomad": "http://127.0.0.1:4646", "Consul": "http://127.0.0.1:8500"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment and hook.toml, checked; `config` has whole addresses."""

    config: HookConfig
    data: Path
    address: tuple[str, int]
    nomad: Endpoint
    """With the server's own token."""
    drain: float = 0.0
    patience: float = 60.0
    nomad_token_file: Path | None = None
    registry_password: Secret | None = None
    path: str = ""
    """Where programs are looked for."""
    who: str = field(default="")
    """For another hook that wants the same folder."""

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
    """Settings of a process; ConfigError with every mistake of the variables and of hook.toml."""
    reader = _Reader(environ)
    config = reader.config()
    data = reader.folder()
    host = environ.get("HOST") or environ.get("NOMAD_IP_http") or "127.0.0.1"
    reader.check_host(host)
    port = reader.port("NOMAD_PORT_http", "PORT")
    drain = reader.seconds("DRAIN_SECONDS", 0.0)
    patience = reader.seconds("HOOK_PATIENCE", 60.0)
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
        address=(host, PORT if port is None else port),
        nomad=nomad,
        drain=drain,
        patience=patience,
        nomad_token_file=token_file,
        registry_password=Secret(password) if password else None,
        path=environ.get("PATH", ""),
        who=environ.get("NOMAD_ALLOC_ID", "") or "a process started by hand",
    )


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]):
        self.mistakes: list[Mistake] = []
        self._environ = environ
        self._file = ""

    def wrong(self, where: str, message: str, hint: str | None = None) -> None:
        """One mistake of a variable."""
        self.mistakes.append(Mistake(where, None, None, message, hint))

    def config(self) -> HookConfig | None:
        """hook.toml as it is written."""
        name = self._environ.get("HOOK_CONFIG")
        if not name:
            self.wrong("HOOK_CONFIG", "is not set", "set it to the file hook.toml")
            return None
        self._file = Path(name).name
        try:
            return load_hook(Path(name).read_bytes(), self._file)
        except ConfigError as error:
            self.mistakes += error.mistakes
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file name"
            self.wrong("HOOK_CONFIG", f"{name} cannot be read: {reason}")
        return None

    def folder(self) -> Path | None:
        """The data folder, made where it is not there."""
        name = self._environ.get("HOOK_DATA")
        if not name:
            hint = "set it to a folder that outlives the task: what was pushed is kept there"
            self.wrong("HOOK_DATA", "is not set", hint)
            return None
        folder = Path(name)
        if not folder.is_absolute():
            self.wrong("HOOK_DATA", f"must be an absolute path, not {name}")
            return None
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a folder's name"
            self.wrong("HOOK_DATA", f"{name} cannot be used: {reason}")
            return None
        return folder

    def token_file(self) -> Path | None:
        """The file of the server's own Nomad token."""
        name = self._environ.get("NOMAD_TOKEN_FILE")
        if name and not Path(name).is_file():
            self.wrong("NOMAD_TOKEN_FILE", f"{name} cannot be read: it is no file")
        return Path(name) if name else None

    def check_host(self, host: str) -> None:
        """An address, or localhost."""
        if host == "localhost":
            return
        try:
            ipaddress.ip_address(host)
        except ValueError:
            self.wrong("HOST", f"must be an IP address, not {host!r}")

    def port(self, *names: str) -> int | None:
        """The port of the first variable that is set; None when none is."""
        name = next((name for name in names if self._environ.get(name)), None)
        if name is None:
            return None
        text = self._environ[name]
        if text.isascii() and text.isdigit() and int(text) <= 65535:
            return int(text)
        self.wrong(name, f"must be a port number from 0 to 65535, not {text!r}")
        return None

    def seconds(self, name: str, default: float) -> float:
        """A number of seconds."""
        text = self._environ.get(name)
        if not text:
            return default
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if 0 <= seconds < math.inf:
            return seconds
        self.wrong(name, f"must be a number of seconds, not {text!r}")
        return default

    def whole(self, config: HookConfig) -> tuple[HookConfig, Endpoint]:
        """The configuration with every address known, and Nomad as the server itself asks it."""
        environ = dict(self._environ)
        socket = ""
        if environ.get("NOMAD_ADDR", "").startswith("unix:"):
            socket = environ.pop("NOMAD_ADDR")
        variables, wrong = read_variables(environ)
        # Of the command's own variables only these mean anything here.
        ours = ("NOMAD_", "CONSUL_", "TOOLKIT_TRAEFIK_PASSWORD")
        self.mistakes += [each for each in wrong if each.where.startswith(ours)]
        target = config.target
        state = self._filled(target.state, "target.state", str)
        agents = self._agents(state)
        nomad = self._endpoint("Nomad", target.nomad, variables.nomad, socket)
        consul = self._endpoint("Consul", target.consul, variables.consul, "")
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
        url = self._filled(config.url, "url", parse_entrance)
        return replace(config, url=url, target=whole), nomad

    def _agents(self, path: str) -> AgentState | None:
        if not path:
            return None
        try:
            return AgentState.from_json(Path(path).read_text())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "it is damaged"
            hint = "toolkit dev up, then toolkit deploy hook"
            message = f"{path} cannot be read: {reason}"
            self.mistakes.append(Mistake(self._file, "target.state", None, message, hint))
            return None

    def _edge(
        self, target: HookTarget, agents: AgentState | None
    ) -> dict[Literal["public", "private"], str]:
        if target.edge or agents is None:
            return {
                name: self._filled(text, f"target.edge.{name}", parse_entrance)
                for name, text in target.edge.items()
            }
        return {
            "public": f"http://127.0.0.1:{agents.ports.edge_public}",
            "private": f"http://127.0.0.1:{agents.ports.edge_private}",
        }

    def _endpoint(
        self,
        system: Literal["Nomad", "Consul"],
        filed: Endpoint,
        said: ApiVariables,
        socket: str,
    ) -> Endpoint:
        key, port = f"target.{system.lower()}.address", PORTS[system.lower()]
        address, origin = _LOCAL[system], "default"
        if filed.address:
            address, origin = filed.address, self._file
        elif socket or said.address:
            address, origin = socket or said.address or "", said.address_variable
        if filed.address.startswith("unix:"):
            address = self._filled(address, key, str)
        elif filed.address:
            address = self._filled(address, key, lambda text: parse_address(text, port=port))
        # A certificate and its key come from one place.
        pair = (filed.cert_file, filed.key_file)
        cert, private = pair if any(pair) else (said.cert_file, said.key_file)
        endpoint = Endpoint(
            system=system,
            address=address,
            origin=origin,
            token=said.token,
            ca_file=filed.ca_file or said.ca_file,
            ca_path=said.ca_path,
            cert_file=cert or None,
            key_file=private or None,
            tls_server_name=filed.tls_server_name or said.tls_server_name,
            verify=said.verify,
        )
        for what, name in (("CA", endpoint.ca_file), ("certificate", cert), ("key", private)):
            if name and not Path(name).is_file():
                self.wrong("TLS", f"the {what} file {name} for {system} does not exist")
        return endpoint

    def _filled(self, text: str, key: str, parse: Callable[[str], str]) -> str:
        """The text with the variables that it names, in its one spelling."""
        if "${" not in text:
            return text
        missing = [each[1] for each in VARIABLE.finditer(text) if not self._environ.get(each[1])]
        for name in missing:
            self.mistakes.append(Mistake(self._file, key, None, f"names {name}, which is not set"))
        if missing:
            return text
        filled = VARIABLE.sub(lambda each: self._environ[each[1]], text)
        try:
            return parse(filled)
        except ValueError as error:
            self.mistakes.append(Mistake(self._file, key, None, str(error)))
            return text
