"""The `[dns]` table: names that follow the job, what is wrong with them, and their settings.

Only what a name looks like is judged here; who may have which one, the kick server decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolkit.config.combinations import BATCH, table_mistake
from toolkit.config.durations import parse_duration
from toolkit.config.hostnames import parse_hostname
from toolkit.config.layers import Layer, leaf, table
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.jobspec import Dns, JobKind

LONGEST_NAME = 253 - len("_toolkit.")
"""Characters: the record that says whose a name is has a longer name."""
LONGEST_META = 512
"""Characters that Consul takes as one value of a service's meta."""


def check_dns(job: Layer, kind: JobKind, file: Source) -> Iterator[Mistake]:
    """Names that are names, of a job that has what they should point at."""
    if table(job, "dns") is None:
        return
    if kind in BATCH:
        message, hint = f"a {kind} job has no names", 'say kind = "service", or remove it'
        yield table_mistake(job, ("dns",), file, message, hint)
        return
    yield from _check_names(job, file)
    yield from _check_target(job)
    yield from _check_port(job, file)
    ttl = leaf(job, "dns", "ttl")
    if ttl and parse_duration(ttl.value) % 1:
        yield ttl.mistake("takes whole seconds", 'such as "60s"')


def _check_names(job: Layer, file: Source) -> Iterator[Mistake]:
    found = leaf(job, "dns", "hostnames")
    if found is None:
        message, hint = "has no hostname", 'such as hostname = "shop.apps.example.com"'
        yield table_mistake(job, ("dns",), file, message, hint)
        return
    if not found.value:
        yield found.mistake("must not be empty", 'such as ["shop.apps.example.com"]')
    seen: set[str] = set()
    for name in found.value:
        wrong = wrong_name(name)
        if wrong:
            yield found.mistake(f'"{name[:80]}" {wrong}', "such as shop.apps.example.com")
        elif (same := parse_hostname(name)) in seen:
            yield found.mistake(f'names "{name}" twice', "keep one of the two")
        else:
            seen.add(same)
    if len(" ".join(seen)) > LONGEST_META:
        yield found.mistake(f"are more than {LONGEST_META} characters together", "use fewer")


def _check_target(job: Layer) -> Iterator[Mistake]:
    target, kind = leaf(job, "dns", "target"), leaf(job, "dns", "type")
    routed = table(job, "route") is not None
    if target and target.value == "edge" and not routed:
        yield target.mistake("needs a route: the edge would answer 404", "add [route]")
    edge = target.value == "edge" if target else routed
    if kind and kind.value == "SRV" and edge:
        where = "" if target else ", which is where a job with a route points"
        yield kind.mistake(f"is for instances, not for the edge{where}", 'say target = "instances"')


def _check_port(job: Layer, file: Source) -> Iterator[Mistake]:
    """As for a route or a check: an address comes with a port."""
    given = leaf(job, "dns", "port")
    ports = table(job, "ports") or {}
    if given:
        if given.value not in ports:
            yield given.mistake(f'there is no port "{given.value}"', f"add [ports.{given.value}]")
    elif table(job, "route") is None and table(job, "check") is None and "http" not in ports:
        message = 'needs port "http", which is not there'
        yield table_mistake(job, ("dns",), file, message, "add [ports.http], or say port")


def wrong_name(name: str) -> str | None:
    """What keeps `name` from being a name in a zone, or None; a wildcard is one."""
    try:
        plain = parse_hostname(name)
    except ValueError as error:
        return str(error)
    if len(plain) > LONGEST_NAME:
        return f"must not be longer than {LONGEST_NAME} characters"
    return None if "." in plain.removeprefix("*.") else "is no name below a zone"


def settings(values: dict[str, Any]) -> Dns | None:
    """What the job asks for; None without a `[dns]`."""
    said = values.get("dns")
    if said is None:
        return None
    route, check = values.get("route"), values.get("check")
    port = (route or {}).get("port") or (check or {}).get("port") or "http"
    return Dns(
        hostnames=tuple(parse_hostname(name) for name in said["hostnames"]),
        # An address inside a cluster is no news for the world unless somebody says so.
        zone=said.get("zone") or (route.get("visibility", "public") if route else "private"),
        target=said.get("target") or ("edge" if route else "instances"),
        type=said.get("type"),
        ttl=int(parse_duration(said["ttl"])) if "ttl" in said else None,
        port=said.get("port") or port,
    )
