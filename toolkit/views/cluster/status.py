"""A cluster in AWS: its stack, servers, pools, edge, names, certificates, as they stand."""

from __future__ import annotations

from typing import Any

from toolkit.spec.cluster_status import ClusterStatusReport, EdgeRow, PoolRow, ServerRow, ZoneRow
from toolkit.views.text import staged, table

SERVERS = ["server", "zone", "address", "machine", "state", "configuration", "raft"]
POOLS = ["pool", "min", "max", "wanted", "in service", "starting", "draining", "earlier", "Nomad"]
EDGE = ["target", "port", "balancer"]
NOT_SEEN = "unseen"


def lines(report: ClusterStatusReport) -> list[str]:
    """What there is, then what is wrong and what could not be seen, then the word."""
    result = [f"{report.cluster} · {report.region} · account {report.account}"]
    if report.stack is not None:
        protected = " · protected" if report.stack.protected else ""
        result += staged("stack", f"{report.stack.status} · {report.stack.sentence}{protected}")
    if report.servers:
        result += table([SERVERS, *(_server(each) for each in report.servers)])
    if report.pools:
        result += table([POOLS, *(_pool(each) for each in report.pools)])
    if report.edge:
        rows = ([each.instance, str(each.port), _of(each)] for each in report.edge)
        result += table([EDGE, *rows])
    if report.balancer:
        result += staged("edge", report.balancer)
    for zone in report.zones:
        result += staged("zone", _zone(zone))
    if report.certificates:
        first = min(report.certificates, key=lambda each: each.days)
        text = f"the first of {len(report.certificates)} to end is {first.name}, on {first.ends}"
        result += staged("trust", f"{text}, in {first.days} days")
    if report.alarms:
        said_of = (f"{each.name} {each.state}" for each in report.alarms)
        result += staged("alarms", " · ".join(said_of))
    if report.queue is not None:
        text = f"{report.queue.waiting} notices of machines to drain wait"
        result += staged("drain", f"{text}, {report.queue.taken} are being worked on")
    for wrong in report.wrong[1:] if report.word == "unwell" else report.wrong:
        result += staged("wrong", wrong)
    for unseen in report.unseen:
        result += staged(NOT_SEEN, unseen)
    result += staged(report.word, report.sentence)
    if report.next:
        result += staged("next", "\n".join(report.next))
    return result


def _server(row: ServerRow) -> list[str]:
    machine = [row.instance or "-", row.state, row.configuration]
    return [row.slot, row.zone, row.address, *machine, row.raft]


def _pool(row: PoolRow) -> list[str]:
    well = f"{row.in_service}" if not row.unwell else f"{row.in_service} ({row.unwell} not well)"
    nodes = NOT_SEEN if row.nodes is None else f"{row.nodes} ready"
    numbers = map(str, (row.min, row.max, row.desired))
    return [row.name, *numbers, well, str(row.starting), str(row.draining), str(row.earlier), nodes]


def _of(row: EdgeRow) -> str:
    return f"{row.state}: {row.reason}" if row.reason else row.state


def _zone(row: ZoneRow) -> str:
    where = f"{row.name} ({row.visibility})"
    if not row.id:
        return f"{where} is not there"
    has = f"{where} {row.id} has {row.names} of {row.names + len(row.missing)} names of the cluster"
    return f"{has}, not {', '.join(row.missing)}" if row.missing else has


def document(report: ClusterStatusReport) -> dict[str, Any]:
    """The report for programs; no key, no token."""
    stack, queue = report.stack, report.queue
    return {
        "schema": "toolkit.cluster-status/1",
        "cluster": report.cluster,
        "region": report.region,
        "account": report.account,
        "word": report.word,
        "code": int(report.code),
        "sentence": report.sentence,
        "stack": None
        if stack is None
        else {
            "status": stack.status,
            "sentence": stack.sentence,
            "settled": stack.settled,
            "protected": stack.protected,
            "updated": stack.updated or None,
        },
        "servers": [
            {
                "slot": each.slot,
                "zone": each.zone,
                "address": each.address,
                "instance": each.instance or None,
                "state": each.state,
                "configuration": each.configuration,
                "raft": each.raft,
            }
            for each in report.servers
        ],
        "pools": [
            {
                "name": each.name,
                "min": each.min,
                "max": each.max,
                "desired": each.desired,
                "in_service": each.in_service,
                "starting": each.starting,
                "draining": each.draining,
                "unwell": each.unwell,
                "earlier": each.earlier,
                "nodes": each.nodes,
            }
            for each in report.pools
        ],
        "edge": [
            {
                "instance": each.instance,
                "port": each.port,
                "state": each.state,
                "reason": each.reason or None,
            }
            for each in report.edge
        ],
        "balancer": report.balancer or None,
        "zones": [
            {
                "name": each.name,
                "visibility": each.visibility,
                "id": each.id or None,
                "names": each.names,
                "missing": list(each.missing),
            }
            for each in report.zones
        ],
        "certificates": [
            {"name": each.name, "ends": each.ends, "days": each.days}
            for each in report.certificates
        ],
        "alarms": [{"name": each.name, "state": each.state} for each in report.alarms],
        "queue": None if queue is None else {"waiting": queue.waiting, "taken": queue.taken},
        "raft": list(report.raft),
        "wrong": list(report.wrong),
        "unseen": list(report.unseen),
        "next": list(report.next),
    }
