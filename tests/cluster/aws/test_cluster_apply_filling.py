"""A stack that is as its file says, and what its cluster comes to: begun, equipped, reached or not.

One cluster for all of them, which none of them changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cluster.aws.account import Aws
from tests.cluster.aws.applying import Applying, raised
from tests.cluster.aws.standing import Standing
from toolkit.errors import (
    AgentError,
    ConfigError,
    ExitCode,
    InterruptedRolloutError,
    Mistake,
    RefusedError,
    ToolkitError,
    UnreachableError,
)
from toolkit.spec.equip import Equipped, EquipReport, LeftOut
from toolkit.views.cluster import up as up_view


@pytest.fixture(scope="module")
def made(aws_server: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with raised(aws_server, tmp_path_factory.mktemp("filling")) as there:
        yield there


@pytest.fixture
def run(made: Standing) -> Applying:
    return Applying(made.folder, asks=False)


EQUIPPED = Equipped("traefik", "deployed", "traefik runs", ExitCode.OK)
FAILED = Equipped("traefik", "failed", "it exited", ExitCode.FAILED, next="toolkit explain traefik")


def equipped(*jobs: Equipped) -> EquipReport:
    return EquipReport("prod", "prod", jobs, (LeftOut("kick", "no policy"),), "equipment")


def test_a_cluster_whose_equipment_fails_is_not_up(run: Applying) -> None:
    run.steps["fit_out"] = lambda *_: equipped(FAILED)
    run.steps["wait_edge"] = lambda _: pytest.fail("nothing is behind the balancer")
    report = run.up()
    assert (report.word, report.code) == ("failed", ExitCode.FAILED)
    assert report.next == ("toolkit explain traefik", "toolkit cluster up prod")
    assert "not equipped" in report.sentence


def test_a_balancer_without_anybody_behind_it_is_not_known_to_work(run: Applying) -> None:
    run.steps["fit_out"] = lambda *_: equipped(EQUIPPED)
    run.steps["wait_edge"] = lambda _: "the balancer calls no machine healthy (unhealthy)"
    report = run.up()
    assert (report.word, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "no machine healthy" in report.sentence


def test_interrupted_while_the_cluster_is_looked_at_only_that_is_said(run: Applying) -> None:
    def enough(*_: object) -> str:
        raise KeyboardInterrupt

    run.up()
    run.steps["settle"] = enough
    with pytest.raises(InterruptedRolloutError, match="not seen to its end") as caught:
        run.up()
    assert "CloudFormation goes on" not in caught.value.message


def test_what_there_is_no_time_for_is_not_begun(run: Applying) -> None:
    now = [0.0]

    def settle(*_: object) -> str:
        now[0] = 10_000.0
        return "3 servers decide together"

    run.steps["settle"] = settle
    run.steps["fit_out"] = lambda *_: pytest.fail("there was no time left")
    report = run.up(clock=lambda: now[0])
    assert (report.word, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "no time left" in report.sentence


def test_the_balancer_is_asked_whom_it_has(run: Applying) -> None:
    run.steps["fit_out"] = lambda *_: equipped(EQUIPPED)
    report = run.up()
    assert report.word in {"up", "unchanged"}
    assert report.equipment is not None
    said = " ".join(up_view.lines(report))
    assert said.count("kick is left out: no policy") == 1


def test_equipment_that_nobody_could_judge_is_not_called_failed(run: Applying) -> None:
    run.steps["fit_out"] = lambda *_: equipped(replace(FAILED, code=ExitCode.UNKNOWN))
    report = run.up()
    assert (report.word, report.code) == ("unknown", ExitCode.UNKNOWN)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (UnreachableError("no way in", system="SSH", hint="install ssh"), "unknown"),
        (AgentError("not within 9 s: Nomad has only 0 of 2"), "unknown"),
        (RefusedError("its servers know other tokens", hint="the store is another's"), "failed"),
        (ConfigError([Mistake("jobs/traefik/job.toml", None, 1, "is wrong")]), "failed"),
    ],
)
def test_what_keeps_a_whole_stack_from_being_a_cluster(
    run: Applying, error: ToolkitError, word: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    run.steps["begin"] = broken
    report = run.up()
    assert (report.word, report.stack is not None) == (word, True)
    assert error.message in report.sentence
    assert report.code in {ExitCode.UNKNOWN, ExitCode.FAILED}
    assert error.hint is None or error.hint in report.notes
    assert report.next[0] == "toolkit cluster up prod"
