"""What we say of a job and its nodes is what Nomad's own plan of the same job says.

Never `fits` where Nomad finds no place, nor the reverse; and each node alone as well.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.agents import made_jobs
from tests.agents.made_jobs import block, group, job, network, port, rule, task
from tests.agents.placing import FLEET, OCCUPANTS, both, compared, differences
from tests.agents.why_not_cases import cases
from tests.agents.workers import Workers, workers
from toolkit.errors import InvalidRequestError
from toolkit.rollout import fit
from toolkit.rollout.world import World
from toolkit.spec.dev import Machine
from toolkit.spec.fit import FitReport

CASES = cases()

pytestmark = pytest.mark.agents


@dataclass(frozen=True)
class Yard:
    """The fleet, and the clients to talk to it with."""

    fleet: Workers
    world: World

    def report(self, hcl: str) -> FitReport:
        """Ours alone."""
        return both(self.world, self.fleet.parse(hcl)).ours


@pytest.fixture(scope="module")
def yard(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Four unlike nodes with something on two of them; whoever registers more, purges it."""
    assert machine.nomad_bin is not None
    with workers(machine.nomad_bin, tmp_path_factory.mktemp("workers"), *FLEET) as fleet:
        for occupant in OCCUPANTS:
            fleet.run(occupant)
        world = fleet.world()
        with world.nomad, world.consul:
            yield Yard(fleet, world)


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 150


@pytest.mark.parametrize("name", CASES)
def test_a_job_of_the_table(yard: Yard, name: str) -> None:
    job = yard.fleet.parse(CASES[name])
    seen = both(yard.world, job)
    assert compared(yard.world, job, seen) == []
    assert seen.ours.mark != "unknown"


def _holds(yard: Yard, hcl: str) -> None:
    job = yard.fleet.parse(hcl)
    try:
        found = differences(yard.world, job)
    except InvalidRequestError:
        # Nomad does not take the job at all.
        return
    assert found == [], hcl


LOOSE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=LOOSE)
@given(hcl=made_jobs.jobs())
def test_any_small_job(yard: Yard, hcl: str) -> None:
    _holds(yard, hcl)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=1500, deadline=None, database=None, suppress_health_check=LOOSE)
@given(hcl=made_jobs.jobs())
def test_any_small_job_for_long(yard: Yard, hcl: str) -> None:
    _holds(yard, hcl)


# A job that runs already.


def _rolled(memory: int, count: int, *, env: str = "1", canary: int = 0, parallel: int = 1,
            kind: str = "service", more: str = "", cpu: int = 10) -> str:  # fmt: skip
    update = block("update", [f"max_parallel = {parallel}", f"canary = {canary}"])
    made = task(resources=f"cpu = {cpu}\nmemory = {memory}", more=block("env", [f'V = "{env}"']))
    every = None if kind == "system" else count
    return job(
        group(count=every, more=more + (update if kind != "batch" else ""), tasks=made),
        name="rolled", kind=kind,
    )  # fmt: skip


@pytest.fixture
def registered(yard: Yard) -> Iterator[Any]:
    """Register a job for the length of a test."""
    names: list[str] = []

    def register(hcl: str) -> dict[str, Any]:
        made = yard.fleet.run(hcl)
        names.append(made["ID"])
        return made

    yield register
    for name in names:
        yard.fleet.purge(name)


CHANGES = {
    "nothing": _rolled(200, 3),
    "one more": _rolled(200, 4),
    "many more": _rolled(200, 40),
    "fewer": _rolled(200, 1),
    "in place of one another": _rolled(200, 3, env="2", parallel=3),
    "a little larger": _rolled(201, 3, env="2", parallel=3),
    "too large": _rolled(1900, 3, env="2"),
    "as large as a node": _rolled(900, 3, env="2"),
    "canaries": _rolled(200, 3, env="2", canary=3),
    "canaries without room": _rolled(1500, 3, env="2", canary=3),
    "more canaries than instances": _rolled(200, 3, env="2", canary=9),
    "fewer, with canaries": _rolled(800, 2, env="2", canary=1),
    "a port that is taken": _rolled(200, 3, env="2", parallel=3, more=network(port("p", 22))),
    "one a node": _rolled(200, 3, env="2", parallel=3, more=rule("", "distinct_hosts", "true")),
}


def test_changes_of_a_job_that_runs(yard: Yard, registered: Any) -> None:
    registered(_rolled(200, 3))
    for name, hcl in CHANGES.items():
        made = yard.fleet.parse(hcl)
        seen = both(yard.world, made)
        assert compared(yard.world, made, seen, nodes=False) == [], name
        # Which instances go first is Nomad's choice; then its dry run decides.
        settled = fit.beside(seen.ours, fit.DryRun(dict(seen.unplaced)))
        assert settled.mark == ("no" if seen.unplaced else "yes"), name


