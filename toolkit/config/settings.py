"""The environment, read once: flag > environment variable > file > default.

No other module is handed the process's environment. Nomad's and Consul's standard variables mean
here what they mean to `nomad` and `consul`; an empty one is one that is not set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.config.actor import actor_of
from toolkit.config.addresses import parse_address, parse_entrance, parse_proxy
from toolkit.config.given import ApiVariables, Flags, Reached, Variables
from toolkit.config.notify import resolve as resolve_notify
from toolkit.config.project import Project, find_project
from toolkit.config.target import resolve_target
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.cluster_access import Access
from toolkit.spec.notify import Notify
from toolkit.spec.target import Secret, Target

__all__ = ["Flags", "Settings", "load_settings", "read_variables"]

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_GIT = ("PATH", "HOME", "XDG_CONFIG_HOME")
"""Where git is, and where its owner says which folders are safe."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a command is told from outside."""

    project: Project | None
    target: Target
    flags: Flags
    cache_dir: Path
    """What survives a checkout: built agents."""
    nomad_bin: str | None
    consul_bin: str | None
    traefik_bin: str | None
    no_color: bool
    actor: str = ""
    """Who runs the command: `user@host`, or what a CI job says of itself."""
    git: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All that git, when it is asked for the project's commit, sees of the environment."""
    notify: Notify | None = None
    """Who is told how a rollout ended."""


def load_settings(
    flags: Flags,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    need_project: bool = True,
    contact: bool = True,
    access: Access | None = None,
) -> Settings:
    """Settings for one command, run in the folder `cwd`; ConfigError with every mistake.

    Without `need_project`, or where a flag or variable says Nomad's address, a folder that belongs
    to no project is fine. Without `contact` (commands that only start or stop the local agents)
    contradicting addresses are not refused, and a project is needed as asked. `access`: how the
    cluster of the environment is reached, where the caller has a way in already.
    """
    project = find_project(cwd)
    addressed = contact and bool(flags.nomad_address or environ.get("NOMAD_ADDR", "").strip())
    if project is None and need_project and not addressed:
        mistake = Mistake("toolkit.toml", None, None, f"is neither in {cwd} nor in a folder above")
        hint = "toolkit init makes a project; without one, NOMAD_ADDR says which cluster is meant"
        raise ConfigError([mistake], hint=hint if contact else "toolkit init makes a project")
    variables, mistakes = read_variables(environ)
    target = None
    try:
        target = resolve_target(project, flags, variables, contact=contact, access=access)
    except ConfigError as error:
        mistakes += error.mistakes
    if target is None or (mistakes and contact):
        raise ConfigError(mistakes)
    return Settings(
        project=project,
        target=target,
        flags=flags,
        cache_dir=_cache_dir(environ, (project.root if project else None) or cwd),
        nomad_bin=environ.get("NOMAD_BIN") or None,
        consul_bin=environ.get("CONSUL_BIN") or None,
        traefik_bin=environ.get("TRAEFIK_BIN") or None,
        no_color=bool(environ.get("NO_COLOR")),
        notify=_notify(project, target, environ),
        actor=actor_of(environ),
        git={key: environ[key] for key in _GIT if environ.get(key)},
    )


def _notify(project: Project | None, target: Target, environ: Mapping[str, str]) -> Notify | None:
    if project is None:
        return None
    return resolve_notify(project.file.notify, project.root, target.environment, environ)


def read_variables(environ: Mapping[str, str]) -> tuple[Variables, list[Mistake]]:
    """What the environment variables say about the target, and what is wrong with them."""
    mistakes: list[Mistake] = []
    password = environ.get("TOOLKIT_TRAEFIK_PASSWORD")
    registry = environ.get("TOOLKIT_REGISTRY_PASSWORD")
    variables = Variables(
        environment=environ.get("TOOLKIT_ENV") or None,
        nomad=_nomad(environ, mistakes),
        consul=_consul(environ, mistakes),
        kick=ApiVariables(
            system="Kick",
            address_variable="KICK_ADDR",
            address=_address(environ, "KICK_ADDR", 8652, False, mistakes),
        ),
        hook=ApiVariables(
            system="Hook",
            address_variable="HOOK_ADDR",
            address=_address(environ, "HOOK_ADDR", 8655, False, mistakes),
        ),
        namespace=environ.get("NOMAD_NAMESPACE") or None,
        region=environ.get("NOMAD_REGION") or None,
        traefik_password=Secret(password) if password else None,
        registry_password=Secret(registry) if registry else None,
        reached=Reached(
            environ.get("TOOLKIT_ACCESS") or None,
            _parsed(environ, "TOOLKIT_PROXY", parse_proxy, mistakes),
            _parsed(environ, "TOOLKIT_EDGE_PRIVATE", parse_entrance, mistakes),
        ),
    )
    return variables, mistakes


