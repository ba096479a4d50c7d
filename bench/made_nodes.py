"""A Nomad of made-up answers: a thousand nodes, what runs on them, and one job."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NODES = 1000
RACKS = 25

JOB = {
    "ID": "wide", "Name": "wide", "Namespace": "default", "Region": "global", "Type": "service",
    "Datacenters": ["dc1"], "NodePool": "default", "Priority": 50, "Version": 3,
    "Status": "pending", "JobModifyIndex": 7,
    "Constraints": [{"LTarget": "${attr.kernel.name}", "Operand": "=", "RTarget": "linux"}],
    "TaskGroups": [{
        "Name": "web", "Count": 12,
        "Constraints": [
            {"LTarget": "${meta.rack}", "Operand": "regexp", "RTarget": "^r[0-9]$"},
            {"LTarget": "${attr.nomad.version}", "Operand": "semver", "RTarget": ">= 1.9"},
            {"LTarget": "", "Operand": "distinct_hosts", "RTarget": "true"},
        ],
        "Services": [{"Name": "wide", "Provider": "consul"}],
        "Networks": [{"DynamicPorts": [{"Label": "a"}],
                      "ReservedPorts": [{"Label": "b", "Value": 8080}]}],
        "Tasks": [{"Name": "app", "Driver": "docker", "KillSignal": "SIGTERM",
                   "Resources": {"CPU": 500, "MemoryMB": 512}}],
    }],
}  # fmt: skip


def _stub(number: int) -> dict[str, Any]:
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    return {
        "ID": f"{number:08x}-1111-2222-3333-444444444444", "Name": f"worker-{number}",
        "Datacenter": "dc1", "NodePool": "default", "NodeClass": "c1", "Status": "ready",
        "SchedulingEligibility": "eligible", "Drain": False, "HostVolumes": {},
        "Drivers": {"docker": {"Detected": True, "Healthy": True, "HealthDescription": "Healthy"},
                    "raw_exec": {"Detected": True, "Healthy": True}},
        "NodeResources": {
            "Processors": {"Topology": {"Cores": [
                {"ID": core, "BaseSpeed": 2600, "Disable": False} for core in range(16)]}},
            "Memory": {"MemoryMB": 2000}, "Disk": {"DiskMB": 100000},
            "Networks": [{"Mode": "host", "Device": "eth0", "IP": address}],
            "NodeNetworks": [{"Mode": "host", "Addresses": [
                {"Alias": "default", "Address": address, "ReservedPorts": ""}]}],
            "MinDynamicPort": 20000, "MaxDynamicPort": 32000,
        },
        "ReservedResources": {
            "Cpu": {"CpuShares": 100}, "Memory": {"MemoryMB": 100}, "Disk": {"DiskMB": 1},
            "Networks": {"ReservedHostPorts": "22,8000-8010"},
        },
    }  # fmt: skip


def _full(number: int, stub: dict[str, Any]) -> dict[str, Any]:
    attributes = {
        "kernel.name": "linux", "nomad.version": "1.11.3", "consul.version": "1.22.7",
        "os.signals": "SIGTERM,SIGKILL", "unique.hostname": stub["Name"],
    }  # fmt: skip
    return {**stub, "Attributes": attributes, "Meta": {"rack": f"r{number % RACKS}"}}


def _allocation(number: int, stub: dict[str, Any]) -> dict[str, Any]:
    address = stub["NodeResources"]["Networks"][0]["IP"]
    return {
        "ID": f"{number:08x}-aaaa", "Namespace": "default", "JobID": "other", "TaskGroup": "main",
        "NodeID": stub["ID"], "DesiredStatus": "run", "ClientStatus": "running",
        "AllocatedResources": {
            "Tasks": {"app": {"Cpu": {"CpuShares": 100}, "Memory": {"MemoryMB": 800}}},
            "TaskLifecycles": {"app": None},
            "Shared": {"DiskMB": 300, "Ports": [
                {"Label": "a", "HostIP": address, "Value": 20000 + number % 5000}]},
        },
    }  # fmt: skip


class MadeNomad:
    """Answers as Nomad would; its filter knows what `why-not` asks."""

    def __init__(self) -> None:
        stubs = [_stub(number) for number in range(NODES)]
        self.nodes = {stub["ID"]: _full(number, stub) for number, stub in enumerate(stubs)}
        self.texts = {stub["ID"]: json.dumps(stub) for stub in stubs}
        self.whole = f"[{','.join(self.texts.values())}]"
        self.allocations = json.dumps(
            [_allocation(number, stubs[number % NODES]) for number in range(2 * NODES)]
        )
        plan = {
            "Annotations": {"DesiredTGUpdates": {"web": {"Place": 12}}}, "JobModifyIndex": 7,
            "FailedTGAllocs": {"web": {"CoalescedFailures": 11, "NodesEvaluated": NODES}},
        }  # fmt: skip
        self.fixed = {
            "/v1/job/wide": JOB, "/v1/job/wide/plan": plan, "/v1/jobs": [{"ID": "wide"}],
            "/v1/acl/token/self": {"Type": "management"},
            "/v1/operator/scheduler/configuration": {"SchedulerConfig": {}},
            "/v1/namespace/default": {"Name": "default"},
        }  # fmt: skip

    def answer(self, target: str) -> str | None:
        """The body for one request."""
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/v1/nodes" and "filter" not in query:
            return self.whole
        if parts.path == "/v1/nodes":
            return f"[{','.join(self._filtered(query['filter']))}]"
        if parts.path == "/v1/allocations":
            return self.allocations
        if parts.path.startswith("/v1/node/"):
            return json.dumps(self.nodes[parts.path.removeprefix("/v1/node/")])
        found = self.fixed.get(parts.path)
        return None if found is None else json.dumps(found)

    def _filtered(self, text: str) -> Iterator[str]:
        wanted = re.findall(r'(Attributes|Meta)\["([^"]+)"\] == `([^`]*)`', text)
        for name, node in self.nodes.items():
            if "NodeMaxAllocs" in text:
                continue
            if all(node[field].get(key) == value for field, key, value in wanted):
                yield self.texts[name]


@contextmanager
def made_nomad() -> Iterator[str]:
    """Its address, for as long as it answers."""
    nomad = MadeNomad()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together: in two parts the second would wait for the first's receipt.
        wbufsize = 1 << 20

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing."""

        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            text = nomad.answer(self.path)
            body = (text if text is not None else "not found").encode()
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Nomad-Index", "7")
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the library's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
