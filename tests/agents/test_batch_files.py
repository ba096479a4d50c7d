"""Work from a project's own job.toml, whose template is one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from tests.agents.work import allocations, ended, states

pytestmark = pytest.mark.agents

BATCH = '[% extends "_lib/batch.nomad.hcl.j2" %]\n'
SERVICE = '[% extends "_lib/service.nomad.hcl.j2" %]\n'
JOB = """
release = "1.4.2"
[driver.raw_exec]
command = "/bin/sh"
args = ["-c", '''SCRIPT''']
[resources]
cpu = 20
memory = 24
[rollout]
restart_delay = "500ms"
kill_timeout = "2s"
"""


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "batch-files")
    yield shop
    shop.close()


def write(shop: Shop, name: str, kind: str, script: str, more: str = "", lib: str = BATCH) -> str:
    """The two files of a job; without `kind` the file does not say it."""
    folder = shop.root / "jobs" / name
    folder.mkdir(exist_ok=True)
    said = f'kind = "{kind}"\n' if kind else ""
    (folder / "job.toml").write_text(said + JOB.replace("SCRIPT", script) + more)
    (folder / "job.nomad.hcl.j2").write_text(lib)
    return name


@pytest.mark.parametrize(
    ("kind", "lib", "made", "extend"),
    [
        ("batch", SERVICE, "service", 'extend "_lib/batch.nomad.hcl.j2"'),
        ("sysbatch", SERVICE, "service", 'extend "_lib/batch.nomad.hcl.j2"'),
        ("service", BATCH, "batch", 'extend "_lib/service.nomad.hcl.j2"'),
        ("system", BATCH, "batch", 'write type = "system"'),
    ],
)
def test_a_template_that_makes_another_kind_is_refused(
    shop: Shop, kind: str, lib: str, made: str, extend: str
) -> None:
    name = write(shop, shop.name("other"), kind, "true", lib=lib)
    work = kind in {"batch", "sysbatch"}
    for command in ("validate", "plan", "deploy", *(["run"] if work else [])):
        said = shop.toolkit(command, name, "--json")
        assert said.code == 1, command
        found = said.report if command == "validate" else said.error
        [mistake] = found["mistakes"]
        place = (mistake["where"], mistake["key"], mistake["line"])
        assert place == (f"jobs/{name}/job.toml", "kind", 1)
        assert (
            f'says "{kind}", but jobs/{name}/job.nomad.hcl.j2 makes a {made} job'
            == (mistake["message"])
        )
        assert mistake["hint"].startswith(extend)
    nowhere = shop.toolkit("validate", name, "--nomad-addr", "http://127.0.0.1:9", "--json")
    assert (nowhere.code, nowhere.report["mistakes"]) == (1, [mistake])
    assert shop.nomad(f"/v1/job/{name}") is None


def test_the_kind_of_one_environment_is_named_where_it_is_said(shop: Shop) -> None:
    name = write(shop, shop.name("other"), "batch", "true", '[env.dev]\nkind = "service"\n')
    [mistake] = shop.toolkit("plan", name, "--json").error["mistakes"]
    assert (mistake["key"], mistake["line"]) == ("env.dev.kind", 14)


def test_a_plain_job_of_another_kind_is_refused_too(shop: Shop) -> None:
    name = shop.plain(shop.name("plain"), 'job "x" {\n  type = "batch"\n}\n', 'kind = "service"\n')
    said = shop.toolkit("validate", name, "--nomad-addr", "http://127.0.0.1:9", "--json")
    [mistake] = said.report["mistakes"]
    assert (mistake["key"], mistake["line"]) == ("kind", 1)
    assert mistake["hint"] == 'write type = "service" there, or say kind = "batch" here'


def test_a_schedule_that_the_template_leaves_out_is_refused(shop: Shop) -> None:
    lib = f"{BATCH}[% block schedule %][% endblock %]\n"
    more = '[schedule]\ncron = "0 3 1 1 *"\n[dispatch]\n'
    name = write(shop, shop.name("never"), "batch", "true", more, lib=lib)
    found = shop.toolkit("plan", name, "--json").error["mistakes"]
    assert [mistake["key"] for mistake in found] == ["schedule", "dispatch"]
    assert all("_lib/batch.nomad.hcl.j2" in mistake["hint"] for mistake in found)


def test_a_run_that_succeeds_and_one_that_fails(shop: Shop) -> None:
    good = write(shop, shop.name("migrate"), "batch", "echo to $RELEASE; sleep 0.3")
    said = shop.toolkit("run", good)
    assert (said.code, said.out) == (0, "to 1.4.2\n"), said.err
    assert f"{good} 1.4.2 is done" in said.err
    bad = write(shop, shop.name("migrate"), "batch", "echo no luck >&2; exit 7")
    said = shop.toolkit("run", bad, "--json")
    assert ended(said) == (3, "failed"), said.err
    assert (said.report["exit_code"], states(said)) == (7, [(bad, "failed", 7)])
    # One more try in its place, and none elsewhere.
    assert [i["restarts"] for i in said.report["instances"]] == [1]
    assert len(allocations(shop, bad)) == 1


def test_work_that_may_be_done_only_once(shop: Shop) -> None:
    # The last table of the file is [rollout].
    name = write(shop, shop.name("once"), "batch", "echo tried; exit 7", "restart_attempts = 0\n")
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (3, "failed"), said.err
    assert [i["restarts"] for i in said.report["instances"]] == [0]
    assert said.err.count("tried\n") == 1


def test_the_template_may_say_the_kind_alone(shop: Shop) -> None:
    name = write(shop, shop.name("silent"), "", "echo done; sleep 0.3")
    assert shop.toolkit("validate", name).code == 0
    said = shop.toolkit("run", name)
    assert (said.code, said.out) == (0, "done\n"), said.err
    again = shop.toolkit("attach", name)
    assert (again.code, again.out) == (0, "done\n"), again.err
    service = write(shop, shop.name("silent"), "", "true", lib=SERVICE)
    said = shop.toolkit("run", service, "--json")
    assert said.code == 1 and "is a service job" in said.error["message"]


def test_a_sysbatch_job(shop: Shop) -> None:
    name = write(shop, shop.name("every"), "sysbatch", "echo here; sleep 0.3")
    assert shop.toolkit("status", name, "--json").report["detail"]["job"]["kind"] == "sysbatch"
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (0, "completed"), said.err
    assert shop.job(name)["Type"] == "sysbatch"


def test_a_periodic_job(shop: Shop) -> None:
    more = '[schedule]\ncron = "0 3 1 1 *"\nprohibit_overlap = true\n'
    name = write(shop, shop.name("nightly"), "batch", "echo launched; sleep 0.3", more)
    assert shop.deploy(name).code == 0
    periodic = shop.job(name)["Periodic"]
    assert (periodic["Specs"], periodic["ProhibitOverlap"]) == (["0 3 1 1 *"], True)
    said = shop.toolkit("run", name)
    assert (said.code, said.out) == (0, "launched\n"), said.err


def test_a_parameterized_job(shop: Shop) -> None:
    more = '[dispatch]\nmeta_required = ["day"]\n'
    script = 'echo "$NOMAD_META_day"; cat "$NOMAD_TASK_DIR/payload"; sleep 0.3'
    name = write(shop, shop.name("import"), "batch", script, more)
    assert shop.deploy(name).code == 0
    (shop.root / "rows.csv").write_text("a,b\n")
    said = shop.toolkit("dispatch", name, "--meta", "day=1", "--payload", "rows.csv")
    assert (said.code, said.out) == (0, "1\na,b\n"), said.err
