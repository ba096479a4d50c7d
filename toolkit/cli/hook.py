"""`toolkit hook create | push | list | show | rollback | rm | destroy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, takes
from toolkit.errors import ExitCode

Repository = Annotated[
    str, typer.Argument(metavar="REPO", show_default=False, help="Name of a repository.")
]
AnyRepository = Annotated[
    str | None, typer.Argument(metavar="[REPO]", show_default=False, help="Name of a repository.")
]
Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", show_default=False, help="With files named as hooks.")
]
AnyFolder = Annotated[
    Path | None,
    typer.Argument(metavar="[FOLDER]", show_default=False, help="With files named as hooks."),
]
Version = Annotated[
    str | None,
    typer.Argument(
        metavar="[VERSION]", show_default=False, help="Beginning of a version's digest."
    ),
]
Name = Annotated[
    str | None,
    typer.Argument(metavar="[HOOK]", show_default=False, help="One of its hooks: post-receive."),
]


@takes(TARGET, ASKS, TALK)
def create(call: Call, repo: Repository, folder: AnyFolder = None) -> ExitCode:
    """Makes the repository where there is none. Said again it changes nothing.

    With FOLDER its files are pushed as well.
    """
    from toolkit.views import hooks as view
    from toolkit.workflows.hooks.changing import create as make

    at = None if folder is None else call.world.cwd / folder
    return call.show(view, make(call.session(), repo, at, confirm=call.confirm))


@takes(TARGET, ASKS, TALK)
def push(call: Call, repo: Repository, folder: Folder) -> ExitCode:
    """Files that are named pre-receive, update, post-receive or post-update run on pushes.

    They may use what lies in folders beside them. The same files again change nothing; what ran
    before is kept for `toolkit hook rollback`. The repository's data is not touched.
    """
    from toolkit.views import hooks as view
    from toolkit.workflows.hooks.changing import push as upload

    report = upload(call.session(), repo, call.world.cwd / folder, confirm=call.confirm)
    return call.show(view, report)


@takes(TARGET, TALK)
def list_(call: Call, repo: AnyRepository = None) -> ExitCode:
    """What runs in each repository that your token may read; with REPO all its versions."""
    from toolkit.views import hooks as view
    from toolkit.workflows.hooks.looking import list_hooks

    return call.show(view, list_hooks(call.session(), repo))


@takes(TARGET, TALK)
def show(call: Call, repo: Repository, version: Version = None) -> ExitCode:
    """The files of the version that runs, or of another: sizes, digests, when and by whom."""
    from toolkit.views import hooks as view
    from toolkit.workflows.hooks.looking import show_hooks

    return call.show(view, show_hooks(call.session(), repo, version))


@takes(TARGET, ASKS, TALK)
def rollback(call: Call, repo: Repository, version: Version = None) -> ExitCode:
    """To the version that was pushed before the one that runs; after `rm` to what ran last."""
    from toolkit.views import hooks as view
    from toolkit.workflows.hooks.changing import rollback as go_back

    return call.show(view, go_back(call.session(), repo, version, confirm=call.confirm))


@takes(TARGET, ASKS, TALK)
def rm(call: Call, repo: Repository, hook: Name = None) -> ExitCode:
    """Nothing is deleted: `toolkit hook rollback` lets them run again."""
    from toolkit.views import hooks as view
    from toolkit.workflows.hooks.changing import remove

    return call.show(view, remove(call.session(), repo, hook, confirm=call.confirm))


@takes(TARGET, ASKS, TALK)
def destroy(call: Call, repo: Repository) -> ExitCode:
    """Asks for the repository's name first. The server's trash keeps them for a while."""
    from toolkit.views import hooks as view
    from toolkit.workflows.hooks.changing import destroy as remove_all

    def confirm(question: str) -> bool:
        return call.output.confirm_name(question, repo, yes=call.yes)

    return call.show(view, remove_all(call.session(), repo, confirm=confirm))
