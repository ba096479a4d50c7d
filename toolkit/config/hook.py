"""hook.toml -> HookConfig: validated whole, every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from toolkit.config.addresses import VARIABLE, parse_address, parse_entrance
from toolkit.config.checks import validate
from toolkit.config.durations import parse_duration
from toolkit.config.endpoint import PORTS
from toolkit.config.hook_rules import Wrongs, read_policy
from toolkit.config.hook_schema import HOOK_KEYS
from toolkit.config.lines import KeyPath
from toolkit.config.schema import key_tree
from toolkit.config.source import read_toml
from toolkit.errors import ConfigError
from toolkit.spec.hook import BuildSettings, HookConfig, HookLimits, HookTarget, PushLimits
from toolkit.spec.target import Endpoint

HOOK_FILE = "hook.toml"

_CLUSTER = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_SECONDS = ("seconds", "check_seconds", "deploy_seconds")


def load_hook(text: str | bytes, source: str = HOOK_FILE) -> HookConfig:
    """The text of a hook.toml as values; ConfigError with every mistake, its key and its line.

    `source` is what messages call the file. Addresses of Nomad and Consul that it leaves open are
    empty, and variables in them stand as written: `hook.settings` has the environment.
    """
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    origin, data = read_toml(source, raw)
    good, mistakes = validate(data, key_tree(HOOK_KEYS), origin)
    found = Wrongs(origin, mistakes)
    limits = dict(good.get("limits", {}))
    for key in _SECONDS:
        if key in limits:
            limits[key] = parse_duration(limits[key])
    scripts = dict(good.get("hooks", {}))
    if "seconds" in scripts:
        scripts["seconds"] = parse_duration(scripts["seconds"])
    if "user" in scripts and not _USER.fullmatch(scripts["user"]):
        found.add(("hooks", "user"), "is no name of a user")
    builds = dict(good.get("builds", {}))
    if "seconds" in builds:
        builds["seconds"] = parse_duration(builds["seconds"])
    if builds.get("driver") == "docker" and not builds.get("image"):
        found.add(("builds", "driver"), "runs commands in an image, and builds.image says none")
    config = HookConfig(
        **_top(data, good, found),
        target=_target(data, good, found),
        policy=read_policy(data, good, found),
        limits=PushLimits(**limits),
        hooks=HookLimits(**scripts),
        builds=BuildSettings(**builds),
        trash=parse_duration(good.get("trash", {}).get("keep", "720h")),
    )
    if config.limits.pushes_of_one > config.limits.pushes:
        message = f"is more than all may have together: limits.pushes is {config.limits.pushes}"
        found.add(("limits", "pushes_of_one" if "pushes_of_one" in limits else "pushes"), message)
    if found.mistakes:
        found.mistakes.sort(key=lambda mistake: mistake.line or 0)
        raise ConfigError(found.mistakes)
    return config


def _top(data: Mapping[str, Any], good: Mapping[str, Any], found: Wrongs) -> dict[str, Any]:
    if "cluster" not in data:
        found.add((), "says no cluster", 'cluster = "production": whose server this is')
    cluster = good.get("cluster", "")
    if "cluster" in good and not _CLUSTER.fullmatch(cluster):
        found.add(("cluster",), "takes at most 63 lower-case letters, digits and -")
    for key in ("audience", "issuer"):
        said = good.get(key)
        if said is not None and not 0 < len(said) <= 200:
            found.add((key,), "must have 1 to 200 characters")
    if "url" not in data:
        hint = 'url = "https://hook.example.com": what remotes and archives begin with'
        found.add((), "says no url", hint)
    url = _spelled(("url",), good.get("url", ""), parse_entrance, found)
    top = {"cluster": cluster, "audience": good.get("audience", f"hook.{cluster}"), "url": url}
    return top | {key: good[key] for key in ("issuer", "order") if key in good}


def _target(data: Mapping[str, Any], good: Mapping[str, Any], found: Wrongs) -> HookTarget:
    table, written = good.get("target", {}), data.get("target", {})
    if not isinstance(written, Mapping) or "environment" not in written:
        hint = 'environment = "production": its name in the toolkit.toml that is pushed'
        path = ("target",) if "target" in data else ()
        found.add(path, "says no environment that pushes are deployed to", hint)
    for key in ("environment", "namespace", "region", "node_pool"):
        if key in table and not _NAME.fullmatch(table[key]):
            found.add(("target", key), "is no name: letters, digits, _ . and -")
    if table.get("datacenters") == []:
        found.add(("target", "datacenters"), "must not be empty")
    if "state" in table and not table["state"].startswith(("/", "${")):
        found.add(("target", "state"), "must be an absolute path")
    edge = {
        name: _spelled(("target", "edge", name), text, parse_entrance, found)
        for name, text in table.get("edge", {}).items()
    }
    names = ("namespace", "region", "node_pool", "state")
    return HookTarget(
        environment=table.get("environment", ""),
        nomad=_endpoint("Nomad", table, found),
        consul=_endpoint("Consul", table, found),
        edge=edge,
        traefik=_traefik(table),
        datacenters=tuple(table.get("datacenters", ("*",))),
        **{name: table[name] for name in names if name in table},
    )


def _endpoint(
    system: Literal["Nomad", "Consul"], target: Mapping[str, Any], found: Wrongs
) -> Endpoint:
    name = system.lower()
    table = dict(target.get(name, {}))
    address = table.pop("address", "")
    if not (name == "nomad" and address.startswith("unix:/")):
        path = ("target", name, "address")
        port = PORTS[system]
        address = _spelled(path, address, lambda text: parse_address(text, port=port), found)
    pair = ("cert_file", "key_file")
    if sum(key in table for key in pair) == 1:
        given, other = pair if pair[0] in table else reversed(pair)
        found.add(("target", name, given), f"needs {other} beside it")
    return Endpoint(system, address, HOOK_FILE if address else "", **table)


def _spelled(path: KeyPath, text: str, parse: Callable[[str], str], found: Wrongs) -> str:
    """An address in its one spelling, or as written where a variable is still to be put in."""
    if "${" in text:
        for left in re.findall(r"\$\{[^}]*\}?", text):
            if not VARIABLE.fullmatch(left):
                found.add(path, f"{left} is no variable", "such as ${NOMAD_PORT_http}")
    elif text:
        try:
            return parse(text)
        except ValueError as error:
            found.add(path, str(error))
    return text


def _traefik(target: Mapping[str, Any]) -> Endpoint | None:
    table = target.get("traefik")
    if not table:
        return None
    return Endpoint(
        "Traefik", "", "Consul", username=table.get("user"), ca_file=table.get("ca_file")
    )
