"""A Dockerfile, built by the engine that the server is given, and pushed where images are.

What comes of it is named by its digest at the registry. Without a registry it stays in that engine,
under a tag that its inputs make, which does for development on one machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from hook.building.failing import Ears
from hook.building.order import Order
from hook.building.unpacking import unpack
from toolkit.clients.aws.ecr import owner_of
from toolkit.clients.engine import Engine
from toolkit.clients.registries import Open, open_registry
from toolkit.config.addresses import parse_registry
from toolkit.errors import InvalidRequestError, RefusedError, ServerError
from toolkit.repos.builds import Built
from toolkit.spec.hook import BuildSettings
from toolkit.spec.image import ImageName, RegistryPlace
from toolkit.spec.target import Secret

FILES = 4 << 30
"""Bytes of a commit that an image is built from."""


@dataclass(frozen=True, slots=True)
class Yard:
    """Where images are built and pushed."""

    scratch: Path
    """A folder of the server's own, for what the engine is sent."""
    password: Secret | None = None
    """For `registry_user`."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """What the engine's tool sees beside `DOCKER_HOST`: PATH."""
    opened: Open = open_registry


def build_image(yard: Yard, order: Order, archive: Path, ears: Ears) -> Built:
    """Build, push, and look what is there then; BuildFailedError says how it failed."""
    settings, dockerfile = order.settings, order.build.dockerfile
    if not settings.engine:
        raise RefusedError(
            "hook.toml says no [builds] engine, so no Dockerfile can be built",
            hint='engine = "unix:///var/run/docker.sock", or where else an engine answers',
        )
    place = place_of(settings, yard.password)
    name = image_of(order, place)
    engine = Engine({**yard.environ, "DOCKER_HOST": settings.engine})
    with tempfile.TemporaryDirectory(prefix="image-", dir=yard.scratch) as made:
        folder = Path(made)
        unpack(archive, folder, most=FILES)
        file = folder.joinpath(*dockerfile.split("/"))
        if not file.is_file():
            raise ears.failed(f"there is no {dockerfile} in the commit")
        try:
            local = engine.build(
                folder, file, str(name), timeout=settings.seconds, on_step=ears.line
            )
        except InvalidRequestError as exc:
            first, *lines = exc.message.split("\n")
            for line in lines:
                ears.last.append(line.strip())
            raise ears.failed(first.rstrip(":")) from exc
    if place is None:
        return Built(order.service, local.id, image=str(name), inputs=order.inputs)
    with closing(yard.opened(place)) as registry:
        registry.prepare(name)
        engine.push(str(name), registry.login(), timeout=settings.seconds, on_step=ears.line)
        there = registry.find(name)
    if there is None:
        raise ServerError(f"{name} was pushed, and is not there", system="the registry")
    return Built(
        order.service,
        there.digest,
        image=name.at(there.digest),
        inputs=order.inputs,
    )


def place_of(
    settings: BuildSettings,
    password: Secret | None,
    *,
    has: Callable[[str], object] = find_spec,
) -> RegistryPlace | None:
    """The registry that images go to, and who the server is there.

    `has` looks for a module and returns None when there is none.
    """
    if not settings.registry:
        return None
    host, _, prefix = parse_registry(settings.registry).partition("/")
    if owner_of(host) is not None and has("boto3") is None:
        raise RefusedError(
            f"{host} is Amazon's, and boto3 is not installed beside the hook server",
            hint="build the server's image with it, or name another registry",
        )
    user = settings.registry_user or None
    return RegistryPlace(host, prefix, user, password if user else None)


def image_of(order: Order, place: RegistryPlace | None) -> ImageName:
    """What the image is called: the same inputs have the same tag."""
    repository = f"{order.repo.name}-{order.service}"
    if place is None:
        return ImageName(repository, order.inputs[:20])
    path = f"{place.prefix}/{repository}" if place.prefix else repository
    return ImageName(path, order.inputs[:20], place.host)
