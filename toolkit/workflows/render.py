"""`toolkit render`: the HCL of a job; talks to nobody, and imports nothing that could."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from toolkit.config.canary import with_canary
from toolkit.config.image import located
from toolkit.config.jobs import load_job
from toolkit.config.locate import locate_job
from toolkit.config.settings import Settings
from toolkit.render import render
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.target import Target
from toolkit.workflows.hook_job import HOOK
from toolkit.workflows.kick_job import KICK


def render_job(
    settings: Settings,
    job: str,
    canary: tuple[int, ...] = (),
    *,
    placed: Callable[[JobSpec, Target], JobSpec] = located,
) -> RenderedJob:
    """The HCL of the job behind a name or a path, as it is in the settings' environment.

    `canary`: the steps that the command line asks for, over the job file's. `placed` says where
    the job's image is; without one by the tag that a plan and a deploy look up.
    ConfigError with every mistake of the job file, RenderError for the template.
    """
    place = locate_job(settings.project, job)
    spec = load_job(settings.project, job, settings.target, settings.flags, python=sys.executable)
    for server in (KICK, HOOK):
        server.check_policy(place.tree, spec, settings.target)
    spec = with_canary(placed(spec, settings.target), canary)
    return render(place.tree, spec, cache=_cache(settings))


def _cache(settings: Settings) -> Path | None:
    """Where compiled templates are kept; never inside a project, because they are run as code."""
    root = settings.project.root if settings.project else None
    if settings.project is not None and root is None:
        return None  # a commit: whoever reads it for somebody else keeps no code of theirs
    if root is not None and settings.cache_dir.is_relative_to(root):
        return None
    return settings.cache_dir / "templates"
