"""Services whose canaries are compared: what health checks see is well, whatever else is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.edge.front import Front

APP = '''
"""A service that is healthy, and whose /orders are as MODE says: python app.py"""
import os
import socketserver
import time

RELEASE, MODE = os.environ["RELEASE"], os.environ["MODE"]
asked = 0


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        global asked
        path = self.rfile.readline().split(b" ")[1:2]
        while self.rfile.readline().strip():
            pass
        status = "200 OK"
        if path == [b"/orders"]:
            asked += 1
            spoiled = "FLAG" in os.environ and os.path.exists(os.environ["FLAG"])
            if MODE == "broken" or spoiled or (MODE == "errors" and asked % 3 == 0):
                status = "500 Internal Server Error"
            if MODE == "slow":
                time.sleep(1.5)
        if path == [b"/hangs"]:
            time.sleep(1.2)
        self.wfile.write(
            f"HTTP/1.1 {status}\\r\\nX-Release: {RELEASE}\\r\\nContent-Length: 2\\r\\n"
            "Connection: close\\r\\n\\r\\nok".encode()
        )


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 50


Server((os.environ["NOMAD_IP_http"], int(os.environ["NOMAD_PORT_http"])), Handler).serve_forever()
'''

CANARY = """
[canary]
paths = ["/orders"]
rate = 15
samples = 40
hold = "1s"
deadline = "40s"
timeout = "15s"
latency_least = "10s"
"""
"""Judged soon, and by errors alone: no machine is that slow by chance."""


def write(front: Front, name: str, mode: str = "fine", **how: Any) -> str:
    """The files of a job whose canaries are compared."""
    app = Path(front.root / "orders.py")
    app.write_text(APP)
    change: Mapping[str, str] = how.pop("change", {})
    more = how.pop("more", CANARY)
    one = {} if "steps" in more else {"[rollout]": "[rollout]\ncanaries = 1"}
    return front.write(
        name,
        count=how.pop("count", 2),
        route=True,
        more=more,
        change={
            '"APP"': f'"{app}"',
            'MODE = "fine"': f'MODE = "{mode}"',
            **one,
            **change,
        },
        **how,
    )


def deployed(front: Front, word: str, mode: str = "fine", **how: Any) -> str:
    """A new job, deployed: its first version has nothing to be compared with."""
    name = write(front, front.name(word), mode, **how)
    said = front.deploy(name)
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
    return name
