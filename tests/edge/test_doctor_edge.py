"""`toolkit doctor` on a cluster with an edge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.agents.shop import Said
from tests.edge.front import Front

pytestmark = [pytest.mark.agents, pytest.mark.edge]

WRONG_DOOR = """
job "NAME" {
  group "g" {
    count = 0
    network {
      port "http" {}
    }
    service {
      name = "NAME"
      port = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.NAME.rule=Host(`NAME.localhost`)",
        "traefik.http.routers.NAME.entryPoints=websecure",
      ]
    }
    task "t" {
      driver = "raw_exec"
      config {
        command = "true"
      }
    }
  }
}
"""


def examine(front: Front) -> tuple[Said, dict[str, dict[str, Any]]]:
    """The checks of the edge."""
    names = ("edge", "traefik-version", "entrances", "clocks")
    said = front.toolkit("doctor", "--json", *(word for name in names for word in ("--only", name)))
    return said, {check["name"]: check for check in said.report["checks"]}


@pytest.fixture
def second(front: Front) -> Iterator[None]:
    """A second Traefik in Consul's catalog that is not there."""
    service = {"ID": "second", "Service": "traefik-api", "Port": 1}
    node = {"Node": "elsewhere", "Address": "127.0.0.1"}
    front.consul("/v1/catalog/register", node | {"Service": service})
    yield
    front.consul("/v1/catalog/deregister", {"Node": "elsewhere"})


def test_an_edge_that_is_well(front: Front) -> None:
    name = front.deployed(route=True)
    said, checks = examine(front)
    assert said.code == 0, said.out
    assert {check["word"] for check in checks.values()} == {"passed"}
    assert front.api in checks["edge"]["summary"]
    # The shipped Traefik is told of changes: nothing is said of asking now and then.
    assert not [note for note in checks["edge"]["notes"] if "now and then" in note]
    assert checks["traefik-version"]["summary"] == "Traefik 3.7.15, supported"
    assert "entry point public exists" in checks["entrances"]["summary"]
    assert f"public {front.public} answers" in checks["entrances"]["summary"]
    assert checks["clocks"]["summary"].startswith("Nomad, Consul, Traefik within")
    assert front.toolkit("stop", name, "--yes").code == 0


def test_a_traefik_that_cannot_be_read(front: Front, second: None) -> None:
    said, checks = examine(front)
    assert said.code == 1
    assert checks["edge"]["word"] == "failed"
    assert "1 of 2 Traefiks" in checks["edge"]["summary"]
    assert "127.0.0.1:1 cannot be reached" in checks["edge"]["evidence"][0]


def test_an_entry_point_that_no_traefik_has(front: Front) -> None:
    name = front.name("door")
    front.plain(name, WRONG_DOOR.replace("NAME", name))
    hcl = {"JobHCL": WRONG_DOOR.replace("NAME", name)}
    front.nomad("/v1/jobs", {"Job": front.nomad("/v1/jobs/parse", hcl, "POST")}, "POST")
    said, checks = examine(front)
    (front.root / "jobs" / name / "job.nomad.hcl").unlink()
    assert said.code == 1
    assert checks["entrances"]["word"] == "failed"
    assert "no Traefik has entry point websecure" in checks["entrances"]["summary"]
    assert f"entry point websecure is named by {name}" in checks["entrances"]["evidence"]
    assert "private, public, traefik" in checks["entrances"]["advice"]


def test_a_door_at_which_nobody_answers(front: Front) -> None:
    state = front.cluster.state
    front.root.joinpath("toolkit.toml").write_text(
        '[environments.dev]\ndriver = "raw_exec"\n'
        f'nomad = "{state.nomad_address}"\nconsul = "{state.consul_address}"\n'
        '[environments.dev.edge]\npublic = "http://127.0.0.1:1"\n'
    )
    try:
        said, checks = examine(front)
    finally:
        front.environment()
    assert said.code == 1
    assert checks["entrances"]["word"] == "failed"
    assert "nothing answers at http://127.0.0.1:1 (public)" in checks["entrances"]["summary"]
    assert checks["edge"]["word"] == "passed"
