"""The names of a tree's jobs, and what a user means by one."""

from __future__ import annotations

from toolkit.config.near import suggest
from toolkit.config.tree import JOBS
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.tree import Tree

JOB_FILE = "job.toml"
TEMPLATE = "job.nomad.hcl.j2"
PLAIN = "job.nomad.hcl"


def job_names(tree: Tree) -> tuple[str, ...]:
    """Names of the folders in `jobs/` that hold a job file or a plain job, sorted."""
    names = set()
    for path in tree.paths(JOBS):
        parts = path.split("/")
        if (
            len(parts) == 3
            and parts[2] in {JOB_FILE, PLAIN}
            and not parts[1].startswith(("_", "."))
        ):
            names.add(parts[1])
    return tuple(sorted(names))


def resolve_job(tree: Tree, text: str) -> str:
    """The job that `text` names or is the only beginning of; ConfigError with the near names."""
    names = job_names(tree)
    if text in names:
        return text
    matches = [name for name in names if text and name.startswith(text)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        message = f'"{text}" could be {", ".join(matches)}'
        raise ConfigError([Mistake("jobs", None, None, message, "write more of the name")])
    hint = suggest(text, names) or "each folder in jobs/ with a job.toml is one"
    raise ConfigError([Mistake("jobs", None, None, f'there is no job "{text}"', hint)])
