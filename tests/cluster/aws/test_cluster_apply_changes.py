"""A cluster that is up, and is changed: explained, asked for, done, taken back.

One cluster for all of them: each begins by bringing it to the same file.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.aws.account import Aws
from tests.cluster.aws.applying import Applying, most, sets
from tests.cluster.aws.standing import FILE, Standing, standing
from toolkit.clients.aws.machines import Machines
from toolkit.errors import ChangedError, ExitCode, NeedsAnswerError
from toolkit.spec.aws import InstanceView

DOZEN = 12
MORE = FILE.replace("max = 4", "max = 5")
PROTECTED = MORE.replace("protected = false", "protected = true")


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
    """Whole, and as the file says, for the next one too."""
    yield made
    made.aws.knobs(fails={}, held=[])
    made.aws.calm()
    made.write(FILE)
    assert Applying(made.folder).up().code is ExitCode.OK


@pytest.fixture
def run(there: Standing) -> Applying:
    return Applying(there.folder)


def test_more_workers_and_another_type_are_explained_and_done(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(
        FILE.replace("max = 4", "max = 5").replace('type = "t3.small"', 'type = "t3.large"')
    )
    aws.forget()
    planned = run.plan()
    assert len(aws.calls()) <= DOZEN
    rows = {row.logical: row for row in planned.changes}
    assert planned.code is ExitCode.CHANGES
    assert rows["PoolWorker"].word == "change"
    assert any("MaxSize" in reason for reason in rows["PoolWorker"].reasons)
    assert [row.warning for row in planned.changes if row.warning] == []
    assert most(aws) == 4

    report = run.up()
    assert (report.word, there.status()) == ("up", "UPDATE_COMPLETE")
    assert most(aws) == 5


def test_servers_of_another_type_are_left_alone_and_named(
    aws: Aws, there: Standing, run: Applying
) -> None:
    before = [each.id for each in instances(there)]
    there.write(FILE + '[servers]\ntype = "t3.large"\n')
    report = run.up()
    assert report.word == "up"
    assert [each.id for each in instances(there)] == before
    assert {row.name for row in report.earlier} == {"server-1", "server-2", "server-3"}
    assert any("earlier configuration" in note for note in report.notes)


def instances(there: Standing) -> list[InstanceView]:
    found = Machines(there.cloud).instances("prod")
    return [each for each in found if each.tags.get("toolkit:role") == "server"]


def test_a_failed_change_is_taken_back(aws: Aws, there: Standing, run: Applying) -> None:
    there.write(MORE)
    aws.knobs(fails={"PoolWorker": "no capacity"})
    report = run.up()
    assert (report.word, report.code) == ("reverted", ExitCode.REVERTED)
    assert report.stack == "UPDATE_ROLLBACK_COMPLETE"
    assert report.failures[0].reason == "no capacity"
    assert "as before" in report.sentence


def test_nobody_there_to_be_asked_leaves_no_change_set(
    aws: Aws, there: Standing, run: Applying
) -> None:
    there.write(PROTECTED)

    def nobody(question: str) -> bool:
        raise NeedsAnswerError(question)

    run.answer = nobody
    with pytest.raises(NeedsAnswerError):
        run.up()
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
    there.write(PROTECTED)

    def meanwhile(question: str) -> bool:
        there.write(FILE.replace("max = 4", "max = 7"))
        assert Applying(there.folder).up().word == "up"
        return True

    run.answer = meanwhile
    with pytest.raises(ChangedError, match="somebody else changed the stack prod") as caught:
        run.up()
    assert caught.value.code is ExitCode.REFUSED
    assert most(aws) == 7
