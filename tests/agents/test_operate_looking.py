"""`toolkit status | history | validate | bump` on real agents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.yard import Yard
from toolkit.errors import ConfigError, ExitCode, NotFoundError, RefusedError
from toolkit.workflows.bump import bump
from toolkit.workflows.history import history
from toolkit.workflows.init import init
from toolkit.workflows.status import status
from toolkit.workflows.validate import validate

pytestmark = pytest.mark.agents


@pytest.fixture
def yard(cluster: LocalCluster, tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(cluster, tmp_path)
    yield yard
    yard.close()


@pytest.fixture
def hello(yard: Yard) -> str:
    """The job of a new project, under a name of its own and without a route: no edge runs here."""
    name = yard.name()
    project = yard.root / "new"
    init(project)
    folder = yard.root / "jobs" / name
    (project / "jobs/hello").rename(folder)
    (project / "services").rename(yard.root / "services")
    text = (folder / "job.toml").read_text()
    start, end = text.index("# How the edge"), text.index("# An instance takes")
    (folder / "job.toml").write_text(text[:start] + text[end:])
    return name


def test_what_nobody_knows(yard: Yard) -> None:
    name = yard.name()
    yard.write(name, f'job "{name}" {{\n}}\n')
    for look in (status, history):
        with pytest.raises(ConfigError, match="nowhere"):
            look(yard.session(), "nowhere")
    with pytest.raises(NotFoundError):
        history(yard.session(), name)
    detail = status(yard.session(), name).detail
    assert detail is not None and detail.row.state == "not deployed"


def test_the_list_has_ours_not_deployed_ours_running_and_theirs(yard: Yard) -> None:
    running, idle = yard.service(count=2, release="3.2.1"), yard.name()
    yard.write(idle, f'job "{idle}" {{\n}}\n')
    theirs = yard.script("sleep 600")
    (yard.root / "jobs" / theirs / "job.nomad.hcl").unlink()
    broken = yard.root / "jobs" / "broken"
    broken.mkdir()
    (broken / "job.toml").write_text("cuont = 2\n")
    report = status(yard.session(), None)
    rows = {row.name: row for row in report.jobs}
    assert (rows[running].release, rows[running].wanted, rows[running].running) == ("3.2.1", 2, 2)
    assert rows[running].ours and rows[idle].ours and not rows[theirs].ours
    assert rows[idle].state == "not deployed"
    assert any("broken" in note for note in report.notes)
    assert report.code is ExitCode.OK


def test_one_job_closely(yard: Yard) -> None:
    name = yard.service(count=2)
    detail = status(yard.session(), name).detail
    assert detail is not None
    assert len(detail.instances) == 2
    for row in detail.instances:
        assert (row.state, row.healthy, row.consul) == ("running", True, "passing")
        assert row.address.startswith("127.0.0.1:") and row.checks[0].status == "passing"
    assert detail.deployment is not None and detail.deployment.desired == 2


def test_a_consul_that_does_not_answer_is_said_not_guessed(yard: Yard) -> None:
    name = yard.service(count=1)
    nowhere = replace(yard.cluster.target().consul, address="http://127.0.0.1:1")
    report = status(yard.session(consul=nowhere), name)
    assert report.detail is not None
    assert [row.consul for row in report.detail.instances] == ["unseen"]
    assert "cannot see Consul" in report.notes[0]


def test_history_says_what_changed(yard: Yard) -> None:
    name = yard.service(count=1)
    yard.until_stable(name)
    yard.release(name, count=1, release="1.1.0")
    yard.until(name, lambda views: any(v.job_version == 1 and v.healthy for v in views))
    newest, oldest = history(yard.session(), name).versions
    assert (newest.version, newest.release, newest.live) == (1, "1.1.0", True)
    assert newest.summary.startswith("release 1.0.0 → 1.1.0")
    assert (oldest.summary, oldest.live, oldest.stable) == ("first version", False, True)


def test_nomad_judges_where_it_answers(yard: Yard) -> None:
    good, bad = yard.name(), yard.name()
    task = 'task "t" {\n driver = "raw_exec"\n config {\n command = "true"\n }\n }\n'
    yard.write(good, f'job "{good}" {{\n  group "g" {{\n    {task}  }}\n}}\n')
    yard.write(bad, f'job "{bad}" {{\n  group "g" {{\n    nonsense = 1\n  }}\n}}\n')
    report = validate(yard.session().settings)
    assert (report.judge, report.code) == ("Nomad", ExitCode.REFUSED)
    [mistake] = report.mistakes
    assert (mistake.where, mistake.line) == (f"jobs/{bad}/job.nomad.hcl", 3)
    assert validate(yard.session().settings, (good,)).code is ExitCode.OK


def test_bump_leaves_the_file_alone_when_the_release_does_not_take(yard: Yard, hello: str) -> None:
    file = yard.root / "jobs" / hello / "job.toml"
    assert bump(yard.session(), hello, "1.0.0").verdict == "deployed"
    before = file.read_text()
    main = yard.root / "services/hello/main.py"
    works = main.read_text()
    main.write_text("import sys\nsys.exit('FATAL this release is broken')\n")
    report = bump(yard.session(), hello, "minor")
    assert report.code is not ExitCode.OK
    assert file.read_text() == before
    main.write_text(works)


def test_bump_writes_the_release_down_once_it_serves(yard: Yard, hello: str) -> None:
    file = yard.root / "jobs" / hello / "job.toml"
    before = file.read_text()
    first = bump(yard.session(), hello, "patch")
    assert (first.verdict, first.release) == ("deployed", "1.0.1"), first.sentence
    assert file.read_text() == before.replace('"1.0.0"', '"1.0.1"')
    assert any("says 1.0.1 now" in event.text for event in first.events)
    second = bump(yard.session(), hello, "2.0.0")
    assert (second.verdict, second.serving) == ("deployed", "2.0.0"), second.sentence
    again = bump(yard.session(), hello, "2.0.0")
    assert again.verdict == "unchanged"


def test_bump_of_a_job_whose_release_no_file_of_ours_says(yard: Yard) -> None:
    name = yard.service(count=1)
    with pytest.raises(RefusedError, match="no release"):
        bump(yard.session(), name, "patch")
