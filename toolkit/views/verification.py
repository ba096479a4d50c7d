"""The chain from allocation to served release, link by link and instance by instance."""

from __future__ import annotations

from typing import Any

from toolkit.spec.chain import Extra, InstanceChain, Link, Verification
from toolkit.views.text import hung, table, told

STATES = {"holds": "holds", "broken": "BROKEN", "unseen": "cannot see", "absent": "none"}


def lines(verification: Verification) -> list[str]:
    """The first broken link first, then every link, every instance, and what is extra.

    During a rollout no link is called broken: what it lacks is on its way.
    """
    result: list[str] = []
    troubled = verification.first_broken or verification.first_unseen
    if verification.rolling and troubled is not None and troubled.state == "broken":
        troubled = None
    states = STATES | {"broken": "not yet"} if verification.rolling else STATES
    if troubled is not None:
        state = states[troubled.state]
        detail = troubled.detail.removeprefix(f"{state}: ")
        result += told("link", f"{troubled.name} {state}: {detail}")
    rows = [["  " + link.name, states[link.state], link.detail] for link in verification.links]
    result += [line for row in hung(rows) for line in row]
    result += table([instance_cells(chain) for chain in verification.instances], indent=2)
    for extra in verification.extras:
        result += told("  extra", f"{extra.kind} in {extra.where}: {extra.what} ({extra.detail})")
    return result


def instance_cells(chain: InstanceChain) -> list[str]:
    """`0a1f3c52  node-1  running  Consul passing  Traefik up  serves 1.1.0`, as cells."""
    return [
        chain.allocation[:8],
        chain.node,
        chain.nomad,
        "" if chain.consul == "-" else f"Consul {chain.consul}",
        "" if chain.traefik == "-" else f"Traefik {chain.traefik}",
        serves(chain.serves),
    ]


def serves(word: str) -> str:
    """What the instance answered, as said in a sentence."""
    if word == "-":
        return ""
    if word == "not asked":
        return "release not asked"
    return "release unseen" if word == "unseen" else f"serves {word}"


def document(verification: Verification) -> dict[str, Any]:
    """The verification for programs."""
    return {
        "holds": verification.holds,
        "expected": verification.expected,
        "verified": verification.verified,
        "release": verification.release,
        "links": [_link(link) for link in verification.links],
        "instances": [instance_document(chain) for chain in verification.instances],
        "extras": [_extra(extra) for extra in verification.extras],
    }


def _link(link: Link) -> dict[str, str]:
    return {"name": link.name, "state": link.state, "detail": link.detail}


def _extra(extra: Extra) -> dict[str, str]:
    return {
        "where": extra.where,
        "kind": extra.kind,
        "what": extra.what,
        "detail": extra.detail,
    }


def instance_document(chain: InstanceChain) -> dict[str, Any]:
    """One instance's chain for programs."""
    return {
        "allocation": chain.allocation,
        "node": chain.node,
        "group": chain.group,
        "nomad": chain.nomad,
        "consul": chain.consul,
        "traefik": chain.traefik,
        "serves": chain.serves,
        "address": chain.address,
        "version": chain.version,
        "leaving": chain.leaving,
    }
