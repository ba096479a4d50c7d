"""`toolkit image build`: the service's Dockerfile, through the engine, tagged by the release."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.clients.engine import Engine
from toolkit.config.settings import Settings
from toolkit.errors import RefusedError
from toolkit.loop.build import run
from toolkit.loop.environment import scrubbed
from toolkit.spec.events import Event, OnEvent, Stage, ignore
from toolkit.spec.image import ImageReport
from toolkit.workflows.image.naming import Named, named, typed

LAST = 12
"""Lines of a command that failed."""


@dataclass(frozen=True)
class Telling:
    """The clocks of one command, and who hears of it."""

    on_event: OnEvent = ignore
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time

    def say(self, stage: Stage, text: str) -> None:
        """Tell one line."""
        self.on_event(Event(stage, text, self.now()))


def build_image(
    settings: Settings,
    job: str,
    *,
    environ: Mapping[str, str],
    telling: Telling | None = None,
) -> ImageReport:
    """Build it; an error says why there is no image, with what was said last.

    `environ`: the user's own, of which the engine's tool sees all but our tokens, and the job
    file's command nothing that is named like a secret.
    """
    telling = telling or Telling()
    began = telling.clock()
    found = named(settings, job)
    spec, image = found.spec, found.image
    if not found.dockerfile.is_file():
        raise RefusedError(
            f"there is no Dockerfile at {found.dockerfile.relative_to(found.root)}",
            hint=f"[image] context and dockerfile in {spec.source} say where it is",
        )
    telling.say("target", f"{settings.target.environment} · {image}")
    _prepare(found, environ, telling)
    made = Engine(environ).build(
        found.context,
        found.dockerfile,
        str(image),
        arguments=spec.image.args,
        platform=spec.image.platform,
        timeout=spec.image.timeout,
        on_step=lambda line: telling.say("build", line),
    )
    return ImageReport(
        word="built",
        environment=settings.target.environment,
        job=spec.name,
        release=image.tag,
        image=str(image),
        id=made.id,
        size=made.size,
        seconds=telling.clock() - began,
        next=typed(settings, "image push" if image.host else "deploy", job),
    )


def _prepare(found: Named, environ: Mapping[str, str], telling: Telling) -> None:
    """Run the job file's command; RefusedError with its last lines where it does not do well."""
    settings = found.spec.image
    if not settings.command:
        return
    telling.say("build", shlex.join(settings.command))
    lines: list[str] = []
    more = {"JOB": found.spec.name, "RELEASE": found.image.tag}
    ended = run(
        settings.command,
        found.root,
        scrubbed(environ, **more),
        lines.append,
        timeout=settings.timeout,
    )
    if ended.problem:
        said = "".join(f"\n  {line}" for line in lines[-LAST:])
        raise RefusedError(
            f"[image] command of {found.spec.source} did not do well: {ended.problem}{said}",
            hint=f"it ran in {found.root.name}: {shlex.join(settings.command)}",
        )
