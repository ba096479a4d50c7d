"""`toolkit bump`: deploy the next release, and write it down once it serves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from toolkit.config.locate import is_path, locate_job
from toolkit.config.writeback import bump_version, write_release
from toolkit.errors import RefusedError, ToolkitError
from toolkit.spec.events import Event, OnEvent, Stage, ignore
from toolkit.spec.jobspec import JobSpec, Origin
from toolkit.spec.report import DeployReport
from toolkit.workflows.deploy import DeployOptions, deploy
from toolkit.workflows.names import refuse_beginning
from toolkit.workflows.protection import Confirm, unanswered
from toolkit.workflows.session import Session

PARTS = ("patch", "minor", "major")
SERVES = ("deployed", "unchanged")
"""The verdicts after which the release is what the files should say."""


def bump(
    session: Session,
    job: str,
    release_or_part: str,
    options: DeployOptions | None = None,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
) -> DeployReport:
    """Deploy a literal release, or the one after the files' (`patch`, `minor`, `major`).

    It is written back to the file that it was read from only after it was verified to serve.
    RefusedError before anything is changed when no file could take it.
    """
    refuse_beginning(session, job)
    spec = session.load(job)
    root = folder(session, job)
    origin = writable(spec, root)
    part = release_or_part.removeprefix("--")
    release = release_or_part
    if part in PARTS:
        release = bump_version(spec.release or "", part)

    events: list[Event] = []

    def say(stage: Stage, text: str) -> None:
        event = Event(stage, text, session.world.now())
        events.append(event)
        on_event(event)

    def tell(event: Event) -> None:
        """What deploy says; where the release comes from is said right after the headline."""
        if event.text:
            events.append(event)
        on_event(event)
        if event.stage == "target":
            say("note", f"{spec.release or 'no release'} → {release}, from {origin.source}")

    flags = replace(session.settings.flags, release=release)
    chosen = replace(session, settings=replace(session.settings, flags=flags))
    report = deploy(chosen, job, options or DeployOptions(), on_event=tell, confirm=confirm)
    undone = None
    if report.verdict in SERVES:
        try:
            write_release(root, origin, release)
            say("step", f"{origin.source} says {release} now")
        except ToolkitError as exc:
            # What serves is not changed by this, so neither is the verdict.
            say("note", f"{release} serves, and could not be written down: {exc.message}")
            undone = f'write {origin.key} = "{release}" to {origin.source} by hand'
    else:
        say("note", f"{origin.source} is left as it is: {spec.release}")
    return replace(
        report,
        events=tuple(events),
        next=undone or report.next,
    )


def folder(session: Session, job: str) -> Path:
    """The folder that the paths of the job's files start from."""
    project = session.settings.project
    if project is not None and locate_job(project, job).tree is project.tree:
        if project.root is None:
            raise RefusedError("this project is a git commit, which nothing can be written to")
        return project.root
    path = Path(job).resolve() if is_path(job) else Path()
    return path if path.is_dir() else path.parent


def writable(spec: JobSpec, root: Path) -> Origin:
    """Where the release came from, if a new one can be written there; else RefusedError."""
    origin = spec.release_origin
    hint = f"toolkit deploy {spec.name} --release VERSION deploys without writing it down"
    if origin is None:
        raise RefusedError(f"{spec.source} says no release that could be bumped", hint=hint)
    if origin.source.startswith("--") or not origin.key:
        raise RefusedError(f"the release of {spec.name} comes from {origin.source}", hint=hint)
    if origin.source.endswith((".hcl", ".nomad", ".j2")):
        raise RefusedError(f"{origin.source} is the user's own and never written to", hint=hint)
    file = root / origin.source
    if not file.is_file():
        raise RefusedError(f"{origin.source} came with toolkit and is not in {root}", hint=hint)
    if not os.access(file, os.W_OK) or not os.access(file.resolve().parent, os.W_OK):
        raise RefusedError(f"{origin.source} may not be written", hint=hint)
    return origin
