"""A Consul or a Traefik that accepts connections and says nothing: how long it is waited for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.clients.patience import Patience, glance
from toolkit.clients.traefik import Traefik
from toolkit.config.settings import Flags, Settings
from toolkit.errors import ToolkitError, UnreachableError
from toolkit.rollout import edges, verify
from toolkit.rollout.declared import Route
from toolkit.rollout.world import World
from toolkit.spec.observed import EdgeView
from toolkit.spec.target import Endpoint, Target
from toolkit.workflows.doctor import doctor
from toolkit.workflows.explain.explain import explain
from toolkit.workflows.session import Session
from toolkit.workflows.status import status
from toolkit.workflows.verify import verify as look

NOBODY = "http://127.0.0.1:9"
ROUTED = {
    "ID": "web",
    "TaskGroups": [
        {
            "Name": "web",
            "Count": 1,
            "Services": [
                {
                    "Name": "web",
                    "Provider": "consul",
                    "Tags": ["traefik.enable=true", "traefik.http.routers.web.rule=Path(`/`)"],
                }
            ],
        }
    ],
}


def no_sleep(_seconds: float) -> None:
    pytest.fail("what kept silent was asked again")


def consul(address: str, patience: Patience) -> Consul:
    return Consul(Endpoint("Consul", address, "test"), sleep=no_sleep, patience=patience)


def traefik(address: str, patience: Patience) -> Traefik:
    return Traefik(Endpoint("Traefik", address, "test"), sleep=no_sleep, patience=patience)


@pytest.mark.parametrize(
    "ask",
    [
        lambda address, patience: consul(address, patience).service("web"),
        lambda address, patience: consul(address, patience).clone().services(),
        lambda address, patience: traefik(address, patience).services(),
        lambda address, patience: traefik(address, patience).clone().entry_points(),
    ],
    ids=["service", "services of a clone", "traefik", "traefik's clone"],
)
def test_silence_is_asked_once_and_remembered(ask: Callable[[str, Patience], Any]) -> None:
    patience = Patience(0.3, 0.1)
    with Scripted(Reply(hold=True)) as server:
        with pytest.raises(UnreachableError, match="did not answer in time"):
            ask(server.address, patience)
        assert len(server.asked) == 1
    assert patience.timeout() == (0.1, 0.1)


def test_an_answer_of_any_kind_ends_the_silence() -> None:
    patience = Patience(5.0, 2.0)
    for reply in (Reply(b"[]", headers={"X-Consul-Index": "7"}), Reply(b"no", status=400)):
        patience.silent = True
        with Scripted(reply) as server, suppress(ToolkitError):
            consul(server.address, patience).service("web", index=1, wait=0.1)
        assert not patience.silent


def test_a_refused_connection_is_not_silence() -> None:
    patience = Patience(5.0, 1.0)
    with pytest.raises(UnreachableError):
        Consul(
            Endpoint("Consul", NOBODY, "test"), sleep=lambda _seconds: None, patience=patience
        ).services()
    assert not patience.silent


def test_a_watch_is_as_patient_as_ever() -> None:
    usual = Patience()
    usual.silent = True
    assert usual.timeout() == (5.0, 30.0)
    glancing = glance()
    assert glancing.timeout() == (5.0, 5.0)
    glancing.silent = True
    assert glancing.timeout() == (1.0, 1.0)


def world(address: str, patience: Patience) -> World:
    nomad, at = Endpoint("Nomad", NOBODY, "test"), Endpoint("Consul", address, "test")
    return World(Target("dev", nomad, at), Nomad(nomad), consul(address, patience))


def test_one_look_at_a_silent_consul_waits_for_it_in_full_only_once() -> None:
    patience = Patience(0.3, 0.1)
    given: list[tuple[float, float]] = []

    def script(_asked: Asked) -> Reply:
        given.append(patience.timeout())
        return Reply(hold=True)

    with Scripted(script) as server:
        expected = verify.expect(ROUTED, (), {1}, served=None)
        seen, side = verify.look(world(server.address, patience), expected)
    assert given == [(0.3, 0.3), (0.1, 0.1)]
    assert side.blind is not None
    assert {link.name: link.state for link in seen.links}["consul"] == "unseen"


def test_a_traefik_that_kept_silent_is_not_asked_for_its_entry_points() -> None:
    with Scripted(Reply(hold=True)) as server:
        views = (EdgeView(server.address, None, error="it did not answer in time"),)
        route = Route("web", "web", "Path(`/`)", None, "/", ())
        assert edges.doors(world(NOBODY, glance()), route, edges.Edges(views)) == ()
        assert server.asked == []


class Noted(Consul):
    """A client that notes how patient it is asked to be."""

    given: list[tuple[float, float]]

    def waiting(self, patience: Patience) -> Consul:
        self.given.append(patience.timeout())
        return super().waiting(patience)


@pytest.mark.parametrize(
    "command",
    [
        lambda session: look(session, "web"),
        lambda session: explain(session, "web"),
        lambda session: status(session, None),
        lambda session: doctor(session, only=("consul",)),
    ],
    ids=["verify", "explain", "status", "doctor"],
)
def test_a_command_that_looks_once_only_glances(
    command: Callable[[Session], object], tmp_path: Path
) -> None:
    nomad, at = Endpoint("Nomad", NOBODY, "test"), Endpoint("Consul", NOBODY, "test")
    target = Target("dev", nomad, at)
    settings = Settings(
        project=None, target=target, flags=Flags(), cache_dir=tmp_path, nomad_bin=None,
        consul_bin=None, traefik_bin=None, no_color=True,
    )  # fmt: skip
    client = Noted(at)
    client.given = []
    with suppress(ToolkitError):
        server = Nomad(nomad, sleep=lambda _seconds: None)
        command(Session(settings, World(target, server, client)))
    assert (5.0, 5.0) in client.given
