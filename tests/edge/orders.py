"""A service whose health check never tells what its orders are like, and jobs that run it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.agents.shop import Hook, Said
from tests.edge.front import Front

APP = '''
"""Orders that go wrong as MODE says, from when FLAG is there: python orders.py"""
import os
import socketserver
import time

RELEASE, MODE = os.environ["RELEASE"], os.environ["MODE"]
asked = 0


def raised():
    return os.path.exists(os.environ["FLAG"])


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        global asked
        path = self.rfile.readline().split(b" ")[1:2]
        while self.rfile.readline().strip():
            pass
        health, bad = path == [b"/health"], False
        if health:
            bad = MODE == "ages" and raised()
        elif path == [b"/nowhere"]:
            bad = True
        else:
            asked += 1
            bad = MODE == "broken" or (MODE == "fades" and raised())
            bad = bad or (MODE == "flaky" and asked % 5 == 0)
            if MODE == "slow":
                time.sleep(0.6)
        body = f"I am {RELEASE}"
        status = "500 Internal Server Error" if bad else "200 OK"
        self.wfile.write(
            f"HTTP/1.1 {status}\\r\\nX-Release: {RELEASE}\\r\\nContent-Length: {len(body)}\\r\\n"
            f"Connection: close\\r\\n\\r\\n{body}".encode()
        )


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 100
    daemon_threads = True


Server((os.environ["NOMAD_IP_http"], int(os.environ["NOMAD_PORT_http"])), Handler).serve_forever()
'''

PROBE = """
[probe]
rate = 5
paths = ["/orders"]
settle = "1s"
timeout = "50s"
[probe.budget]
gap = "50s"
"""
"""Patient: what is slow on a busy machine is not what these tests are about."""


class Orders:
    """Jobs of one front that all run the service above."""

    def __init__(self, front: Front, folder: Path) -> None:
        self.front, self.folder = front, folder
        self.app = folder / "orders.py"
        self.app.write_text(APP)

    def flag(self, name: str) -> Path:
        """The file that raises a job's flag when it is there."""
        return self.folder / f"{name}.flag"

    def write(
        self,
        name: str = "",
        *,
        mode: str = "fine",
        probe: str = PROBE,
        change: Mapping[str, str] | None = None,
        **how: Any,
    ) -> str:
        """A job's files; the service runs in `mode`."""
        name = name or self.front.name("orders")
        environment = f'MODE = "{mode}"\nFLAG = "{self.flag(name)}"'
        changed = {
            'MODE = "fine"': environment,
            '"APP"': f'"{self.app}"',
            # Long enough for Traefik to see them leave, on a machine that is busy with others.
            'shutdown_delay = "1s"': 'shutdown_delay = "6s"',
            'interval = "1s"': 'interval = "1s"\ntimeout = "20s"',
            **(change or {}),
        }
        return self.front.write(name, route=True, change=changed, more=probe, **how)

    def bump(
        self, name: str, *arguments: str, on: Mapping[str, Hook] | None = None, **how: Any
    ) -> Said:
        """Deploy release 1.1.0 of it, written so."""
        self.write(name, release="1.1.0", **how)
        return self.front.deploy(name, *arguments, on=on)

    def registered_by_hand(self, name: str) -> None:
        """Somebody else's version, between two of ours."""
        job = self.front.job(name)
        job["Meta"] = {"release": "2.0.0-by-hand"}
        self.front.nomad("/v1/jobs", {"Job": job})

    def raising(self, name: str) -> dict[str, Hook]:
        """Raise the flag when traffic has moved."""
        return {"· promoted": self.flag(name).touch}
