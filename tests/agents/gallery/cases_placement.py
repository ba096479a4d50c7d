"""What the scheduler cannot place: capacity, constraints, places, drivers, ports."""

from __future__ import annotations

from tests.agents.gallery.case import Case
from tests.agents.gallery.hcl import block, group, job, network, program, task, web
from tests.agents.gallery.stage import Stage

HUGE = 99_000_000
PLAN9 = block("constraint", attribute="${attr.kernel.name}", value="plan9")
DISTINCT = block("constraint", operator="distinct_hosts", value="true")


def _unplaced(name: str, mode: int, text: str, says: str, **more: object) -> Case:
    how: dict[str, object] = {"place": {"group": "web"}, **more}
    return Case(name, text, "unplaced", 4, mode, kind="unplaced", says=says, **how)  # type: ignore[arg-type]


def _on_port(port: str) -> str:
    return job(group(network("admin", static=port), task()))


def _holder(port: str) -> str:
    """One for each address of loopback, of which Nomad may know two."""
    return job(group(network("admin", static=port), task(), count=2))


def _pool(stage: Stage, _name: str) -> None:
    stage.shop.nomad("/v1/node/pool/moon", {"Name": "moon"})


def _room(stage: Stage, name: str) -> None:
    """The holder of the port leaves once the other waits for it."""
    stage.shop.until("it waits for room", lambda: stage.is_blocked(name))
    stage.leave("place-later-holder")


def _eligible(stage: Stage, *, eligible: bool) -> None:
    word = "eligible" if eligible else "ineligible"
    for node in stage.nomad("/v1/nodes"):
        path = f"/v1/node/{node['ID']}/eligibility"
        stage.shop.nomad(path, {"NodeID": node["ID"], "Eligibility": word})


CASES = (
    _unplaced("place-cpu", 1, job(group(task(cpu=HUGE))), r"not enough cpu on 1 node"),
    _unplaced("place-memory", 1, job(group(task(memory=HUGE))), r"not enough memory on 1 node"),
    _unplaced(
        "place-disk", 1, job(group(task(), more=block("ephemeral_disk", size=HUGE))),
        r"not enough disk on 1 node",
    ),
    _unplaced(
        "place-bump", 1, job(web(release="2.0.0"), group(task(cpu=HUGE), name="extra")),
        r"not enough cpu", before=job(web()), place={"group": "extra"},
    ),
    _unplaced(
        "place-constraint", 2, job(group(task(), more=PLAN9)), r"\$\{attr.kernel.name\} = plan9"
    ),
    _unplaced(
        "place-one-of-two", 2, job(group(task(), name="good"), group(task(), more=PLAN9)),
        r"1 instance of group web .* plan9",
    ),
    _unplaced(
        "place-distinct", 2,
        job(group(task(), count=2, more=DISTINCT)), r"distinct_hosts",
    ),
    _unplaced(
        "place-datacenter", 3, job(group(task()), more='datacenters = ["atlantis"]'),
        r"datacenter atlantis",
    ),
    _unplaced(
        "place-pool", 3, job(group(task()), more='node_pool = "moon"'), r"node pool moon",
        prepare=_pool,
    ),
    _unplaced(
        "place-ineligible", 3, job(group(task())), r"no eligible node", needs="alone",
        prepare=lambda stage, _name: _eligible(stage, eligible=False),
        after=lambda stage, _name: _eligible(stage, eligible=True),
    ),
    _unplaced(
        "place-driver", 4, job(group(program('image = "shop:1"', driver="podman"))),
        r"driver podman",
    ),
    _unplaced(
        "place-port", 5, _on_port("@STATIC@"), r"\b@STATIC@\b.*\bplace-port-holder\b",
        others={"place-port-holder": _holder("@STATIC@")},
    ),
    _unplaced(
        "place-never", 19, _on_port("@STATICB@"), r"port.*\b@STATICB@\b",
        others={"place-never-holder": _holder("@STATICB@")}, options=("--wait-capacity", "2s"),
    ),
    Case(
        "place-later", _on_port("@STATICC@"), "deployed", 0, 19,
        others={"place-later-holder": _holder("@STATICC@")}, meanwhile=_room,
        options=("--wait-capacity", "60s"),
    ),
)  # fmt: skip
