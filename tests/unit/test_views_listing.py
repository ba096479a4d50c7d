"""Lists, looks and single operations, as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.errors import Mistake
from toolkit.spec.dev import AgentRow, DevReport
from toolkit.spec.listing import (
    CheckLine,
    DeploymentRow,
    HistoryReport,
    InitReport,
    InstanceRow,
    JobDetail,
    JobRow,
    Launched,
    LogLine,
    OperateReport,
    SecretReport,
    StatusReport,
    ValidateReport,
    VersionRow,
)
from toolkit.spec.provenance import Provenance
from toolkit.views import dev, history, init, logs, operate, secret, status, validate
from toolkit.views.text import counted, seconds, table

ROW = JobRow("web", "service", "running", "1.1.0", 4, 2, 2, 2, "successful", True)
STATUS = StatusReport("dev", "http://127.0.0.1:4646", "default")


def test_status_says_what_it_could_not_see() -> None:
    lines = status.lines(replace(STATUS, jobs=(ROW,), notes=("Consul: denied",)))
    assert lines[-1] == "note      Consul: denied"


def test_work_that_failed_is_told_from_work_that_is_done() -> None:
    done = replace(ROW, kind="batch", state="dead", complete=1, running=0)
    failed = replace(done, name="import", failed=1, complete=0)
    text = status.lines(replace(STATUS, jobs=(done, failed)))
    assert "dead · 1 complete" in text[1]
    assert "dead · 1 failed" in text[2]
    assert len(text) == 3
    both = replace(failed, lost=2, complete=3)
    assert "dead · 1 failed, 2 lost, 3 complete" in status.lines(replace(STATUS, jobs=(both,)))[1]
    # What failed once of a service that runs is its past.
    runs = replace(ROW, failed=3)
    assert "failed" not in "".join(status.lines(replace(STATUS, jobs=(runs,))))


def test_a_job_that_only_launches_others_is_counted_by_them() -> None:
    parent = replace(ROW, kind="batch", wanted=0, running=0, launched=Launched(0, 1, 4))
    text = status.lines(replace(STATUS, jobs=(parent,)))[1]
    assert "launched: 1 running, 4 over" in text
    assert " of 0" not in text
    none = replace(parent, launched=Launched(0, 0, 0))
    assert "launched: none" in status.lines(replace(STATUS, jobs=(none,)))[1]


def test_status_of_an_empty_namespace_is_a_sentence() -> None:
    assert status.lines(STATUS) == ["no jobs in namespace default at http://127.0.0.1:4646"]


def test_a_long_list_is_counted_and_what_runs_short_is_named() -> None:
    short = replace(ROW, running=1)
    many = tuple(replace(short, name=f"web-{number:02}") for number in range(12))
    report = replace(
        STATUS,
        jobs=(ROW,),
        left_out=12,
        states={"running": 13},
        short=tuple(row.name for row in many if row.runs_short),
    )
    assert status.lines(report)[2:] == [
        "jobs      13 jobs: 13 running",
        "          12 of them left out (--limit)",
        "short     12 jobs run fewer instances than they want: "
        + ", ".join(row.name for row in many[:10])
        + " and 2 more",
    ]
    for over in ("dead", "stopped", "not deployed"):
        assert not replace(short, state=over).runs_short
    assert not replace(short, wanted=None).runs_short
    assert not replace(short, kind="batch").runs_short


def test_status_is_a_table_and_says_unknown_as_such() -> None:
    other = JobRow("db", "service", "not deployed", None, None, None, 0, None, None, False)
    head, first, second = status.lines(replace(STATUS, jobs=(ROW, other)))
    assert head.split() == [
        "job",
        "kind",
        "state",
        "release",
        "version",
        "running",
        "healthy",
        "deployment",
    ]
    assert first.split() == [
        "web",
        "service",
        "running",
        "1.1.0",
        "4",
        "2",
        "of",
        "2",
        "2",
        "successful",
    ]
    assert second.split() == [
        "db",
        "service",
        "not",
        "deployed",
        "-",
        "-",
        "0",
        "of",
        "?",
        "-",
        "-",
        "not",
        "of",
        "this",
        "project",
    ]


def test_one_job_closely_shows_checks_that_do_not_pass() -> None:
    sick = InstanceRow(
        "0a1f3c52-1", "web", "node-1", 4, "running", False, False, True, 3, "critical",
        "10.0.0.1:80", (CheckLine("alive", "critical", "500"), CheckLine("node", "passing", "")),
    )  # fmt: skip
    rollout = DeploymentRow("9c3e77d0-1", 4, "running", "needs promotion", 2, 1, 2, 2, False)
    detail = JobDetail(ROW, False, 0.0, rollout, (sick,), ("http://web",), "count 3, file says 2")
    text = "\n".join(status.lines(replace(STATUS, detail=detail)))
    assert "job       version 4 · not marked stable · submitted 1970-01-01 00:00:00Z" in text
    assert "9c3e77d0 of version 4 is running · 1 of 2 healthy, 2 placed" in text
    assert "2 canaries not promoted" in text
    assert "drift     count 3, file says 2" in text
    assert "unhealthy" in text
    assert "10.0.0.1:80 canary leaving" in text
    assert "check     0a1f3c52 alive is critical: 500" in text
    assert "node is passing" not in text


def test_history_without_versions_is_a_sentence() -> None:
    report = HistoryReport("dev", "http://a", "default", "web", ())
    assert history.lines(report) == ["Nomad keeps no version of web in namespace default"]


def test_history_marks_the_live_version() -> None:
    rows = (
        VersionRow(4, "1.1.0", 60.0, True, True, ("good",), "successful", {"web": 2}, summary="s"),
        VersionRow(3, None, 0.0, False, False, (), None, {"web": 2}, stopped=True),
    )
    _, first, more, second, _ = history.lines(
        HistoryReport("dev", "http://a", "default", "web", rows)
    )
    assert first.startswith("*  4 ")
    assert first.endswith("stable")
    assert "s · count web 2 · rollout successful · tag good" in more
    assert second.startswith("   3 ")
    assert second.endswith("stopped")


def test_history_says_who_from_which_commit_and_with_what_verdict_on_a_narrow_screen() -> None:
    found = Provenance(
        "1.1.0-v4", "1.1.0", 4, "0123456789" * 4, True, "abcdef" * 10, "ann@a-machine-of-hers",
        "0.1.0", "deployed", 60.0,
    )  # fmt: skip
    copy = replace(found, version=5, verdict=None, copy_of=4)
    taken = replace(found, tag="1.0.0-v3", verdict=None)
    rows = (
        VersionRow(
            5, "1.1.0", 90.0, True, True, ("1.1.0-v4",), None, {"web": 3}, provenance=copy,
            summary="count 2 → 3",
        ),
        VersionRow(
            4, "1.1.0", 60.0, True, False, ("1.1.0-v4",), None, {"web": 2}, provenance=found,
            last_verified=True, summary="release 1.0.0 → 1.1.0, 4 more changes",
        ),
        VersionRow(3, "1.0.0", 0.0, False, False, ("1.0.0-v3",), None, {}, provenance=taken),
    )  # fmt: skip
    told = history.lines(
        HistoryReport("dev", "http://a", "default", "web", rows, notes=("what " * 30 + "end",))
    )
    assert max(map(len, told)) <= 80
    live, verified, rolling = (line for line in told[1:] if line[3:4].isdecimal())
    assert live.startswith("*  5 ")
    assert live.endswith("0123456+dirty  as version 4")
    assert verified.endswith("0123456+dirty  deployed, last verified")
    assert rolling.endswith("0123456+dirty  no verdict")
    text = " ".join(" ".join(told).split())
    assert "by ann@a-machine-of-hers · release 1.0.0 → 1.1.0, 4 more changes" in text
    assert "digest abcdefabcdef " in text
    assert "tag" not in text
    assert any(line.startswith("note      what") for line in told)
    assert told[-1].endswith("end")


@pytest.mark.parametrize(
    ("report", "last"),
    [
        (
            ValidateReport("dev", ("web",), "offline", "nothing answers at 127.0.0.1:4646"),
            "valid     web · judged offline only: nothing answers at 127.0.0.1:4646",
        ),
        (
            ValidateReport(
                "dev", ("a", "b"), "Nomad", "Nomad 1.11.3", (Mistake("f", "k", 2, "m"),)
            ),
            "invalid   a, b · 1 mistake · judged by Nomad 1.11.3",
        ),
    ],
)
def test_validate_says_who_judged(report: ValidateReport, last: str) -> None:
    assert validate.lines(report)[-1] == last


def test_a_mistake_names_its_place() -> None:
    report = ValidateReport("dev", ("a",), "offline", "x", (Mistake("f", "k", 2, "m", "h"),))
    assert validate.lines(report)[0] == "mistake   f:2: k: m (h)"


def test_secrets_are_listed_by_key() -> None:
    report = SecretReport(
        "dev", "web", "nomad/jobs/web", "listed", None, ("a",), missing=("b",), unused=("a",)
    )
    assert secret.lines(report) == ["set       a", "missing   b", "unused    a"]


def test_no_secret_is_said() -> None:
    report = SecretReport("dev", "web", "nomad/jobs/web", "listed", None, ())
    assert secret.lines(report) == ["none      no secret of web is set in nomad/jobs/web"]


def test_a_secret_that_was_set_is_named_without_its_value() -> None:
    report = SecretReport("dev", "web", "p", "set", "a", ("a",), notes=("restart it",))
    assert secret.lines(report) == ["set       a of web in p", "note      restart it"]


def test_an_operation_ends_in_its_word() -> None:
    report = OperateReport(
        "scaled", "web 2 → 3", "scale", "web", "dev", "http://a", "default",
        notes=("kept",), next="toolkit status web",
    )  # fmt: skip
    assert operate.lines(report) == [
        "scaled    web 2 → 3",
        "note      kept",
        "  next    toolkit status web",
    ]


def test_an_agent_that_died_is_shown_with_its_last_words() -> None:
    row = AgentRow("nomad", "died", None, "1.11.3", "/n", "http://a", "/l", ("panic: x",))
    lines = dev.lines(DevReport("died", "nomad died", (row,), next="toolkit dev up"))
    assert lines == [
        "nomad  died  1.11.3    http://a",
        "log       nomad said last, in /l:",
        "          panic: x",
        "died      nomad died",
        "  next    toolkit dev up",
    ]


def test_tokens_are_named_by_their_place() -> None:
    lines = dev.lines(DevReport("started", "ready", acl=True, state_file=".toolkit/s.json"))
    assert "tokens    in .toolkit/s.json" in lines


def test_init_says_what_to_type() -> None:
    report = InitReport("shop", ("toolkit.toml",), ("cd shop", "toolkit dev up"))
    assert init.lines(report) == [
        "written   1 file in shop",
        "          toolkit.toml",
        "next      cd shop",
        "          toolkit dev up",
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (LogLine("5b2c90aa-1", "app", "stdout", "hello"), "5b2c90aa app  hello"),
        (LogLine("", "", "note", "no instance"), "no instance"),
    ],
)
def test_a_log_line_says_whose_it_is(line: LogLine, text: str) -> None:
    assert logs.line(line) == text


def test_a_cell_cannot_forge_a_row() -> None:
    assert table([["a\nb", "c"]]) == ["a\\x0ab  c"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.04, "0.0 s"), (7.12, "7.1 s"), (185, "3 min 5 s"), (120, "2 min"), (7440, "2 h 4 min")],
)
def test_durations_as_people_say_them(value: float, said: str) -> None:
    assert seconds(value) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_one_is_singular(number: int, said: str) -> None:
    assert counted(number, "file") == said
