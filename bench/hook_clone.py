"""A clone of a large repository from the hook server, beside git's own server in the same run.

Git's own is `git http-backend` behind a threaded CGI server of the standard library, which hands on
what it reads, 64 KiB at a time. Both serve the same bare repository to the same client.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from bench.row import Row
from tests.services.hook.git_server import Work, git
from tests.services.hook.hook_process import hook_process

MEGABYTES = 100
FILES = 200
ROUNDS = 5
AT_LEAST = 0.5
_BACKEND = ("git", "http-backend")


def hook_clone() -> list[Row]:
    """Clones of 100 MB, in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with hook_process(folder) as server:
            server.make("web")
            bare = server.data / "repos/web.git"
            _fill(folder / "work", bare)
            with _backend(bare.parent) as theirs:
                ours = server.remote("web")
                peer = f"{theirs}/{bare.name}"
                sides: dict[str, list[float]] = {ours: [], peer: []}
                for number in range(ROUNDS + 1):
                    for url, rates in sides.items():
                        took = _clone(url, folder / "clone")
                        if number:  # the first of each reads the disk
                            rates.append(MEGABYTES / took)
    mine, peers = (statistics.median(sides[url]) for url in (ours, peer))
    seen = f"{mine / peers:.2f} ({mine:.0f} MB/s / {peers:.0f} MB/s)"
    what = f"hook: clone of {MEGABYTES} MB / git http-backend"
    return [Row(what, f"≥ {AT_LEAST:g}", seen, mine >= AT_LEAST * peers)]


def _fill(folder: Path, bare: Path) -> None:
    """Commit what does not compress, and push it through no server."""
    folder.mkdir()
    work, chance = Work(folder), random.Random(1)
    for number in range(FILES):
        (folder / f"{number}.bin").write_bytes(chance.randbytes(MEGABYTES * 10**6 // FILES))
    work.commit()
    git("-C", folder, "push", "-q", bare, "main")


def _clone(url: str, folder: Path) -> float:
    """Seconds of a clone without its checkout."""
    began = time.monotonic()
    git("clone", "-q", "--bare", url, folder)
    took = time.monotonic() - began
    shutil.rmtree(folder)
    return took


class _Cgi(BaseHTTPRequestHandler):
    """Runs git's own server for each request."""

    root = Path()

    def do_GET(self) -> None:
        self._run()

    def do_POST(self) -> None:
        self._run()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _run(self) -> None:
        path = urlsplit(self.path)
        environ = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path.path,
            "QUERY_STRING": path.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with subprocess.Popen(
            _BACKEND, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as cgi:
            assert cgi.stdin is not None
            assert cgi.stdout is not None
            cgi.stdin.write(body)
            cgi.stdin.close()
            self.wfile.write(b"HTTP/1.0 200 OK\r\n")
            while line := cgi.stdout.readline().strip():
                self.wfile.write(line + b"\r\n")
            self.wfile.write(b"\r\n")
            shutil.copyfileobj(cgi.stdout, self.wfile, 64 * 1024)


@contextlib.contextmanager
def _backend(root: Path) -> Iterator[str]:
    """Git's own server; its address."""
    handler = type("Cgi", (_Cgi,), {"root": root})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
