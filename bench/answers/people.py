"""Who may do what: the same commands, typed by people whose tokens may more and more."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.answers.project import Project, project

TEAM = """
[environments.team]
nomad = "{nomad}"
consul = "{consul}"
driver = "raw_exec"
edge.public = "{edge}"

[environments.team.rollout]
min_healthy_time = "1s"
shutdown_delay = "2s"
"""
"""The same agents, at which everybody comes with a token of their own."""

NOMAD = {
    "reader": """
namespace "default" {
  policy       = "read"
  capabilities = ["parse-job", "plan-job"]
}
node { policy = "read" }
""",
    "deployer": """
namespace "default" {
  policy       = "read"
  capabilities = ["parse-job", "submit-job", "read-logs"]
  variables {
    path "toolkit/locks/*" { capabilities = ["list", "read", "write", "destroy"] }
    path "toolkit/last-verified/*" { capabilities = ["list", "read", "write"] }
  }
}
node { policy = "read" }
""",
    "operator": """
namespace "default" {
  policy = "write"
  variables {
    path "*" { capabilities = ["list", "read", "write", "destroy"] }
  }
}
node { policy = "write" }
operator { policy = "read" }
""",
}
"""Policies, by role."""
CONSUL = 'service_prefix "" { policy = "read" }\nnode_prefix "" { policy = "read" }\n'

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status", "backend"),
    ("history", "backend"),
    ("plan", "backend", "--release", "{release}"),
    ("deploy", "backend", "--release", "{release}", "--yes"),
    ("rollback", "backend", "--to", "0.9.0", "--yes"),
    ("secret", "set", "backend", "db_password"),
    ("stop", "backend", "--yes"),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One command by one person."""

    role: str
    command: str
    code: int
    said: str
    """The verdict, or why not."""


def measure(folder: Path) -> list[Tried]:
    """Every command by every role, the least rights first."""
    tried = []
    with project(folder / "shop", acl=True) as shop:
        state = shop.cluster.state
        addresses = {"nomad": state.nomad_address, "consul": state.consul_address}
        with (shop.root / "toolkit.toml").open("a") as file:
            file.write(TEAM.format(**addresses, edge=shop.edge))
        for release in ("0.9.0", "1.0.0"):
            shop.must("deploy", "backend", "--release", release, "--yes")
        for number, role in enumerate(NOMAD, 1):
            tokens = _tokens(shop, role)
            for command in COMMANDS:
                tried.append(_try(shop, role, command, f"1.{number}.0", tokens))
    return tried


def _try(
    shop: Project, role: str, command: tuple[str, ...], release: str, tokens: dict[str, str]
) -> Tried:
    words = [word.format(release=release) for word in command]
    ran = shop.toolkit(*words, "-e", "team", environ=tokens, given="postgres://db")
    error = ran.report.get("error") or {}
    said = ran.report.get("verdict") or error.get("message") or ""
    shown = " ".join(word for word in words if not word.startswith("--yes"))
    return Tried(role, f"toolkit {shown}", ran.code, error.get("message") or str(said))


def _tokens(shop: Project, role: str) -> dict[str, str]:
    state = shop.cluster.state
    nomad, consul = state.nomad_address, state.consul_address
    mine = {"X-Nomad-Token": state.nomad_token}
    _send(f"{nomad}/v1/acl/policy/{role}", {"Name": role, "Rules": NOMAD[role]}, mine)
    made = _send(
        f"{nomad}/v1/acl/token", {"Name": role, "Type": "client", "Policies": [role]}, mine
    )
    theirs = {"X-Consul-Token": state.consul_token}
    _send(f"{consul}/v1/acl/policy", {"Name": role, "Rules": CONSUL}, theirs)
    given = _send(f"{consul}/v1/acl/token", {"Policies": [{"Name": role}]}, theirs)
    return {"NOMAD_TOKEN": made["SecretID"], "CONSUL_HTTP_TOKEN": given["SecretID"]}


def _send(url: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    method = "PUT" if "X-Consul-Token" in headers else "POST"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None
