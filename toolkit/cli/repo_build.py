"""`toolkit repo build` and `toolkit repo code`."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, takes
from toolkit.cli.repo import Repository
from toolkit.errors import ExitCode

Service = Annotated[
    str | None,
    typer.Argument(metavar="[SERVICE]", show_default=False, help="A name that its jobs say."),
]
Command = Annotated[
    str | None,
    typer.Option("--command", metavar="TEXT", help="Words to run in a copy of the commit."),
]
Artifact = Annotated[
    str | None,
    typer.Option("--artifact", metavar="PATH", help="What it makes: a file or a folder."),
]
Dockerfile = Annotated[
    str | None,
    typer.Option("--dockerfile", metavar="PATH", help="Build an image from it instead."),
]
Remove = Annotated[bool, typer.Option("--rm", help="Build the service no more.")]
Commit = Annotated[
    str | None,
    typer.Argument(metavar="[COMMIT]", show_default=False, help="Its full ID."),
]


@takes(TARGET, ASKS, TALK)
def build(
    call: Call,
    repo: Repository,
    service: Service = None,
    command: Command = None,
    artifact: Artifact = None,
    dockerfile: Dockerfile = None,
    remove: Remove = False,
) -> ExitCode:
    """Without SERVICE all of them; a service with nothing said is shown.

    It is done after a push and before anything is deployed; jobs see what came of it as `build`.
    No shell runs the command: for one, say sh -c '...'.
    """
    from toolkit.views.repo import build as view
    from toolkit.workflows.repo.build import Wish, repo_build

    wish = Wish(_words(command), artifact or "", dockerfile or "", remove)
    if (wish.says_something or remove) and service is None:
        raise typer.BadParameter("say which SERVICE is built so")
    if wish.says_something and remove:
        raise typer.BadParameter("--rm goes with no other option")
    return call.show(view, repo_build(call.session(), repo, service, wish, confirm=call.confirm))


@takes(TARGET, TALK)
def code(call: Call, repo: Repository, commit: Commit = None) -> ExitCode:
    """Without COMMIT that of the branch. Written to a file it is for `deploy --var-file`."""
    from toolkit.views.repo import code as view
    from toolkit.workflows.repo.build import repo_code

    return call.show(view, repo_code(call.session(), repo, commit))


def _words(command: str | None) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command or ""))
    except ValueError as exc:
        raise typer.BadParameter(f"--command: {exc}".lower()) from exc