def test_changes_of_a_system_job_that_runs(yard: Yard, registered: Any) -> None:
    registered(_rolled(100, 1, kind="system"))
    for memory in (100, 150, 450, 600, 2000):
        made = yard.fleet.parse(_rolled(memory, 1, kind="system", env="2"))
        seen = both(yard.world, made)
        assert compared(yard.world, made, seen, nodes=False) == []
        assert seen.ours.mark == ("yes" if memory < 500 else "unknown")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_any_change_for_long(yard: Yard) -> None:
    kinds = st.sampled_from(("service", "batch", "system"))
    sizes = st.sampled_from((50, 100, 101, 200, 400, 500, 900, 1500))
    extras = st.sampled_from(("", network(port("p")), network(port("p", 9000)),
                              rule("", "distinct_hosts", "true")))  # fmt: skip

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=LOOSE)
    @given(data=st.data(), kind=kinds, memory=sizes, count=st.integers(1, 5), more=extras)
    def change(data: st.DataObject, kind: str, memory: int, count: int, more: str) -> None:
        try:
            yard.fleet.run(_rolled(memory, count, kind=kind, more=more))
            for _ in range(12):
                hcl = _rolled(
                    data.draw(sizes), data.draw(st.integers(0, 9)), kind=kind,
                    more=data.draw(extras), env=data.draw(st.sampled_from(("1", "2"))),
                    canary=data.draw(st.sampled_from((0, 0, 1, 4))),
                    parallel=data.draw(st.sampled_from((1, 2, 5))),
                )  # fmt: skip
                made = yard.fleet.parse(hcl)
                assert differences(yard.world, made, nodes=False) == [], hcl
        finally:
            yard.fleet.purge("rolled")

    change()


# What Nomad adds, and what it may take away.


IMPLYING = (
    "service in Consul", "service in Nomad", "kill signal SIGUSR1", "template with a signal",
    "secret of nomad", "bridge mode",
)  # fmt: skip


@pytest.mark.parametrize("name", IMPLYING)
def test_what_nomad_adds_is_what_we_add(yard: Yard, name: str) -> None:
    parsed = yard.fleet.parse(CASES[name])
    yard.fleet.call("/v1/jobs", {"Job": parsed})
    try:
        registered = yard.fleet.call("/v1/job/case")
    finally:
        yard.fleet.purge("case")
    assert _rules(parsed) == _rules(registered)
    assert any(each.implied for each in fit.job_facts(parsed).groups[0].constraints)


def _rules(raw: dict[str, Any]) -> set[str]:
    return {each.text for each in fit.job_facts(raw).groups[0].constraints}


def test_work_of_lower_priority_makes_it_unclear(yard: Yard) -> None:
    # Of a system job Nomad stops the occupant, whose priority is 50, for one of 100.
    size = task(resources="cpu = 10\nmemory = 1800")
    hcl = job(group(count=None, tasks=size), kind="system", priority=100, more=rule(
        "${node.unique.name}", "=", "worker-1"))  # fmt: skip
    seen = both(yard.world, yard.fleet.parse(hcl))
    assert (seen.ours.mark, dict(seen.unplaced)) == ("unknown", {})
    equal = hcl.replace("priority = 100", "priority = 59")
    seen = both(yard.world, yard.fleet.parse(equal))
    assert (seen.ours.mark, dict(seen.unplaced)) == ("no", {"main": 1})


@pytest.mark.parametrize("way", ["ineligible", "draining"])
def test_a_node_that_takes_nothing_new(yard: Yard, way: str) -> None:
    node = yard.fleet.ready()["worker-3"]
    hcl = job(group(), more=rule("${node.unique.name}", "=", "worker-3"))
    assert yard.report(hcl).mark == "yes"
    drain = {"NodeID": node, "DrainSpec": {"Deadline": -1}}
    off: dict[str, tuple[str, Any]] = {
        "ineligible": ("eligibility", {"NodeID": node, "Eligibility": "ineligible"}),
        "draining": ("drain", drain),
    }
    path, body = off[way]
    yard.fleet.call(f"/v1/node/{node}/{path}", body)
    try:
        job_ = yard.fleet.parse(hcl)
        assert differences(yard.world, job_) == []
        assert both(yard.world, job_).ours.mark == "no"
    finally:
        yard.fleet.call(f"/v1/node/{node}/drain", {"NodeID": node, "DrainSpec": None})
        again = {"NodeID": node, "Eligibility": "eligible"}
        yard.fleet.call(f"/v1/node/{node}/eligibility", again)


def test_many_nodes_are_asked_for_at_once(yard: Yard) -> None:
    # The filter finds the same values as reading each node does.
    facts = fit.job_facts(yard.fleet.parse(job(group(), more=rule("${meta.rack}", "=", "r1"))))
    keys = fit.attributes.needed(facts)
    ids = list(yard.fleet.ready().values())
    one_by_one, _ = fit.attributes.read(yard.world.nomad, ids, keys)
    together, problem = fit.attributes.read(yard.world.nomad, ids, keys, few=0, least=1)
    assert (one_by_one, problem) == (together, "")
    assert len({frozenset(copy.copy(values).items()) for values in together.values()}) == 3


def test_a_filter_that_nomad_does_not_know_is_refused_as_such(yard: Yard) -> None:
    # So an older Nomad answers, whose filter does not see what we ask for.
    with pytest.raises(InvalidRequestError):
        yard.world.nomad.nodes(where="Nothing != 0")


def test_a_group_without_a_network_may_be_asked_for_anothers(yard: Yard) -> None:
    # Only worker-4 has the host network, and it is not where the second group could go.
    first = group("first", more=network(port("p", None, "public")))
    second = group("second", more=rule("${node.unique.name}", "=", "worker-1"))
    seen = both(yard.world, yard.fleet.parse(job(first + second)))
    assert [each.mark for each in seen.ours.groups] == ["yes", "unknown"]
    assert "network of group first" in seen.ours.groups[1].reason
    assert set(seen.unplaced) <= {"second"}
