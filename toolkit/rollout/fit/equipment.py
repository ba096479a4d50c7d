"""What a node must bring along: drivers, secret providers, devices; pure."""

from __future__ import annotations

from toolkit.rollout.fit.facts import ATTRIBUTES_UNREAD, NodeFacts
from toolkit.rollout.fit.room import YES
from toolkit.spec.fit import Cell

_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}


def driver_cell(driver: str, node: NodeFacts) -> Cell:
    """Detected and healthy."""
    if driver in node.drivers:
        detected, healthy, said = node.drivers[driver]
        if detected and healthy:
            return YES
        if not detected:
            return Cell("no", f"does not have driver {driver}", 1.0)
        why = f": {said}" if said else ""
        return Cell("no", f"driver {driver} is not healthy{why}", 0.95)
    if node.attributes is None:
        # Only clients of long ago say it by an attribute alone.
        return Cell("no", f"does not have driver {driver}", 1.0)
    if node.attributes.get(f"driver.{driver}") in _TRUE:
        return YES
    return Cell("no", f"does not have driver {driver}", 1.0)


def secrets_cell(provider: str, node: NodeFacts) -> Cell:
    """The plugin of a secrets provider."""
    if node.attributes is None:
        return Cell("unknown", f"secrets provider {provider}: {ATTRIBUTES_UNREAD}")
    if f"plugins.secrets.{provider}.version" in node.attributes:
        return YES
    return Cell("no", f"has no secrets provider {provider}", 1.0)


def device_cell(device: str, node: NodeFacts) -> Cell:
    """A device: without any of its kind certainly not; else only Nomad can tell."""
    if any(_is(device, found) for found in node.devices):
        return Cell("unknown", f"device {device}: which are free only Nomad knows")
    return Cell("no", f"has no healthy device {device}", 1.0)


def _is(wanted: str, found: str) -> bool:
    vendor, kind, name = found.split("/", 2)
    parts = wanted.split("/", 2)
    if len(parts) == 1:
        return parts[0] in {"", kind}
    asked = [*parts, ""][:3]
    pairs = zip(asked, (vendor, kind, name), strict=True)
    return all(mine in {"", theirs} for mine, theirs in pairs)
