"""`toolkit why-not`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import RELEASE, TALK, TARGET, VALUES, Job, takes
from toolkit.errors import ExitCode

Live = Annotated[
    bool, typer.Option("--live", help="Take the registered job, not the project's job file.")
]
Every = Annotated[bool, typer.Option("--all", help="Show every node, also those that are alike.")]


@takes(RELEASE, VALUES, TARGET, TALK)
def why_not(call: Call, job: Job, live: Live = False, every: Every = False) -> ExitCode:
    """Holds every node against every demand of the job; changes nothing.

    Exit codes: 0 fits, 4 does not fit, 5 could not tell, 1 refused.
    """
    from toolkit.views import why_not as view
    from toolkit.workflows.why_not import why_not as look

    report = look(call.session(job), job, live=live)
    if call.output.as_json:
        call.output.document(view.document(report))
    else:
        call.output.show(view.lines(report, every=every))
    return report.code
