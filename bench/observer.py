"""An observer beside the tools: when Nomad and Traefik themselves showed each step of a rollout."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

TRAEFIK_STEP = 0.01
"""Seconds between two readings of Traefik's API."""


@dataclass
class Observer:
    """Watches one job from outside until stopped; times are on `time.monotonic`."""

    nomad: str
    traefik: str
    """`host:port` of Traefik's API."""
    job: str
    before: int
    """Deployments of versions up to this one are of no interest."""
    healthy: float | None = None
    promoted: float | None = None
    ended: float | None = None
    status: str = ""
    edge_new: float | None = None
    """When Traefik first listed every new instance as up."""
    edge_clean: float | None = None
    """When Traefik listed only new instances."""
    _old: set[str] = field(default_factory=set)

    def __enter__(self) -> Observer:
        self._stop = threading.Event()
        self._old = self._servers(self._connect())
        self._threads = [
            threading.Thread(target=run, daemon=True)
            for run in (self._deployment, self._allocations, self._edge)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def wait(self, seconds: float) -> None:
        """Until the deployment has ended and the edge is clean, or time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and (self.ended is None or self.edge_clean is None):
            time.sleep(0.02)

    def _get(self, path: str, index: int) -> tuple[Any, int]:
        url = f"{self.nomad}{path}?index={index}&wait=2s"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer), int(answer.headers["X-Nomad-Index"])

    def _deployment(self) -> None:
        index = 0
        while not self._stop.is_set() and self.ended is None:
            found, index = self._get(f"/v1/job/{self.job}/deployments", index)
            now = time.monotonic()
            for item in found:
                if item["JobVersion"] != self.before + 1:
                    continue
                groups = item["TaskGroups"].values()
                if self.promoted is None and all(g["Promoted"] for g in groups):
                    self.promoted = now
                if item["Status"] in {"successful", "failed", "cancelled"}:
                    self.ended, self.status = now, item["Status"]

    def _allocations(self) -> None:
        index = 0
        while not self._stop.is_set() and self.healthy is None:
            found, index = self._get(f"/v1/job/{self.job}/allocations", index)
            mine = [a for a in found if a["JobVersion"] == self.before + 1]
            if mine and all((a.get("DeploymentStatus") or {}).get("Healthy") for a in mine):
                self.healthy = time.monotonic()

    def _edge(self) -> None:
        connection = self._connect()
        while not self._stop.is_set() and self.edge_clean is None:
            now = self._servers(connection)
            new = now - self._old
            if self.edge_new is None and len(new) >= len(self._old):
                self.edge_new = time.monotonic()
            if new and not now & self._old and len(new) >= len(self._old):
                self.edge_clean = time.monotonic()
            self._stop.wait(TRAEFIK_STEP)

    def _connect(self) -> http.client.HTTPConnection:
        host, _, port = self.traefik.partition(":")
        return http.client.HTTPConnection(host, int(port), timeout=5)

    def _servers(self, connection: http.client.HTTPConnection) -> set[str]:
        connection.request("GET", "/api/http/services?per_page=1000")
        services = json.loads(connection.getresponse().read())
        return {
            url
            for service in services
            if service["name"].startswith(f"{self.job}-")
            for url, state in (service.get("serverStatus") or {}).items()
            if state == "UP"
        }
