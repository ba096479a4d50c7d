"""Run one `toolkit dev` workflow in a process of its own: `python -m tests.agents.dev_driver`.

Reads one JSON object from standard input; writes a line of JSON for each event and for the end.
With `user` it gives up root first, after everything that it needs is imported.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from toolkit.clients.nomad import Nomad
from toolkit.errors import ToolkitError, UnreachableError
from toolkit.spec.dev import Machine
from toolkit.spec.events import Event
from toolkit.spec.target import Endpoint
from toolkit.workflows import dev


def say(**line: Any) -> None:
    print(json.dumps(line, default=str), flush=True)


def become(user: str) -> None:
    # Some libraries import on first use, and the interpreter may be unreadable afterwards.
    with (
        contextlib.suppress(UnreachableError),
        Nomad(Endpoint("Nomad", "http://127.0.0.1:9", "test")) as nomad,
    ):
        nomad.leader()
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def main() -> int:
    order = json.load(sys.stdin)
    if order.get("user"):
        become(order["user"])
    machine = Machine.of(order.get("environ", {"PATH": "/usr/bin:/bin", "HOME": "/"}))
    machine = replace(
        machine,
        nomad_bin=Path(order["nomad_bin"]),
        consul_bin=Path(order["consul_bin"]),
        traefik_bin=Path(order["traefik_bin"]),
    )

    def on_event(event: Event) -> None:
        say(stage=event.stage, text=event.text)

    root = Path(order["root"])
    try:
        if order["command"] == "up":
            report = dev.up(root, machine=machine, on_event=on_event, **order.get("how", {}))
        else:
            report = dev.down(root, on_event=on_event)
    except ToolkitError as error:
        say(error=error.message, hint=error.hint)
        return int(error.code)
    except KeyboardInterrupt:
        say(interrupted=True)
        return 130
    say(report=asdict(report))
    return int(report.code)


if __name__ == "__main__":
    sys.exit(main())
