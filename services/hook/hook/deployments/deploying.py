"""In the child: what `toolkit deploy --all` does, told line by line, and its report at the end.

The server itself has of this only the values: what deploys is imported by the function that does,
and every child finds it there (see `hook.children.zygote`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hook.children.errand import Errand, Message
from hook.children.loading import settings_of
from toolkit.errors import (
    ApiError,
    ExitCode,
    InterruptedRolloutError,
    NeedsAnswerError,
    ToolkitError,
)
from toolkit.spec.agents import AgentState
from toolkit.spec.events import Event
from toolkit.spec.hook import HookConfig
from toolkit.spec.report import DeployReport
from toolkit.spec.stack import StackReport
from toolkit.spec.target import Secret

if TYPE_CHECKING:
    from toolkit.workflows.session import Session

CALL = "hook.deployments.deploying:deploy"
LOCK = 120.0
"""Seconds that somebody else's deploy lock is waited for: the ref has moved, so that to refuse
helps nobody. A server that was killed holds its locks for 21 s."""

SURE = {"reverted", "superseded", "unplaced"}
"""Verdicts that only somebody comes to who could still ask Nomad."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be deployed beside the tree, and in whose name."""

    config: HookConfig
    given: Mapping[str, Any]
    """What the jobs are told of the push: their code, and what was built of it."""
    actor: str
    agents: AgentState | None = None
    """The local agents, in development."""


def deploy(errand: Errand) -> Message:
    """Deploy the stack of the tree; says `text`, `stage`, `job`, `at` for each line.

    Returns `state`, `sentence`, `lines` (why it did not go well) and `document`.
    """
    from toolkit.views import stack as view
    from toolkit.workflows.deploy import DEFAULTS
    from toolkit.workflows.session import open_session
    from toolkit.workflows.stack.deploy import deploy_all
    from toolkit.workflows.stack.journey import StackOptions

    order: Order = errand.argument
    settings = settings_of(
        errand.tree,
        order.config,
        errand.token,
        given=order.given,
        agents=order.agents,
        actor=order.actor,
    )
    session = open_session(settings)

    def tell(event: Event) -> None:
        if event.text:
            errand.say({"text": event.text, "stage": event.stage, "job": event.job, "at": event.at})

    options = StackOptions(replace(DEFAULTS, wait_lock=LOCK))
    try:
        report = deploy_all(session, options, on_event=tell, confirm=_nobody)
    except InterruptedRolloutError as exc:
        return {"state": "needs-token", "sentence": f"the server stopped; {exc.message}"}
    except ToolkitError as exc:
        if is_dead(session, errand.token):
            return _needs_token(exc.message)
        raise
    in_doubt = report.code is not ExitCode.OK and report.verdict not in SURE
    if in_doubt and is_dead(session, errand.token):
        return _needs_token(report.sentence, view.lines(report))
    return {
        "state": report.verdict,
        "sentence": sentence(report),
        "lines": [] if report.code is ExitCode.OK else view.lines(report),
        "document": slim(view.document(report)),
    }


def _nobody(question: str) -> bool:
    raise NeedsAnswerError(
        f"{question}: nobody can be asked during a push",
        hint="toolkit deploy --all --yes answers it, from a checkout of this commit",
    )


def is_dead(session: Session, token: Secret) -> bool:
    """True where Nomad says that it knows no such token, or no more; asked with that token."""
    if not token:
        return False
    try:
        return session.nomad.token_of(token) is None
    except ApiError:
        # Nomad itself is the trouble, and the verdict says so.
        return False


def _needs_token(said: str, lines: list[str] | None = None) -> Message:
    why = "the token it was deployed with was revoked, or has expired"
    return {
        "state": "needs-token",
        "sentence": f"{why}; {said}",
        "lines": lines or [],
    }


def sentence(report: StackReport) -> str:
    """The end in one line: `deployed in 9.1 s, 0 failed probes`."""
    if report.code is not ExitCode.OK:
        return f"{report.verdict}: {report.sentence}"
    said = f"{report.verdict} in {report.seconds:.1f} s"
    probes = [
        row.report.probe.failed
        for row in report.rows
        if isinstance(row.report, DeployReport) and row.report.probe is not None
    ]
    return f"{said}, {sum(probes)} failed probes" if probes else said


def slim(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the table of instances of every single event, see `report_keep.slim`."""
    bare = {**document, "events": [{**each, "instances": []} for each in document["events"]]}
    bare["jobs"] = [
        {**job, "deploy": job["deploy"] and {**job["deploy"], "events": []}} for job in bare["jobs"]
    ]
    return bare
