"""A cluster that is up, and is changed: explained, asked for, done, taken back.

One cluster for all of them: each says a number of workers that nobody said before.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.cluster.aws.account import Aws
from tests.cluster.aws.applying import Applying, most, raised, sets
from tests.cluster.aws.commands import nap
from tests.cluster.aws.standing import FILE, Standing
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.machines import Machines
from toolkit.errors import (
    ApiError,
    ChangedError,
    DeniedError,
    ExitCode,
    InterruptedRolloutError,
    NeedsAnswerError,
)
from toolkit.spec.aws import InstanceView
from toolkit.spec.preflight import Preflight

DOZEN = 12


@pytest.fixture(scope="module")
def made(aws_server: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with raised(aws_server, tmp_path_factory.mktemp("changes")) as there:
        yield there


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


def test_what_there_is_no_call_left_for_is_said_to_be_unasked(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(workers(19))

    def greedy(file: object, cloud: Cloud, *_: object, calls: int, **__: object) -> Preflight:
        for _call in range(calls + 1):
            Machines(cloud).groups("prod")
        return Preflight("123456789012", "eu-west-1")

    aws.forget()
    planned = run.plan(preflight=greedy)
    assert len(aws.calls()) <= DOZEN
    assert planned.preflight.unasked == ("machines of an earlier configuration",)
    assert any("not by a plan: machines of an earlier" in note for note in planned.notes)
