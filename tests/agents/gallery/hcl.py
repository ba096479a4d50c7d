"""Job files in pieces: a case shows what is special about it, and takes the rest from here.

Deadlines are short where a case waits for them, and long where only a busy machine would reach
them.
"""

from __future__ import annotations

import json
from textwrap import indent

STAY = "exec sleep 3600"
"""Script of a task that does nothing, well."""


def block(head: str, *inner: str, **attributes: object) -> str:
    """`head { attributes, inner blocks }`; empty pieces are left out."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in attributes.items()]
    body = "\n".join([*lines, *(piece for piece in inner if piece)])
    return f"{head} {{\n{indent(body, '  ')}\n}}"


RESTARTS = block("restart", attempts=0, mode="fail")
PROMPT = f"{RESTARTS}\n{block('reschedule', attempts=0, unlimited=False)}"
"""A task that fails has failed: no restart, no other allocation."""

STUBBORN = block("restart", attempts=20, interval="30m", delay="500ms", mode="fail")
"""A task that fails is started again at once."""

NO_DEPLOYMENT = block("update", max_parallel=0, min_healthy_time="3s")


def job(*groups: str, kind: str = "service", more: str = "") -> str:
    """A whole job file."""
    return block('job "@NAME@"', more, *groups, type=kind) + "\n"


def group(
    *parts: str, name: str = "web", count: int = 1, policy: str = PROMPT,
    update: str | None = None, more: str = "",
) -> str:  # fmt: skip
    """A group of `parts`: tasks, services, networks. `update` None: the short one."""
    rules = short_update() if update is None else update
    disk = "" if "ephemeral_disk" in more else block("ephemeral_disk", size=12)
    return block(f'group "{name}"', policy, rules, disk, more, *parts, count=count)


def doomed(*parts: str, **how: object) -> str:
    """A group that fails: long before it could count as healthy, on a slow machine too."""
    return group(*parts, **{"update": short_update(steady="20s"), **how})  # type: ignore[arg-type]


def work(script: str, *, kind: str = "batch", more: str = "") -> str:
    """A job whose one task ends by itself."""
    policy = RESTARTS if kind == "sysbatch" else PROMPT
    return job(group(task(script), policy=policy, update=""), kind=kind, more=more)


def short_update(
    *, healthy: int = 40, progress: int = 60, canary: int = 0, revert: bool = False,
    parallel: int = 1, steady: str = "500ms",
) -> str:  # fmt: skip
    """An `update` block; deadlines in seconds. Canaries promote themselves, whoever deploys."""
    canaries = {"canary": canary, "auto_promote": True} if canary else {}
    return block(
        "update", max_parallel=parallel, min_healthy_time=steady, healthy_deadline=f"{healthy}s",
        progress_deadline=f"{progress}s", auto_revert=revert, **canaries,
    )  # fmt: skip


def task(
    script: str = STAY, *, name: str = "app", more: str = "", cpu: int = 20, memory: int = 16
) -> str:
    """A task that runs a shell script."""
    config = f'command = "/bin/sh"\nargs = ["-c", <<-EOT\n{script}\nEOT\n]'
    return program(config, name=name, more=more, cpu=cpu, memory=memory)


def program(
    config: str, *, name: str = "app", more: str = "", cpu: int = 20, memory: int = 16,
    driver: str = "raw_exec",
) -> str:  # fmt: skip
    """A task with a driver's own configuration."""
    return block(
        f'task "{name}"',
        block("config", config),
        block("resources", cpu=cpu, memory=memory),
        block("logs", max_files=1, max_file_size=1),
        more,
        driver=driver,
        kill_timeout="2s",
    )


def server(mode: str = "fine", *, release: str = "1.0.0", more: str = "", name: str = "app") -> str:
    """A task that serves HTTP on port `http`, well or as `mode` says (`stage.SERVER`)."""
    config = 'command = "@PYTHON@"\nargs = ["-S", "-E", "@FOLDER@/server.py"]'
    environment = block("env", MODE=mode, RELEASE=release)
    return program(config, more=f"{environment}\n{more}", name=name, memory=32)


def network(label: str = "http", static: str = "") -> str:
    """A group's network with one port."""
    return block("network", block(f'port "{label}"', f"static = {static}" if static else ""))


def service(
    path: str = "/health", *, name: str = "@NAME@", timeout: str = "1s", check: str = ""
) -> str:
    """A Consul service of the port `http` with an HTTP check, of which `check` says more."""
    asks = block("check", check, type="http", path=path, interval="1s", timeout=timeout)
    return block("service", asks, name=name, port="http")


def web(mode: str = "fine", *, release: str = "1.0.0", **how: object) -> str:
    """A group that serves HTTP as a Consul service with a check."""
    return group(network(), service(), server(mode, release=release), **how)  # type: ignore[arg-type]
