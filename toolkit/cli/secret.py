"""`toolkit secret set | list | delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, takes
from toolkit.errors import ExitCode
from toolkit.spec.target import Secret

Key = Annotated[str, typer.Argument(metavar="KEY", show_default=False, help="Name of the secret.")]


@takes(TARGET, ASKS, TALK)
def set_(call: Call, job: Job, key: Key) -> ExitCode:
    """The value is never an argument, because everybody on the machine sees those.

    It is asked for on a terminal, and read from standard input elsewhere, one final newline cut.
    It is kept in the Nomad variable nomad/jobs/JOB.
    """
    from toolkit.views import secret as view
    from toolkit.workflows.secret import set_secret

    session = call.session(job)
    value = Secret(call.output.secret(f"value of {key}: "))
    return call.show(view, set_secret(session, job, key, value, confirm=call.confirm))


@takes(TARGET, TALK)
def list_(call: Call, job: Job) -> ExitCode:
    """Also says which keys the job file names that are not set, and which it does not name."""
    from toolkit.views import secret as view
    from toolkit.workflows.secret import list_secrets

    return call.show(view, list_secrets(call.session(job), job))


@takes(TARGET, ASKS, TALK)
def delete(call: Call, job: Job, key: Key) -> ExitCode:
    """The Nomad variable goes with the last key."""
    from toolkit.views import secret as view
    from toolkit.workflows.secret import delete_secret

    return call.show(view, delete_secret(call.session(job), job, key, confirm=call.confirm))
