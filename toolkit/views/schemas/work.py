"""What `toolkit run` and `toolkit dispatch` hold."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.work import WorkVerdict
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
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

RUN = record(
    "One task of one instance, and how it ended",
    allocation=some("Full id"),
    group=text("The job's group"),
    task=text("The group's task"),
    node=text("Name of the node"),
    state=word(
        "How it stands",
        ["pending", "running", "complete", "failed", "lost", "unknown", "stopped"],
    ),
    exit_code=maybe({"description": "Of the last time that it ran", "type": "integer"}),
    signal=maybe(whole("The signal that ended it")),
    restarts=whole("How often it was restarted"),
    oom=flag("True when it was killed for using more memory than it may"),
    started=maybe(moment("When it started")),
    finished=maybe(moment("When it ended")),
    replaced=flag("True when another allocation took its place"),
)

SPENT = record(
    "Where the seconds went; null for a stage that was not reached",
    total=number("All of it"),
    plan=maybe(number("Parser, validator, dry run")),
    submit=maybe(number("Registration, launch or dispatch")),
    work=maybe(number("From there to the verdict, the last output included")),
)

WORK = record(
    "`toolkit run` and `dispatch`: work followed to its end",
    verdict=word("The end in one word", WorkVerdict),
    code=code(*(each for each in ExitCode if each is not ExitCode.CHANGES)),
    sentence=some("The end in one sentence"),
    job=some("Nomad's id of the job"),
    child=maybe(text("The job that a periodic or parameterized job made for this")),
    **target(),
    release=maybe(text("Its release")),
    version=maybe(whole("Nomad's job version")),
    evaluation=maybe(text("Full id of Nomad's evaluation")),
    exit_code=maybe(
        {
            "description": "Of the task that failed first, 0 of completed work",
            "type": "integer",
        }
    ),
    instances=many("Each task of each instance", "run"),
    causes=many("Why it failed, the first cause first", "cause"),
    notes=texts("What could not be shown, and why"),
    next=maybe(text("The next command to type")),
    timings=one("spent"),
    events=many("What was said on the way", "event"),
    calls=whole("HTTP calls made to Nomad"),
)

PARTS: dict[str, Schema] = {"run": RUN, "spent": SPENT}

DOCUMENTS: dict[str, tuple[int, Schema]] = {"work": (1, WORK)}
