"""Next commands for somebody who named a job by the path of its file."""

from __future__ import annotations

import pytest

from toolkit._help import HELP
from toolkit.cli.typed import (
    TARGETED,
    WHERE,
    names_file,
    place,
    retype,
    retype_error,
    retype_report,
)  # fmt: skip
from toolkit.errors import ConfigError, ToolkitError
from toolkit.spec.cause import Cause
from toolkit.spec.explain import ExplainReport, Explanation, Subject
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
        ("toolkit why-not web", f"toolkit why-not {TYPED}"),
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
    assert retype_report(report, PATH, {}) is report


def test_next_and_notes_of_a_report() -> None:
    report = OperateReport(
        verdict="stopped", sentence="web has ended", action="stop", job="web", environment="dev",
        address="", namespace="default", notes=("`toolkit deploy web` starts it again",),
        next="toolkit status web",
    )  # fmt: skip
    found = retype_report(report, "./web.nomad.hcl", {})
    assert found.next == "toolkit status ./web.nomad.hcl"
    assert found.notes == ("`toolkit deploy ./web.nomad.hcl` starts it again",)


def test_the_hint_of_an_error_stays_when_the_job_file_itself_is_broken() -> None:
    error = ToolkitError("no", hint="toolkit attach web")
    retype_error(error, PATH, broken, {})
    assert error.hint == "toolkit attach web"
    retype_error(error, PATH, lambda: "web", {})
    assert error.hint == f"toolkit attach {TYPED}"


def test_commands_go_on_talking_to_the_cluster_that_was_named() -> None:
    flags = {"environment": "prod", "namespace": "shop", "release": "1.2.0"}
    said = "`toolkit stop web --purge` first, toolkit validate, toolkit stopping"
    wanted = "`toolkit stop --env prod --namespace shop web --purge` first"
    assert place(said, flags) == f"{wanted}, toolkit validate, toolkit stopping"
    error = ToolkitError("no", hint="toolkit why-not web")
    retype_error(error, None, broken, flags)
    assert error.hint == "toolkit why-not --env prod --namespace shop web"


def test_a_login_in_an_address_is_not_repeated() -> None:
    flags = {"nomad_address": "https://me:secret@nomad:4646", "consul_address": "https://consul"}
    assert place("toolkit doctor", flags) == "toolkit doctor --consul-addr https://consul"


def test_an_explanation_and_its_causes() -> None:
    cause = Cause("edge", "no Traefik is known", advice="`toolkit deploy traefik`")
    answer = Explanation(
        Subject("job", "web"), "web", "absent", "gone", causes=(cause,), next="toolkit deploy web"
    )
    report = ExplainReport("prod", "", "default", "./web.nomad.hcl", 0.0, answer)
    found = retype_report(report, "./web.nomad.hcl", {"environment": "prod"}).answer
    assert found.next == "toolkit deploy --env prod ./web.nomad.hcl"
    assert found.causes[0].advice == "`toolkit deploy --env prod traefik`"
    assert retype_report(report, None, {}) is report


@pytest.mark.parametrize("command", TARGETED)
def test_every_command_that_is_told_where_takes_the_options(command: str) -> None:
    assert all(option in HELP[command] for option in WHERE.values())


def test_every_command_that_talks_to_a_cluster_is_told_where() -> None:
    talking = {name for name, text in HELP.items() if WHERE["environment"] in text}
    # Those of images take no address, and are named with their environment where they are named.
    images = {"image build", "image push"}
    assert talking - set(TARGETED) <= {"render", "validate", "schema", "dev watch", *images}


@pytest.mark.parametrize("job", ["./x", "jobs/web", "web.nomad.hcl", "web.nomad"])
def test_a_path_is_told_from_a_name(job: str) -> None:
    assert names_file(job)
    assert not names_file("web")
    assert not names_file(None)
