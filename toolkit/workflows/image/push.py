"""`toolkit image push`: to the environment's registry, where a release stays what it is.

Before the push and after it the tag is looked at. Before, because a tag that stands for something
else is not moved, whatever the registry would allow; after, because the digest that a deploy will
find is what counts, and because the reply to a push may be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from toolkit.clients.engine import Engine
from toolkit.clients.registries import Open, open_registry
from toolkit.clients.registry import Registry
from toolkit.config.settings import Settings
from toolkit.errors import (
    ApiError,
    ConfigError,
    ConflictError,
    ExitCode,
    Mistake,
    NotFoundError,
    UnreachableError,
)
from toolkit.spec.image import ImageReport, LocalImage, RemoteImage
from toolkit.workflows.image.build import Telling
from toolkit.workflows.image.naming import Named, named, typed

SHORT = 12 + len("sha256:")


def push_image(
    settings: Settings,
    job: str,
    *,
    environ: Mapping[str, str],
    telling: Telling | None = None,
    opened: Open = open_registry,
) -> ImageReport:
    """Push what `build` made; the report has the digest that a deploy will register.

    ConflictError where the tag stands for something else already. Of a push that failed the tag is
    looked at again: it may be there all the same, and what cannot be seen is `unknown`.
    """
    telling = telling or Telling()
    began = telling.clock()
    found = named(settings, job)
    place = settings.target.registry
    if place is None:
        raise ConfigError([_no_registry(settings)])
    telling.say("target", f"{settings.target.environment} · {found.image}")
    engine = Engine(environ)
    ours = engine.find(str(found.image))
    if ours is None:
        raise NotFoundError(
            f"the engine has no image {found.image}",
            system="Docker",
            hint=typed(settings, "image build", job),
        )
    with closing(opened(place)) as registry:
        there = registry.find(found.image)
        if there is not None:
            _refuse_other(found, ours, there, "nothing was pushed")
            report = _report(settings, found, ours, there, job)
            return replace(report, word="present", seconds=telling.clock() - began)
        notes = registry.prepare(found.image)
        for note in notes:
            telling.say("note", note)
        there = _push(engine, registry, found, ours, telling)
        report = _report(settings, found, ours, there, job)
    return replace(report, notes=notes, seconds=telling.clock() - began)


def _push(
    engine: Engine, registry: Registry, found: Named, ours: LocalImage, telling: Telling
) -> RemoteImage:
    """Push, and see what the tag stands for then."""
    failed: ApiError | None = None
    try:
        engine.push(
            str(found.image),
            registry.login(),
            timeout=found.spec.image.timeout,
            on_step=lambda line: telling.say("push", line),
        )
    except ApiError as exc:
        failed = exc
    try:
        there = registry.find(found.image)
    except ApiError as exc:
        raise _unknown(found, failed or exc) from exc
    if there is None:
        if failed is not None:
            raise failed
        raise _unknown(found, UnreachableError("the tag is not there yet", system="the registry"))
    # The engine knows now under which digest it pushed.
    now = engine.find(str(found.image)) or ours
    _refuse_other(found, now, there, "somebody else was there meanwhile")
    return there


def _refuse_other(found: Named, ours: LocalImage, there: RemoteImage, end: str) -> None:
    """ConflictError where the tag stands for something else than what the engine has."""
    if there.holds(ours):
        return
    raise ConflictError(
        f"{found.image} is another image at the registry already ({there.digest[:SHORT]}), and a "
        f"release stays what it is; {end}",
        system="the registry",
        hint="choose another release: toolkit image build --release and push --release",
    )


def _unknown(found: Named, failed: ApiError) -> UnreachableError:
    return UnreachableError(
        f"whether {found.image} was pushed cannot be seen: {failed.message}",
        system="the registry",
        hint="push once more: what is there already is not sent again",
        code=ExitCode.UNKNOWN,
    )


def _no_registry(settings: Settings) -> Mistake:
    environment = settings.target.environment
    message = f"environment {environment} has no registry to push to"
    hint = f'[environments.{environment}] registry = "registry.example/shop"'
    return Mistake("toolkit.toml", f"environments.{environment}", None, message, hint)


def _report(
    settings: Settings, found: Named, ours: LocalImage, there: RemoteImage, job: str
) -> ImageReport:
    return ImageReport(
        word="pushed",
        environment=settings.target.environment,
        job=found.spec.name,
        release=found.image.tag,
        image=str(found.image),
        id=ours.id,
        size=ours.size,
        digest=there.digest,
        next=typed(settings, "deploy", job),
    )
