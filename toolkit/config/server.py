"""What every server of ours is told by variables, read once and checked before anything is opened.

It ends a wrong start, so it imports nothing that takes long: no web server, no client, no schema.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from toolkit.config.addresses import VARIABLE, parse_address
from toolkit.config.endpoint import PORTS
from toolkit.config.given import ApiVariables, Variables
from toolkit.config.settings import read_variables
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.target import Endpoint, Secret

if TYPE_CHECKING:
    from toolkit.spec.kick import Api

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a process needs of its environment, whatever it serves; seconds."""

    data: Path
    address: tuple[str, int]
    nomad: Endpoint
    """With the server's own token."""
    drain: float = 0.0
    patience: float = 60.0
    nomad_token_file: Path | None = None
    who: str = ""
    """For another one that wants the same folder."""

    def nomad_now(self) -> Endpoint:
        """Nomad with the token as its file has it at this moment."""
        if self.nomad_token_file is None:
            return self.nomad
        try:
            token = self.nomad_token_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return self.nomad
        return replace(self.nomad, token=Secret(token) if token else None)


class ServerReader:
    """Reads the variables of one server and gathers what is wrong with them."""

    def __init__(self, name: str, environ: Mapping[str, str]):
        """`name`: such as `kick`, which is told its file by KICK_CONFIG."""
        self.mistakes: list[Mistake] = []
        self.environ = environ
        self.file = f"{name}.toml"
        """What messages call its file."""
        self._prefix = name.upper()

    def wrong(self, where: str, message: str, hint: str | None = None) -> None:
        """One mistake of a variable."""
        self.mistakes.append(Mistake(where, None, None, message, hint))

    def wrong_key(self, key: str, message: str, hint: str | None = None) -> None:
        """One mistake of the file, found only now."""
        self.mistakes.append(Mistake(self.file, key, None, message, hint))

    def config(self, load: Callable[[bytes, str], T]) -> T | None:
        """The server's file as it is written."""
        variable = f"{self._prefix}_CONFIG"
        name = self.environ.get(variable)
        if not name:
            self.wrong(variable, "is not set", f"set it to the file {self.file}")
            return None
        self.file = Path(name).name
        try:
            return load(Path(name).read_bytes(), self.file)
        except ConfigError as error:
            self.mistakes += error.mistakes
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file name"
            self.wrong(variable, f"{name} cannot be read: {reason}")
        return None

    def folder(self, what: str, mode: int = 0o777) -> Path | None:
        """The data folder, made where it is not there; `what` says what is kept in it."""
        variable = f"{self._prefix}_DATA"
        name = self.environ.get(variable)
        if not name:
            self.wrong(variable, "is not set", f"set it to a folder that outlives the task: {what}")
            return None
        try:
            Path(name).mkdir(mode=mode, parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a folder's name"
            self.wrong(variable, f"{name} cannot be used: {reason}")
            return None
        return Path(name)

    def address(self, standard: int) -> tuple[str, int]:
        """Where to listen: an address or localhost, and a port."""
        host = self.environ.get("HOST") or self.environ.get("NOMAD_IP_http") or "127.0.0.1"
        if host != "localhost":
            try:
                ipaddress.ip_address(host)
            except ValueError:
                self.wrong("HOST", f"must be an IP address, not {host!r}")
        port = self.port("NOMAD_PORT_http", "PORT")
        return host, standard if port is None else port

    def port(self, *names: str) -> int | None:
        """The port of the first variable that is set; None when none is."""
        name = next((name for name in names if self.environ.get(name)), None)
        if name is None:
            return None
        text = self.environ[name]
        if text.isascii() and text.isdigit() and int(text) <= 65535:
            return int(text)
        self.wrong(name, f"must be a port number from 0 to 65535, not {text!r}")
        return None

    def drain(self) -> float:
        """Seconds between a signal and the end of listening."""
        return self._seconds("DRAIN_SECONDS", 0.0)

    def patience(self) -> float:
        """Seconds to wait for another one to let go of the audit."""
        return self._seconds(f"{self._prefix}_PATIENCE", 60.0)

    def _seconds(self, name: str, default: float) -> float:
        text = self.environ.get(name)
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

    def who(self) -> str:
        """What the lock of the audit says of its holder."""
        return self.environ.get("NOMAD_ALLOC_ID", "") or "a process started by hand"

    def token_file(self) -> Path | None:
        """The file of the server's own Nomad token."""
        name = self.environ.get("NOMAD_TOKEN_FILE")
        if name and not Path(name).is_file():
            self.wrong("NOMAD_TOKEN_FILE", f"{name} cannot be read: it is no file")
        return Path(name) if name else None

    def variables(self, *also: str) -> Variables:
        """What Nomad's and Consul's own variables say, and of the command's own those named."""
        environ = dict(self.environ)
        socket = environ.get("NOMAD_ADDR", "")
        if socket.startswith("unix:"):
            del environ["NOMAD_ADDR"]
        variables, wrong = read_variables(environ)
        ours = ("NOMAD_", "CONSUL_", *also)
        self.mistakes += [each for each in wrong if each.where.startswith(ours)]
        if socket.startswith("unix:"):
            variables = variables._replace(nomad=variables.nomad._replace(address=socket))
        return variables

    def endpoint(
        self,
        system: Literal["Nomad", "Consul"],
        filed: Endpoint | Api,
        said: ApiVariables,
        *,
        key: str,
    ) -> Endpoint:
        """One API: what the file says wins over the variables; `key` is its address's there."""
        port = PORTS[system]
        address, origin = f"http://127.0.0.1:{port}", "default"
        if filed.address.startswith("unix:"):
            address, origin = self.filled(filed.address, key, str), self.file
        elif filed.address:
            spelled = self.filled(filed.address, key, lambda text: parse_address(text, port=port))
            address, origin = spelled, self.file
        elif said.address:
            address, origin = said.address, said.address_variable
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

    def filled(self, text: str, key: str, parse: Callable[[str], str]) -> str:
        """The text with the variables that it names, in its one spelling.

        Where a task's folders and ports are, only Nomad says.
        """
        if "${" not in text:
            return text
        missing = [each[1] for each in VARIABLE.finditer(text) if not self.environ.get(each[1])]
        for name in missing:
            self.wrong_key(key, f"names {name}, which is not set")
        if missing:
            return text
        try:
            return parse(VARIABLE.sub(lambda each: self.environ[each[1]], text))
        except ValueError as error:
            self.wrong_key(key, str(error))
            return text
