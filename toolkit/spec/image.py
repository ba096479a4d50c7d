"""Images: what a job's is built from, what it is called, where it is kept, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.target import Secret


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """The job file's `[image]`; paths inside the project."""

    context: str | None = None
    """The folder that the engine is sent; None: `services/` and the name of the job's folder."""
    dockerfile: str = "Dockerfile"
    """Inside the context."""
    command: tuple[str, ...] = ()
    """Run before the engine is asked; empty: nothing has to be prepared."""
    args: tuple[tuple[str, str], ...] = ()
    """Build arguments, which whoever has the image can read."""
    platform: str | None = None
    """Such as `linux/arm64`; None: the engine's own."""
    timeout: float = 1200.0
    """Seconds, for the command, the build and the push, each."""


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """The environment's registry, and who we are there."""

    host: str
    """`123456789012.dkr.ecr.eu-west-1.amazonaws.com`, or with a port: `registry.example:5000`."""
    prefix: str = ""
    """What every repository begins with, such as `shop`; empty: nothing."""
    user: str | None = None
    password: Secret | None = None

    def __str__(self) -> str:
        return f"{self.host}/{self.prefix}" if self.prefix else self.host


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's name: where, which repository, which tag."""

    repository: str
    """`shop/backend`."""
    tag: str
    """The release."""
    host: str = ""
    """Of the registry; empty: only the engine knows the image."""

    def __str__(self) -> str:
        return f"{self.path}:{self.tag}"

    @property
    def path(self) -> str:
        """The name without the tag."""
        return f"{self.host}/{self.repository}" if self.host else self.repository

    def at(self, digest: str) -> str:
        """The very content with that digest, whatever becomes of the tag."""
        return f"{self.path}@{digest}"


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that the engine has."""

    id: str
    """`sha256:…`: of its configuration, or with newer stores of its manifest."""
    digests: tuple[str, ...] = ()
    """`repository@sha256:…` for each registry that it was pushed to or pulled from."""
    size: int = 0
    """Bytes, unpacked."""


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """What a tag stands for at a registry."""

    digest: str
    """`sha256:…` of its manifest, by which it is pulled."""
    config: str | None = None
    """`sha256:…` of its configuration; None for an index of several platforms."""

    def holds(self, image: LocalImage) -> bool:
        """True when it is that image of the engine's."""
        pulled = {each.rpartition("@")[2] for each in image.digests}
        return image.id in {self.digest, self.config} or self.digest in pulled


@dataclass(frozen=True, slots=True)
class Login:
    """Who may push to a registry, for as long as one push takes."""

    host: str
    user: str
    password: Secret


ImageWord = Literal["built", "pushed", "present"]
"""`present`: the registry had this very image under this tag already."""


@dataclass(frozen=True, slots=True)
class ImageReport:
    """What `toolkit image` did."""

    word: ImageWord
    environment: str
    job: str
    release: str
    image: str
    """Its whole name, tag included."""
    id: str
    """By which the engine knows it."""
    size: int
    """Bytes, unpacked."""
    digest: str | None = None
    """By which it is deployed; None before it is pushed."""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    next: str | None = None
    """The next command to type."""

    @property
    def code(self) -> ExitCode:
        """It was done, or an error was raised."""
        return ExitCode.OK
