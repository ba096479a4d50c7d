"""`toolkit report`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.call import Call, usage_error, write_file
from toolkit.cli.options import TALK, TARGET, takes
from toolkit.errors import ExitCode, RefusedError

if TYPE_CHECKING:
    from toolkit.spec.kept import PageReport

MaybeJob = Annotated[
    str | None,
    typer.Argument(
        metavar="[JOB]", show_default=False, help="A job, or the id of a kept report; default: any."
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Show the page in a browser.")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the page to this file.")
]
Last = Annotated[
    int, typer.Option("--last", min=1, metavar="N", help="The N-th newest kept report.")
]
Live = Annotated[
    bool, typer.Option("--live", help="Ask Nomad what it knows, whatever is kept here.")
]
List = Annotated[bool, typer.Option("--list", help="List the kept reports.")]


@takes(TARGET, TALK)
def report(
    call: Call,
    job: MaybeJob = None,
    open_: Open = False,
    out: Out = None,
    last: Last = 1,
    live: Live = False,
    list_: List = False,
) -> ExitCode:
    """The page is one HTML file that needs no network; where it is written is said.

    Every deploy, bump, rollback and run keeps its report, the newest 50. Of a job that was
    deployed from elsewhere the page shows what Nomad still knows, and says what is missing.
    """
    from toolkit.views import report as view
    from toolkit.workflows import report as workflow

    if live and job is None:
        raise usage_error("--live needs a job", "toolkit report JOB --live")
    session = call.session(job)
    if list_:
        found = workflow.reports(session, job)
        if call.output.as_json:
            call.output.document(view.list_document(found))
        else:
            call.output.show(view.list_lines(found))
        return found.code
    page = workflow.report(session, job, last=last, live=live)
    if open_ or out is not None or not call.output.as_json:
        page = _written(page, out, out or workflow.place(session, page))
    if open_ and page.file:
        page = replace(page, opened=call.world.browse(Path(page.file).resolve().as_uri()))
        if not page.opened:
            call.output.talk(f"note      no browser can be opened here: {page.file}")
    return call.show(view, page)


def _written(page: PageReport, out: Path | None, place: Path) -> PageReport:
    """The page, written to `out` or to its own place, which may not be there yet."""
    from toolkit.views.page import html

    try:
        text = html(page)
    except (KeyError, TypeError, ValueError, AttributeError, LookupError) as exc:
        if page.source != "kept":
            raise
        raise RefusedError(
            f"report {page.id} is not as they are kept: {type(exc).__name__}: {exc}",
            hint=f"toolkit report {page.id} --json shows what is in it",
        ) from exc
    if out is None:
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_file(out or place, text)
    return replace(page, file=str(out or place))
