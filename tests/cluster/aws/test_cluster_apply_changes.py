"""A cluster that is up, and is changed: explained, asked for, done, taken back.

One cluster for all of them: each says a number of workers that nobody said before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from tests.cluster.aws.account import Aws
from tests.cluster.aws.applying import Applying, most, sets
from tests.cluster.aws.commands import nap
from tests.cluster.aws.standing import FILE, Standing, standing
from toolkit.clients.aws.machines import Machines
from toolkit.errors import (
    AgentError,
    ApiError,
    ChangedError,
    ConfigError,
    DeniedError,
    ExitCode,
    InterruptedRolloutError,
    Mistake,
    NeedsAnswerError,
    RefusedError,
    ToolkitError,
    UnreachableError,
)
from toolkit.spec.aws import InstanceView
from toolkit.spec.equip import Equipped, EquipReport, LeftOut
from toolkit.views.cluster import up as up_view

DOZEN = 12


@pytest.fixture(scope="module")
def made(aws_server: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A cluster that is up."""
    aws_server.reset()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_server.environ.items():
            patch.setenv(name, value)
        there = standing(aws_server, tmp_path_factory.mktemp("changes"))
        assert Applying(there.folder).up().word == "up"
        yield there
    aws_server.calm()


@pytest.fixture
def aws(made: Standing) -> Aws:
    return made.aws


@pytest.fixture
def there(made: Standing) -> Iterator[Standing]:
    """Up, as one of the files before said; nothing is broken or held."""
    yield made
    made.aws.knobs(fails={}, held=[], looks=1)
    made.aws.calm()


@pytest.fixture
def run(there: Standing) -> Applying:
    return Applying(there.folder, asks=False)


def workers(number: int, text: str = FILE) -> str:
    """The file with at most so many workers."""
    return text.replace("max = 4", f"max = {number}")


def protected(text: str) -> str:
    """The file of a cluster that asks first."""
    return text.replace("protected = false", "protected = true")


def test_more_workers_and_another_type_are_explained_and_done(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(5).replace('type = "t3.small"', 'type = "t3.large"'))
    aws.forget()
    planned = Applying(there.folder).plan()
    assert len(aws.calls()) <= DOZEN
    rows = {row.logical: row for row in planned.changes}
    assert planned.code is ExitCode.CHANGES
    assert rows["PoolWorker"].word == "change"
    assert any("MaxSize" in reason for reason in rows["PoolWorker"].reasons)
    assert [row.warning for row in planned.changes if row.warning] == []
    assert most(aws) != 5

    assert (run.up().word, there.status()) == ("up", "UPDATE_COMPLETE")
    assert most(aws) == 5


def test_servers_of_another_type_are_left_alone_and_named(
    aws: Aws, there: Standing, run: Applying
) -> None:
    before = [each.id for each in instances(there)]
    there.write(FILE + '[servers]\ntype = "t3.large"\n')
    aws.forget()
    planned = Applying(there.folder).plan()
    assert len(aws.calls()) <= DOZEN
    report = run.up()
    assert report.word == "up"
    assert [each.id for each in instances(there)] == before
    assert {row.name for row in report.earlier} == {"server-1", "server-2", "server-3"}
    assert set(planned.earlier) >= set(report.earlier)
    assert any("(server-1, server-2, server-3" in note for note in planned.notes)
    assert any("earlier configuration" in note for note in report.notes)


def instances(there: Standing) -> list[InstanceView]:
    found = Machines(there.cloud).instances("prod")
    return [each for each in found if each.tags.get("toolkit:role") == "server"]


def test_a_failed_change_is_taken_back(aws: Aws, there: Standing, run: Applying) -> None:
    there.write(workers(6))
    aws.knobs(fails={"PoolWorker": "no capacity"})
    report = run.up()
    assert (report.word, report.code) == ("reverted", ExitCode.REVERTED)
    assert report.stack == "UPDATE_ROLLBACK_COMPLETE"
    assert report.failures[0].reason == "no capacity"
    assert "as before" in report.sentence


def test_nobody_there_to_be_asked_leaves_no_change_set(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(7))
    with pytest.raises(NeedsAnswerError):
        nobody_says(run).up()
    assert sets(aws) == []


