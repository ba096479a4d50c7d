"""What `_lib/batch.nomad.hcl.j2` makes, to the character, and that Nomad accepts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.shipped import written
from toolkit.clients.nomad import Nomad
from toolkit.errors import ConfigError

GOLDEN = Path(__file__).parent / "batch"
TEMPLATE = '[% extends "_lib/batch.nomad.hcl.j2" %]\n'
RUN = '[driver.raw_exec]\ncommand = "/bin/sh"\nargs = ["-c", "true"]\n'
BLOCKS = """
[% block schedule %]
periodic {
  crons = ["@daily", "@weekly"]
}
[% endblock %]
[% block config %]
command = "/bin/true"
[% endblock %]
[% block environment %]
"MORE" = [[ job.name ]]
[% endblock %]
"""
CASES = {
    "migrate": (f'kind = "batch"\nrelease = "1.4.2"\n{RUN}[environment]\nSTEP = 2\n', ""),
    "docker": (
        'kind = "batch"\ncount = 2\nrelease = "1.4.2"\n[driver.docker]\nimage = "shop"\n'
        '[secrets]\nkeys = ["db_password"]\n[ports.http]\nto = 80\n[check]\nkind = "tcp"\n',
        "",
    ),
    "everywhere": (f'kind = "sysbatch"\nnode_class = "web"\n{RUN}', ""),
    "nightly": (
        f'kind = "batch"\n{RUN}[schedule]\ncron = "0 3 * * *"\ntime_zone = "Europe/Berlin"\n'
        "prohibit_overlap = true\n",
        "",
    ),
    "import": (
        f'kind = "batch"\n{RUN}[dispatch]\npayload = "required"\nfile = "rows.csv"\n'
        'meta_required = ["day"]\nmeta_optional = ["why"]\n',
        "",
    ),
    "handed": (f'kind = "sysbatch"\n{RUN}[dispatch]\npayload = "forbidden"\n', ""),
    "blocks": (RUN, BLOCKS),
}
"""Name -> job.toml, and what its template has below `extends`."""


def made(name: str) -> str:
    job, blocks = CASES[name]
    environment = "production" if name == "docker" else "dev"
    return written(name, job, TEMPLATE + blocks, environment).hcl


WHOLE = ("docker", "everywhere")
"""Kept whole; of the others, what makes them different."""
PARTS = {
    "migrate": ('release = "1.4.2"', '"STEP" = "2"', '"RELEASE" = "1.4.2"'),
    "nightly": (
        'periodic { crons = ["0 3 * * *"] time_zone = "Europe/Berlin" prohibit_overlap = true }',
    ),
    "import": (
        'parameterized { payload = "required" meta_required = ["day"] meta_optional = ["why"] }',
        'dispatch_payload { file = "rows.csv" }',
    ),
    "handed": ('parameterized { payload = "forbidden" meta_required = [] meta_optional = [] }',),
    "blocks": (
        'type = "batch"', 'periodic { crons = ["@daily", "@weekly"] }',
        'config { command = "/bin/true" }', 'env = { "MORE" = "blocks" }',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "part"), [(n, part) for n in PARTS for part in PARTS[n]])
def test_what_a_job_file_says_is_there(name: str, part: str) -> None:
    assert part in " ".join(made(name).split())


def test_what_it_does_not_say_is_not_there() -> None:
    assert "dispatch_payload" not in made("handed")
    assert not any(block in made("migrate") for block in ("periodic", "parameterized", "service"))


@pytest.mark.parametrize("name", WHOLE)
def test_a_batch_job_is_what_it_was(name: str, regenerate: bool) -> None:
    path = GOLDEN / f"{name}.nomad.hcl"
    hcl = made(name)
    if regenerate:
        path.write_text(hcl)
    assert hcl == path.read_text(), "run pytest tests/golden --regenerate-golden and read the diff"


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.nomad.hcl" for name in WHOLE}


@pytest.mark.agents
@pytest.mark.parametrize("name", CASES)
def test_nomad_reads_and_validates_a_batch_job(name: str, nomad: Nomad) -> None:
    job = nomad.parse(made(name))
    assert job["Type"] == ("sysbatch" if name in {"everywhere", "handed"} else "batch")
    assert bool(job["Periodic"]) is (name in {"nightly", "blocks"})
    assert bool(job["ParameterizedJob"]) is (name in {"import", "handed"})
    answer = nomad.validate(job)
    assert not answer.get("ValidationErrors")
    assert not answer.get("Error")
    assert not answer.get("Warnings")


def test_what_only_work_can_have() -> None:
    job = (
        'kind = "service"\n[schedule]\ntime_zone = "UTC"\n'
        '[dispatch]\npayload = "forbidden"\nfile = "../x"\n'
        'meta_required = ["day", "x"]\nmeta_optional = ["day"]\n'
    )
    with pytest.raises(ConfigError) as error:
        written("wrong", job, TEMPLATE, "dev")
    told = [(m.key, m.line, m.message) for m in error.value.mistakes]
    assert told == [
        ("schedule", 2, "a service job has no schedule"),
        ("dispatch", 4, "a service job has no dispatch"),
        ("schedule", 2, "has no cron"),
        ("dispatch.file", 6, "has no effect: payload is forbidden"),
        ("dispatch.file", 6, "must be inside the task's local/"),
        ("dispatch.meta_optional", 8, "day is in meta_required already"),
    ]
    with pytest.raises(ConfigError) as error:
        written("wrong", 'kind = "sysbatch"\ncount = 2\n[route]\nhost = "a.b"\n', TEMPLATE, "dev")
    assert [m.key for m in error.value.mistakes] == ["count", "route"]
