"""What the built-in jobs look like, to the character, and that Nomad accepts it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.golden.shipped import ENVIRONMENTS, JOBS, shipped
from toolkit.clients.nomad import Nomad

GOLDEN = Path(__file__).parent
CASES = [(job, environment) for job in JOBS for environment in ENVIRONMENTS]


@pytest.mark.parametrize(("job", "environment"), CASES)
def test_a_shipped_job_is_what_it_was(job: str, environment: str, regenerate: bool) -> None:
    path = GOLDEN / f"{job}.{environment}.nomad.hcl"
    hcl = shipped(job, environment).hcl
    if regenerate:
        path.write_text(hcl)
    assert hcl == path.read_text(), "run pytest tests/golden --regenerate-golden and read the diff"


def test_no_golden_file_is_left_over() -> None:
    expected = {f"{job}.{environment}.nomad.hcl" for job, environment in CASES}
    assert {path.name for path in GOLDEN.glob("*.hcl")} == expected


@pytest.mark.agents
@pytest.mark.parametrize(("job", "environment"), CASES)
def test_nomad_reads_and_validates_a_shipped_job(job: str, environment: str, nomad: Nomad) -> None:
    hcl = (GOLDEN / f"{job}.{environment}.nomad.hcl").read_text()
    # Pools of machines that this cluster of one machine does not have.
    parsed = nomad.parse(re.sub('node_pool   = "(control|entrance)"', "", hcl))
    answer = nomad.validate(parsed)
    assert not answer.get("ValidationErrors")
    assert not answer.get("Error")
    assert not answer.get("Warnings")
