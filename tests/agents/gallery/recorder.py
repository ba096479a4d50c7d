"""A proxy that passes everything on and remembers every answer, and what of it is worth keeping."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_WAITING = {"index", "wait", "namespace", "region", "stale", "consistent"}
"""Parts of a query that say how to answer, not what is asked."""


@dataclass(frozen=True)
class Call:
    """One answer."""

    at: float
    """Seconds since the recorder began."""
    method: str
    path: str
    """With those parts of its query that say what is asked."""
    status: int
    index: int
    body: bytes


class Recorder:
    """What passed through."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.began = time.monotonic()
        self._calls: list[Call] = []
        self._over = False
        self._lock = threading.Lock()

    def keep(self, call: Call) -> None:
        """Remember one answer."""
        with self._lock:
            if not self._over:
                self._calls.append(call)

    def end(self) -> None:
        """Remember nothing more: what a watch abandoned is answered later, for nobody."""
        with self._lock:
            self._over = True

    @property
    def calls(self) -> tuple[Call, ...]:
        """All answers so far, in time."""
        with self._lock:
            return tuple(sorted(self._calls, key=lambda call: call.at))


@contextmanager
def recording(upstream: str) -> Iterator[Recorder]:
    """A recorder in front of an agent, for as long as the block takes."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = urlsplit(upstream).netloc
    server.recorder = Recorder(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.recorder
    finally:
        server.recorder.end()
        server.shutdown()
        server.server_close()
        thread.join()


def what_is_asked(target: str) -> str:
    """Path and query without what only says how long to wait, and where."""
    parts = urlsplit(target)
    query = [pair for pair in parse_qsl(parts.query, True) if pair[0] not in _WAITING]
    return parts.path + (f"?{urlencode(query)}" if query else "")


class _Server(ThreadingHTTPServer):
    # Queries that a watch abandoned are answered when nobody listens any more.
    daemon_threads = True
    block_on_close = False
    upstream: str
    recorder: Recorder

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def _serve(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        agent = http.client.HTTPConnection(self.server.upstream)
        try:
            asked = {n: text for n, text in self.headers.items() if n.lower() not in _HOP}
            # What is kept must be readable.
            asked["Accept-Encoding"] = "identity"
            agent.request(self.command, self.path, sent or None, asked)
            answer = agent.getresponse()
            body = answer.read()
        finally:
            agent.close()
        index = answer.getheader("X-Nomad-Index") or answer.getheader("X-Consul-Index") or "0"
        recorder = self.server.recorder
        at = time.monotonic() - recorder.began
        path = what_is_asked(self.path)
        recorder.keep(Call(at, self.command, path, answer.status, int(index), body))
        self.send_response_only(answer.status)
        for name, text in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815


# What is kept.

_UNREAD = re.compile(r"^/v1/(validate/|job/[^/]+/submission|vars?[/?]|acl/|agent/self|status/)")
"""Answers that judge nothing, or that no replay may hold."""
_TELLING = re.compile(r"^/v1/(jobs/parse|job/[^/]+/plan)$")
"""What is asked by POST and changes nothing."""
_NOISE = {
    # Of a plan and an evaluation.
    "Annotations", "Diff", "PlanAnnotations", "Warnings",
    # Of an allocation.
    "AllocatedResources", "Metrics", "SharedResources", "TaskResources", "PreemptedAllocations",
    "RescheduleTracker", "NetworkStatus", "SignedIdentities", "SigningKeyID", "AllocStates",
    "DesiredTransition", "StartedAt", "FinishedAt", "LastRestart", "Timestamp", "EvalID",
    # Of a job.
    "VersionTag", "Submission", "Multiregion", "Consul", "Vault", "ConsulNamespace",
    "VaultNamespace", "ConsulToken", "VaultToken", "NomadTokenID", "Identities", "Identity",
    "Affinities", "Spreads", "CSIPluginConfig", "UI",
    "LogConfig", "Migrate", "EphemeralDisk", "Priority", "AllAtOnce",
    "Dispatched", "SubmitTime", "Region",
    # Of an instance in Consul.
    "TaggedAddresses", "Weights",
    # Of a task event: what Nomad says twice.
    "DiskLimit", "DownloadError", "DriverError", "DriverMessage", "ExitCode", "FailedSibling",
    "FailsTask", "GenericSource", "KillError", "KillReason", "KillTimeout", "RestartReason",
    "SetupError", "Signal", "StartDelay", "TaskSignal", "TaskSignalReason", "ValidationError",
    "VaultError",
}  # fmt: skip


def kept(calls: Sequence[Call], away: dict[str, str]) -> list[dict[str, Any]]:
    """The answers that a replay needs, each path's only where it changed; `away` is replaced.

    Of a list only what changed is there, and the ids of what did not: `whole` undoes that.
    """
    found: list[dict[str, Any]] = []
    last: dict[str, tuple[int, Any]] = {}
    for call in calls:
        asked = call.method == "GET" or _TELLING.match(call.path)
        if _UNREAD.match(call.path) or not (asked or call.status >= 400):
            continue
        body = _pruned(without(call.body.decode("utf-8", "replace"), away))
        before = last.get(call.path)
        if before == (call.status, body):
            continue
        last[call.path] = (call.status, body)
        body = _changed(body, before[1]) if before else body
        entry: dict[str, Any] = {"at": round(call.at, 3), "path": call.path}
        entry |= {"method": call.method} if call.method != "GET" else {}
        entry |= {"status": call.status} if call.status != 200 else {}
        found.append({**entry, "index": call.index, "body": body})
    return found


def without(text: str, away: dict[str, str]) -> str:
    """The text with every key of `away` replaced by its value."""
    for old, new in away.items():
        text = text.replace(old, new)
    return text


def whole(calls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers as they came, from what `kept` gave."""
    found = []
    last: dict[str, dict[str, Any]] = {}
    for call in calls:
        body = call["body"]
        if isinstance(body, list):
            known = last.setdefault(call["path"], {})
            body = [known[item] if isinstance(item, str) else item for item in body]
            known |= {item["ID"]: item for item in body if "ID" in item}
        found.append({**call, "body": body})
    return found


def _changed(body: Any, before: Any) -> Any:
    if not isinstance(body, list) or not isinstance(before, list):
        return body
    same = [item for item in body if item in before and "ID" in item]
    return [item["ID"] if item in same else item for item in body]


def _pruned(text: str) -> Any:
    try:
        return _prune(json.loads(text))
    except ValueError:
        return text


def _prune(value: Any) -> Any:
    """Without what is empty and what nobody reads; false and 0 say something and stay."""
    if isinstance(value, list):
        return [_prune(item) for item in value]
    if not isinstance(value, dict):
        return value
    noise = _NOISE | ({"Message"} if "DisplayMessage" in value else set())
    small = {name: _prune(item) for name, item in value.items() if name not in noise}
    return {name: item for name, item in small.items() if item not in (None, "", [], {})}
