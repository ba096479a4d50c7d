"""The values that several documents hold."""

from __future__ import annotations

from toolkit.spec.chain import LinkName, LinkState, Stray
from toolkit.spec.events import Stage
from toolkit.spec.listing import JobState
from toolkit.spec.plan import DriftState, LintLevel
from toolkit.spec.work import TaskState
from toolkit.views.schemas.words import (
    Schema,
    flag,
    many,
    mapping,
    maybe,
    moment,
    number,
    one,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

KIND = r"^[a-z][a-z0-9-]*$"

CAUSE = record(
    "One cause of a failure; lists of them are in time, the first cause first",
    kind=text("A stable word, such as crash, driver, check or unplaced", pattern=KIND),
    summary=some("One sentence"),
    group=maybe(text("The job's group")),
    task=maybe(text("The group's task")),
    allocation=maybe(text("Full id of the allocation")),
    node=maybe(text("Name of the node")),
    evidence=texts("Lines that show it, each with its source"),
    advice=maybe(text("What to do")),
    at=maybe(moment("When it happened")),
    count=whole("Instances that it happened to; the place is that of the first", 1),
)

MISTAKE = record(
    "One thing wrong in one place of the user's input",
    where=some("The file, or the flag or variable that it came from"),
    key=maybe(text("Dotted path of the key")),
    line=maybe(whole("Line in the file", 1)),
    message=some("What is wrong"),
    hint=maybe(text("What to write instead")),
)

DIFF = record(
    "One changed field, secrets redacted",
    path=some("Where, such as group[web].task[app].Resources.MemoryMB"),
    kind=word("What happened to it", ["Added", "Deleted", "Edited"]),
    old=text("The value before; empty when it was added"),
    new=text("The value after; empty when it was deleted"),
)

INSTANCE = record(
    "One instance's own way along the chain; `-` where the job has no such link",
    allocation=some("Full id of the allocation"),
    node=text("Name of the node"),
    group=text("The job's group"),
    nomad=some("Nomad's client status, or healthy or unhealthy by its deployment"),
    consul=word(
        "The worst of its services", ["passing", "warning", "critical", "missing", "unseen", "-"]
    ),
    traefik=text("up, down, missing, unseen or -, or the edge's own word"),
    serves=text("The release that it answered; or not asked, unseen or -"),
    address=text("host:port; empty when it has none"),
    version=maybe(whole("Its job version; null where nobody looked")),
    leaving=flag("True: Nomad wants it gone, and it still is there"),
)

LINK = record(
    "One link of the chain over all instances",
    name=word("Which link", LinkName),
    state=word("unseen: it could not be looked at; absent: the job has no such link", LinkState),
    detail=text("In words and numbers"),
)

EXTRA = record(
    "Something that should not be there",
    where=word("Where it was seen", ["consul", "traefik"]),
    kind=word(
        "old: of an older version; stale: of nothing that runs; dead: of a machine that is gone",
        Stray,
    ),
    what=some("What it is"),
    detail=text("Why it is of that kind"),
)

VERIFICATION = record(
    "The chain from allocation to served release, looked at once",
    holds=flag("True when every link that the job has was seen and holds"),
    expected=whole("Instances that should run"),
    verified=whole("Instances whose every link holds"),
    release=maybe(text("The release asked for")),
    links=many("In the order of the chain", "link"),
    instances=many("Each instance", "instance"),
    extras=many("What Consul and Traefik list beyond them", "extra"),
)

EVENT = record(
    "One transition of a rollout",
    stage=word("At which stage", Stage),
    text=text("As it was said"),
    at=moment("When"),
    instances=many("The instances as they then stood", "instance"),
)

GROUP = record(
    "What will happen to one group, in numbers of instances",
    group=some("The job's group"),
    place=whole("New instances"),
    canary=whole("New instances beside the old ones, until they are promoted"),
    replace=whole("Instances that are stopped and placed anew"),
    in_place=whole("Instances that go on and only get new settings"),
    stop=whole("Instances that are stopped"),
    migrate=whole("Instances that move to another node"),
    preempt=whole("Instances of other jobs that have to go"),
    ignore=whole("Instances that stay as they are"),
)

LINT = record(
    "Something in the job that loses requests or hides failures",
    rule=text("A stable word, to be allowed by", pattern=KIND),
    level=word("What it does to a deploy", LintLevel),
    message=some("What it is"),
    reason=text("Why it matters"),
    allowed=flag("True when the job file or the command line allows it"),
)

LIVE = record(
    "The job as it is registered now",
    version=whole("Nomad's job version"),
    release=maybe(text("Its release")),
    stopped=flag("True when somebody stopped it"),
    counts=mapping("Instances by group", whole("Instances")),
)

MARK = record(
    "A version of the job",
    version=whole("Nomad's job version"),
    release=maybe(text("Its release")),
    at=maybe(moment("When it was registered; null: no longer kept")),
)

DRIFT = record(
    "What others changed in the job since toolkit registered it last",
    state=word(
        "reverted: an older version of ours is live again; never: toolkit registered none; "
        "unseen: what Nomad still keeps does not tell",
        DriftState,
    ),
    since=maybe({"$ref": "#/$defs/mark"}),
    live={"$ref": "#/$defs/mark"},
    changes=many("From that version to the live one", "diff"),
    detail=text("What could not be seen, and why"),
)

SCALED = record(
    "A group whose count is not the job file's, because somebody scaled it",
    group=some("The job's group"),
    live=whole("Its count"),
    asked=whole("The job file's count"),
    kept=flag("True when a deploy keeps the live one"),
    previous=maybe(whole("Its count before it was scaled")),
    by=maybe(text("Who, as far as the scaling event tells")),
    at=maybe(moment("When it was scaled; null: Nomad keeps no event of it")),
    message=text("What was said with it"),
)

LAUNCHED = record(
    "Jobs that it launched and that Nomad keeps",
    pending=whole("Waiting"),
    running=whole("Under way"),
    dead=whole("Over, however they ended"),
)

ROW = record(
    "One job in brief",
    name=some("Nomad's id of the job"),
    kind=text("Nomad's type of job"),
    state=word("Nomad's word, or ours", JobState),
    release=maybe(text("The release that is registered")),
    version=maybe(whole("Nomad's job version")),
    wanted=maybe(whole("Instances that should run")),
    running=whole("Instances that run"),
    healthy=maybe(whole("Healthy ones by the deployment of this version")),
    deployment=maybe(text("Status of the latest deployment")),
    ours=flag("True when the project has a job file for it, or there is no project"),
    failed=whole("Allocations that failed; in the list since the job was registered"),
    lost=whole("Allocations that were lost with their nodes"),
    complete=whole("Allocations that ended well or were stopped"),
    launched=maybe(LAUNCHED),
)

TIMINGS = record(
    "Where the seconds went; null for a stage that was not reached",
    total=number("All of it"),
    render=maybe(number("Template to HCL")),
    plan=maybe(number("Parser, validator, dry run")),
    submit=maybe(number("Registration and reading it back")),
    nomad=maybe({"description": "Nomad's own clock, our gate deducted", "type": "number"}),
    healthy=maybe(number("From submit to Nomad's word that every new instance is healthy")),
    gate=maybe(number("From there to promotion")),
    verify=maybe(number("From the end of Nomad's deployment to the verdict")),
    edge_wait=number("Part of gate and verify spent waiting for Traefik"),
)

CHECK = record(
    "One Consul check of an instance",
    name=text("Its name"),
    status=word("As it stands", ["passing", "warning", "critical"]),
    output=text("First line of what it said"),
)

ALLOCATION = record(
    "One allocation, with what Consul says of it",
    allocation=some("Full id"),
    group=text("The job's group"),
    node=text("Name of the node"),
    version=whole("Job version that it is of"),
    state=text("Nomad's client status"),
    wanted=flag("False: on its way out"),
    healthy=maybe(flag("By its deployment; null: not judged")),
    canary=flag("True for a canary"),
    restarts=whole("Restarts of its tasks"),
    consul=word(
        "The worst of its services", ["passing", "warning", "critical", "missing", "unseen", "-"]
    ),
    address=text("host:port; empty when it has none"),
    checks=many("Its checks", "check"),
)

ROLLOUT = record(
    "The latest deployment of a job, its groups added up",
    id=some("Full id"),
    version=whole("Job version that it deploys"),
    status=some("Nomad's word"),
    description=text("Nomad's sentence"),
    placed=whole("Instances placed"),
    healthy=whole("Instances healthy"),
    desired=whole("Instances that should run"),
    canaries=whole("Canaries that it was to place"),
    promoted=flag("False while canaries wait for promotion"),
)

DETAIL = record(
    "One job closely",
    job={"$ref": "#/$defs/row"},
    stable=flag("Nomad's mark of a version that it may revert to"),
    submitted_at=maybe(moment("When it was registered")),
    deployment=maybe({"$ref": "#/$defs/rollout"}),
    instances=many("Those that are not over", "allocation"),
    routes=texts("Addresses at which the edge serves it"),
    drift=maybe(text("How it differs from the job file in release or count")),
    provenance=maybe(one("provenance")),
)

VERSION = record(
    "One version of a job that Nomad still keeps",
    version=whole("Its number"),
    release=maybe(text("Its release")),
    submitted_at=moment("When it was registered"),
    stable=flag("Nomad's mark of a version that it may revert to"),
    live=flag("True for the one that is registered now and not stopped"),
    stopped=flag("True for a version that stops the job"),
    tags=texts("Its names"),
    deployment=maybe(text("Status of its deployment, while that is kept")),
    counts=mapping("Instances by group", whole("Instances")),
    summary=text("What changed, in a few words"),
    changes=many("Against the version before", "diff"),
    provenance=maybe(one("provenance")),
    last_verified=flag("True for the one that was verified last"),
)

AGENT = record(
    "One local agent",
    name=word("Which", ["consul", "nomad"]),
    status=word("As it stands", ["running", "died", "stopped"]),
    pid=maybe(whole("Its process", 1)),
    version=text("Its version"),
    binary=text("Path of its program"),
    address=text("Of its HTTP API"),
    log=text("Path of its log"),
    last_lines=texts("The end of its log, when it died"),
)

SOURCE = record(
    "Where a line of HCL came from",
    path=some("The template"),
    line=whole("Its line", 1),
)

TASK = record(
    "One task of one instance of a job that ends",
    allocation=some("Full id of the allocation"),
    group=text("The job's group"),
    task=text("The group's task; empty while none is known"),
    node=text("Name of the node"),
    state=word("How it stands", TaskState),
    exit_code=maybe(whole("Of the last time that it ran")),
    signal=maybe(whole("The signal that ended it", 1)),
    restarts=whole("How often it was started again in its place"),
    oom=flag("It was killed for using more memory than it may"),
    started=maybe(moment("When it last started")),
    finished=maybe(moment("When it ended")),
    replaced=flag("Another allocation took its place"),
)

PARTS: dict[str, Schema] = {
    "agent": AGENT, "allocation": ALLOCATION, "cause": CAUSE, "check": CHECK, "detail": DETAIL,
    "diff": DIFF, "drift": DRIFT, "event": EVENT, "extra": EXTRA, "group": GROUP,
    "instance": INSTANCE, "link": LINK, "lint": LINT, "live": LIVE, "mark": MARK,
    "mistake": MISTAKE, "rollout": ROLLOUT, "row": ROW, "scaled": SCALED, "source": SOURCE,
    "timings": TIMINGS, "verification": VERIFICATION, "version": VERSION,
}  # fmt: skip
