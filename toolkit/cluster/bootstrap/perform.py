"""Do the steps: each until it holds, all within a deadline, again as often as anybody likes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.cluster.bootstrap.steps import (
    SIGNING_KEYS,
    ConsulBinding,
    ConsulObject,
    ConsulToken,
    HasLeader,
    Management,
    NomadRights,
    NomadVariable,
    Step,
    steps,
)
from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    InvalidRequestError,
    RefusedError,
    ServerError,
    UnreachableError,
)
from toolkit.spec.cluster import Cluster
from toolkit.spec.target import Secret

PAUSE = 0.1
"""Seconds between two questions to servers that are starting: they offer nothing to block on."""
GRACE = 15.0
"""Seconds that a server may deny: one that follows learns of a token a little later than the
leader, and a token that is wrong stays wrong."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """One step that holds."""

    step: str
    changed: bool
    """False: it was so already."""


@dataclass(frozen=True)
class Patience:
    """How long all steps together may take."""

    seconds: float = 300.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def bootstrap(
    cluster: Cluster,
    secrets: Mapping[str, Secret],
    consul: Consul,
    nomad: Nomad,
    *,
    patience: Patience | None = None,
    signing_keys: str = SIGNING_KEYS,
    say: Callable[[Done], None] = lambda _done: None,
) -> tuple[Done, ...]:
    """Let Consul and Nomad of new servers know everybody whose secret is in the store.

    `consul` and `nomad` come with the management tokens of the store, which need not be known there
    yet; `signing_keys` is where Consul's servers find Nomad's. Interrupted anywhere it goes on when
    called again; where all holds it changes nothing.

    RefusedError where the servers know other tokens than the store; ApiError at the deadline.
    """
    todo = steps(cluster, secrets, signing_keys=signing_keys)
    return persist(todo, consul, nomad, patience=patience, say=say)


def persist(
    todo: Iterable[Step],
    consul: Consul,
    nomad: Nomad,
    *,
    patience: Patience | None = None,
    say: Callable[[Done], None] = lambda _done: None,
) -> tuple[Done, ...]:
    """Do steps in their order, each until it holds; errors as of `bootstrap`."""
    patience = patience or Patience()
    began = patience.clock()
    done = []
    for step in todo:
        done.append(Done(str(step), _persist(step, consul, nomad, patience, began)))
        say(done[-1])
    return tuple(done)


def _persist(step: Step, consul: Consul, nomad: Nomad, patience: Patience, began: float) -> bool:
    """Do one step until it holds; True when that changed something."""
    denied: float | None = None
    while True:
        try:
            changed = perform(step, consul, nomad)
        except DeniedError as exc:
            denied = patience.clock() if denied is None else denied
            if patience.clock() - denied >= GRACE:
                raise RefusedError(
                    f"{step}: {exc.message}",
                    hint="its servers were set up with other tokens than those in the store:"
                    " they are another cluster's, or the store is",
                ) from exc
            last: ApiError = exc
        except (UnreachableError, ServerError, ConflictError) as exc:
            # No listener, no leader, a reply that was lost, or somebody does the same right now.
            last = exc
        else:
            if changed is not None:
                return changed
            system = step.system if isinstance(step, HasLeader) else "Consul"
            last = ServerError(f"{system} has no leader", system=system)
        if patience.clock() - began >= patience.seconds:
            raise type(last)(
                f"not within {patience.seconds:.0f} s: {step} ({last.message})",
                system=last.system,
                address=last.address,
                status=last.status,
                hint="do it again: it goes on where it was; the servers' logs say what keeps them",
            ) from last
        patience.sleep(PAUSE)


def perform(step: Step, consul: Consul, nomad: Nomad) -> bool | None:
    """Do one step once: whether it changed something, or None when it does not hold yet."""
    match step:
        case HasLeader(system):
            leader = consul.leader() if system == "Consul" else nomad.leader()
            return False if leader else None
        case Management("Consul", secret):
            return _managed(consul, secret)
        case Management(_, secret):
            return _managed(nomad, secret)
        case ConsulObject():
            return _object(step, consul)
        case ConsulToken():
            return _token(step, consul)
        case ConsulBinding(body):
            if any(_is_as(rule, body) for rule in consul.binding_rules(body["AuthMethod"])):
                return False
            consul.put_acl_object("binding-rule", dict(body))
            return True
        case NomadVariable():
            return _variable(step, nomad)
        case NomadRights(rights):
            there = nomad.acl_policy(rights.name)
            job = {"Namespace": nomad.namespace, "JobID": rights.job}
            if there and there["Rules"] == rights.rules and _is_as(there.get("JobACL") or {}, job):
                return False
            nomad.put_acl_policy(
                rights.name, rights.rules, description="made by toolkit", job=rights.job
            )
            return True


def _managed(client: Consul | Nomad, secret: Secret) -> bool:
    try:
        client.bootstrap_acl(secret.reveal())
    except ConflictError:
        # Done before, or by a request whose reply was lost: the token says whether it is the one.
        client.token_self()
        return False
    return True


def _object(step: ConsulObject, consul: Consul) -> bool:
    there = consul.acl_object(step.kind, step.name)
    if there is None:
        _make(consul, step.kind, step.body)
        return True
    if _is_as(there, step.body) and not _ends_tokens(there):
        return False
    id_of = there["Name"] if step.kind == "auth-method" else there["ID"]
    consul.put_acl_object(step.kind, dict(step.body), id=str(id_of))
    return True


def _token(step: ConsulToken, consul: Consul) -> bool:
    there = consul.acl_token(step.accessor, step.secret)
    if there is None:
        _make(consul, "token", {**step.body, "SecretID": step.secret.reveal()})
        return True
    token, same = there
    if not same:
        raise RefusedError(
            f"the token {step.name} in Consul is not the one in the store",
            hint="the store is another cluster's, or was emptied since: machines that start now"
            " would not be let in",
        )
    if _is_as(token, step.body):
        return False
    consul.put_acl_object("token", dict(step.body), id=step.accessor)
    return True


def _make(consul: Consul, kind: Any, body: Mapping[str, Any]) -> None:
    try:
        consul.put_acl_object(kind, dict(body))
    except (InvalidRequestError, ServerError) as exc:
        # "Already": somebody else was faster, or our lost request was. The next look decides.
        raise ConflictError(exc.message, system=exc.system, address=exc.address) from exc


def _variable(step: NomadVariable, nomad: Nomad) -> bool:
    there = nomad.variable(step.path) or {}
    items: dict[str, str] = there.get("Items") or {}
    if items.get(step.key) == step.value.reveal():
        return False
    index = int(there.get("ModifyIndex") or 0)
    nomad.put_variable(step.path, {**items, step.key: step.value.reveal()}, check_index=index)
    return True


def _is_as(there: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is there; Consul adds ids and indexes to what it keeps."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            key in there and _is_as(there[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(there, list)
            and len(there) == len(wanted)
            and all(_is_as(*pair) for pair in zip(there, wanted, strict=True))
        )
    return bool(there == wanted)


def _ends_tokens(method: Json) -> bool:
    """Whether tokens got by this auth method end by themselves."""
    return method.get("MaxTokenTTL", "0s") not in {"0s", "", 0, None}