def _nomad(environ: Mapping[str, str], mistakes: list[Mistake]) -> ApiVariables:
    token = environ.get("NOMAD_TOKEN")
    return ApiVariables(
        system="Nomad",
        address_variable="NOMAD_ADDR",
        address=_address(environ, "NOMAD_ADDR", 4646, False, mistakes),
        token=Secret(token) if token else None,
        ca_file=environ.get("NOMAD_CACERT") or None,
        ca_path=environ.get("NOMAD_CAPATH") or None,
        cert_file=environ.get("NOMAD_CLIENT_CERT") or None,
        key_file=environ.get("NOMAD_CLIENT_KEY") or None,
        tls_server_name=environ.get("NOMAD_TLS_SERVER_NAME") or None,
        verify=not _boolean(environ, "NOMAD_SKIP_VERIFY", False, mistakes),
    )


def _consul(environ: Mapping[str, str], mistakes: list[Mistake]) -> ApiVariables:
    tls = _boolean(environ, "CONSUL_HTTP_SSL", False, mistakes)
    return ApiVariables(
        system="Consul",
        address_variable="CONSUL_HTTP_ADDR",
        address=_address(environ, "CONSUL_HTTP_ADDR", 8500, tls, mistakes),
        token=_consul_token(environ, mistakes),
        ca_file=environ.get("CONSUL_CACERT") or None,
        ca_path=environ.get("CONSUL_CAPATH") or None,
        cert_file=environ.get("CONSUL_CLIENT_CERT") or None,
        key_file=environ.get("CONSUL_CLIENT_KEY") or None,
        tls_server_name=environ.get("CONSUL_TLS_SERVER_NAME") or None,
        verify=_boolean(environ, "CONSUL_HTTP_SSL_VERIFY", True, mistakes),
        tls=tls,
    )


def _consul_token(environ: Mapping[str, str], mistakes: list[Mistake]) -> Secret | None:
    """The token file wins over the token, as with Consul itself."""
    name = environ.get("CONSUL_HTTP_TOKEN_FILE")
    token = environ.get("CONSUL_HTTP_TOKEN")
    if name:
        try:
            token = Path(name).read_text().strip() or token
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            message = f"{name} cannot be read: {reason}"
            mistakes.append(Mistake("CONSUL_HTTP_TOKEN_FILE", None, None, message))
    return Secret(token) if token else None


def _address(
    environ: Mapping[str, str], name: str, port: int, tls: bool, mistakes: list[Mistake]
) -> str | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        return parse_address(text, port=port, tls=tls)
    except ValueError as error:
        mistakes.append(Mistake(name, None, None, f"the address {error}"))
        return None


def _parsed(
    environ: Mapping[str, str], name: str, parse: Callable[[str], str], mistakes: list[Mistake]
) -> str | None:
    text = environ.get(name, "").strip()
    try:
        return parse(text) if text else None
    except ValueError as error:
        mistakes.append(Mistake(name, None, None, str(error)))
        return None


def _boolean(environ: Mapping[str, str], name: str, default: bool, mistakes: list[Mistake]) -> bool:
    text = environ.get(name, "").strip()
    if text and text not in _TRUE | _FALSE:
        mistakes.append(Mistake(name, None, None, "must be true or false"))
    return text in _TRUE if text in _TRUE | _FALSE else default


def _cache_dir(environ: Mapping[str, str], folder: Path) -> Path:
    """XDG's place; relative paths in its variable are to be ignored, says XDG."""
    cache, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if cache and Path(cache).is_absolute():
        return Path(cache) / "nomad-toolkit"
    if home and Path(home).is_absolute():
        return Path(home) / ".cache" / "nomad-toolkit"
    return folder / ".toolkit" / "cache"
