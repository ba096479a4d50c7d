"""A command, run as a Nomad batch job with the pusher's token: its code in, its artifact out.

The job pulls the commit as any other does, with the token that Nomad signs for it; the server lets
that one job have it, as long as its build is under way. What comes of it is read from the
allocation's files by the pusher's token: no workload can write anything to the server.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

from hook.building.failing import Ears
from hook.building.order import Order
from hook.building.script import BAD, LATE, SAYS
from hook.children.loading import settings_of
from toolkit.clients.nomad import Nomad
from toolkit.errors import (
    ApiError,
    DeniedError,
    ExitCode,
    InterruptedRolloutError,
    NotFoundError,
    RefusedError,
)
from toolkit.repos.build_store import BuildStore
from toolkit.repos.builds import Built
from toolkit.rollout.halt import Halt
from toolkit.rollout.lock import path_of
from toolkit.spec.agents import AgentState
from toolkit.spec.hook import BuildSettings, HookConfig
from toolkit.spec.target import Secret
from toolkit.spec.tree import DictTree
from toolkit.spec.work import WorkReport, Written

if TYPE_CHECKING:
    from toolkit.config.settings import Settings
    from toolkit.workflows.session import Session

OUT = "alloc/out.tar.gz"
"""Where the script leaves what was made, below the allocation's folder."""
MORE = 300.0
"""Seconds beyond a build's own limit, which its task keeps: for a place, an image, the packing."""
RIGHTS = "whoever pushes needs submit-job, read-job, read-logs and read-fs where builds run"
ALLOWED = ("count-one", "no-shutdown-delay")
JOB_TOML = 'name = "{name}"\nkind = "batch"\n[lint]\nallow = {allow}\n'


def _opened(settings: Settings) -> Session:
    # Here and in `_run`: most servers build nothing, and what deploys is large.
    from toolkit.workflows.session import open_session

    return open_session(settings)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a command runs: the server's target, and the local agents in development."""

    config: HookConfig
    agents: AgentState | None = None
    opened: Callable[[Settings], Session] = _opened


def refuse_nowhere(config: HookConfig) -> str:
    """The driver that a command runs with; RefusedError where there is none to run it with."""
    driver = config.builds.driver or ("raw_exec" if config.target.state else "")
    if not driver:
        raise RefusedError(
            "hook.toml says no [builds] driver, so no command can build anything",
            hint='driver = "docker" and an image to run in; raw_exec is for development',
        )
    return driver


def job_name(order: Order) -> str:
    """A name that nobody could know before: the code is given to the job of this name."""
    repo, service = (name[:24].rstrip("-") for name in (order.repo.name, order.service))
    return f"build-{repo}-{service}-{secrets.token_hex(8)}"


def build_command(
    places: Places,
    order: Order,
    name: str,
    token: Secret,
    store: BuildStore,
    ears: Ears,
    halt: Halt,
) -> Built:
    """Run it to its end and keep what came of it; BuildFailedError says how it failed."""
    session = _session(places, order, name, token, halt)
    with contextlib.closing(session):
        try:
            report = _run(session, name, order, ears)
            if report.verdict == "unknown":
                _refuse_dead(session.nomad, token)
            allocation = _done(report, order, ears)
            most = order.settings.bytes
            digest, size = store.take(
                order.repo.name,
                session.nomad.file(allocation, OUT, most=most),
                most=most,
                expected=_checksum(session.nomad, allocation),
            )
        except ApiError as exc:
            _refuse_dead(session.nomad, token)
            # Whatever became of the job: of the stack nothing was registered, and that is sure.
            code = ExitCode.REFUSED if isinstance(exc, DeniedError) else ExitCode.FAILED
            hint = RIGHTS if isinstance(exc, DeniedError) else exc.hint
            raise ears.failed(exc.message, hint=hint, code=code) from exc
        finally:
            _forget(session.nomad, name, ears)
    url = f"{order.code.url}/{order.repo.name}/builds/{digest.removeprefix('sha256:')}.tar.gz"
    return Built(order.service, digest, url=url, inputs=order.inputs, size=size)


