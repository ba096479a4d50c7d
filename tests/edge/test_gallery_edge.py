"""The cases of the gallery that need a Traefik, at the same time: they mostly wait for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.gallery.cases_edge import CASES
from tests.agents.gallery.play import Playing, judge
from tests.agents.gallery.stage import staged
from tests.edge.front import Front

pytestmark = [pytest.mark.agents, pytest.mark.edge]

HERE = {case.name: case for case in CASES if case.needs == "edge"}


@pytest.fixture(scope="module")
def playing(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    """The cases under way, on the cluster that has an edge."""
    with staged(front.cluster, tmp_path_factory.mktemp("gallery") / "edge") as stage:
        playing = Playing(stage, HERE.values(), len(HERE))
        try:
            yield playing
        finally:
            playing.close()


@pytest.mark.parametrize("name", HERE)
def test_case_at_the_edge(name: str, playing: Playing, request: pytest.FixtureRequest) -> None:
    case = HERE[name]
    if case.xfail:
        request.applymarker(pytest.mark.xfail(strict=True, reason=case.xfail))
    judge(playing.end(case))
