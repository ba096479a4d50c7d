"""cfn-lint, which knows AWS's own schemas of resources, has nothing to say of any template."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cluster.templates import KICK_POLICY, MATRIX, clusters, rendered
from toolkit.cluster.template import render_template
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster

USUAL = ("eu-west-1",)
ELSEWHERE = ("cn-north-1", "us-gov-west-1")
"""Partitions of their own: what they lack is another matter."""
WRONG = "wrong"
MAIN = "from cfnlint.runner import main; main()"


def lint(folder: Path, bodies: Mapping[str, str], *regions: str) -> list[str]:
    """What one run of cfn-lint says of all of them: `template: rule, at, message`."""
    for name, body in bodies.items():
        (folder / f"{name.replace(' ', '-')}.json").write_text(body)
    ran = subprocess.run(
        [
            # Zones are literals on purpose: that a cluster has them is looked up before.
            sys.executable, "-c", MAIN, "-i", "W3010",
            "--format", "json", "--regions", *regions,
            "--template", *(str(each) for each in sorted(folder.glob("*.json"))),
        ],
        capture_output=True, text=True, timeout=170, cwd=folder,
    )  # fmt: skip
    assert ran.returncode < 16, ran.stderr
    found = json.loads(ran.stdout or "[]")
    assert bool(found) == bool(ran.returncode), ran.stderr
    return [
        f"{Path(each['Filename']).stem}: {each['Rule']['Id']} at"
        f" {'/'.join(map(str, each['Location']['Path'] or []))}: {each['Message']}"
        for each in found
    ]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of the usual regions' templates, and of one that is wrong; a run takes seconds to begin."""
    bodies = {**_matrix(USUAL), WRONG: _wrong()}
    return lint(tmp_path_factory.mktemp("usual"), bodies, *USUAL)


def test_nothing_is_said_of_the_matrix(said: list[str]) -> None:
    assert [each for each in said if not each.startswith(f"{WRONG}: ")] == []


def test_nothing_is_said_of_the_matrix_in_partitions_of_their_own(tmp_path: Path) -> None:
    assert lint(tmp_path, _matrix(ELSEWHERE), *ELSEWHERE) == []


def test_what_is_wrong_is_said(said: list[str]) -> None:
    found = [each for each in said if each.startswith(f"{WRONG}: ")]
    assert any("MaximumSize" in each for each in found)
    assert any("Nothing" in each for each in found)


def _matrix(regions: tuple[str, ...]) -> dict[str, str]:
    bodies = {
        name: render_template(one, KICK_POLICY).body
        for name, one in MATRIX.items()
        if (one.region in ELSEWHERE) == (regions == ELSEWHERE)
    }
    assert len(bodies) > 1
    return bodies


def _wrong() -> str:
    document = rendered(MATRIX["plain"]).document
    document["Resources"]["Server1"]["Properties"]["MaximumSize"] = "1"
    document["Resources"]["Server2"]["DependsOn"].append("Nothing")
    del document["Resources"]["Vpc"]["Properties"]["CidrBlock"]
    return json.dumps(document)


@pytest.mark.soak
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(clusters(), min_size=10, max_size=10))
def test_nothing_is_said_of_clusters_of_any_kind(
    tmp_path_factory: pytest.TempPathFactory, several: list[Cluster]
) -> None:
    bodies = {}
    for at, one in enumerate(several):
        try:
            bodies[str(at)] = render_template(one, KICK_POLICY).body
        except RefusedError:
            continue
    if bodies:
        assert lint(tmp_path_factory.mktemp("lint"), bodies, "eu-west-1") == []
