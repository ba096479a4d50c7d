"""`toolkit explain` of real things: jobs of ours and of others, and whatever has an id."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.foreign import TEMPLATE, plain
from tests.agents.shop import Said, Shop
from toolkit.spec.explain import Condition

pytestmark = pytest.mark.agents

BAD = {'"fine"': '"crash"'}
SICK = {'"fine"': '"sick"', 'healthy_deadline = "50s"': 'healthy_deadline = "3s"'}


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "explain")
    yield shop
    shop.close()


@dataclass(frozen=True)
class Street:
    """What stands there to be asked about, by what is special about it."""

    jobs: dict[str, str]
    said: dict[str, Said]

    def __getitem__(self, word: str) -> str:
        return self.jobs[word]


@pytest.fixture(scope="module")
def street(shop: Shop) -> Street:
    jobs = {
        "well": shop.write(name=shop.name("well"), count=2),
        "first": shop.write(name=shop.name("first"), change=BAD),
        "back": shop.write(name=shop.name("back")),
        "sick": shop.write(name=shop.name("sick"), change=SICK),
    }
    jobs |= {
        "theirs": plain(shop, "theirs", "echo no such thing as luck >&2; exit 7"),
        "huge": plain(shop, "huge", memory="9000000"),
        "waits": plain(shop, "waits", task=TEMPLATE),
        "done": plain(shop, "done", "true", kind="batch"),
        "undone": plain(shop, "undone", "echo on it >&2; exit 4", kind="batch"),
        "stopped": plain(shop, "stopped"),
        "purged": plain(shop, "purged", "echo last words >&2; exit 5"),
        "sent": plain(
            shop, "sent", "echo got $NOMAD_META_k >&2; exit $NOMAD_META_k", kind="batch",
            more='parameterized {\n meta_required = ["k"]\n }',
        ),
        "clock": plain(
            shop, "clock", "true", kind="batch",
            more='periodic {\n crons = ["0 0 1 1 *"]\n time_zone = "UTC"\n }',
        ),
    }  # fmt: skip
    for key in "04":
        shop.nomad(f"/v1/job/{jobs['sent']}/dispatch", {"Meta": {"k": key}})
    deploys = {word: jobs[word] for word in ("well", "first", "back", "sick")}
    with ThreadPoolExecutor() as pool:
        said = dict(zip(deploys, pool.map(shop.deploy, deploys.values()), strict=True))
    shop.write(name=jobs["back"], change=BAD, release="1.1.0")
    said["back"] = shop.deploy(jobs["back"])
    until_failed(shop, jobs["theirs"])
    until_failed(shop, jobs["undone"])
    until_failed(shop, jobs["purged"])
    shop.nomad(f"/v1/job/{jobs['stopped']}", method="DELETE")
    shop.nomad(f"/v1/job/{jobs['purged']}?purge=true", method="DELETE")
    return Street(jobs, said)


def until_failed(shop: Shop, name: str) -> None:
    def failed() -> bool:
        found = shop.nomad(f"/v1/job/{name}/allocations") or []
        return any(each["ClientStatus"] == "failed" for each in found)

    shop.until(f"{name} failed", failed)


def explained(shop: Shop, what: str) -> dict[str, Any]:
    said = shop.toolkit("explain", what, "--json")
    assert said.code == 0, said.out + said.err
    report = said.report
    assert report["schema"] == "toolkit.explain/1"
    text = shop.toolkit("explain", what)
    assert text.code == 0
    assert text.out.split()[0] in get_args(Condition)
    screen = text.out.splitlines()
    assert len(screen) < 40, text.out
    assert not [line for line in screen if len(line) > 80 and " " in line[10:].strip()], text.out
    return report


def first(report: dict[str, Any]) -> dict[str, Any]:
    cause: dict[str, Any] = report["causes"][0]
    return cause


def facts(report: dict[str, Any], name: str) -> str:
    return "\n".join(fact["text"] for fact in report["facts"] if fact["name"] == name)


def allocations(shop: Shop, name: str) -> list[dict[str, Any]]:
    found = shop.nomad(f"/v1/job/{name}/allocations") or []
    return sorted(found, key=lambda each: int(each["CreateIndex"]))


# Jobs of ours.


def test_a_job_that_is_well(shop: Shop, street: Street) -> None:
    report = explained(shop, street["well"])
    assert (report["word"], report["kind"], report["job"]) == ("well", "job", street["well"])
    assert "1.0.0 (version 0) is well: 2 of 2 running, 2 of 2 passing" in report["sentence"]
    assert report["causes"] == []
    assert report["next"] is None
    assert report["since"] <= report["now"]
    assert "2 of 2 serve 1.0.0" in facts(report, "release")


def test_a_first_deploy_that_failed(shop: Shop, street: Street) -> None:
    report = explained(shop, street["first"])
    assert report["word"] == "unwell"
    assert "did not take and stays registered" in report["sentence"]
    cause = first(report)
    assert (cause["kind"], cause["task"], cause["group"]) == ("crash", "app", street["first"])
    assert "exited 3" in cause["summary"]
    assert any("FATAL no database" in line for line in cause["evidence"])
    assert report["next"] == f"toolkit explain {cause['allocation'][:8]}"
    # The very same value that the deploy reported.
    told = street.said["first"].report["causes"][0]
    assert {k: told[k] for k in ("kind", "task", "group")} == {
        k: cause[k] for k in ("kind", "task", "group")
    }


def test_a_revert_is_told_as_a_story(shop: Shop, street: Street) -> None:
    assert street.said["back"].report["verdict"] == "reverted"
    report = explained(shop, street["back"])
    assert report["word"] == "well"
    assert (
        "version 1 (1.1.0) failed, and Nomad went back to version 0 as version 2"
        in (report["sentence"])
    )
    cause = first(report)
    assert cause["kind"] == "crash"
    assert any("FATAL no database" in line for line in cause["evidence"])
    failed = [a["ID"] for a in allocations(shop, street["back"]) if a["JobVersion"] == 1]
    assert cause["allocation"] in failed
    assert "rolling back to job version 0" in facts(report, "before")


def test_a_check_that_fails_is_quoted(shop: Shop, street: Street) -> None:
    cause = first(explained(shop, street["sick"]))
    assert cause["kind"] == "check"
    # What exactly the check got depends on the moment; the address that it asks does not.
    said = "\n".join(cause["evidence"])
    assert "is critical" in said
    assert "/health" in said


# Jobs of others.


def test_a_job_that_somebody_else_registered(shop: Shop, street: Street) -> None:
    report = explained(shop, street["theirs"])
    assert report["word"] == "unwell"
    cause = first(report)
    assert "exited 7" in cause["summary"]
    assert cause["evidence"][0] == "stderr: no such thing as luck"
    assert (cause["group"], cause["node"] != "") == ("work", True)


def test_what_waits_for_a_node(shop: Shop, street: Street) -> None:
    report = explained(shop, street["huge"])
    assert report["word"] == "waiting"
    assert first(report)["kind"] == "unplaced"
    assert "not enough memory" in first(report)["summary"]
    assert report["next"] == f"toolkit why-not {street['huge']}"
    evaluations = shop.nomad(f"/v1/job/{street['huge']}/evaluations")
    [blocked] = [each for each in evaluations if each["Status"] == "blocked"]
    assert blocked["ID"][:8] in facts(report, "blocked")
    # The two evaluations say the same from their own side.
    for each in evaluations:
        told = explained(shop, each["ID"][:12])
        assert (told["kind"], told["id"], told["job"]) == (
            "evaluation", each["ID"], street["huge"],
        )  # fmt: skip
        assert (told["word"], first(told)["kind"]) == ("waiting", "unplaced")


def test_a_template_that_waits_says_what_to_create(shop: Shop, street: Street) -> None:
    report = explained(shop, street["waits"])
    [view] = allocations(shop, street["waits"])
    told = explained(shop, view["ID"][:8])
    assert report["word"] in {"rolling", "unwell"}
    assert told["word"] in {"waiting", "unwell"}
    for cause in (first(report), first(told)):
        assert (cause["kind"], cause["allocation"]) == ("template", view["ID"])
        assert "waits for Consul key shop/nothing" in cause["summary"]
        assert "consul kv put shop/nothing VALUE" in cause["advice"]


def test_work_that_is_done_and_work_that_is_not(shop: Shop, street: Street) -> None:
    shop.until(
        "the work is done",
        lambda: allocations(shop, street["done"])[0]["ClientStatus"] == "complete",
    )
    assert explained(shop, street["done"])["word"] == "done"
    report = explained(shop, street["undone"])
    assert (report["word"], first(report)["evidence"]) == ("unwell", ["stderr: on it"])
    assert "exited 4" in first(report)["summary"]


def test_dispatched_children(shop: Shop, street: Street) -> None:
    parent = street["sent"]

    def over() -> bool:
        children = shop.nomad(f"/v1/jobs?prefix={parent}/")
        return [each["Status"] for each in children] == ["dead", "dead"]

    shop.until("both children ended", over)
    report = explained(shop, parent)
    assert len([f for f in report["facts"] if f["name"] == "launch"]) == 2
    assert "exited 4" in first(report)["summary"]
    assert "stderr: got 4" in first(report)["evidence"]
    children = {
        child["JobSummary"]["Summary"]["work"]["Failed"]: child["ID"]
        for child in shop.nomad(f"/v1/jobs?prefix={parent}/")
    }
    assert report["next"] == f"toolkit explain {children[1]}"
    assert explained(shop, children[1])["word"] == "unwell"
    assert explained(shop, children[0])["word"] == "done"


def test_a_schedule_says_when_it_launches_next(shop: Shop, street: Street) -> None:
    report = explained(shop, street["clock"])
    assert report["word"] == "well"
    assert "-01-01 00:00:00Z" in facts(report, "due")


def test_the_list_tells_failed_work_from_done_work(shop: Shop, street: Street) -> None:
    rows = {row["name"]: row for row in shop.toolkit("status", "--json").report["jobs"]}
    assert rows[street["undone"]]["failed"] >= 1
    assert rows[street["done"]]["failed"] == 0
    assert rows[street["clock"]]["launched"] == {"pending": 0, "running": 0, "dead": 0}
    assert sum(rows[street["sent"]]["launched"].values()) == 2
    assert rows[street["sent"]]["wanted"] == 0
    closely = shop.toolkit("status", street["undone"], "--json").report["detail"]["job"]
    assert closely["failed"] == 1


def test_stopped_and_purged(shop: Shop, street: Street) -> None:
    assert explained(shop, street["stopped"])["word"] == "stopped"
    report = explained(shop, street["purged"])
    assert report["word"] == "absent"
    assert "purged" in report["sentence"]
    assert any("versions" in line for line in report["unseen"])
    # Nobody here has its job file, and a command that fails helps nobody.
    assert report["next"] == "toolkit status"
    assert f"no job file of {street['purged']} here" in facts(report, "file")


def test_a_job_of_the_project_that_was_never_deployed(shop: Shop) -> None:
    report = explained(shop, shop.write())
    assert (report["word"], report["causes"]) == ("absent", [])
    assert report["next"] == f"toolkit deploy {report['job']}"


# Things with an id.


def test_an_allocation_has_a_life(shop: Shop, street: Street) -> None:
    view = allocations(shop, street["theirs"])[0]
    report = explained(shop, view["ID"])
    assert (report["kind"], report["id"], report["word"]) == ("allocation", view["ID"], "unwell")
    assert "exited 7" in first(report)["summary"]
    life = report["timeline"]
    assert [each["at"] for each in life] == sorted(each["at"] for each in life)
    assert life[0]["who"] == "scheduler"
    assert any("Exit Code: 7" in each["text"] for each in life)
    assert report["next"] == f"toolkit logs {view['ID'][:8]} --stderr"


def test_an_allocation_that_runs_well(shop: Shop, street: Street) -> None:
    view = shop.running(street["well"])[0]
    report = explained(shop, view["ID"][:6])
    assert (report["word"], report["causes"]) == ("well", [])
    assert "passing" in facts(report, "check")
    assert "http" in facts(report, "ports")


def test_a_deployment_and_what_followed_it(shop: Shop, street: Street) -> None:
    first_one, failed, revert = shop.deployments(street["back"])
    report = explained(shop, failed["ID"][:8].upper())
    assert (report["kind"], report["id"], report["word"]) == ("deployment", failed["ID"], "unwell")
    assert "made Nomad go back to version 0" in report["sentence"]
    assert "FATAL no database" in "\n".join(first(report)["evidence"])
    assert revert["ID"][:8] in facts(report, "after")
    assert explained(shop, first_one["ID"][:8])["word"] == "done"


def test_the_node(shop: Shop, street: Street) -> None:
    [node] = shop.nomad("/v1/nodes")
    report = explained(shop, node["ID"][:8])
    assert (report["kind"], report["word"], report["job"]) == ("node", "well", None)
    assert "raw_exec" in facts(report, "drivers")
    assert street["well"] in facts(report, "runs") or "more jobs" in facts(report, "runs")
    assert report["causes"]
    assert not report["unseen"]


# Bad input.


def test_an_id_that_matches_nothing(shop: Shop) -> None:
    said = shop.toolkit("explain", "0123456789", "--json")
    assert said.code == 1
    assert said.error["kind"] == "NotFoundError"
    assert "nothing in namespace default" in said.error["message"]
    assert shop.toolkit("explain", "no-such-job").code == 1


def test_too_few_digits_are_not_looked_for(shop: Shop, street: Street) -> None:
    view = allocations(shop, street["theirs"])[0]
    said = shop.toolkit("explain", view["ID"][:3], "--json")
    assert said.code == 1
    assert "at least 4 digits" in said.error["hint"]


def test_several_things_are_listed(shop: Shop, street: Street) -> None:
    digits = allocations(shop, street["theirs"])[0]["ID"][:8]
    twin = plain(shop, "", name=f"{digits}-twin")
    said = shop.toolkit("explain", digits, "--json")
    assert said.code == 1
    message = said.error["message"]
    assert f"2 things begin with {digits}" in message
    assert f"allocation {digits}" in message
    assert f"of job {street['theirs']}" in message
    assert f"job {twin}" in message
    # Its whole name is the job and nothing else.
    assert explained(shop, twin)["id"] == twin


def test_the_calls_depend_on_the_job(shop: Shop, street: Street) -> None:
    assert explained(shop, street["well"])["calls"] <= 8
    assert explained(shop, street["theirs"])["calls"] <= 12
