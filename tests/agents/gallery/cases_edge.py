"""Nomad is content, and what comes after it is not: two jobs of one name, routers, the edge."""

from __future__ import annotations

from tests.agents.gallery.case import Case
from tests.agents.gallery.hcl import block, group, job, network, server


def _routed(router: str, host: str, *, name: str = "@NAME@", entry: str = "public") -> str:
    """A job whose service is routed to by tags."""
    lead = f"traefik.http.routers.{router}"
    tags = [
        "traefik.enable=true",
        f"{lead}.rule=Host(`{host}.localhost`)",
        f"{lead}.entryPoints={entry}",
        f"{lead}.service={router}",
        f"traefik.http.services.{router}.loadbalancer.server.scheme=http",
    ]
    asks = block("check", type="http", path="/health", interval="1s", timeout="1s")
    has = block("service", asks, name=name, port="http", tags=tags)
    return job(group(network(), has, server(), more='shutdown_delay = "1s"'))


def _shared(name: str) -> str:
    """A job whose service is not called like the job."""
    asks = block("check", type="http", path="/health", interval="1s", timeout="1s")
    has = block("service", asks, name=name, port="http")
    return job(group(network(), has, server(), more='shutdown_delay = "1s"'))


CASES = (
    Case(
        "two-jobs", _shared("shared-by-two"), "unverified", 6, 33,
        others={"two-jobs-first": _shared("shared-by-two")},
        kind="stale", says=r"not one of this job|another job",
    ),
    Case("edge-good", _routed("@NAME@", "@NAME@"), "deployed", 0, needs="edge"),
    Case(
        "edge-routers", _routed("quarrel", "@NAME@"), "unverified", 6, 34, needs="edge",
        others={"edge-routers-first": _routed("quarrel", "elsewhere")},
        kind="routers", says=r"quarrel",
    ),
    Case(
        "edge-no-door", _routed("@NAME@", "@NAME@", entry="nowhere"), "unverified", 6, 35,
        needs="edge", kind="edge", says=r"entry point",
    ),
)  # fmt: skip
