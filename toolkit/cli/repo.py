"""`toolkit repo create | url | list | show | log | redeploy | rollback | resume | delete | …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, QUIET, TALK, TARGET, takes
from toolkit.errors import ExitCode, ToolkitError

if TYPE_CHECKING:
    from toolkit.spec.deployment import LogLine
    from toolkit.spec.repo_reports import RepoDeploymentReport
    from toolkit.workflows.repo.deployments import OnLine

Repository = Annotated[
    str, typer.Argument(metavar="REPO", show_default=False, help="Name of a repository.")
]
Number = Annotated[
    int | None,
    typer.Argument(metavar="[ID]", show_default=False, min=1, help="Number of a deployment."),
]
OneNumber = Annotated[
    int, typer.Argument(metavar="ID", show_default=False, min=1, help="Number of a deployment.")
]
Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="The branch that is deployed; default: main."),
]
Turns = Annotated[
    str | None,
    typer.Option("--order", metavar="newest|queue", help="Which of waiting pushes is deployed."),
]
To = Annotated[
    int | None,
    typer.Option("--to", metavar="ID", min=1, help="To the commit of this deployment."),
]
Follow = Annotated[
    bool, typer.Option("--follow/--no-follow", help="Go on until the deployment has ended.")
]
Shown = Annotated[
    int, typer.Option("--last", min=1, max=1000, metavar="N", help="The newest N deployments.")
]
Trash = Annotated[
    str | None,
    typer.Argument(metavar="[TRASH]", show_default=False, help="What it is called in the trash."),
]
Operation = Annotated[
    str, typer.Argument(metavar="get|store|erase", show_default=False, help="What git wants.")
]


@takes(TARGET, ASKS, TALK)
def create(call: Call, repo: Repository, branch: Branch = None, order: Turns = None) -> ExitCode:
    """Said again it changes nothing, but what --branch and --order say.

    Inside a git work tree its local configuration is told to ask toolkit for the token, and how
    the environment reaches the server; no token is written anywhere.
    """
    from toolkit.views.repo import change as view
    from toolkit.workflows.repo.create import create_repo

    if order not in {None, "newest", "queue"}:
        raise typer.BadParameter(f"--order is newest or queue, not {order!r}")
    report = create_repo(
        call.session(),
        repo,
        branch=branch,
        order=order,  # type: ignore[arg-type]
        folder=call.world.cwd,
        flags=call.flags,
        confirm=call.confirm,
    )
    return call.show(view, report)


@takes(TARGET, TALK)
def url(call: Call, repo: Repository) -> ExitCode:
    """For `git remote add hook $(toolkit repo url shop)`; it holds no token."""
    from toolkit.views.repo import url as view
    from toolkit.workflows.repo.looking import url_of

    return call.show(view, url_of(call.session(), repo))


@takes(TARGET, TALK)
def list_(call: Call) -> ExitCode:
    """Those that your token may read."""
    from toolkit.views.repo import repos as view
    from toolkit.workflows.repo.looking import list_repos

    return call.show(view, list_repos(call.session()))


@takes(TARGET, TALK)
def show(call: Call, repo: Repository, last: Shown = 10) -> ExitCode:
    """Its branch, how its services are built, and its newest deployments."""
    from toolkit.views.repo import show as view
    from toolkit.workflows.repo.looking import show_repo

    return call.show(view, show_repo(call.session(), repo, last=last))


@takes(TARGET, TALK)
def log(call: Call, repo: Repository, number: Number = None, follow: Follow = True) -> ExitCode:
    """Without ID the newest. With --json each line is a document, the last one the deployment's.

    Ends with the exit code of the deployment's verdict; 5 while it has none.
    """
    from toolkit.workflows.repo.deployments import log as read

    report = read(call.session(), repo, number, follow=follow, on_line=_printer(call))
    return _end(call, report)


@takes(TARGET, ASKS, TALK)
def redeploy(
    call: Call, repo: Repository, number: Number = None, follow: Follow = True
) -> ExitCode:
    """Without ID the commit of the newest deployment. The branch stays where it is."""
    return _again(call, "redeploy", repo, number, follow=follow)


@takes(TARGET, ASKS, TALK)
def rollback(call: Call, repo: Repository, to: To = None, follow: Follow = True) -> ExitCode:
    """To the commit that was deployed before the newest one. The branch stays where it is."""
    return _again(call, "rollback", repo, to, follow=follow)


@takes(TARGET, ASKS, TALK)
def resume(call: Call, repo: Repository, number: OneNumber, follow: Follow = True) -> ExitCode:
    """For one that lost its token: it was revoked, or the server was started anew meanwhile."""
    from toolkit.workflows.repo.deployments import resume as go_on

    said = _printer(call)
    report = go_on(call.session(), repo, number, follow=follow, on_line=said, confirm=call.confirm)
    return _end(call, report)


@takes(TARGET, ASKS, TALK)
def delete(call: Call, repo: Repository) -> ExitCode:
    """Asks for its name first. What it deployed goes on running."""
    from toolkit.views.repo import change as view
    from toolkit.workflows.repo.delete import delete_repo

    def confirm(question: str) -> bool:
        return call.output.confirm_name(question, repo, yes=call.yes)

    return call.show(view, delete_repo(call.session(), repo, confirm=confirm))


@takes(TARGET, ASKS, TALK)
def restore(call: Call, repo: Repository, trash: Trash = None) -> ExitCode:
    """With its deployments, hooks and builds; refused while another one has the name.

    Without TRASH the newest that was deleted; `toolkit repo delete` says what each is called.
    """
    from toolkit.views.repo import restore as view
    from toolkit.workflows.repo.restore import restore_repo

    return call.show(view, restore_repo(call.session(), repo, trash, confirm=call.confirm))


@takes(TARGET, QUIET)
def credential(call: Call, operation: Operation) -> ExitCode:
    """What git runs; `toolkit repo create` tells it to. The question is read from standard input.

    It is answered for the environment's own hook server only, and nothing is kept.
    """
    from toolkit.workflows.repo.credential import LONGEST, STOP
    from toolkit.workflows.repo.credential import credential as answer

    question = call.world.stdin.read(LONGEST)
    try:
        said = answer(call.session, operation, question)
    except ToolkitError:
        call.output.raw(STOP)
        raise
    if said.note:
        call.output.talk(said.note)
    call.output.raw(said.text)
    return ExitCode.OK


def _again(
    call: Call,
    action: Literal["redeploy", "rollback"],
    repo: str,
    number: int | None,
    *,
    follow: bool,
) -> ExitCode:
    from toolkit.workflows.repo.deployments import deploy_again

    report = deploy_again(
        call.session(),
        action,
        repo,
        number,
        follow=follow,
        on_line=_printer(call),
        confirm=call.confirm,
    )
    return _end(call, report)


def _printer(call: Call) -> OnLine:
    from toolkit.views.repo import deployment as view

    width = 0

    def said(line: LogLine) -> None:
        nonlocal width
        width = max(width, len(line.job))
        if call.output.as_json:
            call.output.document(view.line_document(line), indent=None)
        else:
            call.output.show(view.line(line, width))

    return said


def _end(call: Call, report: RepoDeploymentReport) -> ExitCode:
    from toolkit.views.repo import deployment as view

    report = call.retyped(report)
    if call.output.as_json:
        call.output.document(view.document(report), indent=None)
    else:
        call.output.show(view.lines(report))
    return report.code
