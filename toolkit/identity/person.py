"""An ACL token's holder, as Nomad itself describes it when it is asked with that very token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toolkit.clients.nomad_identity import NOBODY, NomadIdentity
from toolkit.errors import ApiError, DeniedError
from toolkit.identity.asking import Asker
from toolkit.identity.failures import Failures
from toolkit.identity.header import is_uuid
from toolkit.identity.limits import Limits
from toolkit.identity.reasons import refusal
from toolkit.identity.remembered import Remembered
from toolkit.spec.identity import Person
from toolkit.spec.target import Secret

_WELL_KNOWN_SECONDS = 3_600.0
"""Who was let in within this time is not stopped by the failures of others."""


class Persons:
    """Looks up holders of ACL tokens; for many threads.

    Nothing is believed when Nomad does not answer: a token that was revoked must not live on.
    """

    def __init__(self, asker: Asker, limits: Limits, clock: Callable[[], float]) -> None:
        self._asker = asker
        self._limits = limits
        self._failures = Failures(limits, clock)
        self._known: Remembered[Person] = Remembered(limits.remembered, clock)
        self._refused: Remembered[str] = Remembered(limits.remembered, clock)
        self._salt = secrets.token_bytes(32)

    def person(self, token: Secret, source: str) -> Person:
        """Who holds the token.

        Raises IdentityError `unknown-token`, `anonymous`, `acls-disabled` or `too-many`, or an
        ApiError when Nomad does not answer.
        """
        # What is kept can be used for nothing, not even by who reads our memory later.
        key = hmac.digest(self._salt, token.reveal().encode(), hashlib.sha256)
        known = self._known.get(key, self._limits.person)
        if known is not None:
            return known
        refused = self._refused.get(key, self._limits.refused)
        if refused is not None:
            raise refusal(refused)
        counted = self._known.get(key, _WELL_KNOWN_SECONDS) is None
        if counted:
            self._failures.take(source)
        try:
            found = self._asker.ask(lambda nomad: _look(nomad, token))
        except ApiError:
            if counted:
                self._failures.give_back(source)
            raise
        if isinstance(found, str):
            self._known.forget(key)
            self._refused.put(key, found)
            raise refusal(found)
        if counted:
            self._failures.give_back(source)
        self._known.put(key, found)
        return found


def _look(nomad: NomadIdentity, token: Secret) -> Person | str:
    """The holder of the token, or the reason for which there is none."""
    said = nomad.token_of(token)
    if said is None:
        return "unknown-token"
    accessor = said.get("AccessorID")
    if accessor in NOBODY:
        return str(accessor)
    if not isinstance(accessor, str) or not is_uuid(accessor):
        return "unknown-token"
    try:
        of_roles = nomad.policies_of(token) if said.get("Roles") else frozenset()
    except DeniedError:
        # Revoked between the two calls.
        return "unknown-token"
    return read_token(said, of_roles)


def read_token(said: Mapping[str, Any], of_roles: frozenset[str]) -> Person:
    """A token as Nomad describes it -> its holder; `of_roles`: what its roles add."""
    roles = [role.get("Name") for role in said.get("Roles") or () if isinstance(role, dict)]
    return Person(
        accessor=str(said["AccessorID"]),
        name=str(said.get("Name") or ""),
        policies=_names(said.get("Policies") or ()) | of_roles,
        roles=_names(roles),
        management=said.get("Type") == "management",
    )


def _names(found: Iterable[object]) -> frozenset[str]:
    """What is no name must not become the name of something that a policy grants to."""
    return frozenset(name for name in found if isinstance(name, str) and name)
