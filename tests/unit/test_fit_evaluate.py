"""What is not known is never a yes; what is known adds up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import ExitCode
from toolkit.rollout import fit
from toolkit.rollout.fit.facts import (
    AllocationFacts,
    DynamicVolume,
    GroupFacts,
    JobFacts,
    NodeFacts,
    SchedulerFacts,
    Step,
)
from toolkit.rollout.fit.read_job import job_facts
from toolkit.rollout.fit.read_nodes import allocation_facts, node_facts
from toolkit.spec.fit import DryRun, FitReport

CLUSTER = SchedulerFacts()


def node(name: str = "worker-1", memory: int = 1000, **more: Any) -> NodeFacts:
    """A ready node with a host network."""
    raw = {
        "ID": name, "Name": name, "Datacenter": "dc1", "Status": "ready",
        "SchedulingEligibility": "eligible", "Attributes": {}, "Meta": {},
        "Drivers": {"docker": {"Detected": True, "Healthy": True}},
        "NodeResources": {
            "Processors": {"Topology": {"OverrideTotalCompute": 2000}},
            "Memory": {"MemoryMB": memory}, "Disk": {"DiskMB": 1000},
            "Networks": [{"Mode": "host"}],
            "NodeNetworks": [{"Addresses": [{"Alias": "default", "Address": "10.0.0.1"}]}],
            "MinDynamicPort": 20000, "MaxDynamicPort": 20009,
        },
    }  # fmt: skip
    return node_facts({**raw, **more})


def job(memory: int = 300, count: int = 1, *, kind: str = "service", **group: Any) -> JobFacts:
    """A job of one group and one task."""
    resources = {"CPU": 100, "MemoryMB": memory}
    task = {"Name": "t", "Driver": "docker", "Resources": resources}
    made = {
        "Name": "g", "Count": count, "EphemeralDisk": {"SizeMB": 10}, "Tasks": [task], **group
    }  # fmt: skip
    return job_facts({"ID": "web", "Type": kind, "TaskGroups": [made], "Priority": 50})


def running(name: str, memory: int, *, job_id: str = "other", **more: Any) -> AllocationFacts:
    """An allocation on a node."""
    tasks = {"t": {"Cpu": {"CpuShares": 100}, "Memory": {"MemoryMB": memory}}}
    fact = allocation_facts({
        "ID": f"{job_id}-{name}-{memory}", "JobID": job_id, "TaskGroup": "g", "NodeID": name,
        "DesiredStatus": "run", "ClientStatus": "running",
        "AllocatedResources": {"Tasks": tasks, "Shared": {"DiskMB": 10}}, **more,
    })  # fmt: skip
    assert fact is not None
    return fact


def look(wanted: JobFacts, nodes: list[NodeFacts], *running_: AllocationFacts,
         cluster: SchedulerFacts = CLUSTER, step: Step | None = None) -> FitReport:  # fmt: skip
    """The report."""
    return fit.evaluate(wanted, nodes, running_, cluster, {"g": step} if step else None)


def test_the_nearest_node_lacks_so_many_mib() -> None:
    nodes = [node("worker-1", 100), node("worker-2", 288), node("worker-3", Datacenter="dc9")]
    wanted = replace(job(500), datacenters=("dc1",))
    report = look(wanted, nodes)
    [group] = report.groups
    assert (report.mark, report.code) == ("no", ExitCode.UNPLACED)
    assert [each.name for each in group.nodes] == ["worker-2", "worker-1", "worker-3"]
    assert group.nodes[0].lacks == ("lacks 212 MiB of memory",)
    memory = next(each for each in group.demands if each.label == "memory")
    assert (memory.met, memory.unmet, memory.unknown) == (1, 2, 0)


def test_a_stopped_instance_takes_room_until_it_is_over() -> None:
    stopping = running("worker-1", 800, DesiredStatus="stop")
    assert look(job(300), [node()], stopping).mark == "no"
    over = {"ID": "x", "NodeID": "worker-1", "ClientStatus": "complete"}
    assert allocation_facts(over) is None


@pytest.mark.parametrize(
    ("wanted", "cluster"),
    [
        (job(), SchedulerFacts(blind="some namespaces could not be read")),
        (job(Volumes={"v": {"Type": "csi", "Source": "data"}}), CLUSTER),
        (job(), SchedulerFacts(unclear=("quota small: only Nomad can tell",))),
        (job(Services=[{"Name": "w", "Provider": "nomad", "Connect": {"Gateway": {}}}],
             Constraints=[]), CLUSTER),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_no_yes(wanted: JobFacts, cluster: SchedulerFacts) -> None:
    known = node(Attributes={"nomad.service_discovery": "true", "nomad.version": "1.11.3"})
    report = look(wanted, [known], cluster=cluster)
    assert (report.mark, report.code) == ("unknown", ExitCode.UNKNOWN)
    assert report.groups[0].reason
    assert report.groups[0].nodes[0].room is None
    # A no stays a no.
    assert look(wanted, [node(Status="down")], cluster=cluster).mark == "no"


def test_what_is_hidden_can_only_take_room() -> None:
    hidden = SchedulerFacts(blind="hidden")
    assert look(job(600, 1), [node()], cluster=hidden).mark == "unknown"
    assert look(job(600, 2), [node()], cluster=hidden).mark == "no"


def test_a_certain_no_is_not_softened_by_what_is_unclear() -> None:
    on = SchedulerFacts(preemption=frozenset({"service"}))
    port = {"ReservedPorts": [{"Label": "p", "Value": 20000}]}
    reserved = {"Networks": {"ReservedHostPorts": "20000"}}
    wanted = job(300, Networks=[port])
    full = running("worker-1", 900)
    assert look(wanted, [node(ReservedResources=reserved)], full, cluster=on).mark == "no"
    assert look(wanted, [node()], full, cluster=on).mark == "unknown"


def test_attributes_that_could_not_be_read_are_no_yes() -> None:
    wanted = job(Constraints=[{"LTarget": "${meta.a}", "Operand": "!=", "RTarget": "b"}])
    assert look(wanted, [node()]).mark == "yes"
    assert look(wanted, [node(Attributes=None)]).mark == "unknown"


def test_a_dynamic_volume_is_read_before_it_is_promised() -> None:
    volume = {"Type": "host", "Source": "data", "AccessMode": "single-node-single-writer"}
    wanted = job(Volumes={"v": volume})
    has = [node(HostVolumes={"data": {"Name": "data", "ID": "v1"}})]
    assert look(wanted, has).mark == "unknown"
    able = frozenset({("single-node-single-writer", "file-system")})
    for kept, mark in (
        (DynamicVolume(ready=True, capabilities=able), "yes"),
        (DynamicVolume(ready=True, capabilities=able, used=True), "unknown"),
        (DynamicVolume(ready=False, capabilities=able), "no"),
        (DynamicVolume(ready=True), "no"),
    ):
        assert look(wanted, has, cluster=SchedulerFacts(volumes={"v1": kept})).mark == mark


def test_preemption_makes_a_shortage_unclear_only_where_it_could_help() -> None:
    on = SchedulerFacts(preemption=frozenset({"service"}))
    full = running("worker-1", 900)
    assert look(job(300), [node()], full, cluster=on).mark == "unknown"
    same = replace(on, priorities={("default", "other"): 41})
    assert look(job(300), [node()], full, cluster=same).mark == "no"
    lower = replace(on, priorities={("default", "other"): 40})
    assert look(job(300), [node()], full, cluster=lower).mark == "unknown"
    assert look(job(3000), [node()], full, cluster=lower).mark == "no"
    assert look(job(300), [node()], full).mark == "no"
    hidden = SchedulerFacts(preemption=None)
    assert look(job(300), [node()], full, cluster=hidden).mark == "unknown"


def test_a_namespace_may_be_kept_out_of_a_pool() -> None:
    refused = SchedulerFacts(pool_refused="namespace default may not use node pool default")
    assert look(job(), [node()], cluster=refused).mark == "no"


def test_no_node_at_all_fits_nothing() -> None:
    for kind in ("service", "system"):
        report = look(job(kind=kind), [])
        assert report.mark == "no"
        assert "no node has joined" in report.groups[0].advice


def test_canaries_need_room_beside_what_runs() -> None:
    mine = running("worker-1", 600, job_id="web")
    step = Step(place=1, canaries=1, stays=1)
    assert look(job(600), [node()], mine, step=step).mark == "no"
    assert look(job(400), [node()], mine, step=step).mark == "yes"
    replaced = Step(place=0, replace=1)
    assert look(job(1000), [node()], mine, step=replaced).mark == "yes"
    assert look(job(1001), [node()], mine, step=replaced).mark == "no"


def two_groups(first: int, second: int) -> JobFacts:
    """Two groups of one instance each."""
    [one], [other] = job(first).groups, job(second).groups
    groups: tuple[GroupFacts, ...] = (replace(one, name="a"), replace(other, name="b"))
    return replace(job(), groups=groups)


def test_groups_that_only_fit_alone_are_in_each_others_way() -> None:
    report = fit.evaluate(two_groups(600, 500), [node()], [], CLUSTER)
    assert (report.mark, [each.crowded for each in report.groups]) == ("no", [True, True])
    settled = fit.beside(report, DryRun({"b": 1}))
    assert [each.mark for each in settled.groups] == ["yes", "no"]
    # Another order places both, so it is not for us to say.
    nodes = [node("worker-1", 600), node("worker-2", 500)]
    assert fit.evaluate(two_groups(600, 500), nodes, [], CLUSTER).mark == "unknown"


def test_what_another_group_gives_up_may_make_room() -> None:
    wanted = two_groups(600, 100)
    old = running("worker-1", 800, job_id="web", TaskGroup="b")
    steps = {"a": Step(place=1), "b": Step(place=0, replace=1)}
    marks = [each.mark for each in fit.evaluate(wanted, [node()], [old], CLUSTER, steps).groups]
    assert marks[0] == "unknown"
    steps["b"] = Step(place=0, stays=1)
    assert fit.evaluate(wanted, [node()], [old], CLUSTER, steps).mark == "no"


@pytest.mark.parametrize(
    ("memory", "unplaced", "mark"),
    [(300, 0, "yes"), (300, 1, "unknown"), (3000, 1, "no"), (3000, 0, "unknown")],
)
def test_where_nomads_dry_run_differs_ours_is_not_given(
    memory: int, unplaced: int, mark: str
) -> None:
    run = DryRun({"g": unplaced} if unplaced else {})
    assert fit.beside(look(job(memory), [node()]), run).mark == mark


@pytest.mark.parametrize(("unplaced", "mark"), [({}, "yes"), ({"g": 1}, "no")])
def test_nomads_dry_run_decides_what_we_cannot(unplaced: dict[str, int], mark: str) -> None:
    unknown = look(job(), [node()], cluster=SchedulerFacts(blind="hidden"))
    settled = fit.beside(unknown, DryRun(unplaced))
    assert settled.mark == mark
    # The cells do not become a yes by it.
    assert settled.groups[0].nodes[0].mark == "unknown"
    unasked = fit.beside(unknown, DryRun(error="denied"))
    assert unasked.mark == "unknown"


@given(
    st.lists(st.integers(0, 1500), min_size=1, max_size=5),
    st.integers(1, 900),
    st.integers(0, 8),
    st.integers(0, 5),
)
def test_as_many_have_a_place_as_there_is_room(
    sizes: list[int], memory: int, count: int, static: int
) -> None:
    nodes = [node(f"worker-{number}", size) for number, size in enumerate(sizes)]
    ports = {"ReservedPorts": [{"Label": "p", "Value": 80}]} if static == 0 else {}
    [group] = look(job(memory, count, Networks=[ports]), nodes).groups
    limits = [min(size // memory, 1 if ports else 99, 20) for size in sizes]
    assert group.placed == min(count, sum(limits))
    assert group.mark == ("yes" if group.placed == count else "no")
    assert sum(each.room or 0 for each in group.nodes) >= group.placed


@given(st.lists(st.booleans(), min_size=1, max_size=4), st.booleans())
def test_a_yes_needs_a_node_whose_cells_are_all_yes(unread: list[bool], blind: bool) -> None:
    rule = {"LTarget": "${meta.a}", "Operand": "is_not_set"}
    nodes = [
        node(f"worker-{number}", Attributes=None if hidden else {})
        for number, hidden in enumerate(unread)
    ]
    cluster = SchedulerFacts(blind="hidden" if blind else "")
    report = look(job(Constraints=[rule]), nodes, cluster=cluster)
    whole = any(each.mark == "yes" for each in report.groups[0].nodes)
    assert (report.mark == "yes") == whole
    assert whole == (not blind and not all(unread))
