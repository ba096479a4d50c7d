"""What commands share that take `--all` in place of one job."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from toolkit.cli.call import Call, usage_error

OptionalJob = Annotated[
    str | None,
    typer.Argument(
        metavar="[JOB]",
        show_default=False,
        help="Name of a job, its unambiguous beginning, or the path of a job file.",
    ),
]
AllJobs = Annotated[
    bool, typer.Option("--all", help="The stack: every job of [stack] jobs in toolkit.toml.")
]
Atomic = Annotated[
    bool, typer.Option("--atomic", help="With --all: when a job fails, take back the others.")
]
Parallel = Annotated[
    int | None,
    typer.Option("--parallel", min=1, metavar="N", help="With --all: jobs that roll at a time."),
]


def chosen(call: Call, job: str | None, *, all_jobs: bool, **only: tuple[str, Any]) -> str | None:
    """The one job that was named, or None for the stack; a usage error for neither, or both.

    `only`: options that go with just one of the two, each with `job` or `all`, and its value.
    """
    if all_jobs == (job is not None):
        raise usage_error(
            "say a job or --all, not both" if all_jobs else "which job?",
            "toolkit.toml names the jobs of the stack, which --all means",
        )
    goes, where = ("all", "--all") if all_jobs else ("job", "one job")
    for name, (kind, value) in only.items():
        if value and kind != goes:
            option = "--" + name.replace("_", "-")
            raise usage_error(f"{option} does not go with {where}", f"leave {option} out")
    if all_jobs and call.flags.get("release"):
        raise usage_error(
            "--release does not go with --all", "the job files say the releases of a stack"
        )
    return job
