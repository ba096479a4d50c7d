"""`toolkit scale | restart | stop` on real agents."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.yard import Yard
from toolkit.errors import (
    ConfigError,
    ExitCode,
    NeedsAnswerError,
    NotFoundError,
    RefusedError,
)
from toolkit.rollout import read
from toolkit.workflows.operate import restart, scale, stop

pytestmark = pytest.mark.agents


@pytest.fixture
def yard(cluster: LocalCluster, tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(cluster, tmp_path)
    yield yard
    yard.close()


def settled(yard: Yard, name: str) -> None:
    """Until the job's deployment is over: Nomad refuses to scale before."""

    def over() -> bool:
        with yard.cluster.nomad() as nomad:
            latest = nomad.latest_deployment(name)
        return latest is not None and read.deployment(latest).terminal

    yard.cluster.until(f"{name}'s deployment is over", over)


def test_what_nobody_knows_is_not_operated_on(yard: Yard) -> None:
    name = yard.name()
    yard.write(name, f'job "{name}" {{\n}}\n')
    for operate in (restart, stop, lambda session, job: scale(session, job, 2)):
        with pytest.raises(ConfigError, match="nowhere"):
            operate(yard.session(), "nowhere")
        with pytest.raises(NotFoundError) as error:
            operate(yard.session(), name)
        assert error.value.hint == f"toolkit deploy {name}"


def test_a_protected_environment_asks_and_nothing_happens_without_an_answer(yard: Yard) -> None:
    name = yard.service(count=2)
    settled(yard, name)
    before = yard.allocations(name)
    session = yard.session(protected=True)
    for operate in (restart, stop, lambda session, job: scale(session, job, 3)):
        with pytest.raises(NeedsAnswerError):
            operate(session, name)
    assert {(v.id, v.job_version) for v in yard.allocations(name)} == {
        (v.id, v.job_version) for v in before
    }


def test_scale_refuses_what_makes_no_sense(yard: Yard) -> None:
    name = yard.script("sleep 600")
    yard.running(name, 1)
    session = yard.session()
    with pytest.raises(RefusedError, match="less than none"):
        scale(session, name, -1)
    with pytest.raises(RefusedError) as error:
        scale(session, name, 2, group="api")
    assert error.value.hint == "it has web"
    session.nomad.stop(name)
    with pytest.raises(RefusedError, match="stopped"):
        scale(session, name, 2)


def test_scale_up_and_down_until_consul_has_exactly_that_many(yard: Yard) -> None:
    name = yard.service(count=1)
    settled(yard, name)
    session = yard.session()
    up = scale(session, name, 3)
    assert (up.verdict, up.code) == ("scaled", ExitCode.OK), up.sentence
    assert up.verification is not None and up.verification.verified == 3
    assert len(session.consul.service(name).value) == 3
    assert up.sentence.startswith(f"{name} 1 → 3, 3 of 3 verified")
    down = scale(session, name, 1)
    assert down.verdict == "scaled", down.sentence
    assert len(session.consul.service(name).value) == 1
    same = scale(session, name, 1)
    assert (same.verdict, same.code) == ("unchanged", ExitCode.OK)
    assert session.nomad.job(name)["Version"] == 2  # type: ignore[index]


def test_scale_to_nothing_and_back(yard: Yard) -> None:
    name = yard.service(count=1)
    settled(yard, name)
    session = yard.session()
    none = scale(session, name, 0)
    assert none.verdict == "scaled", none.sentence
    assert not session.consul.service(name).value
    back = scale(session, name, 1)
    assert back.verdict == "scaled", back.sentence


def test_scale_beyond_what_the_cluster_holds_is_not_called_done(yard: Yard) -> None:
    # One node, and every instance wants one of its own.
    name = yard.name()
    yard.release(name, count=1, release="1.0.0", distinct=True)
    yard.running(name, 1, healthy=True)
    settled(yard, name)
    report = scale(yard.session(), name, 2, timeout=12.0)
    assert report.verdict in {"unplaced", "unknown"}, report.sentence
    assert report.code is not ExitCode.OK
    assert report.next == f"toolkit status {name}"


