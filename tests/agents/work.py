"""Small jobs that end, written for the project of a `Shop`."""

from __future__ import annotations

import sys
from typing import Any

from tests.agents.shop import Said, Shop

NEVER = "attempts = 0\n      unlimited = false"
ONCE = (
    'attempts = 1\n      interval = "1h"\n      delay = "5s"\n      delay_function = "constant"\n'
    "      unlimited = false"
)
"""One more try elsewhere; five seconds is the least delay that Nomad takes."""

JOB = """
variable "release" { default = "1" }
job "NAME" {
  type = "KIND"
  MORE
GROUPS
}
"""
GROUP = """
  group "GROUP" {
    count = COUNT
    restart {
      attempts = RESTARTS
      delay    = "500ms"
      mode     = "fail"
    }
    RESCHEDULE
    TASKS
  }
"""
TASK = """
    task "TASK" {
      driver       = "raw_exec"
      kill_timeout = "2s"
      MORE
      config {
        command = "COMMAND"
        args    = ["-c", <<EOT
SCRIPT
EOT
        ]
      }
      resources {
        cpu    = 20
        memory = MEMORY
      }
      logs {
        max_files     = FILES
        max_file_size = 1
      }
    }
"""


def task(
    script: str, *, name: str = "app", memory: int = 24, files: int = 2, more: str = ""
) -> str:
    """One task that runs a shell script, or a Python one that begins with `import`."""
    command = sys.executable if script.startswith("import") else "/bin/sh"
    words = {
        "TASK": name, "COMMAND": command, "MEMORY": str(memory), "FILES": str(files),
        "MORE": more, "SCRIPT": script.replace("${", "$${"),
    }  # fmt: skip
    return _filled(TASK, words)


def group(
    *tasks: str,
    name: str = "g",
    count: int = 1,
    restarts: int = 0,
    reschedule: str | None = NEVER,
) -> str:
    """One group of tasks."""
    policy = f"reschedule {{\n      {reschedule}\n    }}" if reschedule else ""
    words = {
        "GROUP": name, "COUNT": str(count), "RESTARTS": str(restarts), "RESCHEDULE": policy,
        "TASKS": "".join(tasks),
    }  # fmt: skip
    return _filled(GROUP, words)


def write(shop: Shop, name: str, *groups: str, kind: str = "batch", more: str = "") -> str:
    """A job of these groups, or of one that runs a script."""
    made = [
        item if item.lstrip().startswith("group ")
        else group(task(item), reschedule=None if kind == "sysbatch" else NEVER)
        for item in groups
    ]  # fmt: skip
    words = {"NAME": name, "KIND": kind, "MORE": more, "GROUPS": "".join(made)}
    return shop.plain(name, _filled(JOB, words))


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def ended(said: Said) -> tuple[int, str]:
    """Exit code and verdict of a command run with --json."""
    return said.code, said.report["verdict"]


def states(said: Said) -> list[tuple[str, str, int | None]]:
    """Of each instance group, state and exit code."""
    return sorted((i["group"], i["state"], i["exit_code"]) for i in said.report["instances"])


def allocations(shop: Shop, job_id: str) -> list[dict[str, Any]]:
    """The allocations of a job, oldest first."""
    found = shop.nomad(f"/v1/job/{job_id.replace('/', '%2F')}/allocations") or []
    return sorted(found, key=lambda a: int(a["CreateIndex"]))
