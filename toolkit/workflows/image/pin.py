"""A release's image by what its tag stands for now: what is registered can then not be moved."""

from __future__ import annotations

from contextlib import closing

from toolkit.clients.registries import Open, open_registry
from toolkit.config.image import image_name, with_image
from toolkit.errors import NotFoundError
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.target import Target


def pinned(spec: JobSpec, target: Target, *, opened: Open = open_registry) -> JobSpec:
    """The job with its image at the environment's registry, by the digest that the tag has there.

    NotFoundError where the tag is not there.
    """
    if target.registry is None or (image := image_name(spec, target.registry)) is None:
        return spec
    with closing(opened(target.registry)) as registry:
        found = registry.find(image)
    if found is None:
        raise NotFoundError(
            f"there is no image {image}, so release {image.tag} of {spec.name} cannot run; nothing "
            "was changed",
            system="the registry",
            hint=f"toolkit image push {spec.name} --release {image.tag} -e {target.environment}",
        )
    return with_image(spec, image.at(found.digest))
