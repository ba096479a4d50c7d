"""Where things are on a machine: the same paths on AWS and in a rehearsal."""

from __future__ import annotations

CONSUL = "/etc/consul.d"
NOMAD = "/etc/nomad.d"
"""The folder that the agent reads."""
TLS = "tls"
"""Below it: `ca.pem`, whom to trust; `agent.pem`, certificate and key in one, so that a pair that
does not match cannot be read."""

STATIC = "10-agent.json"
FIRST = "15-first.json"
SECRETS = "20-secrets.json"
CONTROL = "25-control.json"
REHEARSAL = "30-rehearsal.json"

HOME = "/opt/toolkit"
"""Programs, downloads, marks; nothing that has to outlive the machine."""
PROGRAMS = f"{HOME}/bin"
CNI = f"{HOME}/cni"
"""Plugins for tasks' own networks."""
SCRIPT = f"{HOME}/boot"
DATA = "/opt/state"
"""What the agents keep; on a server the slot's own volume."""
KICK = f"{DATA}/kick"
"""Audit and statuses of the kick server, on the control machine; its image's user writes there."""
HOOK = f"{DATA}/hook"
"""All that the hook server keeps, on the control machine; it is root in its container."""

CONSUL_HTTP, CONSUL_HTTPS, CONSUL_DNS, CONSUL_RPC, CONSUL_GOSSIP = 8500, 8501, 8600, 8300, 8301
NOMAD_HTTP, NOMAD_RPC, NOMAD_GOSSIP = 4646, 4647, 4648
"""Ports, the systems' own; only 8501 and 4646 answer people, and both speak TLS."""
