"""Jobs of one shell command, registered as somebody with another tool would."""

from __future__ import annotations

from tests.agents.shop import Shop

PLAIN = """
job "NAME" {
  type = "TYPE"
  MORE
  group "work" {
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "COMMAND"]
      }
      TASK
      resources {
        cpu    = 20
        memory = MEMORY
      }
    }
  }
}
"""
TEMPLATE = """
template {
  data        = "{{ key \\"shop/nothing\\" }}"
  destination = "local/x"
}
"""


def plain(
    shop: Shop,
    word: str,
    command: str = "sleep 600",
    *,
    kind: str = "service",
    more: str = "",
    task: str = "",
    memory: str = "16",
    name: str = "",
) -> str:
    """A job that somebody registers with another tool."""
    name = name or shop.name(word)
    shop.made.append(name)
    hcl = PLAIN
    for old, new in (
        ("NAME", name), ("TYPE", kind), ("MORE", more), ("COMMAND", command), ("TASK", task),
        ("MEMORY", memory),
    ):  # fmt: skip
        hcl = hcl.replace(old, new)
    job = shop.nomad("/v1/jobs/parse", {"JobHCL": hcl, "Canonicalize": True})
    shop.nomad("/v1/jobs", {"Job": job})
    return name
