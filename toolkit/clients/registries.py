"""The client for an environment's registry, whichever kind it is."""

from __future__ import annotations

from collections.abc import Callable

from toolkit.clients.registry import HttpRegistry, Registry
from toolkit.spec.image import RegistryPlace

Open = Callable[[RegistryPlace], Registry]


def open_registry(place: RegistryPlace) -> Registry:
    """ECR by AWS's own API, any other by its own; nothing is called yet."""
    from toolkit.clients.aws.ecr import Ecr, owner_of

    owner = owner_of(place.host)
    return HttpRegistry(place) if owner is None else Ecr(place, owner)
