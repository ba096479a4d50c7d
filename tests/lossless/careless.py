"""An edge without what the shipped one protects with, beside it: to see what is lost through it."""

from __future__ import annotations

from tests.agents.workers import free_ports
from tests.lossless.shop_site import Site
from toolkit.config.tree import builtin_tree

EDGE = """
kind = "system"
[driver.raw_exec]
[resources]
cpu = 20
memory = 64
[ports.public]
static = PUBLIC
[ports.private]
static = PRIVATE
[ports.api]
static = API
[check]
path = "/ping"
port = "api"
interval = "1s"
timeout = "5s"
[rollout]
min_healthy_time = "500ms"
shutdown_delay = "0s"
kill_timeout = "10s"
[variables]
throttle = "40s"
accept_grace = "0s"
drain_grace = "5s"
"""

CARELESS = (
    # Idle connections are kept for as long as Traefik's default says.
    ("idleConnTimeout=3s", "idleConnTimeout=90s"),
    # No second try.
    ("attempts: 6", "attempts: 1"),
    # Ports of its own, beside the shipped one's.
    ("fixed[port.label] if port.label in fixed else port.static", "port.static"),
)


def careless_edge(site: Site) -> str:
    """Start it; the address of its public entrance. toolkit does not know of it."""
    template = builtin_tree().read("jobs/traefik/job.nomad.hcl.j2").decode()
    for old, new in CARELESS:
        assert old in template, old
        template = template.replace(old, new)
    public, private, api = free_ports(3)
    text = EDGE.replace("PUBLIC", str(public)).replace("PRIVATE", str(private))
    name = site.name("careless")
    site.job_file(name, text.replace("API", str(api)), {}, template)
    site.must("deploy", name)
    return f"http://127.0.0.1:{public}"
