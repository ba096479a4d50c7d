"""The document of a stack."""

from __future__ import annotations

from typing import get_args

from toolkit.spec.depends import Gate
from toolkit.spec.report import Verdict
from toolkit.spec.stack import StackAction
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
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

NEXT = maybe(text("The next command to type"))

NOW = ["verified", "stopped", "absent", "done", *get_args(Verdict)]

NEED = record(
    "What a job waits for",
    job=some("The other job, by its name in the project"),
    gate=word("What of it has to hold", Gate),
)

STACK_JOB = record(
    "One job of a stack, and what became of it",
    job=some("Its name in the project"),
    needs=many("What it waits for", "need"),
    verdict=maybe(word("How its turn ended; null: its turn never came", Verdict)),
    code=code(),
    sentence=text("How its turn ended, or why it never came"),
    before=maybe(whole("Job version that was registered before the start")),
    error=maybe(
        record(
            "The error that ended its turn",
            message=some("What went wrong, and where"),
            hint=maybe(text("What to do")),
            code=code(),
        )
    ),
    plan=maybe(one("plan")),
    deploy=maybe(one("deploy")),
    work=maybe(one("work")),
    back=maybe(
        record(
            "What became of taking it back",
            verdict=word("In one word; reverted: it is as it was", Verdict),
            sentence=text("In one sentence"),
            deploy=maybe(one("deploy")),
            operate=maybe(one("operate")),
        )
    ),
    serves=maybe(
        record(
            "What is there now, of a stack that did not go well",
            release=maybe(text("The registered release")),
            version=maybe(whole("The registered job version; null: none")),
            word=word("What of it holds", NOW),
            sentence=text("The same in one sentence"),
        )
    ),
)

STACK = record(
    "`toolkit deploy`, `plan`, `rollback` and `verify` with --all: the stack, job by job",
    action=word("Which of them", StackAction),
    verdict=word("The end in one word; changes: of a plan", [*get_args(Verdict), "changes"]),
    code=code(),
    sentence=some("The end in one sentence"),
    **target(),
    parallel=whole("Jobs that may have their turn at the same time", 1),
    atomic=flag("What was changed is taken back when a job does not go well"),
    jobs=many("The jobs, each after those that it waits for", "stack-job"),
    notes=texts("Remarks"),
    next=NEXT,
    events=many("What was said of the stack as a whole", "event"),
    seconds=number("How long it took"),
    calls=whole("HTTP calls made to Nomad"),
)

PARTS: dict[str, Schema] = {"need": NEED, "stack-job": STACK_JOB}

DOCUMENTS: dict[str, tuple[int, Schema]] = {"stack": (1, STACK)}