def test_restart_refuses_while_a_rollout_is_under_way(yard: Yard) -> None:
    name = yard.service(count=2, canary=2)
    settled(yard, name)
    yard.release(name, count=2, canary=2, release="1.1.0")
    yard.until(name, lambda views: any(v.canary for v in views))
    with pytest.raises(RefusedError, match="under way"):
        restart(yard.session(), name)


def test_restart_asks_before_the_only_instance_goes(yard: Yard) -> None:
    name = yard.service(count=1)
    settled(yard, name)
    with pytest.raises(NeedsAnswerError, match="only instance"):
        restart(yard.session(), name)
    report = restart(yard.session(), name, confirm=lambda _: True)
    assert report.verdict == "restarted", report.sentence
    assert "failed" in report.notes[0]


def test_restart_keeps_one_instance_passing_at_every_moment(yard: Yard) -> None:
    name = yard.service(count=2)
    settled(yard, name)
    before = {view.id for view in yard.running(name, 2)}
    least: list[int] = []
    over = threading.Event()
    session = yard.session()

    def observe() -> None:
        with yard.cluster.consul() as consul:
            index = 0
            while not over.is_set():
                page = consul.service(name, index=index, wait=1.0 if index else 0.0)
                index = page.index
                found = read.consul_instances(name, page.value)
                least.append(sum(item.passing for item in found))

    thread = threading.Thread(target=observe)
    thread.start()
    try:
        report = restart(session, name)
    finally:
        over.set()
        thread.join()
    assert report.verdict == "restarted", report.sentence
    assert min(least) == 1
    after = yard.running(name, 2)
    assert {view.id for view in after} == before
    for view in after:
        assert sum(e.kind == "Started" for t in view.tasks for e in t.events) == 2


def test_restart_stops_at_an_instance_that_does_not_come_back(yard: Yard) -> None:
    # Its second start in the same place fails; the next instance must not be touched.
    flag = "$NOMAD_ALLOC_DIR/started"
    name = yard.script(f"test -e {flag} && exit 7; touch {flag}; exec sleep 600", count=2)
    yard.running(name, 2)
    report = restart(yard.session(), name)
    assert report.verdict == "failed", report.sentence
    assert report.code is ExitCode.FAILED
    assert "1 of 2 were not touched" in report.sentence
    untouched = [v for v in yard.allocations(name) if v.client_status == "running"]
    assert len(untouched) == 1


def test_stop_waits_until_nothing_is_left(yard: Yard) -> None:
    name = yard.service(count=2)
    session = yard.session()
    report = stop(session, name)
    assert (report.verdict, report.code) == ("stopped", ExitCode.OK), report.sentence
    assert not session.consul.service(name).value
    assert all(v.client_status == "complete" for v in yard.allocations(name))
    again = stop(session, name)
    assert again.verdict == "unchanged"
    purged = stop(session, name, purge=True)
    assert purged.verdict == "purged"
    assert session.nomad.job(name) is None


def test_stop_says_unknown_when_an_instance_outlives_the_deadline(yard: Yard) -> None:
    name = yard.script("trap '' TERM INT; while true; do sleep 0.1; done")
    yard.running(name, 1)
    report = stop(yard.session(), name, timeout=0.5)
    assert (report.verdict, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "1 of its instances still run" in report.sentence


def test_a_job_whose_instances_still_run_is_not_forgotten(yard: Yard) -> None:
    # Nomad would list none of them any more, and we would say that none is left.
    name = yard.script("trap '' TERM INT; while true; do sleep 0.1; done")
    yard.running(name, 1)
    session = yard.session()
    report = stop(session, name, purge=True, timeout=0.5)
    assert (report.verdict, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "1 of its instances still run, so it is not purged" in report.sentence
    assert session.nomad.job(name) is not None
