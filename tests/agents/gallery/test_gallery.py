"""Every case of the gallery on one real cluster, several at once: most of a rollout is waiting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.gallery.play import Playing, cases, judge
from tests.agents.gallery.stage import staged

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

AT_ONCE = 6
"""Cases at the same time. The queries that a watch abandons stay open for ten seconds, all in this
process, and Nomad takes a hundred connections of one address: eight at once came to 95."""

HERE = tuple(case for case in cases() if case.needs in {"", "alone"})


@pytest.fixture(scope="module")
def playing(
    cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Playing]:
    """The cases that were asked for, under way."""
    asked = {
        str(item.callspec.params.get("case"))
        for item in request.session.items
        if hasattr(item, "callspec")
    }
    with staged(cluster, tmp_path_factory.mktemp("gallery") / "stage") as stage:
        playing = Playing(stage, [case for case in HERE if case.name in asked], AT_ONCE)
        try:
            yield playing
        finally:
            playing.close()


@pytest.mark.parametrize("case", [case.name for case in HERE])
def test_case(case: str, playing: Playing, request: pytest.FixtureRequest) -> None:
    the = next(each for each in HERE if each.name == case)
    if the.xfail:
        request.applymarker(pytest.mark.xfail(strict=True, reason=the.xfail))
    judge(playing.end(the))
