"""Walks through a rendered template and says whatever is not safe in it.

Each predicate is a function that yields sentences; one that cannot find what it looks for (no
launch template, say) says so too, so that a renamed resource is no silence.
"""

from __future__ import annotations

from tests.cluster.canary import sightings
from tests.cluster.templates import Rendered
from tests.cluster.walker_machines import boots, disks, hooks, kept, metadata, no_keys, slots
from tests.cluster.walker_network import (
    addresses,
    attributes,
    edge,
    hosts,
    plain_rules,
    sources,
    world,
)
from tests.cluster.walker_rights import actions, bounded, decrypts, queue, resources, trust, workers
from tests.cluster.walking import Finding, Predicate, launch_templates

LARGEST = 51_200


def literal(template: Rendered) -> Finding:
    """21: literals only, and small enough for the call."""
    for key in ("Parameters", "Outputs", "Conditions", "Transform", "Rules"):
        if key in template.document:
            yield f"the template has {key}"
    if "Fn::ImportValue" in template.body or '"Export"' in template.body:
        yield "the template depends on another one"
    if (size := len(template.body.encode())) > LARGEST:
        yield f"the template has {size} bytes"


def silent(*canaries: str) -> Predicate:
    """P4: no secret is anywhere in it, plain or encoded, nor in what machines make of it."""

    def predicate(template: Rendered) -> Finding:
        seen = {"the template": template.body.encode()}
        for name, data in launch_templates(template):
            if "UserData" in data:
                seen[name] = template.user_data(name).encode()
            try:
                seen[f"the script of {name}"] = template.script(seen[name].decode())
            except LookupError:
                continue  # a bastion has none; one that is missing is another predicate's
        for place, text in seen.items():
            for how in sightings(text, canaries):
                yield f"{place} has a secret, {how}"

    return predicate


PREDICATES: tuple[Predicate, ...] = (
    world, plain_rules, sources, metadata, disks, addresses, no_keys, kept, slots, hosts, actions,
    resources, workers, decrypts, trust, hooks, queue, edge, boots, literal, attributes,
)  # fmt: skip


def walk(template: Rendered, *, boundary: str = "", canaries: tuple[str, ...] = ()) -> list[str]:
    """All that is not safe, as `predicate: sentence`."""
    several = [*PREDICATES]
    several += [bounded(boundary)] if boundary else []
    several += [silent(*canaries)] if canaries else []
    return [f"{each.__name__}: {found}" for each in several for found in each(template)]
