"""What `toolkit image` is asked about: the job, its image's name, the folder that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from toolkit.config.image import DRIVER, image_name
from toolkit.config.settings import Settings
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.image import ImageName
from toolkit.spec.jobspec import JobSpec
from toolkit.workflows.session import load_spec


@dataclass(frozen=True, slots=True)
class Named:
    """A job whose image is ours."""

    spec: JobSpec
    image: ImageName
    root: Path
    """The project's folder."""
    context: Path
    """What the engine is sent."""

    @property
    def dockerfile(self) -> Path:
        """Of the context."""
        return self.context / self.spec.image.dockerfile


def named(settings: Settings, job: str) -> Named:
    """What the job's image is called in the environment; ConfigError where it is none of ours."""
    spec = load_spec(settings, job)
    root = settings.project.root if settings.project else None
    if root is None:
        raise ConfigError([Mistake(spec.source, None, None, "is in no project of this machine")])
    image = image_name(spec, settings.target.registry)
    if image is None:
        raise ConfigError([_not_ours(spec, settings)])
    context = spec.image.context or f"services/{PurePosixPath(spec.source).parent.name}"
    return Named(spec, image, root, root / context)


def _not_ours(spec: JobSpec, settings: Settings) -> Mistake:
    environment = settings.target.environment
    if spec.plain:
        message = "is a plain job file, whose images are what it says"
        return Mistake(spec.source, None, None, message, "build them with your engine")
    if spec.driver is None or spec.driver.name != DRIVER:
        driver = "no driver" if spec.driver is None else f"driver {spec.driver.name}"
        message = f"has {driver} in environment {environment}, which runs no image"
        hint = f'[environments.{environment}] driver = "docker", or -e names another one'
        return Mistake(spec.source, "driver.name", None, message, hint)
    if spec.release is None:
        message = "has no release, which would be the image's tag"
        return Mistake(spec.source, "release", None, message, "say one, or --release")
    written = spec.driver.config.get("image")
    message = f'"{written}" has a tag, a digest or a registry of its own'
    hint = f'image = "{spec.name}" is built, tagged with the release and found in `registry`'
    return Mistake(spec.source, "driver.docker.image", None, message, hint)


def typed(settings: Settings, command: str, job: str) -> str:
    """The command as it must be typed for the same environment and release."""
    words = ["toolkit", command, job]
    flags = settings.flags
    words += ["--release", flags.release] if flags.release is not None else []
    if command.startswith("image ") and flags.environment is not None:
        # The others are given their environment where they are printed.
        words += ["-e", flags.environment]
    return " ".join(words)
