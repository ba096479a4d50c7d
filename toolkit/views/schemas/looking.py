"""What the commands that explain hold: doctor, why-not."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.doctor import CheckWord, MayWord
from toolkit.spec.fit import DemandKind, Mark
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
    mapping,
    maybe,
    number,
    one,
    record,
    some,
    target,
    text,
    texts,
    whole,
    word,
)

ITEM = record(
    "One thing that was looked at",
    name=some("Stable; --only takes it"),
    word=word("How it ended", CheckWord),
    summary=some("One sentence"),
    evidence=texts("What was seen"),
    notes=texts("Worth knowing, and no failure"),
    advice=maybe(text("What to do; null for a check that passed")),
)

RIGHT = record(
    "Whether our tokens may do what one command does",
    command=some("The command"),
    may=word("The answer", MayWord),
    lacks=texts("What is missing, or what could not be told"),
)

DOCTOR = record(
    "`toolkit doctor`: the cluster and our rights",
    code=code(ExitCode.OK, ExitCode.REFUSED, ExitCode.UNKNOWN),
    sentence=some("The end in one sentence"),
    environment=some("The environment of toolkit.toml"),
    address=text("Nomad's address"),
    consul_address=text("Consul's address"),
    namespace=some("Nomad's namespace"),
    checks=many("Each check, in an order that does not change", "item"),
    rights=many("Each command; empty when rights were not asked for", "right"),
    seconds=number("How long it took"),
)

DEMAND = record(
    "One thing that a group asks of a node",
    kind=word("Of which kind", DemandKind),
    label=some("Head of its column"),
    text=some("In words"),
    implied=flag("True for what Nomad adds by itself"),
    met=whole("Nodes that meet it"),
    unmet=whole("Nodes that do not"),
    unknown=whole("Nodes of which it could not be told"),
)

NODE = record(
    "One node, for one group",
    id=some("Full id"),
    name=text("Its name"),
    datacenter=text("Its datacenter"),
    pool=text("Its node pool"),
    class_=text("Its node class"),
    mark=word("The worst of its cells", Mark),
    room=maybe(whole("Instances that fit there now; null: unknown")),
    runs=whole("Instances of this group that are there already"),
    score=maybe(
        {
            "description": "Weighted share of the affinities that it matches; null: there are none",
            "type": "number",
            "minimum": -1,
            "maximum": 1,
        }
    ),
    lacks=texts("What speaks against it"),
    unclear=texts("What could not be told, with the reason"),
    cells={
        "description": "One for each demand, in their order",
        "type": "array",
        "items": word("Whether the node meets it", Mark),
    },
)

FITS = maybe(flag("True or false; null: could not tell"))

FIT_GROUP = record(
    "One group of the job",
    group=some("Its name"),
    fits=FITS,
    wanted=whole("Instances that Nomad would place now"),
    placed=whole("Of those, how many have a place"),
    stays=whole("Instances that stay as they are"),
    canaries=whole("Of the wanted ones, those that need room beside the running ones"),
    replaced=whole("Of the wanted ones, those that take over from one that stops first"),
    possible=whole("Nodes that meet every demand"),
    reason=text("Why it is unknown, or why nodes that fit one by one do not do together"),
    advice=text("What would help"),
    demands=many("What the group asks of a node", "demand"),
    nodes=many("Nearest fit first", "node"),
)

DRY_RUN = record(
    "What Nomad's own scheduler said of the same job",
    unplaced=mapping("Group -> instances without a place", whole("Instances")),
    error=maybe(text("Why it was not asked, or gave no answer")),
)

WHY_NOT = record(
    "`toolkit why-not`: every node held against every demand of a job",
    **target(maybe(text("The environment of toolkit.toml"))),
    job=some("Nomad's id of the job"),
    kind=some("Nomad's type of job"),
    source=text("Where the job was taken from"),
    code=code(ExitCode.OK, ExitCode.UNPLACED, ExitCode.UNKNOWN),
    fits=FITS,
    sentence=some("The answer in one sentence"),
    total_nodes=whole("Nodes of the cluster"),
    groups=many("Each group", "fit_group"),
    dry_run=maybe(one("dry_run")),
    notes=texts("What could not be seen, and why"),
    calls=whole("HTTP calls made to Nomad"),
)

PARTS: dict[str, Schema] = {
    "demand": DEMAND, "dry_run": DRY_RUN, "fit_group": FIT_GROUP, "item": ITEM, "node": NODE,
    "right": RIGHT,
}  # fmt: skip

DOCUMENTS: dict[str, tuple[int, Schema]] = {"doctor": (1, DOCTOR), "why-not": (1, WHY_NOT)}
