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


def judge(
    name: str,
    nodes: Look[Sequence[Node]],
    without: Look[Sequence[str]],
    sights: Look[Sequence[Sight]],
    consul: Look[Agent],
    members: Look[Sequence[str]],
    services: Look[Sequence[str]],
    using: Sequence[str],
) -> Check:
    """Whether the nodes see Consul, and ours.

    `without`: ids of nodes that see none; `sights`: of some nodes that do; `members`: names of
    Consul's agents; `services`: the names in its catalog; `using`: jobs that have services.
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
    advice = "look at the `consul` block of Nomad's agents and at the Consul agent on those nodes"
    if len(unsighted) == len(ready):
        used = f": {', '.join(using)} cannot be placed" if using else ""
        return Check(
            name, "failed", f"no node of Nomad sees a Consul{used}",
            (f"without Consul: {names(unsighted)}",), advice=advice,
        )  # fmt: skip
    strange = _strangers(sights.get(()), consul, members)
    if strange:
        return Check(
            name, "failed", "Nomad's nodes see another Consul than the one that we ask", strange,
            advice="name the Consul of that cluster: CONSUL_HTTP_ADDR, or `consul` of the "
            "environment",
        )  # fmt: skip
    said = []
    if unsighted:
        said.append(f"jobs with services cannot run on {names(unsighted)}: no Consul there")
    if services.seen and not {"nomad", "nomad-client"} & set(services.get(())):
        said.append("Nomad's own agents are not in Consul's catalog (auto_advertise)")
    known = [each.consul_name for each in sights.get(())]
    seeing = len(ready) - len(unsighted)
    summary = f"{seeing} of {len(ready)} ready nodes {'sees' if seeing == 1 else 'see'} Consul"
    if not sights.seen or not consul.seen or not members.seen:
        look = next(each for each in (sights, consul, members) if not each.seen)
        said.append(unseen("whether it is the Consul that we ask", look))
    elif known and members.get(()):
        summary += f", the one that we ask (agent {', '.join(sorted(set(known)))})"
    return Check(name, "passed", summary, notes=tuple(said))


def _strangers(
    sights: Sequence[Sight], consul: Look[Agent], members: Look[Sequence[str]]
) -> tuple[str, ...]:
    found = []
    for each in sights:
        ours = consul.value.datacenter if consul.value is not None else ""
        if ours and each.datacenter and each.datacenter != ours:
            found.append(f"{each.node} sees datacenter {each.datacenter}, we ask {ours}")
        # An empty list is what a token without rights is shown.
        elif each.consul_name and members.get(()) and each.consul_name not in members.get(()):
            found.append(f"{each.node} sees agent {each.consul_name}, which our Consul lacks")
    return tuple(found)


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
