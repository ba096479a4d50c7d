"""`toolkit logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, Job, takes
from toolkit.errors import ExitCode

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written later.")]
Task = Annotated[str | None, typer.Option("--task", metavar="TASK", help="Only this task.")]
Lines = Annotated[
    int, typer.Option("--lines", "-n", metavar="N", min=0, help="Lines of the past, per task.")
]
Stderr = Annotated[bool, typer.Option("--stderr", help="Only standard error.")]


@takes(TARGET, TALK)
def logs(
    call: Call,
    job: Job,
    follow: Follow = False,
    task: Task = None,
    stderr: Stderr = False,
    lines: Lines = 100,
) -> ExitCode:
    """Each line begins with its allocation and task. With --json each line is a document."""
    from toolkit.views import logs as view
    from toolkit.workflows.logs import logs as read

    session = call.session(job)
    for line in read(session, job, follow=follow, task=task, stderr=stderr, lines=lines):
        if call.output.as_json:
            call.output.document(view.document(line), indent=None)
        elif line.source == "note":
            call.output.talk(view.line(line))
        else:
            call.output.raw(view.line(line) + "\n")
        if call.output.reader_gone:
            break
    return ExitCode.OK
