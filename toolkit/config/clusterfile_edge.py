"""The balancer and Traefik's ports in a cluster file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.config.durations import parse_duration
from toolkit.config.hostnames import is_in
from toolkit.config.kick_zones import Collector
from toolkit.config.near import suggest
from toolkit.spec.cluster import Edge, Pool

_AGENTS: Mapping[int, str] = {
    22: "SSH", 53: "DNS", 4646: "Nomad", 4647: "Nomad", 4648: "Nomad", 8300: "Consul",
    8301: "Consul", 8302: "Consul", 8500: "Consul", 8501: "Consul", 8502: "Consul", 8503: "Consul",
    8600: "Consul", 8652: "the kick server", 8653: "the kick server", 8654: "the kick server",
    8655: "the hook server",
}  # fmt: skip
_DYNAMIC = range(20_000, 32_001)
"""Ports that Nomad hands out."""
_PORTS = ("traefik_port", "private_port", "ping_port")


def read_edge(
    name: str,
    data: Mapping[str, Any],
    good: Mapping[str, Any],
    public: str | None,
    pools: Mapping[str, Pool],
    found: Collector,
) -> Edge:
    """`[edge]`."""
    table = dict(good.get("edge", {}))
    certificate = table.get("certificate")
    http, https = table.pop("http", 80), table.pop("https", 443 if certificate else 0)
    redirect = table.pop("redirect", None)
    if "drain" in table:
        table["drain"] = parse_duration(table["drain"])
    names = _names(name, table.pop("names", None), public, found)
    edge = Edge(
        **table, http=http or None, https=https or None, redirect=_redirects(redirect, http, https,
        table.get("kind", "alb")), names=names,
    )  # fmt: skip
    _check_listeners(edge, redirect, found)
    if pools and edge.pool not in pools:
        path = ("edge", "pool") if "pool" in table else ("edge",)
        found.wrong(path if "edge" in data else (), f'the edge is to run on the pool'
                    f' "{edge.pool}", which is none', suggest(edge.pool, pools))  # fmt: skip
    return edge


def _redirects(said: bool | None, http: int, https: int, kind: str) -> bool:
    both = bool(http and https) and kind == "alb"
    return both if said is None else said


def _names(
    name: str, said: list[str] | None, public: str | None, found: Collector
) -> tuple[str, ...]:
    path = ("edge", "names")
    if said is None:
        return (f"{name}.{public}",) if public else ()
    if public is None:
        if said:
            found.wrong(path, "names need domain.public, the zone that they are made in")
        return ()
    names: dict[str, None] = {}
    for text in said:
        host = found.hostname(path, text)
        if host is None:
            continue
        if host in names:
            found.wrong(path, f'has "{host}" twice')
        elif not is_in(host.removeprefix("*."), public):
            hint = f'"{host}.{public}"' if "." not in host else f"names end in .{public}"
            found.wrong(path, f'"{host}" is not in {public}', hint)
        names[host] = None
    return tuple(names)


def _check_listeners(edge: Edge, redirect: bool | None, found: Collector) -> None:
    if edge.https is not None and edge.certificate is None:
        hint = 'certificate = "arn:aws:acm:…"'
        found.wrong(("edge", "https"), "needs a certificate beside it", hint)
    if edge.https is None and edge.certificate is not None:
        found.wrong(("edge", "certificate"), "is for HTTPS, and https is 0")
    if edge.http is None and edge.https is None:
        found.wrong(("edge", "http"), "is 0, and so is https: nothing could be asked")
    if edge.http is not None and edge.http == edge.https:
        found.wrong(("edge", "https"), f"{edge.https} is the port of http already")
    if redirect and (edge.kind == "nlb" or not (edge.http and edge.https)):
        message = "needs an alb with both http and https"
        found.wrong(("edge", "redirect"), message)


def check_ports(edge: Edge, found: Collector) -> None:
    """Ports on the machines clash neither with each other nor with what else listens there."""
    seen: dict[int, str] = {}
    for key in _PORTS:
        port = getattr(edge, key)
        if port in _AGENTS:
            found.wrong(("edge", key), f"{port} is a port of {_AGENTS[port]} on every machine")
        elif port in _DYNAMIC:
            message = (
                f"{port} is one of those that Nomad hands out, {_DYNAMIC[0]} to {_DYNAMIC[-1]}"
            )
            found.wrong(("edge", key), message)
        elif (first := seen.setdefault(port, key)) != key:
            found.wrong(("edge", key), f"{port} is {first} already")
