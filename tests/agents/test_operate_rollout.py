"""`toolkit promote | abort | pause | resume` on rollouts that wait on real agents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.yard import Yard
from toolkit.errors import ExitCode, NeedsAnswerError, RefusedError
from toolkit.views import verify as view
from toolkit.workflows.operate import abort, pause, promote, resume
from toolkit.workflows.verify import verify

pytestmark = pytest.mark.agents


@pytest.fixture
def yard(cluster: LocalCluster, tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(cluster, tmp_path)
    yield yard
    yard.close()


@pytest.fixture
def waiting(yard: Yard) -> str:
    """A service whose healthy canary of 1.1.0 waits beside its 1.0.0."""
    name = yard.service(count=1, canary=1)
    yard.until_stable(name)
    yard.release(name, count=1, canary=1, release="1.1.0")
    yard.until(name, lambda views: any(v.canary and v.healthy for v in views))
    return name


def test_without_a_rollout_there_is_nothing_to_decide(yard: Yard) -> None:
    name = yard.service(count=1)
    yard.until_stable(name)
    for operate in (promote, abort, pause, resume):
        with pytest.raises(RefusedError, match=r"no rollout .* the last one is successful"):
            operate(yard.session(), name)


def test_verify_of_a_rollout_finds_nothing_wrong_with_the_old_instances(
    yard: Yard, waiting: str
) -> None:
    report = verify(yard.session(), waiting)
    assert (report.verdict, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "still rolling" in report.sentence
    found = report.verification
    assert found is not None
    assert (found.rolling, found.extras, report.causes) == (True, (), ())
    first, *rest = view.lines(report)
    assert "still rolling" in first
    assert not [line for line in rest if "BROKEN" in line or "too many" in line]


def test_a_protected_environment_asks_first(yard: Yard, waiting: str) -> None:
    session = yard.session(protected=True)
    for operate in (promote, abort, pause):
        with pytest.raises(NeedsAnswerError):
            operate(session, waiting)
    with yard.cluster.nomad() as nomad:
        assert (nomad.latest_deployment(waiting) or {})["Status"] == "running"


def test_a_closed_gate_refuses_and_promotes_nothing(yard: Yard) -> None:
    name = yard.service(count=1, canary=1)
    yard.until_stable(name)
    # It runs and never listens: Nomad does not call it healthy, Consul does not pass.
    yard.release(name, count=1, canary=1, release="1.1.0", command=yard.sleeper())
    yard.until(name, lambda views: any(v.canary and v.client_status == "running" for v in views))
    with pytest.raises(RefusedError, match="gate is closed"):
        promote(yard.session(), name)
    with yard.cluster.nomad() as nomad:
        groups = (nomad.latest_deployment(name) or {})["TaskGroups"]
    assert groups["web"]["Promoted"] is False


def test_promote_through_the_gate_to_the_end(yard: Yard, waiting: str) -> None:
    report = promote(yard.session(), waiting)
    assert (report.verdict, report.code) == ("promoted", ExitCode.OK), report.sentence
    assert report.release == "1.1.0"
    assert report.verification is not None and report.verification.holds
    [view] = yard.running(waiting, 1)
    assert view.job_version == 1


def test_abort_brings_the_old_release_back_and_proves_it(yard: Yard, waiting: str) -> None:
    report = abort(yard.session(), waiting)
    assert (report.verdict, report.code) == ("aborted", ExitCode.OK), report.sentence
    assert report.release == "1.0.0"
    assert "1.0.0 serves, 1 of 1 verified" in report.sentence


def test_pause_holds_resume_goes_on_and_leaves_promotion_to_a_person(
    yard: Yard, waiting: str
) -> None:
    session = yard.session()
    with pytest.raises(RefusedError, match="not paused"):
        resume(session, waiting)
    paused = pause(session, waiting)
    assert (paused.verdict, paused.code) == ("paused", ExitCode.OK)
    assert pause(session, waiting).verdict == "unchanged"
    with pytest.raises(RefusedError, match="paused"):
        promote(session, waiting)
    going = resume(session, waiting)
    assert (going.verdict, going.code) == ("held", ExitCode.HELD), going.sentence
    assert going.next == f"toolkit promote {waiting}"
    assert promote(session, waiting).verdict == "promoted"
