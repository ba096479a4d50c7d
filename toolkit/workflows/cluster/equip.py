"""A cluster comes equipped: its `system = true` jobs deployed and verified, or it is not up."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from toolkit.cluster.bootstrap.perform import Patience, persist
from toolkit.cluster.bootstrap.steps import handed_out
from toolkit.cluster.secrets import read_secrets
from toolkit.cluster.secrets.store import Store
from toolkit.config.jobfile import read_job_file
from toolkit.config.jobs import job_names, locate_job
from toolkit.config.layers import leaf, merge
from toolkit.config.settings import Flags, Settings, load_settings
from toolkit.errors import (
    ConfigError,
    ExitCode,
    InterruptedRolloutError,
    Mistake,
    RefusedError,
    ToolkitError,
)
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.depends import Need
from toolkit.spec.equip import Equipment, Equipped, EquipReport, LeftOut
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.jobspec import EMPTY, JobSpec
from toolkit.spec.stack import StackReport, StackRow
from toolkit.views.placed import place
from toolkit.workflows.cluster.files import need_project
from toolkit.workflows.deploy import DeployOptions
from toolkit.workflows.hook_job import HOOK
from toolkit.workflows.kick_job import KICK
from toolkit.workflows.protection import Confirm, unanswered
from toolkit.workflows.session import Session, load_spec, open_session
from toolkit.workflows.stack.deploy import deploy_all
from toolkit.workflows.stack.journey import StackOptions
from toolkit.workflows.stack.prepare import rendered_stack

COME = 120.0
"""Seconds in which the machines that a job asks for may come, when there are none yet."""
ANSWER = 30.0
"""Seconds in which servers that answered a moment ago have to take what the jobs read."""
_ELSEWHERE = (
    "NOMAD_", "CONSUL_", "KICK_ADDR", "HOOK_ADDR", "TOOLKIT_ENV", "TOOLKIT_PROXY",
    "TOOLKIT_TRAEFIK_", "TOOLKIT_ACCESS", "TOOLKIT_EDGE_",
)  # fmt: skip
"""Variables that say where another cluster is, or who somebody is there: the way in decides."""


def equipment(
    folder: Path,
    cluster: Cluster,
    *,
    environ: Mapping[str, str] = EMPTY,
    environment: str | None = None,
) -> Equipment:
    """What the project around `folder` equips the cluster with; every job is rendered, none sent.

    `environment`: instead of the cluster's own. No network: for before anything is made.
    ConfigError with every mistake of these jobs, RenderError for their templates.
    """
    return _chosen(_settings(folder, environment or cluster.name, environ, None))


def equip(
    folder: Path,
    cluster: Cluster,
    access: Access,
    store: Store,
    *,
    environ: Mapping[str, str] = EMPTY,
    environment: str | None = None,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
    come: float = COME,
    clock: Callable[[], float] = time.monotonic,
) -> EquipReport:
    """Deploy and verify the equipment of a cluster that answers; done again it verifies.

    `environ` is the command's own, for what is no address of a cluster (a registry's password, who
    is at work); `environment` instead of the cluster's own. Nobody is asked whether the
    environment may be changed: whoever calls has asked. `confirm` is for a job's own question.

    ConfigError, RenderError, RefusedError where nothing was changed; ApiError when an API is lost.
    """
    began = clock()
    name = environment or cluster.name
    settings = _settings(folder, name, environ, access)
    found = _chosen(settings)
    session = _unasked(open_session(settings))
    with closing(session):
        # What the jobs read when they start; put here too, because somebody may have removed it.
        todo = handed_out(read_secrets(store, cluster))
        persist(todo, session.consul, session.nomad, patience=Patience(ANSWER, clock))
        if not found.jobs:
            sentence = "the project has no job with system = true"
            return EquipReport(cluster.name, name, (), found.left_out, sentence)
        options = StackOptions(DeployOptions(wait_capacity=come))
        only = replace(session, settings=_only(settings, found.jobs))
        try:
            report = deploy_all(only, options, on_event=on_event, confirm=confirm)
        except InterruptedRolloutError as error:
            hint = f"toolkit cluster up {cluster.name} goes on with what is left"
            raise InterruptedRolloutError(error.message, hint=hint) from error
        except ToolkitError as error:
            if error.hint:
                error.hint = place(error.hint, {"environment": name})
            raise
    return _report(cluster, name, found, report, clock() - began)


def _settings(
    folder: Path, environment: str, environ: Mapping[str, str], access: Access | None
) -> Settings:
    need_project(folder)
    own = {key: environ[key] for key in environ if not key.startswith(_ELSEWHERE)}
    return load_settings(Flags(environment=environment), own, folder, access=access)


def _chosen(settings: Settings) -> Equipment:
    """The jobs that say `system = true`, all of them rendered once."""
    project, target = settings.project, settings.target
    assert project is not None  # noqa: S101 - `_settings` needs one
    specs: dict[str, JobSpec] = {}
    mistakes: list[Mistake] = []
    left_out = []
    for name in job_names(project.tree):
        file = read_job_file(locate_job(project, name), project, target.environment, [])
        said = leaf(merge(file.shared, file.own), "system")
        if said is None or said.value is not True:
            continue
        try:
            spec = load_spec(settings, name)
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        missing = [each.missing_policy(project.tree, spec, target) for each in (KICK, HOOK)]
        if path := next(filter(None, missing), None):
            left_out.append(LeftOut(name, f"{path} does not exist"))
        else:
            specs[name] = spec
    known = {*specs, *(each.job for each in left_out)}
    mistakes += [each for spec in specs.values() for each in _strangers(spec, known)]
    mistakes += [each for spec in specs.values() for each in _lost(spec, left_out)]
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))
    if specs:
        rendered_stack(_only(settings, tuple(specs)), tuple(specs))
    return Equipment(tuple(specs), tuple(left_out))


def _strangers(spec: JobSpec, equipment: Collection[str]) -> list[Mistake]:
    """Jobs that it waits for and that are no equipment."""
    return [
        _need(
            spec,
            f'{spec.name} is equipment, and "{need.job}", which it waits for, is not',
            f"say system = true in jobs/{need.job}/job.toml, or take the need away",
        )
        for need in map(Need.read, spec.depends)
        if need.job not in equipment
    ]


def _lost(spec: JobSpec, left_out: Iterable[LeftOut]) -> list[Mistake]:
    """Jobs that it waits for and that are left out."""
    why = {each.job: each.why for each in left_out}
    return [
        _need(spec, f'{spec.name} waits for "{need.job}", which is left out: {why[need.job]}', None)
        for need in map(Need.read, spec.depends)
        if need.job in why
    ]


def _need(spec: JobSpec, message: str, hint: str | None) -> Mistake:
    at = spec.depends_origin
    where, line = (at.source, at.line) if at else (spec.source, None)
    return Mistake(where, "depends", line, message, hint)


def _only(settings: Settings, jobs: tuple[str, ...]) -> Settings:
    """The settings of a project whose stack is these jobs."""
    project = settings.project
    if project is None:
        raise RefusedError("a cluster is equipped from a project")
    return replace(settings, project=replace(project, file=replace(project.file, stack=jobs)))


def _unasked(session: Session) -> Session:
    world = session.world
    target = replace(world.target, protected=False)
    return replace(session, world=replace(world, target=target))


def _report(
    cluster: Cluster, environment: str, found: Equipment, report: StackReport, seconds: float
) -> EquipReport:
    rows = tuple(_row(each, environment) for each in report.rows)
    well = [each.job for each in rows if each.code is ExitCode.OK]
    bad = next((each for each in rows if each.code is not ExitCode.OK), None)
    sentence = (
        f"{bad.job} does not run as it should: {bad.sentence}"
        if bad
        else f"equipped with {', '.join(well)}, in {seconds:.1f} s"
    )
    return EquipReport(cluster.name, environment, rows, found.left_out, sentence, seconds, report)


def _row(row: StackRow, environment: str) -> Equipped:
    said = None if row.report is None else row.report.next
    said = said or (None if row.error is None else row.error.hint)
    return Equipped(
        job=row.job,
        word=row.verdict or "not begun",
        sentence=row.sentence,
        code=row.code,
        release=None if row.report is None else row.report.release,
        next=place(said, {"environment": environment}) if said else None,
    )
