"""The chain that proves a deploy: allocation -> Consul instance -> Traefik server -> release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LinkName = Literal["nomad", "consul", "traefik", "release", "edge"]
LinkState = Literal["holds", "broken", "unseen", "absent"]
"""`unseen`: it could not be looked at; `absent`: the job has no such link."""

Stray = Literal["old", "stale", "foreign", "unseen", "dead"]
"""`dead`: left of a machine that is gone; nobody is sent there, so no link breaks by it."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link over all instances, in the order of the chain."""

    name: LinkName
    state: LinkState
    detail: str
    """`2 of 2 passing`, `no route in the job`, `cannot see: the token may not read services`."""


@dataclass(frozen=True, slots=True)
class InstanceChain:
    """One instance's own way along the chain."""

    allocation: str
    node: str
    group: str
    nomad: str
    """`running`, `healthy`, …"""
    consul: str
    """`passing`, `critical`, `missing`, `unseen`, `-`."""
    traefik: str
    """`up`, `down`, `missing`, `unseen`, `-`."""
    serves: str
    """The release that it answered, `not asked`, `unseen`, or `-`."""
    address: str = ""
    """`host:port`; empty when it has none."""
    version: int | None = None
    """Its job version; None where nobody looked."""
    leaving: bool = False
    """Nomad wants it gone, and it still is there."""


@dataclass(frozen=True, slots=True)
class Extra:
    """Something in Consul or Traefik that should not be there."""

    where: Literal["consul", "traefik"]
    kind: Stray
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The whole chain, looked at once."""

    links: tuple[Link, ...]
    instances: tuple[InstanceChain, ...]
    extras: tuple[Extra, ...] = ()
    expected: int = 0
    """Instances that should run."""
    release: str | None = None
    """The release asked for."""
    rolling: bool = False
    """Looked at during a rollout: what is not there yet is no fault, and the old ones no extras."""

    @property
    def holds(self) -> bool:
        """True when every link that the job has was seen and holds."""
        return all(link.state in {"holds", "absent"} for link in self.links)

    @property
    def first_broken(self) -> Link | None:
        """The first link that was seen to be broken."""
        return next((link for link in self.links if link.state == "broken"), None)

    @property
    def first_unseen(self) -> Link | None:
        """The first link that could not be looked at."""
        return next((link for link in self.links if link.state == "unseen"), None)

    @property
    def verified(self) -> int:
        """Instances whose every link holds."""
        good = {"passing", "up", "-", "not asked", "running", "healthy"}
        return sum(
            1
            for chain in self.instances
            if {chain.nomad, chain.consul, chain.traefik} <= good
            and (chain.serves in good or self.release is None or chain.serves == self.release)
        )
