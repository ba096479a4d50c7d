"""The documents, by the name and the number in their key `schema`."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.dev import DevWord
from toolkit.spec.listing import OperateVerdict
from toolkit.spec.report import Verdict
from toolkit.spec.work import WorkVerdict
from toolkit.views.schemas import (
    cluster,
    cluster_apply,
    cluster_look,
    cluster_reach,
    dns,
    explaining,
    hooks,
    images,
    looking,
    repos,
    stacks,
    watching,
    work,
)
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
    mapping,
    maybe,
    moment,
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

NEXT = maybe(text("The next command to type"))
NOT_DONE = tuple(each for each in ExitCode if each not in {ExitCode.OK, ExitCode.CHANGES})

ERROR = record(
    "A command that ended in an error, with --json",
    verdict=word("What the exit code means", [each.name.lower() for each in NOT_DONE]),
    code=code(*NOT_DONE),
    error=record(
        "The error",
        kind=text("Which kind of error", pattern="^[A-Z][A-Za-z]+$"),
        message=some("What went wrong, and where"),
        hint=maybe(text("What to do")),
        code=code(*NOT_DONE),
        mistakes=many(
            "Everything that is wrong in the user's files, flags or variables", "mistake"
        ),
    ),
)

PLAN = record(
    "`toolkit plan`: what a deploy would change; nothing was changed",
    job=some("Nomad's id of the job"),
    code=code(ExitCode.OK, ExitCode.REFUSED, ExitCode.UNPLACED, ExitCode.CHANGES),
    changed=flag("False: the live job is already exactly this"),
    fits=flag("True when the scheduler's dry run placed everything"),
    check_index=whole("JobModifyIndex that the plan was made against; 0: there is no such job"),
    release=maybe(text("The release that would be submitted")),
    live=maybe(one("live")),
    groups=many("What happens to each group", "group"),
    diff=many("What changes", "diff"),
    lint=many("What in the job loses requests or hides failures", "lint"),
    warnings=texts("Nomad's own warnings"),
    notes=texts("What toolkit decided on the way"),
    question=maybe(text("What a person must confirm before it is submitted")),
    unplaced=many("Why it does not fit", "cause"),
    drift=maybe(one("drift")),
    scaled=many("Groups that somebody scaled", "scaled"),
    **target(),
    made_at=moment("When it was made"),
)

DEPLOY = record(
    "`toolkit deploy`, `attach`, `bump`, `rollback` and `verify`: one rollout and its proof",
    verdict=word("The end in one word", Verdict),
    code=code(),
    sentence=some("The end in one sentence"),
    job=some("Nomad's id of the job"),
    **target(),
    release=maybe(text("The release asked for")),
    previous_release=maybe(text("The release that was registered before")),
    serving=maybe(text("The release verified to serve at the end; null when none was")),
    version=maybe(whole("Job version that was registered")),
    deployment=maybe(text("Full id of Nomad's deployment")),
    evaluation=maybe(text("Full id of Nomad's evaluation")),
    timings=one("timings"),
    verification=maybe(one("verification")),
    causes=many("Why it failed, the first cause first", "cause"),
    next=NEXT,
    plan=maybe(one("plan")),
    events=many("What was said on the way", "event"),
    calls=whole("HTTP calls made to Nomad"),
    expired_waits=whole("Of these, blocking queries that ended with nothing new"),
    lock=maybe(one("lock")),
    provenance=maybe(one("provenance")),
    probe=maybe(one("probe")),
    analysis=maybe(one("analysis")),
    timeline=maybe(one("timeline")),
)

UNLOCK = record(
    "`toolkit unlock`: what became of a lock that was to be broken",
    code=code(ExitCode.OK),
    action=word("unchanged: nobody held it", ["unlocked", "unchanged"]),
    job=some("Nomad's id of the job"),
    **target(),
    path=some("Of the Nomad variable"),
    reason=some("As it was given"),
    holder=maybe(one("holder")),
)

OPERATE = record(
    "`toolkit scale`, `restart`, `stop`, `promote`, `abort`, `pause` and `resume`",
    verdict=word("The end in one word", OperateVerdict),
    code=code(),
    sentence=some("The end in one sentence"),
    action=some("The command"),
    job=some("Nomad's id of the job"),
    **target(),
    release=maybe(text("The release that serves at the end, as far as it is known")),
    deployment=maybe(text("Full id of Nomad's deployment")),
    verification=maybe(one("verification")),
    notes=texts("Remarks"),
    next=NEXT,
    events=many("What was said on the way", "event"),
    seconds={"description": "How long it took", "type": "number", "minimum": 0},
)

VALIDATE = record(
    "`toolkit validate`: every job's mistakes at once",
    code=code(ExitCode.OK, ExitCode.REFUSED),
    environment=some("The environment of toolkit.toml"),
    jobs=texts("Jobs looked at"),
    judge=word("Who looked", ["offline", "Nomad"]),
    judge_detail=text("Which Nomad, or why it was not asked"),
    mistakes=many("What is wrong", "mistake"),
    warnings=texts("What is doubtful"),
)

STATUS = record(
    "`toolkit status`: all jobs of a namespace, or one closely",
    **target(),
    jobs=many("The jobs; empty when one is looked at closely", "row"),
    detail=maybe(one("detail")),
    notes=texts("What could not be seen, and why"),
    left_out=whole("Jobs that --limit kept from the list"),
    states=mapping("How many jobs are in each state", whole("Jobs", 1)),
    short=texts("Services that run fewer instances than they should"),
    calls=whole("HTTP calls made to Nomad"),
)

HISTORY = record(
    "`toolkit history`: the versions of a job",
    **target(),
    job=some("Nomad's id of the job"),
    versions=many("Newest first", "version"),
    last_verified=maybe(one("last_verified")),
    notes=texts("What could not be seen, or is not there any more"),
)

LOG = record(
    "`toolkit logs`: one document a line",
    allocation=text("Full id; empty for a remark about the job"),
    task=text("The task; empty for a remark"),
    source=word(
        "Where the line comes from; note: a remark of toolkit", ["stdout", "stderr", "note"]
    ),
    text=text("The line"),
)

SECRET = record(
    "`toolkit secret`: the keys of a job's secrets, never a value",
    environment=some("The environment of toolkit.toml"),
    job=some("Nomad's id of the job"),
    path=some("Of the Nomad variable"),
    action=word("What was done", ["set", "listed", "deleted"]),
    key=maybe(text("The key that was set or deleted")),
    keys=texts("Keys that are set now"),
    missing=texts("Keys that the job file names and that are not set"),
    unused=texts("Keys that are set and that the job file does not name"),
    notes=texts("Remarks"),
)

INIT = record(
    "`toolkit init`: a project that was written",
    folder=some("Where"),
    files=texts("Paths inside it, in the order in which to read them"),
    next=texts("The commands to type, in order"),
)

DEV = record(
    "`toolkit dev`: the local agents",
    word=word("What became of them", DevWord),
    code=code(ExitCode.OK, ExitCode.FAILED),
    sentence=some("The end in one sentence"),
    agents=many("Each agent", "agent"),
    addresses=mapping("What opens in a browser, by name", {"type": "string"}),
    acl=flag("The agents ask for tokens; the state file holds them"),
    data=flag("The agents keep their state on disk"),
    state_file=text("Where it is written what runs"),
    notes=texts("Remarks"),
    next=NEXT,
)

RENDER = record(
    "`toolkit render`: the HCL of a job",
    job=some("The job's name"),
    release=maybe(text("Its release")),
    source=some("Path of the job file"),
    template=some("Path of the template"),
    hcl=text("The HCL"),
    variables=text("The text of the variable file that goes with it"),
    lines={
        "description": "Which template line made each line of the HCL; null: none",
        "type": "array",
        "items": maybe(one("source")),
    },
)

WORK = record(
    "`toolkit run` and `dispatch`, and `attach` to one: work that ends, and how it ended",
    verdict=word("The end in one word", WorkVerdict),
    code=code(),
    sentence=some("The end in one sentence"),
    job=some("Nomad's id of the job; of a child that of its parent"),
    child=maybe(text("Nomad's id of the launch or dispatch of a periodic or parameterized job")),
    **target(),
    release=maybe(text("The release in the job's meta")),
    version=maybe(whole("The job version that ran")),
    evaluation=maybe(text("Full id of the evaluation that started it")),
    exit_code=maybe(whole("Of the task that failed first; 0 of completed work")),
    instances=many("Each task of each instance, replaced ones included", "task"),
    causes=many("Why it failed, the first cause first", "cause"),
    notes=texts("What could not be shown, and remarks"),
    next=NEXT,
    timings=record(
        "Where the seconds went; null for a stage that was not reached",
        total=number("All of it"),
        plan=maybe(number("Rendering and planning")),
        submit=maybe(number("Registering, launching or dispatching")),
        work=maybe(number("From then to the end of the work and of its output")),
    ),
    events=many("What was said on the way", "event"),
    calls=whole("HTTP calls made to Nomad"),
)

REPORT = record(
    "`toolkit report`: one rollout to look back at; its page shows the same",
    source=word("nomad: put together after the fact from what Nomad knows", ["kept", "nomad"]),
    id=maybe(text("Of the kept report")),
    at=moment("When it was kept, or when Nomad was asked"),
    file=maybe(text("Where the page was written")),
    notes=texts("What is missing, and remarks"),
    changes=many("What the version changed, where no plan tells", "diff"),
    report={
        "description": "The document of the command that rolled it, as it was kept",
        "anyOf": [one("deploy"), one("work")],
    },
)

REPORTS = record(
    "`toolkit report --list`: the reports that are kept",
    folder=text("Where"),
    reports=many("Newest first", "kept"),
    notes=texts("What could not be read, and why"),
)

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    **cluster.DOCUMENTS,
    **cluster_apply.DOCUMENTS,
    **cluster_look.DOCUMENTS,
    **cluster_reach.DOCUMENTS,
    **dns.DOCUMENTS,
    **explaining.DOCUMENTS,
    **hooks.DOCUMENTS,
    **images.DOCUMENTS,
    **looking.DOCUMENTS,
    **repos.DOCUMENTS,
    **stacks.DOCUMENTS,
    **watching.DOCUMENTS,
    **work.DOCUMENTS,
    "deploy": (1, DEPLOY),
    "dev": (1, DEV),
    "error": (1, ERROR),
    "history": (1, HISTORY),
    "init": (1, INIT),
    "log": (1, LOG),
    "operate": (1, OPERATE),
    "plan": (1, PLAN),
    "render": (1, RENDER),
    "report": (1, REPORT),
    "reports": (1, REPORTS),
    "secret": (1, SECRET),
    "status": (1, STATUS),
    "unlock": (1, UNLOCK),
    "validate": (1, VALIDATE),
}
"""Name -> number and schema."""