def _session(places: Places, order: Order, name: str, token: Secret, halt: Halt) -> Session:
    here = files("hook.building")
    folder = f"jobs/{name}/"
    allow = json.dumps(list(ALLOWED))
    tree = DictTree(
        {
            "toolkit.toml": b"",
            f"{folder}job.toml": JOB_TOML.format(name=name, allow=allow).encode(),
            f"{folder}job.nomad.hcl.j2": (here / "template.hcl.j2").read_bytes(),
        },
        "the hook server",
    )
    settings, driver = order.settings, refuse_nowhere(places.config)
    work = {
        "command": list(order.build.command),
        "artifact": order.build.artifact,
        "seconds": settings.seconds,
        "bytes": settings.bytes,
        "environ": {
            "REPO": order.repo.name,
            "COMMIT": order.code.commit,
            "SERVICE": order.service,
        },
    }
    values = {
        "driver": driver,
        "image": settings.image if driver == "docker" else "",
        "python": _python(places.config, driver),
        "script": (here / "script.py").read_text(),
        "work": base64.b64encode(json.dumps(work).encode()).decode(),
        "cpu": settings.cpu,
        "memory": settings.memory,
    }
    config = places.config
    if settings.node_pool:
        config = replace(config, target=replace(config.target, node_pool=settings.node_pool))
    code = {**order.code.values(), "archive": code_of_build(order, name)}
    found = settings_of(
        tree,
        config,
        token,
        given={"code": code, "build": values},
        agents=places.agents,
        actor=f"{order.repo.name}, build",
    )
    session = places.opened(found)
    return replace(session, world=replace(session.world, halt=halt))


def _python(config: HookConfig, driver: str) -> str:
    """In development the server's own, which is there for sure, unless another one is said."""
    said = config.builds.python
    here = driver == "raw_exec" and config.target.state and said == BuildSettings().python
    return sys.executable if here else said


def code_of_build(order: Order, name: str) -> str:
    """Where the job of a build finds its code, and nobody else."""
    return f"{order.code.url}/{order.repo.name}/builds/{name}/code.tar.gz"


def _run(session: Session, name: str, order: Order, ears: Ears) -> WorkReport:
    from toolkit.workflows.batch import WorkOptions
    from toolkit.workflows.run import run

    def hear(written: Written) -> None:
        ears.piece(written.stream, written.data)

    try:
        return run(
            session, name, WorkOptions(timeout=order.settings.seconds + MORE), on_output=hear
        )
    except InterruptedRolloutError as exc:
        raise ears.failed("the server stopped meanwhile", code=ExitCode.UNKNOWN) from exc


def _done(report: WorkReport, order: Order, ears: Ears) -> str:
    """The allocation that did the work; BuildFailedError where it did not."""
    if report.verdict == "completed" and report.instances:
        return report.instances[-1].allocation
    causes = "; ".join(cause.summary for cause in report.causes)
    hint = None
    match report.exit_code:
        case _ if report.verdict != "failed":
            why = causes or report.sentence
        case code if code == LATE:
            why = f"it was not done after {order.settings.seconds:g} s"
            hint = "hook.toml's [builds] seconds is the limit"
        case code if code == BAD:
            why = ears.last[-1].removeprefix(SAYS) if ears.last else "there is nothing to take"
            hint = f"toolkit repo build {order.repo.name} {order.service} --artifact says what is"
        case None | 0:
            why = causes or report.sentence
        case code:
            why = f"exit {code}"
    unplaced = report.verdict == "unplaced"
    raise ears.failed(why, hint=hint, code=report.code if unplaced else ExitCode.FAILED)


def _refuse_dead(nomad: Nomad, token: Secret) -> None:
    """DeniedError where it failed for no other reason than a token that is no more."""
    try:
        known = nomad.token_of(token)
    except ApiError:
        return  # Nomad itself is the trouble, which is what was said
    if known is None:
        raise DeniedError(
            "the token that it was built with was revoked, or has expired", system="Nomad"
        )


def _checksum(nomad: Nomad, allocation: str) -> str:
    """What the script counted, to hold against what comes over the wire."""
    said = b"".join(nomad.file(allocation, f"{OUT}.sha256", most=64))
    return f"sha256:{said.decode('ascii', 'replace').strip()}"


def _forget(nomad: Nomad, name: str, ears: Ears) -> None:
    """Take the job out of Nomad; one that still runs ends with that.

    Its deploy lock goes with it: no other job will ever have this name.
    """
    try:
        if nomad.job(name) is not None:
            nomad.stop(name, purge=True)
        nomad.delete_variable(path_of(name))
    except NotFoundError:
        return
    except ApiError as exc:
        ears.line(f"build: the job {name} is left in Nomad, which forgets it in time: {exc}")
