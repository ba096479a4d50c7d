"""Where the cases are played: a cluster, helper files, a server that refuses, a port in use."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.agents.cluster import LocalCluster
from tests.agents.gallery.case import Case, fill
from tests.agents.shop import Said, Shop

SERVER = '''
"""A service that misbehaves as MODE says: python server.py"""
import os
import socketserver
import sys
import time

MODE, RELEASE = os.environ.get("MODE", "fine"), os.environ.get("RELEASE", "")
if MODE == "deaf":
    time.sleep(3600)
if MODE == "secretive":
    sys.stderr.write("FATAL cannot log in with %s\\n" % os.environ["PASSWORD"])
    sys.exit(4)
PORT = int(os.environ.get("ITS_PORT") or os.environ["NOMAD_PORT_http"])


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split(b" ")[1:2]
        while self.rfile.readline().strip():
            pass
        if MODE == "stuck" and path != [b"/"]:
            time.sleep(3600)
        known = path in ([b"/"], [b"/health"])
        sick = MODE == "sick" and path == [b"/health"]
        status, body = "200 OK", "I am %s" % RELEASE
        if not known:
            status, body = "404 Not Found", "no such page"
        if sick:
            status, body = "500 Internal Server Error", "database is gone"
        self.wfile.write(
            (
                "HTTP/1.1 %s\\r\\nX-Release: %s\\r\\nContent-Length: %d\\r\\n"
                "Connection: close\\r\\n\\r\\n%s" % (status, RELEASE, len(body), body)
            ).encode()
        )


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = MODE != "blunt"
    daemon_threads = True


Server((os.environ["NOMAD_IP_http"], PORT), Handler).serve_forever()
'''


class Stage:
    """A cluster with all that the cases name; made by `staged`."""

    def __init__(self, shop: Shop, words: dict[str, object]) -> None:
        self.shop = shop
        self.words = words

    def text(self, text: str, name: str = "") -> str:
        """A text of a case with its words filled in."""
        return fill(text, {**self.words, "NAME": name})

    def path(self, case: Case, text: str) -> str:
        """Write the case's job file; what to deploy: a path, or with a job file a name."""
        self.shop.made.append(case.name)
        hcl = self.text(text, case.name)
        if case.job_toml:
            return self.shop.plain(case.name, hcl, self.text(case.job_toml, case.name))
        path = self.shop.root / f"{case.name}.nomad.hcl"
        path.write_text(hcl)
        return str(path)

    def deploy(self, case: Case, text: str, *options: str) -> Said:
        """`toolkit deploy … --json` of one version of a case."""
        return self.shop.deploy(self.path(case, text), *options)

    def register(self, name: str, text: str) -> None:
        """Register another job, and wait until one instance runs."""
        self.shop.made.append(name)
        body = {"JobHCL": self.text(text, name), "Canonicalize": True}
        job = self.shop.nomad("/v1/jobs/parse", body)
        self.shop.nomad("/v1/jobs", {"Job": job})
        self.shop.until(f"{name} runs", lambda: bool(self.shop.running(name)))

    def leave(self, name: str) -> None:
        """Stop another job."""
        self.shop.nomad(f"/v1/job/{name}", method="DELETE")

    def until_registered(self, name: str) -> dict[str, Any]:
        """Wait until a job is registered, and give it."""
        path = f"/v1/job/{name}"
        self.shop.until(f"{name} is registered", lambda: self.shop.nomad(path) is not None)
        return self.shop.job(name)

    def until_blocked(self, name: str) -> None:
        """Wait until the scheduler found no room for a job."""

        def blocked() -> bool:
            found = self.shop.nomad(f"/v1/job/{name}/evaluations") or []
            return any(evaluation["Status"] == "blocked" for evaluation in found)

        self.shop.until(f"{name} waits for room", blocked)


@contextmanager
def staged(cluster: LocalCluster, root: Path) -> Iterator[Stage]:
    """Everything that the cases name, for as long as the block takes; their jobs are purged."""
    with ExitStack() as stack:
        shop = Shop(cluster, root)
        stack.callback(shop.close)
        (root / "server.py").write_text(SERVER)
        refuser = stack.enter_context(_refuser())
        taken = stack.enter_context(socketserver.TCPServer(("127.0.0.1", 0), _Nobody))
        first = _first_free_static()
        words: dict[str, object] = {
            "PYTHON": sys.executable,
            "FOLDER": root,
            "HTTP": refuser,
            "TAKEN": taken.server_address[1],
            "CLOSED": _closed_port(),
            # Outside of what Nomad hands out by itself.
            "STATIC": first,
            "STATICB": first + 1,
        }
        yield Stage(shop, words)


class _Nobody(socketserver.BaseRequestHandler):
    """Is never asked: the port is only held."""


class _Refuser(BaseHTTPRequestHandler):
    """Answers `/NUMBER…` with that status."""

    def do_GET(self) -> None:
        digits = self.path[1:4]
        self.send_error(int(digits) if digits.isdigit() else 404)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@contextmanager
def _refuser() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refuser) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _first_free_static() -> int:
    """The first of two neighbouring ports that nobody uses, above what Nomad hands out."""
    for first in range(32010, 32700, 10):
        with ExitStack() as stack:
            try:
                for port in (first, first + 1):
                    sock = stack.enter_context(socket.socket())
                    sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError("no two free ports between 32010 and 32700")
