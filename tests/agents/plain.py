"""Plain job files in pieces, for tests that say what is special about a job and no more."""

from __future__ import annotations

from textwrap import indent

ONCE = """
restart {
  attempts = 0
  mode     = "fail"
}
"""
"""A task that fails is not started again."""

NO_OTHER = """
reschedule {
  attempts  = 0
  unlimited = false
}
"""
"""Nor is there another instance for it."""

SHORT = """
update {
  min_healthy_time = "300ms"
}
"""
NOWHERE = """
constraint {
  attribute = "${node.class}"
  value     = "made-of-cheese"
}
"""


def plain(
    name: str,
    script: str = "exec sleep 600",
    *,
    kind: str = "service",
    release: str = "1.0.0",
    update: str | None = None,
    more: str = "",
    group: str = "",
    task: str = "",
    memory: int = 24,
) -> str:
    """A job of one shell script; `more`, `group` and `task` are further lines of those blocks."""
    rules = ONCE + ("" if kind in {"system", "sysbatch"} else NO_OTHER)
    if kind in {"service", "system"}:
        rules += SHORT if update is None else update
    inner = f"""
driver       = "raw_exec"
kill_timeout = "2s"
config {{
  command = "/bin/sh"
  args    = ["-c", <<EOT
{script}
EOT
  ]
}}
logs {{
  max_files     = 1
  max_file_size = 1
}}
resources {{
  cpu    = 20
  memory = {memory}
}}
{task}"""
    # A heredoc keeps its own margin: only what is around it is indented.
    return f"""
job "{name}" {{
  type = "{kind}"
  meta {{
    release = "{release}"
  }}
{indent(more, "  ")}
  group "app" {{
{indent(rules + group, "    ")}
    task "app" {{
{inner}
    }}
  }}
}}
"""
