"""Traefik's own counts beside the comparison: part of it where they can be read, said where not."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.agents.shop import Said
from tests.edge.canaries import CANARY, deployed
from tests.edge.front import Front
from tests.edge.test_edge_unverified import registered
from tests.faults.scripted import Asked, Reply, Scripted

pytestmark = [pytest.mark.agents, pytest.mark.edge]

FEW = CANARY.replace("rate = 15", "rate = 5").replace("samples = 40", "samples = 20")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def analysed(said: Said) -> dict[str, Any]:
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
    [step] = said.report["analysis"]["steps"]
    assert step["word"] == "passed"
    assert isinstance(step, dict)
    return step


def counted(front: Front, name: str) -> int:
    """Requests that Traefik says it sent to a job's service."""
    [router] = front.routers(name)
    with _DIRECT.open(f"{front.api}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    mine = [line for line in lines if f'service="{router["service"]}@consulcatalog"' in line]
    return sum(
        int(float(line.rpartition(" ")[2]))
        for line in mine
        if line.startswith("traefik_service_requests_total")
    )


def test_what_the_edge_counted_is_part_of_it(front: Front) -> None:
    name = deployed(front, "counted", more=FEW)
    with front.visited(name):
        front.until("enough was counted", lambda: counted(front, name) >= 20)
        said = front.deploy(name, "--release", "1.1.0")
    edge = analysed(said)["edge"]
    assert edge["unseen"] is None, edge
    for span in ("before", "since"):
        assert edge[span]["requests"] >= 20
        assert edge[span]["failed"] == 0
    assert edge["slow_above"] is None or edge["slow_above"] > 0
    assert "edge 0/" in said.told("analyse")[-1]


def test_an_edge_that_does_not_count_is_said_and_the_rest_judged(front: Front) -> None:
    """One of two Traefiks has no metrics; what both route to can be seen."""
    name = deployed(front, "uncounted", more=FEW)

    def answer(asked: Asked) -> Reply:
        if asked.path == "/metrics":
            return Reply(b"404 page not found\n", 404)
        try:
            with _DIRECT.open(front.api + asked.target, timeout=10) as real:
                return Reply(real.read(), headers={"Content-Type": "application/json"})
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.read(), error.code)

    with Scripted(answer) as plain:
        port = urlsplit(plain.address).port
        assert port
        with registered(front, "traefik-api", port):
            said = front.deploy(name, "--release", "1.1.0")
    step = analysed(said)
    assert step["edge"]["unseen"] == f"Traefik at http://127.0.0.1:{port} has no metrics"
    assert "judged without Traefik's own counts" in said.told("analyse")[-1]
