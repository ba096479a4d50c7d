"""What nodes do to a rollout: drained, lost, full; and what they do not have."""

from __future__ import annotations

from tests.agents.gallery.case import ANY, Case
from tests.agents.gallery.hcl import RESTARTS, block, group, job, short_update, task
from tests.agents.gallery.nodes import only_on
from tests.agents.gallery.stage import Stage

WHERE = {"group": "web", "allocation": ANY, "node": ANY}
SLOWLY = short_update(steady="50s", healthy=100, progress=120)
"""Time for the node to go, long before an instance counts as healthy."""
WAITS = ("--wait-capacity", "3s", "--timeout", "45s")
FATAL = "echo FATAL not today >&2\nexit 5"
LATER = block(
    "reschedule", attempts=1, interval="24h", delay="1h", delay_function="constant",
    unlimited=False,
)  # fmt: skip
LARGE = "# a long remark, as generators leave them\n" * 27_000
"""More than the megabyte of source that Nomad keeps."""


def _placeless(name: str, says: str, *, mode: int = 40, group_has: str = "", app: str = "") -> Case:
    text = job(group(task(more=app), more=group_has))
    return Case(name, text, "unplaced", 4, mode, kind="unplaced", says=says, place={"group": "web"})


def _gone(
    name: str,
    mode: int,
    node: str,
    kind: str,
    says: str,
    *,
    end: tuple[str, int] = ("unplaced", 4),
    **how: object,
) -> Case:
    """An instance that its node takes away, and there is no other node for it."""
    given: dict[str, object] = {
        "options": WAITS, "place": {**WHERE, "node": node}, "needs": "nodes", **how,
    }  # fmt: skip
    text = job(group(task(), update=SLOWLY), more=only_on(node))
    return Case(name, text, *end, mode, kind=kind, says=says, **given)  # type: ignore[arg-type]


def taker(megabytes: int) -> str:
    """A system job that matters more, and leaves no room on the second node."""
    return job(
        group(task(memory=megabytes), policy=RESTARTS),
        kind="system", more="priority = 90\n" + only_on("dev-2"),
    )  # fmt: skip


CASES = (
    _placeless(
        "node-volume", r"host volume",
        group_has=block('volume "data"', type="host", source="nowhere", read_only=True),
    ),
    _placeless(
        "node-secrets", r"secrets? provider",
        app=block('secret "key"', provider="no-such-provider", path="some/where"),
    ),
    Case(
        "node-later",
        job(
            group(task(FATAL), policy=f"{RESTARTS}\n{LATER}", update=""), kind="batch"
        ),
        "unknown", 5, 41,
        options=("--timeout", "8s"), kind="crash",
        says=r"stderr: FATAL not today", place=WHERE,
    ),
    Case("source-large", LARGE + job(group(task())), "deployed", 0, 44),
    # On nodes of their own.
    Case(
        "node-disk", job(group(task()), more=only_on("dev-3")), "failed", 3, 39, needs="nodes",
        kind="disk", says=r"[Nn]o space left on device", place={**WHERE, "node": "dev-3"},
    ),
    # Of these two Nomad itself says that the deployment failed.
    _gone("node-drained", 36, "dev-2", "drained", r"node dev-2 .*drain", end=("failed", 3)),
    _gone("node-preempted", 38, "dev-2", "preempted", r"preempted", end=("failed", 3)),
    _gone(
        "node-lost", 37, "dev-3", "lost", r"node dev-3.*(lost|down)",
    ),
)  # fmt: skip


def until_running(stage: Stage, name: str) -> None:
    """Wait for an instance of the job under way."""
    stage.shop.until(f"{name} runs", lambda: bool(stage.shop.running(name)))
