"""Nomad: who holds a token, and with which keys it signs those of workloads."""

from __future__ import annotations

import hmac
from typing import Any, cast

from toolkit.clients.errors_map import garbled
from toolkit.clients.nomad_wire import NomadWire
from toolkit.clients.session import plain_timeout
from toolkit.clients.texts import AT_THE_SOCKET
from toolkit.errors import DeniedError, NotFoundError, ServerError
from toolkit.spec.target import Secret

Json = dict[str, Any]

NOBODY = ("anonymous", "acls-disabled")
"""Accessors of the tokens that Nomad makes up for who has none."""

_SOON = plain_timeout(5.0)
"""Somebody waits to be let in: better no answer than a late one."""


class NomadIdentity(NomadWire):
    """Calls of a server that must know who asks it."""

    def signing_keys(self) -> list[Json]:
        """The public keys with which tokens of workloads are signed, as JSON Web Keys."""
        answer = self._json(".well-known", "jwks.json", timeout=_SOON)
        keys = answer.get("keys")
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return cast(list[Json], keys)

    def token_of(self, secret: Secret) -> Json | None:
        """What Nomad says of an ACL token, asked with that token alone; None when it knows none.

        The secret itself is left out. Without ACLs, or where it takes the token for none, Nomad
        answers with one of NOBODY.
        """
        try:
            token = self._json("acl", "token", "self", headers=_as(secret), timeout=_SOON)
        except (DeniedError, NotFoundError):
            return None
        except ServerError as exc:
            if not AT_THE_SOCKET.search(exc.message):
                raise
            # Is it the token? Where Nomad itself is the trouble, this says so.
            self.signing_keys()
            return None
        said = str(token.pop("SecretID", ""))
        if token.get("AccessorID") in NOBODY:
            return cast(Json, token)
        same = hmac.compare_digest(said.encode(), secret.reveal().encode())
        return cast(Json, token) if same else None

    def policies_of(self, secret: Secret) -> frozenset[str]:
        """Names of the policies that an ACL token has, by itself or by its roles."""
        found = self._json("acl", "policies", kind=list, headers=_as(secret), timeout=_SOON)
        return frozenset(policy["Name"] for policy in found if isinstance(policy.get("Name"), str))

    def whereabouts(self, id: str) -> Json | None:  # noqa: A002 - Nomad's own word
        """One allocation in full, or None where the client's own token can see none."""
        try:
            return cast(Json, self._json("allocation", id, has="ID", timeout=_SOON))
        except NotFoundError:
            return None


def _as(secret: Secret) -> dict[str, str]:
    return {"X-Nomad-Token": secret.reveal()}
