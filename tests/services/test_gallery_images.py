"""The cases of the gallery that need a Docker engine, several at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.gallery.cases_images import CASES, IMAGE
from tests.agents.gallery.play import Playing, judge
from tests.agents.gallery.stage import staged
from tests.services.engine import Engine
from toolkit.spec.dev import Machine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.agents,
    pytest.mark.timeout(300),
]

HERE = {case.name: case for case in CASES}


@pytest.fixture(scope="module")
def playing(
    engine: Engine, base_image: str, machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Playing]:
    """The cases under way, on a cluster whose containers are the engine's."""
    assert base_image == IMAGE
    folder = tmp_path_factory.mktemp("images")
    with (
        local_cluster(folder / "agents", docker_endpoint=engine.host, machine=machine) as cluster,
        staged(cluster, folder / "stage") as stage,
    ):
        playing = Playing(stage, HERE.values(), 3)
        try:
            yield playing
        finally:
            playing.close()


@pytest.mark.parametrize("name", HERE)
def test_case_in_a_container(name: str, playing: Playing, request: pytest.FixtureRequest) -> None:
    case = HERE[name]
    if case.xfail:
        request.applymarker(pytest.mark.xfail(strict=True, reason=case.xfail))
    judge(playing.end(case))
