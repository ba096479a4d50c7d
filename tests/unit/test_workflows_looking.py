"""The pure parts of `status`, `history`, `protection` and `bump`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from toolkit.errors import (
    ConfigError,
    ExitCode,
    Mistake,
    NeedsAnswerError,
    NotFoundError,
    RefusedError,
)
from toolkit.rollout import read
from toolkit.rollout.declared import Route
from toolkit.spec.jobspec import JobSpec, Origin
from toolkit.spec.listing import OperateReport
from toolkit.spec.observed import AllocationView, CheckView, ConsulInstance
from toolkit.spec.plan import DiffLine
from toolkit.spec.target import Endpoint, Target
from toolkit.workflows.bump import writable
from toolkit.workflows.explain.find import by_file
from toolkit.workflows.history import row, summary
from toolkit.workflows.overview import not_deployed, state
from toolkit.workflows.protection import ask, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.status import address, consul_word, drift, ended, ended_badly
from toolkit.workflows.steering import begin

TARGET = Target(
    environment="dev",
    nomad=Endpoint("Nomad", "http://127.0.0.1:4646", "test"),
    consul=Endpoint("Consul", "http://127.0.0.1:8500", "test"),
    edge={"public": "http://127.0.0.1:8080"},
)
SPEC = JobSpec("web", "service", "jobs/web/job.toml", "jobs/web/job.nomad.hcl.j2")


def instance(*statuses: str) -> ConsulInstance:
    checks = tuple(CheckView("check", status, "", "id") for status in statuses)
    return ConsulInstance("web", "id", "alloc", "127.0.0.1", 80, "node", checks=checks)


@pytest.mark.parametrize(
    ("mine", "seen", "expected", "word"),
    [
        ([], False, False, "-"),
        ([], False, True, "unseen"),
        ([], True, True, "missing"),
        ([instance("passing")], True, True, "passing"),
        ([instance("passing", "warning")], True, True, "warning"),
        ([instance("warning"), instance("critical", "passing")], True, True, "critical"),
        ([instance()], True, True, "passing"),
    ],
)
def test_consul_word(mine: list[ConsulInstance], seen: bool, expected: bool, word: str) -> None:
    assert consul_word(mine, seen=seen, expected=expected) == word


def test_how_the_work_of_one_version_ended() -> None:
    def ended_as(word: str, version: int = 3, after: str | None = None) -> AllocationView:
        return AllocationView(
            id=word * 4, name="web.web[0]", group="web", job_version=version, node="node-1",
            node_id="n", client_status=word, desired_status="run", next_allocation=after,
        )  # fmt: skip

    views = [
        ended_as("failed"), ended_as("failed", after="b" * 36), ended_as("failed", 2),
        ended_as("complete"), ended_as("lost"), ended_as("running"),
    ]  # fmt: skip
    row = ended(not_deployed(SPEC), views, 3)
    assert (row.failed, row.lost, row.complete) == (1, 1, 1)


def test_work_that_ended_badly_names_what_explains_it() -> None:
    over = replace(not_deployed(SPEC), state="dead", complete=1)
    bad = replace(over, name="import", failed=1)
    # What failed once of a service that runs is its past.
    runs = replace(bad, name="api", state="running")
    assert ended_badly([over, runs]) == ()
    [note] = ended_badly([over, bad, runs])
    assert note.endswith("of import failed or were lost: `toolkit explain import` says how it is")
    many = ended_badly([replace(bad, name=f"job-{number}") for number in range(7)])
    assert many[-1] == "and so did some of 2 more"


class Forgetful:
    """A session whose Nomad lists a job and has lost it by the time it is read."""

    def __init__(self, spec: JobSpec | None) -> None:
        self.spec, self.target, self.nomad = spec, TARGET, self
        self.settings = SimpleNamespace(project=None)

    def load(self, name: str) -> JobSpec:
        if self.spec is None:
            raise ConfigError([Mistake("JOB", None, None, f"no file of {name}")])
        return self.spec

    def jobs(self, _prefix: str) -> list[dict[str, str]]:
        return [{"ID": "web"}]

    def job(self, _name: str) -> None:
        return None


@pytest.mark.parametrize(
    ("spec", "hint"),
    [(SPEC, "toolkit deploy web"), (None, "`toolkit deploy` it in its project; toolkit status")],
)
def test_only_a_job_whose_file_is_here_is_said_to_be_deployed(
    spec: JobSpec | None, hint: str
) -> None:
    session = cast(Session, Forgetful(spec))
    with pytest.raises(NotFoundError) as error:
        begin(session, "web", "stop", lambda _event: None, None)
    assert str(error.value.hint).startswith(hint)


@pytest.mark.parametrize(
    ("what", "file"),
    [("./jobs/web", True), ("web.nomad.hcl", True), ("web", False), ("web/dispatch-1-a", False)],
)
def test_a_child_is_not_named_by_a_file(what: str, file: bool) -> None:
    assert by_file(what) is file


def route(host: str | None, path: str, *points: str) -> Route:
    return Route("web", "web", "Host(`x`)", host, path, points)


def test_the_address_of_a_route() -> None:
    assert address(TARGET, route("web.localhost", "/", "public")) == "http://web.localhost:8080/"
    assert address(TARGET, route(None, "/api", "public")) == "http://127.0.0.1:8080/api"
    # No address is known for it: the rule is what can be said.
    assert address(TARGET, route("web.localhost", "/", "private")) == "Host(`x`)"


def raw(**more: Any) -> dict[str, Any]:
    return {
        "ID": "web", "Type": "service", "Status": "running", "Version": 3, "SubmitTime": 5 * 10**9,
        "Meta": {"release": "1.0.0"}, "TaskGroups": [{"Name": "web", "Count": 2}], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({}, "running"),
        ({"Stop": True, "Status": "dead"}, "stopped"),
        ({"Status": "dead"}, "dead"),
        ({"Status": "pending"}, "pending"),
    ],
)
def test_state(more: dict[str, Any], word: str) -> None:
    job = raw(**more)
    assert state(job, read.live_job(job)) == word


def test_drift() -> None:
    live = read.live_job(raw())
    assert drift(live, None) is None
    assert drift(live, replace(SPEC, release="1.0.0", count=2)) is None
    both = drift(live, replace(SPEC, release="1.1.0", count=4))
    assert both is not None
    assert "1.0.0 is live" in both and "1.1.0" in both and "count 2 is live" in both
    assert drift(read.live_job(raw(Stop=True)), replace(SPEC, release="1.1.0")) is None


def test_summary_says_release_and_counts_and_adds_up_the_rest() -> None:
    lines = (
        DiffLine("group[web].Count", "Edited", "2", "4"),
        DiffLine("group[web].task[app].Env[A]", "Added", "", "1"),
        DiffLine("Meta[release]", "Edited", "1.0.0", "1.1.0"),
        DiffLine("group[web].task[app].Env[B]", "Added", "", "1"),
    )
    assert summary(lines) == "release 1.0.0 → 1.1.0, count 2 → 4, 2 more changes"
    assert summary(lines[1:2]) == "1 change"
    assert summary([DiffLine("Stop", "Edited", "false", "true")]) == "stopped"
    assert summary(()) == "no change"


def test_a_version_without_anything_before_it() -> None:
    found = row(raw(VersionTag={"Name": "toolkit-1.0.0"}), 3, {3: "successful"}, ())
    assert found.summary == "oldest version kept"
    assert found.tags == ("toolkit-1.0.0",)
    assert (found.live, found.deployment, found.submitted_at) == (True, "successful", 5.0)
    assert not row(raw(), 4, {}, ()).live
    assert not row(raw(Stop=True), 3, {}, ()).live


def test_no_secret_value_in_a_version() -> None:
    field = {"Type": "Edited", "Name": "Env[URL]", "Old": "x", "New": "postgres://u:hunter22@db"}
    found = row(raw(Diff={"Type": "Edited", "Fields": [field]}), 3, {}, ("hunter22",))
    assert "hunter22" not in repr(found)
    assert len(found.changes) == 1


def test_a_protected_environment_asks_and_takes_no_for_an_answer() -> None:
    protected = replace(TARGET, protected=True)
    ask(TARGET, unanswered, "stop web")
    with pytest.raises(NeedsAnswerError):
        ask(protected, unanswered, "stop web")
    with pytest.raises(NeedsAnswerError):
        ask(TARGET, unanswered, "stop web", always=True)
    with pytest.raises(RefusedError, match="nothing was changed"):
        ask(protected, lambda _: False, "stop web")
    ask(protected, lambda question: "http://127.0.0.1:4646" in question, "stop web")


@pytest.mark.parametrize(
    "origin",
    [
        None,
        Origin("--var", "variables.release"),
        Origin("default"),
        Origin("jobs/web/job.nomad.hcl", "variable.release"),
        Origin("jobs/elsewhere/job.toml", "release.version"),
    ],
)
def test_a_release_that_cannot_be_written_back_is_refused_first(
    tmp_path: Path, origin: Origin | None
) -> None:
    with pytest.raises(RefusedError) as error:
        writable(replace(SPEC, release_origin=origin), tmp_path)
    assert error.value.hint and "--release" in error.value.hint


def test_a_release_that_can_be_written_back(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text('release = "1.0.0"\n')
    origin = Origin("job.toml", "release")
    assert writable(replace(SPEC, release_origin=origin), tmp_path) is origin


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("scaled", ExitCode.OK), ("restarted", ExitCode.OK), ("stopped", ExitCode.OK),
        ("purged", ExitCode.OK), ("promoted", ExitCode.OK), ("aborted", ExitCode.OK),
        ("paused", ExitCode.OK), ("resumed", ExitCode.OK), ("unchanged", ExitCode.OK),
        ("failed", ExitCode.FAILED), ("reverted", ExitCode.REVERTED), ("held", ExitCode.HELD),
        ("unknown", ExitCode.UNKNOWN), ("unverified", ExitCode.UNVERIFIED),
        ("superseded", ExitCode.SUPERSEDED), ("unplaced", ExitCode.UNPLACED),
        ("refused", ExitCode.REFUSED),
    ],
)  # fmt: skip
def test_each_word_of_an_operation_has_its_code(verdict: Any, code: ExitCode) -> None:
    report = OperateReport(verdict, "", "scale", "web", "dev", "", "default")
    assert report.code is code
