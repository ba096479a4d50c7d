"""A job's services as Consul has them, read once; what cannot be seen is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from toolkit.errors import ApiError, DeniedError
from toolkit.rollout import read
from toolkit.rollout.world import World
from toolkit.spec.observed import ConsulInstance


@dataclass(frozen=True, slots=True)
class ConsulSide:
    """Instances by service name."""

    instances: dict[str, tuple[ConsulInstance, ...]] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    blind: str | None = None
    """Why it cannot be judged: Consul does not answer, or the token may not read."""
    denied: bool = False
    """True when it is the token: looking again shows nothing more."""

    def everything(self) -> list[ConsulInstance]:
        """All instances of all services."""
        return [item for found in self.instances.values() for item in found]


def look(world: World, names: Iterable[str]) -> ConsulSide:
    """Read every named service; never raises for a Consul that does not answer."""
    instances: dict[str, tuple[ConsulInstance, ...]] = {}
    indexes: dict[str, int] = {}
    for name in dict.fromkeys(names):
        if "${" in name:
            blind = f"the name of service {name} is only known on its node"
            return ConsulSide(instances, indexes, blind=blind, denied=True)
        try:
            page = world.consul.service(name)
        except ApiError as exc:
            denied = isinstance(exc, DeniedError)
            return ConsulSide(instances, indexes, blind=exc.message, denied=denied)
        instances[name] = read.consul_instances(name, page.value or [])
        indexes[name] = page.index
        if page.filtered:
            blind = f"the Consul token may not read all of service {name}"
            return ConsulSide(instances, indexes, blind=blind, denied=True)
    return ConsulSide(instances, indexes)