def test_what_would_be_lost_is_asked_for_even_without_protection(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(FILE + "[servers]\nvolume = 40\n[network]\nrange = '10.50.0.0/16'\n")
    planned = run.plan()
    assert any(
        "data volume" in row.warning or "interface" in row.warning for row in planned.changes
    )
    assert "with a warning" in planned.sentence
    run.answer = lambda _: False
    assert run.up().word == "kept"
    assert len(run.questions) == 1


def test_somebody_elses_change_in_between_is_not_overwritten(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(protected(workers(8)))

    def meanwhile(question: str) -> bool:
        there.write(workers(9))
        assert Applying(there.folder, asks=False).up().word == "up"
        return True

    run.answer = meanwhile
    with pytest.raises(ChangedError, match="somebody else changed the stack prod") as caught:
        run.up()
    assert caught.value.code is ExitCode.REFUSED
    assert most(aws) == 9


def test_interrupted_before_anything_is_done_nothing_is_left(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(protected(workers(10)))

    def enough(question: str) -> bool:
        raise KeyboardInterrupt

    run.answer = enough
    with pytest.raises(InterruptedRolloutError, match="nothing of the stack prod was changed"):
        run.up()
    assert sets(aws) == []
    assert most(aws) != 10


def test_interrupted_later_it_goes_on_and_is_attached_to(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(11))
    aws.knobs(held=["PoolWorker"])

    def enough(seconds: float) -> None:
        if there.status() == "UPDATE_IN_PROGRESS":
            raise KeyboardInterrupt
        nap(seconds)

    run.sleep = enough
    with pytest.raises(InterruptedRolloutError, match="CloudFormation goes on") as caught:
        run.up()
    assert caught.value.code is ExitCode.INTERRUPTED
    assert "toolkit cluster up prod" in (caught.value.hint or "")

    def release(seconds: float) -> None:
        aws.knobs(held=[])
        nap(seconds)

    again = Applying(there.folder, asks=False, sleep=release)
    assert again.plan().sentence == "the stack is being changed: up attaches, and does the rest"
    assert again.up().code is ExitCode.OK
    assert any("we watch" in text for text in again.told("stack"))
    assert most(aws) == 11


def test_when_time_is_over_the_verdict_is_unknown(aws: Aws, there: Standing, run: Applying) -> None:
    there.write(workers(12))
    aws.knobs(held=["PoolWorker"])
    ticks = count(step=20)
    report = run.up(clock=lambda: float(next(ticks)))
    assert (report.word, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert report.waits_for == ("PoolWorker",)
    assert "goes on without us" in report.sentence
    assert report.next == ("toolkit cluster up prod",)
    aws.knobs(held=[])
    assert Applying(there.folder, asks=False).up().code is ExitCode.OK


def test_credentials_that_end_in_the_middle_leave_it_unknown(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(13))
    aws.fault("expired", "DescribeStackEvents", skip=1, times=-1)
    with pytest.raises(DeniedError) as caught:
        run.up()
    assert caught.value.code is ExitCode.UNKNOWN
    assert "CloudFormation goes on with the stack prod without us" in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("then toolkit cluster up prod goes on")
    assert "run the command again" not in caught.value.hint
    assert "CloudFormation is at it: 1 resource" in {each.text for each in run.events}
    aws.calm()
    assert Applying(there.folder, asks=False).up().code is ExitCode.OK
    assert most(aws) == 13


def test_an_execution_whose_answer_is_lost_is_resolved_by_reading(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(14))
    aws.fault("lost", "ExecuteChangeSet", times=2)
    assert run.up().word == "up"
    assert most(aws) == 14


def test_a_refused_execution_is_a_refusal(aws: Aws, there: Standing, run: Applying) -> None:
    there.write(workers(15))
    aws.fault("denied", "ExecuteChangeSet")
    with pytest.raises(DeniedError) as caught:
        run.up()
    assert caught.value.code is ExitCode.REFUSED
    assert most(aws) != 15
    assert run.up().word == "up"


def test_a_way_back_that_failed_is_explained_and_gone_on_with(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(16).replace('type = "t3.small"', 'type = "t3.xlarge"'))
    aws.knobs(fails={"PoolWorker": "no capacity", "back LtPoolFrontend": "no right to do that"})
    failed = run.up()
    assert (failed.code, failed.stack) == (ExitCode.FAILED, "UPDATE_ROLLBACK_FAILED")
    assert run.plan().code is ExitCode.CHANGES

    run.answer = lambda _: False
    assert run.up().word == "kept"
    assert any("no right to do that" in text for text in run.told("fail"))
    assert there.status() == "UPDATE_ROLLBACK_FAILED"

    run.answer = lambda _: True
    aws.knobs(fails={})
    report = run.up()
    assert (report.word, there.status()) == ("up", "UPDATE_COMPLETE")
    assert most(aws) == 16


def test_what_killed_runs_left_is_tidied_up(aws: Aws, there: Standing, run: Applying) -> None:
    there.write(workers(17))
    client = aws.client("cloudformation")
    for name in ("toolkit-up-0123456789abcdef", "toolkit-plan-0123456789abcdef", "by-hand"):
        client.create_change_set(
            StackName="prod",
            ChangeSetName=name,
            TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
        )
    with pytest.raises(NeedsAnswerError):
        nobody_says(run).up()
    # A plan's may be looked at right now, and the third is nobody's of ours.
    assert sorted(sets(aws)) == ["by-hand", "toolkit-plan-0123456789abcdef"]
    for name in sets(aws):
        client.delete_change_set(StackName="prod", ChangeSetName=name)


def nobody_says(run: Applying) -> Applying:
    def nobody(question: str) -> bool:
        raise NeedsAnswerError(question)

    text = (run.folder / "clusters/prod.toml").read_text()
    (run.folder / "clusters/prod.toml").write_text(protected(text))
    run.answer = nobody
    return run


EQUIPPED = Equipped("traefik", "deployed", "traefik runs", ExitCode.OK)
FAILED = Equipped("traefik", "failed", "it exited", ExitCode.FAILED, next="toolkit explain traefik")


def equipped(*jobs: Equipped) -> EquipReport:
    return EquipReport("prod", "prod", jobs, (LeftOut("kick", "no policy"),), "equipment")


def test_a_cluster_whose_equipment_fails_is_not_up(there: Standing, run: Applying) -> None:
    run.steps["fit_out"] = lambda *_: equipped(FAILED)
    run.steps["wait_edge"] = lambda _: pytest.fail("nothing is behind the balancer")
    report = run.up()
    assert (report.word, report.code) == ("failed", ExitCode.FAILED)
    assert report.next == ("toolkit explain traefik", "toolkit cluster up prod")
    assert "not equipped" in report.sentence


def test_a_balancer_without_anybody_behind_it_is_not_known_to_work(
    there: Standing, run: Applying
) -> None:
    run.steps["fit_out"] = lambda *_: equipped(EQUIPPED)
    run.steps["wait_edge"] = lambda _: "the balancer calls no machine healthy (unhealthy)"
    report = run.up()
    assert (report.word, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "no machine healthy" in report.sentence


def test_interrupted_while_the_cluster_is_looked_at_only_that_is_said(
    there: Standing, run: Applying
) -> None:
    def enough(*_: object) -> str:
        raise KeyboardInterrupt

    run.up()
    run.steps["settle"] = enough
    with pytest.raises(InterruptedRolloutError, match="not seen to its end") as caught:
        run.up()
    assert "CloudFormation goes on" not in caught.value.message


def test_what_there_is_no_time_for_is_not_begun(there: Standing, run: Applying) -> None:
    now = [0.0]

    def settle(*_: object) -> str:
        now[0] = 10_000.0
        return "3 servers decide together"

    run.steps["settle"] = settle
    run.steps["fit_out"] = lambda *_: pytest.fail("there was no time left")
    report = run.up(clock=lambda: now[0])
    assert (report.word, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert "no time left" in report.sentence


def test_a_comparison_that_does_not_end_leaves_nothing(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(18))
    aws.knobs(looks=1000)
    ticks = count(step=20)
    with pytest.raises(ApiError, match="has not compared the templates") as caught:
        run.up(clock=lambda: float(next(ticks)))
    assert caught.value.code is ExitCode.REFUSED
    assert sets(aws) == []


def test_the_balancer_is_asked_whom_it_has(there: Standing, run: Applying) -> None:
    run.steps["fit_out"] = lambda *_: equipped(EQUIPPED)
    report = run.up()
    assert report.word in {"up", "unchanged"}
    assert report.equipment is not None
    said = " ".join(up_view.lines(report))
    assert said.count("kick is left out: no policy") == 1


def test_equipment_that_nobody_could_judge_is_not_called_failed(
    there: Standing, run: Applying
) -> None:
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
    there: Standing, run: Applying, error: ToolkitError, word: str
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
