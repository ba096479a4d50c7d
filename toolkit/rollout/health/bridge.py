"""Does Nomad see the Consul that we see, and may its services register there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.rollout.health.facts import Agent, Node
from toolkit.rollout.health.look import Look, blind, unseen
from toolkit.rollout.health.nodes import names
from toolkit.spec.doctor import Check


@dataclass(frozen=True, slots=True)
class Sight:
    """What one node's fingerprint says of Consul."""

    node: str
    consul_name: str
    """The Consul agent's node name."""
    datacenter: str
    address: str
    """`host:port` of the node's own API, under which it registers itself."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The Consul that we ask."""

    agent: Look[Agent]
    names: Look[Sequence[str]]
    """Node names of its agents."""
    nomad_clients: Look[Sequence[str]]
    """`host:port` of Nomad's clients in its catalog; empty when ours do not register."""


def judge(
    name: str,
    nodes: Look[Sequence[Node]],
    without: Look[Sequence[str]],
    sights: Look[Sequence[Sight]],
    ours: Ours,
    using: Sequence[str],
) -> Check:
    """Whether the nodes see Consul, and ours.

    `without`: ids of nodes that see none; `sights`: of some nodes that do; `using`: jobs that have
    services.
    """
    if (missing := blind(name, "how Nomad's nodes see Consul", nodes, without)) is not None:
        return missing
    ready = [each for each in nodes.get(()) if each.status == "ready"]
    if not ready:
        return Check(
            name, "could not tell", "no node is ready to say what it sees of Consul",
            advice="see the check nomad-clients",
        )  # fmt: skip
    unsighted = [each for each in ready if each.id in set(without.get(()))]
    if len(unsighted) == len(ready):
        used = f": {', '.join(using)} cannot be placed" if using else ""
        return Check(
            name, "failed", f"no node of Nomad sees a Consul{used}",
            (f"without Consul: {names(unsighted)}",),
            advice="look at the `consul` block of Nomad's agents, and at the Consul agents there",
        )  # fmt: skip
    strange = [text for each in sights.get(()) if (text := _stranger(each, ours))]
    if strange:
        return Check(
            name, "failed", "Nomad's nodes see another Consul than the one that we ask",
            tuple(strange),
            advice="name the Consul of that cluster: CONSUL_HTTP_ADDR, or `consul` of the "
            "environment",
        )  # fmt: skip
    notes = []
    if unsighted:
        notes.append(f"jobs with services cannot run on {names(unsighted)}: no Consul there")
    summary = f"seen by {len(ready) - len(unsighted)} of {len(ready)} ready nodes"
    blind_to = [look for look in (sights, ours.agent, ours.nomad_clients) if not look.seen]
    if blind_to:
        return Check(
            name, "could not tell",
            f"a Consul is {summary}; whether it is the one that we ask: {blind_to[0].problem}",
            notes=tuple(notes), advice=blind_to[0].hint,
        )  # fmt: skip
    if not ours.nomad_clients.value:
        notes.append("Nomad's clients are not in Consul's catalog (auto_advertise is off?)")
    if not ours.names.seen:
        notes.append(unseen("Consul's agents", ours.names))
    return Check(name, "passed", f"the Consul that we ask is {summary}", notes=tuple(notes))


def _stranger(sight: Sight, ours: Ours) -> str | None:
    """How a node's Consul differs from ours; None when nothing says so."""
    agent = ours.agent.value
    if agent is not None and sight.datacenter and sight.datacenter != agent.datacenter:
        return f"{sight.node} sees datacenter {sight.datacenter}, we ask {agent.datacenter}"
    # An empty list is what a token without rights is shown.
    known = ours.names.get(())
    if sight.consul_name and known and sight.consul_name not in known:
        return f"{sight.node} sees agent {sight.consul_name}, which our Consul does not have"
    clients = ours.nomad_clients.get(())
    if sight.address and clients and sight.address not in clients:
        return f"{sight.node} ({sight.address}) is not among our Consul's Nomad clients"
    return None


def judge_identity(
    name: str,
    keys: Look[int],
    nomad: Look[Agent],
    consul_acl: Look[bool],
    methods: Look[Sequence[str]],
    using: Sequence[str],
) -> Check:
    """Whether workloads get identities, and whether services may register with them.

    `keys`: how many keys Nomad publishes; `consul_acl`: whether Consul asks for tokens; `methods`:
    its ways to log in.
    """
    if keys.value is None:
        return blind(name, "the keys of Nomad's identities", keys) or Check(
            name, "could not tell", "Nomad's keys were not seen"
        )
    published = f"Nomad publishes {keys.value} signing key" + ("" if keys.value == 1 else "s")
    if not keys.value:
        return Check(
            name, "failed", "Nomad publishes no signing key: no workload gets an identity",
            advice="look at the servers' logs for the keyring, then `nomad operator root keyring "
            "list`",
        )  # fmt: skip
    if not consul_acl.seen:
        return Check(
            name, "could not tell",
            f"{published}; whether Consul asks for tokens: {consul_acl.problem}",
            advice=consul_acl.hint,
        )  # fmt: skip
    if not consul_acl.value:
        return Check(name, "passed", f"{published}; Consul asks for no tokens")
    agent = nomad.value
    if agent is None:
        return Check(
            name, "could not tell",
            f"{published}; how services get a Consul token: {nomad.problem}", advice=nomad.hint,
        )  # fmt: skip
    return _with_acl(name, published, agent, methods, using)


def _with_acl(
    name: str, published: str, agent: Agent, methods: Look[Sequence[str]], using: Sequence[str]
) -> Check:
    setup = "run `nomad setup consul`, which writes Consul's auth method and shows the agents' part"
    if agent.service_identity and agent.auth_method in methods.get(()):
        return Check(
            name, "passed",
            f"{published}; services log in to Consul with {agent.auth_method}",
        )  # fmt: skip
    if agent.service_identity and methods.seen:
        return Check(
            name, "failed",
            f"Nomad gives services an identity, and Consul has no auth method {agent.auth_method}",
            tuple(f"Consul's methods: {each}" for each in [", ".join(methods.get(())) or "none"]),
            advice=setup,
        )  # fmt: skip
    if agent.service_identity:
        return Check(
            name, "could not tell",
            f"{published}; whether Consul accepts them: {methods.problem}", advice=methods.hint,
        )  # fmt: skip
    if agent.consul_token:
        return Check(
            name, "passed", f"{published}; services register with the Nomad agent's own token",
            notes=("tasks get no Consul identity of their own (no service_identity)",),
        )  # fmt: skip
    if not agent.server:
        return Check(
            name, "could not tell",
            f"{published}; the agent that answers is no server, and does not know how services "
            "register",
            advice="ask a server's address",
        )  # fmt: skip
    used = f": {', '.join(using)} cannot register" if using else ""
    return Check(
        name, "failed",
        f"Consul asks for tokens, and Nomad has neither an identity for services nor a token{used}",
        advice=setup,
    )  # fmt: skip
