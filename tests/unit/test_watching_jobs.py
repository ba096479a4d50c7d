"""All jobs, watched: a look that failed is made again, whatever the blocking queries noticed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ServerError
from toolkit.rollout.world import World
from toolkit.spec.listing import JobRow
from toolkit.spec.target import Endpoint, Target
from toolkit.workflows.session import Session
from toolkit.workflows.watching import jobs

ROW = JobRow("web", "service", "running", "1.0.0", 0, 2, 2, 2, "successful", True)


class Bell:
    """Rings once, for the change at which the look fails; who waits for more waits for ever."""

    def __init__(self, _session: Session) -> None:
        self.rings = 1

    def wait(self, most: float | None = None) -> None:
        self.rings -= 1
        assert self.rings >= 0 or most is not None, "it waits for another change"

    def close(self) -> None:
        """Nothing is open."""


def test_a_look_that_failed_is_made_again_without_another_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: list[Any] = [
        ((ROW,), ()),
        ServerError("No cluster leader", system="Nomad"),
        ((replace(ROW, running=1),), ()),
    ]

    def everything(_session: Session) -> Any:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(jobs, "everything", everything)
    monkeypatch.setattr(jobs, "Bell", Bell)
    nomad, consul = (Endpoint(s, "http://127.0.0.1:9", "test") for s in ("Nomad", "Consul"))
    world = World(
        Target("dev", nomad, consul), Nomad(nomad), Consul(consul), sleep=lambda _seconds: None
    )
    sights = jobs.watch_jobs(Session(cast(Any, None), world))
    assert [next(sights).word for _ in range(4)] == ["seen", "lost", "back", "changed"]
