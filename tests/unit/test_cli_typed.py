"""Next commands for somebody who named a job by the path of its file."""

from __future__ import annotations

import pytest

from toolkit.cli.typed import names_file, retype, retype_error, retype_report
from toolkit.errors import ConfigError, ToolkitError
from toolkit.spec.listing import OperateReport

PATH = "./my jobs/web.nomad.hcl"
TYPED = "'./my jobs/web.nomad.hcl'"


def broken() -> str:
    raise ConfigError([])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("toolkit logs 5b2c90aa --stderr", "toolkit logs 5b2c90aa --stderr"),
        ("toolkit attach web-2", "toolkit attach web-2"),
        ("toolkit status lists them", "toolkit status lists them"),
        ("look at `toolkit status`, then again", "look at `toolkit status`, then again"),
        ("toolkit attach web", f"toolkit attach {TYPED}"),
        ("toolkit secret set web db_url", f"toolkit secret set {TYPED} db_url"),
        (
            "toolkit attach web watches it again, toolkit abort web ends it",
            f"toolkit attach {TYPED} watches it again, toolkit abort {TYPED} ends it",
        ),
        ("`toolkit stop web --purge` first", f"`toolkit stop {TYPED} --purge` first"),
        ("`toolkit deploy web` starts it again", f"`toolkit deploy {TYPED}` starts it again"),
    ],
)
def test_only_the_job_itself_becomes_a_path(said: str, wanted: str) -> None:
    assert retype(said, "web", PATH) == wanted


def test_a_report_of_no_single_job_stays_as_it_is() -> None:
    report = object()
    assert retype_report(report, PATH) is report


def test_next_and_notes_of_a_report() -> None:
    report = OperateReport(
        verdict="stopped", sentence="web has ended", action="stop", job="web", environment="dev",
        address="", namespace="default", notes=("`toolkit deploy web` starts it again",),
        next="toolkit status web",
    )  # fmt: skip
    found = retype_report(report, "./web.nomad.hcl")
    assert found.next == "toolkit status ./web.nomad.hcl"
    assert found.notes == ("`toolkit deploy ./web.nomad.hcl` starts it again",)


def test_the_hint_of_an_error_stays_when_the_job_file_itself_is_broken() -> None:
    error = ToolkitError("no", hint="toolkit attach web")
    retype_error(error, PATH, broken)
    assert error.hint == "toolkit attach web"
    retype_error(error, PATH, lambda: "web")
    assert error.hint == f"toolkit attach {TYPED}"


@pytest.mark.parametrize("job", ["./x", "jobs/web", "web.nomad.hcl", "web.nomad"])
def test_a_path_is_told_from_a_name(job: str) -> None:
    assert names_file(job)
    assert not names_file("web")
    assert not names_file(None)
