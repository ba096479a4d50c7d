"""`toolkit logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, Job, takes
from toolkit.errors import ExitCode

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written later.")]
Task = Annotated[str | None, typer.Option("--task", metavar="TASK", help="Only this task.")]
Stderr = Annotated[bool, typer.Option("--stderr", help="Only standard error.")]


@takes(TARGET, TALK)
def logs(
    call: Call, job: Job, follow: Follow = False, task: Task = None, stderr: Stderr = False
) -> ExitCode:
    """Each line begins with its allocation and task. With --json each line is a document."""
    from toolkit.views import logs as view
    from toolkit.workflows.logs import logs as read

    for line in read(call.session(job), job, follow=follow, task=task, stderr=stderr):
        if call.output.as_json:
            call.output.document(view.document(line), indent=None)
        elif line.source == "note":
            call.output.talk(view.line(line))
        else:
            call.output.raw(view.line(line) + "\n")
        if call.output.reader_gone:
            break
    return ExitCode.OK
