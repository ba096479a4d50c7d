"""`toolkit dispatch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Detach, Job, Timeout, WaitCapacity, takes
from toolkit.errors import ExitCode, RefusedError

Meta = Annotated[
    list[str] | None,
    typer.Option("--meta", metavar="KEY=VALUE", help="Metadata of this dispatch; repeatable."),
]
Payload = Annotated[
    str | None,
    typer.Option(
        "--payload", metavar="FILE", help="Data for the task, at most 16 KiB; - is stdin."
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--idempotency-token", metavar="TOKEN", help="Dispatch at most once under this token."
    ),
]


@takes(TARGET, ASKS, TALK)
def dispatch(
    call: Call,
    job: Job,
    meta: Meta = None,
    payload: Payload = None,
    idempotency_token: Token = None,
    timeout: Timeout = None,
    detach: Detach = False,
    wait_capacity: WaitCapacity = None,
) -> ExitCode:
    """Waits as long as the work takes and passes its output on, stdout to stdout.

    The job is taken as it is registered. What is said about the work goes to standard error. The
    exit code is 0 completed, 1 refused, 3 failed, 4 unplaced, 5 unknown, 9 held.
    """
    from toolkit.cli.written import TaskOutput, show
    from toolkit.workflows.batch import WorkOptions
    from toolkit.workflows.dispatch import Parcel, parse_meta
    from toolkit.workflows.dispatch import dispatch as send

    parcel = Parcel(parse_meta(meta or ()), read(call, payload), idempotency_token)
    written = TaskOutput(call)
    report = send(
        call.session(job), job, parcel, WorkOptions(timeout, detach, wait_capacity),
        on_event=written.on_event, on_output=written, confirm=call.confirm,
    )  # fmt: skip
    return show(call, written, report)


def read(call: Call, payload: str | None) -> bytes:
    """The bytes of a file, or of standard input for `-`; RefusedError when it cannot be read."""
    if payload is None:
        return b""
    if payload == "-":
        stdin = call.world.stdin
        raw = getattr(stdin, "buffer", None)
        return bytes(raw.read()) if raw is not None else stdin.read().encode()
    try:
        return Path(call.world.cwd, payload).read_bytes()
    except OSError as exc:
        raise RefusedError(
            f"--payload: {payload} cannot be read: {exc.strerror or exc}", hint="name another file"
        ) from exc
