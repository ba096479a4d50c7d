"""Between a command and moto: each call logged, and some answered as AWS does on bad days.

`POST /_control/…` is the test's own door.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

ROUTE53 = (
    ("POST", r"/hostedzone/?", "CreateHostedZone"),
    ("GET", r"/hostedzone/?", "ListHostedZones"),
    ("GET", r"/hostedzonesbyname", "ListHostedZonesByName"),
    ("GET", r"/hostedzonesbyvpc", "ListHostedZonesByVPC"),
    ("POST", r"/hostedzone/[^/]+/rrset/?", "ChangeResourceRecordSets"),
    ("GET", r"/hostedzone/[^/]+/rrset", "ListResourceRecordSets"),
    ("GET", r"/hostedzone/[^/]+", "GetHostedZone"),
    ("DELETE", r"/hostedzone/[^/]+", "DeleteHostedZone"),
    ("GET", r"/change/[^/]+", "GetChange"),
    ("POST", r"/tags/hostedzone/[^/]+", "ChangeTagsForResource"),
    ("GET", r"/tags/hostedzone/[^/]+", "ListTagsForResource"),
    ("POST", r"/tags/hostedzone", "ListTagsForResources"),
)
CODES = {
    "throttle": (400, "Throttling", "Rate exceeded"),
    "500": (500, "InternalFailure", "An internal error occurred"),
    "denied": (403, "AccessDenied", "User is not authorized to perform this operation"),
    "expired": (403, "ExpiredToken", "The security token included in the request is expired"),
}
"""Kind of fault -> what is answered instead of moto's answer; nothing is done."""
CUT = ("lost", "refused", "hang", "stuck")
"""Done, never answered; not even done; no answer until let go, before and after it is done."""


@dataclass
class Fault:
    """What happens to some calls: each condition that is given must hold."""

    kind: str
    operation: str = ""
    at: int = 0
    """Number of the first call since the log was forgotten, from 1."""
    skip: int = 0
    """Calls of the operation that pass before it begins."""
    times: int = 1
    """How many calls; negative: all that follow."""
    code: str = ""
    message: str = ""

    def wants(self, call: Call) -> bool:
        """Whether this call is one of them; counts it."""
        if self.times == 0 or (self.operation and self.operation != call.operation):
            return False
        if self.at and call.number < self.at:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Call:
    """One request."""

    number: int
    service: str
    operation: str
    region: str
    status: int = 0
    fault: str = ""
    body: str = field(default="", repr=False)


class Faults:
    """A WSGI application around moto's."""

    def __init__(
        self, app: App, reset: Callable[[], None], turn: Callable[[dict[str, Any]], None]
    ) -> None:
        self.app, self.reset, self.turn = app, reset, turn
        self.lock = threading.Lock()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.numbers = itertools.count(1)
        self.hanging = 0
        self.changed = threading.Condition()
        self.open = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith("/_control/"):
            return self._control(path.removeprefix("/_control/"), body, start)
        service, region = _signed(environ)
        call = Call(0, service, operation_of(environ, path, body), region)
        call.body = body.decode(errors="replace")
        with self.lock:
            call.number = next(self.numbers)
            self.calls.append(call)
            fault = next((each for each in self.faults if each.wants(call)), None)
        if fault is None:
            return self._pass_on(call, environ, start)
        call.fault = fault.kind
        if fault.kind in CUT:
            return self._cut(fault, call, environ)
        status, code, message = CODES.get(fault.kind, (400, fault.code, fault.message))
        call.status = status
        return _error(service, status, code, message, start)

    def _pass_on(
        self, call: Call, environ: dict[str, Any], start: Callable[..., Any]
    ) -> Iterable[bytes]:
        def begun(status: str, *rest: Any) -> Any:
            call.status = int(status.split()[0])
            return start(status, *rest)

        return self.app(environ, begun)

    def _cut(self, fault: Fault, call: Call, environ: dict[str, Any]) -> Iterable[bytes]:
        if fault.kind in {"lost", "stuck"}:
            for _ in self._pass_on(call, environ, lambda *_: None):
                pass
        if fault.kind in {"hang", "stuck"}:
            with self.changed:
                self.hanging += 1
                self.changed.notify_all()
            self.open.wait()
        with contextlib.suppress(OSError):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return []

    def let_go(self) -> None:
        """Cut the connections of calls that hang."""
        self.open.set()
        with self.changed:
            self.hanging = 0

    def _control(self, what: str, body: bytes, start: Callable[..., Any]) -> Iterable[bytes]:
        said = json.loads(body) if body else {}
        answer: Any = {}
        match what:
            case "reset":
                self._forget(faults=True)
                self.reset()
            case "knobs":
                self.turn(said)
            case "fault":
                with self.lock:
                    self.faults.append(Fault(**said))
                self.open.clear()
            case "calm":
                with self.lock:
                    self.faults.clear()
                self.let_go()
            case "forget":
                self._forget(faults=False)
            case "calls":
                with self.lock:
                    answer = [asdict(each) for each in self.calls]
            case "hanging":
                with self.changed:
                    answer = self.changed.wait_for(lambda: self.hanging > 0, said["timeout"])
        text = json.dumps(answer).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def _forget(self, *, faults: bool) -> None:
        with self.lock:
            self.calls.clear()
            self.numbers = itertools.count(1)
            if faults:
                self.faults.clear()
        if faults:
            self.let_go()


def operation_of(environ: dict[str, Any], path: str, body: bytes) -> str:
    """The operation's name as the API has it; the path where it is not known."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target).rpartition(".")[2]
    smithy = re.search(r"/service/[^/]+/operation/(\w+)", path)
    if smithy:
        return smithy[1]
    action = re.search(rb"(?:^|&)Action=(\w+)", body)
    if action:
        return action[1].decode()
    query = urllib.parse.parse_qs(str(environ.get("QUERY_STRING", "")))
    if "Action" in query:
        return query["Action"][0]
    own = path.removeprefix("/2013-04-01")
    for method, pattern, name in ROUTE53:
        if environ["REQUEST_METHOD"] == method and re.fullmatch(pattern, own):
            return name
    return f"{environ['REQUEST_METHOD']} {path}"


def _signed(environ: dict[str, Any]) -> tuple[str, str]:
    found = re.search(
        r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", "")
    )
    return (found[2], found[1]) if found else ("", "")


QUERY = {"cloudformation", "autoscaling", "elasticloadbalancing", "iam", "sts", "route53"}


def _error(
    service: str, status: int, code: str, message: str, start: Callable[..., Any]
) -> Iterable[bytes]:
    kind = "text/xml"
    if service == "ec2":
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            "</Errors><RequestID>0</RequestID></Response>"
        )
    elif service in QUERY:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
        )
    else:
        kind = "application/x-amz-json-1.1"
        text = json.dumps({"__type": code, "message": message})
    data = text.encode()
    phrase = "Internal Server Error" if status >= 500 else "Bad Request"
    start(f"{status} {phrase}", [("Content-Type", kind), ("Content-Length", str(len(data)))])
    return [data]
