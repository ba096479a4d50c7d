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

LETTERS = ("", "B", "C", "D")
"""A static port for each."""

SERVER = '''
"""A service that misbehaves as MODE says: python server.py"""
import os
import socketserver
import time

MODE, RELEASE = os.environ.get("MODE", "fine"), os.environ.get("RELEASE", "")
if MODE == "deaf":
    time.sleep(3600)
PORT = int(os.environ["NOMAD_PORT_http"])


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
    allow_reuse_address = True
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

    def nomad(self, path: str) -> Any:
        """Nomad's answer, once it has a connection left for us."""
        found: list[Any] = []

        def read() -> bool:
            try:
                found.append(self.shop.nomad(path))
            except AssertionError as error:
                if " 429 " not in str(error):
                    raise
            return bool(found)

        self.shop.until("Nomad has a connection left", read)
        return found[0]

    def register(self, name: str, text: str) -> None:
        """Register another job, and wait until all of it runs that can."""
        self.shop.made.append(name)
        body = {"JobHCL": self.text(text, name), "Canonicalize": True}
        job = self.shop.nomad("/v1/jobs/parse", body)
        self.shop.nomad("/v1/jobs", {"Job": job})
        wanted = sum(group["Count"] for group in job["TaskGroups"])

        def settled() -> bool:
            running = len(self.shop.running(name))
            return running == wanted or (running > 0 and self.is_blocked(name))

        self.shop.until(f"{name} runs", settled)

    def flag(self, name: str) -> Path:
        """Path of a file that a task of a case may ask for: it is there until it is removed."""
        path = self.shop.root / f"{name}.flag"
        path.touch()
        return path

    def leave(self, name: str) -> None:
        """Stop another job."""
        self.shop.nomad(f"/v1/job/{name}", method="DELETE")

    def until_registered(self, name: str) -> dict[str, Any]:
        """Wait until a job is registered, and give it."""
        path = f"/v1/job/{name}"
        self.shop.until(f"{name} is registered", lambda: self.shop.nomad(path) is not None)
        return self.shop.job(name)

    def is_blocked(self, name: str) -> bool:
        """True when the scheduler found no room for some of a job."""
        found = self.shop.nomad(f"/v1/job/{name}/evaluations") or []
        return any(evaluation["Status"] == "blocked" for evaluation in found)

    def until_stopped(self, name: str) -> None:
        """Stop a job that is stable, and wait until it is gone."""
        self.until_stable(name)
        self.leave(name)
        self.shop.until(f"{name} stopped", lambda: not self.shop.running(name))

    def until_stable(self, name: str) -> None:
        """Until Nomad calls the newest version stable, which it can go back to."""
        self.shop.until(f"{name} is stable", lambda: bool(self.shop.job(name)["Stable"]))


@contextmanager
def staged(cluster: LocalCluster, root: Path) -> Iterator[Stage]:
    """Everything that the cases name, for as long as the block takes; their jobs are purged."""
    with ExitStack() as stack:
        shop = Shop(cluster, root)
        stack.callback(shop.close)
        (root / "server.py").write_text(SERVER)
        refuser = stack.enter_context(_refuser())
        taken = stack.enter_context(socketserver.TCPServer(("127.0.0.1", 0), _Nobody))
        statics = _free_statics()
        words: dict[str, object] = {
            "PYTHON": sys.executable,
            "FOLDER": root,
            "HTTP": refuser,
            "TAKEN": taken.server_address[1],
            **{f"STATIC{letter}": port for letter, port in zip(LETTERS, statics, strict=True)},
        }
        yield Stage(shop, words)


class _Nobody(socketserver.BaseRequestHandler):
    """Is never asked: the port is only held."""


class _Refuser(BaseHTTPRequestHandler):
    """Answers `/NUMBER…` with that status."""

    def do_GET(self) -> None:
        digits = self.path[1:4]
        if digits != "200":
            self.send_error(int(digits) if digits.isdigit() else 404)
            return
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"hello\n")

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


def _free_statics() -> range:
    """Neighbouring ports that nobody uses, above what Nomad hands out by itself."""
    for first in range(32010, 32700, 10):
        ports = range(first, first + len(LETTERS))
        with ExitStack() as stack:
            try:
                for port in ports:
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return ports
    raise AssertionError("no free ports in a row between 32010 and 32700")
