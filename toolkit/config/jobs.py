"""A job file with every layer of settings applied -> JobSpec.

Later wins: built-in defaults, toolkit.toml, its environment, job.toml, its `[env.NAME]`, var files,
`--var`, `--release` and `--count`. One exception: the environment's `driver` is stronger than the
job file's own, and weaker than its `[env.NAME.driver]`, so that one file serves a laptop and a
cluster.
"""

from __future__ import annotations

from dataclasses import replace

from toolkit.config import pushed
from toolkit.config.assemble import assemble, assemble_plain
from toolkit.config.canary import check_canary
from toolkit.config.checks import validate
from toolkit.config.combinations import check_kind, check_ports, check_rest, check_rollout
from toolkit.config.dns import check_dns
from toolkit.config.given import Flags
from toolkit.config.identity import check_identities
from toolkit.config.image import check_image
from toolkit.config.jobfile import JobFile, find_template, read_job_file, scan_plain
from toolkit.config.layers import Layer, leaf, merge, table
from toolkit.config.locate import JobPlace, locate_job
from toolkit.config.names import job_names, resolve_job
from toolkit.config.near import suggest
from toolkit.config.overlay import lay_over
from toolkit.config.probing import check_gap, check_probe
from toolkit.config.project import Project
from toolkit.config.schema import job_tree
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.depends import GATES, Need
from toolkit.spec.jobspec import JobKind, JobSpec
from toolkit.spec.target import Target

__all__ = ["JobPlace", "job_names", "load_job", "locate_job", "resolve_job"]

_UNUSED_IN_PLAIN = (
    "driver", "resources", "environment", "ports", "route", "check", "node_class", "node_pool",
    "constraints", "dns", "identity", "schedule", "dispatch",
)  # fmt: skip


def load_job(
    project: Project | None, job: str, target: Target, flags: Flags, *, python: str
) -> JobSpec:
    """The job that `job` names (or is the path of), as it is in the target's environment.

    `python`: the interpreter that runs toolkit, for templates. ConfigError with every mistake of
    job file, var files and flags. `locate_job` says which tree it was read from.
    """
    place = locate_job(project, job)
    mistakes: list[Mistake] = []
    environment = project.file.environments.get(target.environment) if project else None
    file = read_job_file(place, project, target.environment, mistakes)
    template = place.plain or find_template(place, file, mistakes)
    scanned = scan_plain(place, template, file, mistakes)
    merged = lay_over(project, environment, file, scanned, flags, mistakes)
    if scanned is None:
        _check(place, merged.values, file, mistakes)
    else:
        _check_plain(merged.values, file, template, mistakes)
    _check_depends(place, merged.values, mistakes)
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))
    if scanned is not None:
        found = assemble_plain(merged, file.source.where, template, scanned, target)
        more = pushed.declared(flags.given, scanned.variables)
        return replace(found, variables={**found.variables, **more}) if more else found
    root = project.root if project else None
    found = assemble(merged, place.name, file.source.where, template, target, root, python)
    names = pushed.names(flags.given, found.variables)
    return replace(found, context={**found.context, **names})


def _check(place: JobPlace, merged: Layer, file: JobFile, mistakes: list[Mistake]) -> None:
    kind_leaf = leaf(merged, "kind")
    kind: JobKind = kind_leaf.value if kind_leaf else "service"
    mistakes += check_rollout(merged)
    mistakes += check_kind(merged, kind, file.source)
    mistakes += check_ports(merged, kind, file.source)
    mistakes += check_canary(merged, kind, file.source)
    mistakes += check_dns(merged, kind, file.source)
    mistakes += check_identities(merged, file.source, tuple(mistakes))
    mistakes += check_rest(merged, file.source, leaf(merged, "driver", "name"))
    mistakes += check_probe(merged, file.source)
    mistakes += check_image(merged)
    if "name" not in merged:
        _, wrong = validate({"name": place.name}, job_tree(), file.source)
        mistakes += wrong


def _check_depends(place: JobPlace, merged: Layer, mistakes: list[Mistake]) -> None:
    depends = leaf(merged, "depends")
    if depends is None or not place.folder.startswith("jobs/"):
        return
    known = job_names(place.tree)
    own = place.folder.split("/")[1]
    seen: set[str] = set()
    for text in depends.value:
        name, _, gate = text.partition(":")
        try:
            Need.read(text)
        except ValueError:
            near = suggest(gate, GATES) or "say one of " + ", ".join(GATES)
            mistakes.append(depends.mistake(f'"{text}": there is no gate "{gate}"', near))
        if name == own:
            mistakes.append(depends.mistake("a job cannot depend on itself"))
        elif name not in known:
            hint = suggest(name, known)
            mistakes.append(depends.mistake(f'there is no job "{name}"', hint))
        elif name in seen:
            mistakes.append(depends.mistake(f'names job "{name}" twice', "keep one of the two"))
        seen.add(name)


def _check_plain(merged: Layer, file: JobFile, template: str, mistakes: list[Mistake]) -> None:
    """Keys that only a template can use would be believed and do nothing."""
    mistakes += check_rollout(merged)
    mistakes += check_canary(merged, "service", file.source, plain_job=True)
    mistakes += check_gap(merged)
    mine = merge(file.shared, file.own)
    for name in _UNUSED_IN_PLAIN:
        if name in mine:
            message = f"has no effect: {template} is a plain job file"
            mistakes.append(file.source.mistake((name,), message, f"say it in {template}"))
    for name in table(merged, "environment") or {}:
        if name not in (table(mine, "environment") or {}):
            message = f"has no effect: {template} is a plain job file"
            mistakes.append(Mistake("--var", f"environment.{name}", None, message))
