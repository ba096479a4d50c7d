"""A Route 53 to test against: what botocore asks of it, over HTTP, with faults on request.

In a test, `with FakeRoute53() as fake`; for other processes, `python -m
tests.services.kick.fakes.route53` prints its address and serves until its standard input ends. What
it holds lives as long as it does, whatever happens to its clients. Beside Route 53's paths it has
`/_control/…` with JSON:

    POST zones    {"id", "name", "private"?}        a zone with the NS and SOA that every zone has
    GET  zones/ID                                   [{"name", "type", "values", …}]
    POST zones/ID [{"name", "type", "ttl", "values", "identifier"?, "routing"?}]   put there unasked
    POST faults   {"kind", "operation"?, "times"?, "skip"?}        see route53_plan
    POST rates    {"seed", "rates": {kind: 0.05}}   drawn for every change from now on
    POST settle   {}                                every change is in sync
    POST release  {}                                calls that are held go on
    GET  calls                                      every call so far
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.services.kick.fakes import route53_wire as wire
from tests.services.kick.fakes.route53_plan import Operation, Plan
from tests.services.kick.fakes.route53_rules import RRSet, canonical
from tests.services.kick.fakes.route53_state import Answer, Gone, Route53State

__all__ = ["FakeRoute53", "RRSet", "Route53State"]

_KEY = re.compile(r"Credential=([^/]+)/")


class FakeRoute53:
    """The fake, served from `start` to `stop`, or for as long as a `with` lasts."""

    def __init__(self, state: Route53State | None = None, *, port: int = 0) -> None:
        self.state = state or Route53State()
        self._server = _Server(("127.0.0.1", port), _handler(self.state))
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def plan(self) -> Plan:
        """What goes wrong."""
        return self.state.plan

    def start(self) -> Self:
        """Serve."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port and every connection."""
        self.plan.release()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()
        self._guard = Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End every connection, so that its thread ends."""
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def _handler(state: Route53State) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def _serve(self, body: bytes) -> None:
            try:
                status, answer = self._answer(body)
            except Gone as gone:
                self.close_connection = True
                if gone.abruptly:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                return
            kind = "application/json" if self.path.startswith("/_control") else "text/xml"
            try:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True

        def _answer(self, body: bytes) -> Answer:
            url = urlsplit(self.path)
            if url.path.startswith("/_control/"):
                said = control(state, url.path.removeprefix("/_control/"), body)
                return 200, json.dumps(said).encode()
            found = _KEY.search(self.headers.get("Authorization", ""))
            if found is None:
                # SEEN
                message = "Request is missing Authentication Token"
                return 403, wire.problem("MissingAuthenticationToken", message, "0")
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            parts = url.path.strip("/").split("/")
            match self.command, parts:
                case "POST", ["2013-04-01", "hostedzone", zone, "rrset"]:
                    return state.change(zone, body, found[1])
                case "GET", ["2013-04-01", "hostedzone", zone, "rrset"]:
                    return state.list(zone, query, found[1])
                case "GET", ["2013-04-01", "change", change]:
                    return state.get(change, found[1])
                case _:
                    return 404, wire.problem("UnknownOperation", "not in this fake", "0")

    return Handler


def control(state: Route53State, path: str, body: bytes) -> object:
    """What other processes ask of the fake itself."""
    asked: Any = json.loads(body) if body else None
    match path.split("/"):
        case ["zones"]:
            state.add_zone(asked["id"], asked["name"], private=asked.get("private", False))
        case ["zones", id_] if asked is None:
            return [asdict(each) for each in state.sets(id_)]
        case ["zones", id_]:
            for each in asked:
                state.put(id_, _rrset(each))
        case ["faults"]:
            operation: Operation = asked.get("operation", "change")
            times, skip = asked.get("times", 1), asked.get("skip", 0)
            state.plan.add(asked["kind"], operation, times=times, skip=skip)
        case ["rates"]:
            state.plan = Plan(asked["seed"], asked["rates"])
        case ["settle"]:
            state.settle()
        case ["release"]:
            state.plan.release()
        case ["calls"]:
            return [asdict(each) for each in state.calls]
        case _:
            raise ValueError(f"the fake has no {path}")
    return {}


def _rrset(said: Mapping[str, Any]) -> RRSet:
    return RRSet(
        canonical(said["name"]),
        said["type"],
        said.get("ttl"),
        tuple(said.get("values", ())),
        tuple(said["alias"]) if said.get("alias") else None,
        said.get("identifier", ""),
        tuple((key, value) for key, value in said.get("routing", ())),
    )


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends; the first line of output is the address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--zone", action="append", default=[], help="ID=NAME")
    parser.add_argument("--pending-polls", type=int, default=0)
    chosen = parser.parse_args(arguments)
    state = Route53State(pending_polls=chosen.pending_polls)
    for each in chosen.zone:
        id_, _, name = each.partition("=")
        state.add_zone(id_, name)
    with FakeRoute53(state, port=chosen.port) as fake:
        print(fake.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
