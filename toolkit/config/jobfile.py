"""job.toml and the template beside it, read and validated on their own."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.config.checks import validate
from toolkit.config.layers import Layer, Leaf, leaf, lift, merge, table
from toolkit.config.lines import KeyPath
from toolkit.config.locate import JobPlace
from toolkit.config.names import JOB_FILE, PLAIN, TEMPLATE
from toolkit.config.near import suggest
from toolkit.config.project import Project
from toolkit.config.schema import job_tree
from toolkit.config.source import Source, read_toml
from toolkit.config.tree import LayeredTree, read_or_none
from toolkit.errors import ConfigError, Mistake

if TYPE_CHECKING:
    from toolkit.config.plain import PlainJob


class JobFile(NamedTuple):
    """job.toml as read: what all environments share, and what this one adds."""

    source: Source
    shared: Layer
    own: Layer


def read_job_file(
    place: JobPlace, project: Project | None, environment: str, mistakes: list[Mistake]
) -> JobFile:
    """The job's job.toml, its mistakes added to `mistakes`; without one, a file that says nothing.

    ConfigError when it is not TOML: nothing else can be said about it then.
    """
    path = place.folder + JOB_FILE
    raw = None if place.plain else read_or_none(place.tree, path)
    if raw is None:
        return JobFile(Source(place.plain or place.folder + PLAIN), {}, {})
    source, data = read_toml(path, raw)
    good, found = validate(data, job_tree(), source)
    mistakes += found
    own = good.pop("env", {})
    shared = _normalised(good, source, (), mistakes)
    layers = {
        name: _normalised(values, source, ("env", name), mistakes) for name, values in own.items()
    }
    known = project.file.environments if project else {}
    if known and _is_own(place, path):
        for name in sorted(set(layers) - set(known)):
            message = f'toolkit.toml has no environment "{name}"'
            mistakes.append(source.mistake(("env", name), message, suggest(name, known)))
    said = known.get(environment)
    inherited = layers.get(said.inherits, {}) if said and said.inherits else {}
    own_layer = merge(_without_driver(inherited), layers.get(environment, {}))
    return JobFile(source, shared, own_layer)


def _without_driver(layer: Layer) -> Layer:
    """A rehearsal has its own driver; what other drivers are set to stays."""
    driver = {
        name: value for name, value in (table(layer, "driver") or {}).items() if name != "name"
    }
    rest = {name: value for name, value in layer.items() if name != "driver"}
    return {**rest, "driver": driver} if driver else rest


def _is_own(place: JobPlace, path: str) -> bool:
    """True unless the file came with toolkit: that one knows nothing of the user's environments."""
    tree = place.tree
    return not isinstance(tree, LayeredTree) or read_or_none(tree.first, path) is not None


def _normalised(
    data: dict[str, Any], source: Source, path: KeyPath, mistakes: list[Mistake]
) -> Layer:
    """The short spellings written out: `release = "1.0.0"`, `route.host`, a table `[depends]`."""
    layer = lift(data, source, path)
    depends = table(layer, "depends")
    if depends is not None:
        said = [f"{job}:{gate.value}" for job, gate in depends.items() if isinstance(gate, Leaf)]
        layer["depends"] = Leaf(said, source, (*path, "depends"))
    release = layer.get("release")
    if isinstance(release, Leaf):
        layer["release"] = {"version": release}
    _spell_out(layer, "route", "host", "hosts", mistakes)
    _spell_out(layer, "dns", "hostname", "hostnames", mistakes)
    return layer


def _spell_out(layer: Layer, name: str, one: str, many: str, mistakes: list[Mistake]) -> None:
    """One value that is short for a list of it."""
    found = table(layer, name)
    value = found.pop(one, None) if found else None
    if found is not None and isinstance(value, Leaf):
        if many in found:
            mistakes.append(value.mistake(f"is short for {many}, which is there too", "keep one"))
        found[many] = Leaf([value.value], value.source, value.path)


def find_template(place: JobPlace, file: JobFile, mistakes: list[Mistake]) -> str:
    """Path of the template: the one that is named, else the usual one, else a plain job file."""
    named = leaf(merge(file.shared, file.own), "template")
    names = (named.value,) if named else (TEMPLATE, PLAIN)
    for name in names:
        path: str = posixpath.normpath(place.folder + name)
        try:
            if not name.startswith("/") and read_or_none(place.tree, path) is not None:
                return path
        except ConfigError as error:
            mistakes += error.mistakes
            return path
    if named is None:
        message = f"the job has neither {TEMPLATE} nor {PLAIN}"
        mistakes.append(Mistake(place.folder + JOB_FILE, None, None, message))
    else:
        others = [path.removeprefix(place.folder) for path in place.tree.paths(place.folder)]
        hint = suggest(named.value, [name for name in others if name != JOB_FILE])
        mistakes.append(named.mistake("there is no such file in the job's folder", hint))
    return place.folder + TEMPLATE


def scan_plain(
    place: JobPlace, template: str, file: JobFile, mistakes: list[Mistake]
) -> PlainJob | None:
    """What a plain job file says about itself; None for a template."""
    if template.endswith(".j2"):
        return None
    from toolkit.config.plain import PlainJob, scan_job

    try:
        raw = read_or_none(place.tree, template)
    except ConfigError as error:
        mistakes += error.mistakes
        return PlainJob()
    if raw is None:  # said already
        return PlainJob()
    found = scan_job(raw.decode(errors="replace"))
    if len(found.names) != 1:
        many = "no job block" if not found.names else "more than one job block"
        mistakes.append(Mistake(template, None, None, f"has {many}"))
    named = leaf(merge(file.shared, file.own), "name")
    if named and found.names and named.value != found.names[0]:
        mistakes.append(named.mistake(f'{template} calls the job "{found.names[0]}"'))
    return found
