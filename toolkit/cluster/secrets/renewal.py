"""Certificates that are due, and an authority that gives way to the next.

An authority changes in three steps, each for all machines to follow before the next: they trust
both, they are certified by the new one, they trust the new one only. At every moment each machine's
certificate is signed by somebody whom every other machine trusts, or has just been trusting.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from toolkit.cluster import pki
from toolkit.cluster.secrets.making import authority, authority_name, leaves, must_have
from toolkit.cluster.secrets.needed import AUTHORITY, AUTHORITY_KEY
from toolkit.cluster.secrets.store import Store
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster
from toolkit.spec.target import Secret

NEXT_KEY = "ca/next/key"
NEXT = "ca/next/cert"
TRUSTED = ("server/tls/ca", "worker/tls/ca")

Step = Literal["trust", "certify", "distrust"]


def issue_certificates(
    store: Store, cluster: Cluster, now: datetime, *, days: int = pki.LEAF_DAYS
) -> tuple[str, ...]:
    """Renew the machines' certificates that are due, or not what the cluster file asks for.

    Returns the names of those made. Machines read them by themselves (`refresh`).
    """
    if store.get(NEXT) is not None:
        raise RefusedError(
            "the cluster's authority is being replaced",
            hint="finish that first: it renews every certificate",
        )
    signer = authority(store)
    made = []
    for name, leaf in leaves(cluster).items():
        there = store.get(name)
        if there is None or not _serves(there.reveal(), leaf, signer.certificate, now):
            store.replace(name, pki.issue(signer, leaf, now, days=days))
            made.append(name)
    return tuple(made)


def next_authority_step(store: Store, cluster: Cluster, now: datetime) -> Step:
    """Take the next of the three steps to a new authority, and say which it was.

    Doing one again after a kill is the same as once. The caller lets the machines follow between
    two steps: nothing here knows whether they have. After `trust` and `distrust` it bootstraps
    again: Consul keeps the authority by which it believes Nomad's signing keys.
    """
    key, upcoming = store.get(NEXT_KEY), store.get(NEXT)
    if key is None and upcoming is not None:
        # Killed at the very end of the last step.
        store.remove(NEXT)
        return "distrust"
    if key is None or upcoming is None:
        key, upcoming = _begin(store, cluster, key, now)
    old, new = must_have(store, AUTHORITY).reveal(), upcoming.reveal()
    if old != new and not _are_certified(store, cluster, new, now):
        both = pki.bundle(new, old)
        if not _trust_already(store, both):
            _trust(store, both)
            return "trust"
        signer = pki.Authority(new, key)
        for name, leaf in leaves(cluster).items():
            store.replace(name, pki.issue(signer, leaf, now))
        return "certify"
    store.replace(AUTHORITY_KEY, key)
    store.replace(AUTHORITY, upcoming)
    _trust(store, new)
    store.remove(NEXT_KEY)
    store.remove(NEXT)
    return "distrust"


def _begin(
    store: Store, cluster: Cluster, key: Secret | None, now: datetime
) -> tuple[Secret, Secret]:
    """Make the next authority and keep it; TakenError where somebody else does so right now."""
    if key is None:
        key = pki.make_key()
        store.put_new(NEXT_KEY, key)
    made = Secret(pki.make_authority(authority_name(cluster), key, now).certificate)
    store.put_new(NEXT, made)
    return key, made


def _trust_already(store: Store, certificates: str) -> bool:
    found = [store.get(name) for name in TRUSTED]
    return all(each is not None and each.reveal() == certificates for each in found)


def _trust(store: Store, certificates: str) -> None:
    for name in TRUSTED:
        store.replace(name, Secret(certificates))


def _are_certified(store: Store, cluster: Cluster, by: str, now: datetime) -> bool:
    """Whether every machine's certificate is the authority's."""
    found = [store.get(name) for name in leaves(cluster)]
    return all(each is not None and pki.is_signed_by(by, each.reveal(), now) for each in found)


def _serves(pem: str, leaf: pki.Leaf, signer: str, now: datetime) -> bool:
    said = pki.facts(pem)[0]
    wanted = {*leaf.names, *leaf.addresses}
    return wanted == set(said.names) and not said.is_due(now) and pki.is_signed_by(signer, pem, now)
