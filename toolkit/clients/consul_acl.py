"""Consul: what may be done, by whom, and who decides together."""

from __future__ import annotations

import hmac
import json
from typing import Any, Literal, cast
from urllib.parse import quote

from consul.base import CB

from toolkit.clients.consul_wire import Transport
from toolkit.clients.texts import NO_SUCH_TOKEN
from toolkit.errors import DeniedError, NotFoundError
from toolkit.spec.target import Secret

Json = dict[str, Any]
AclKind = Literal["policy", "role", "auth-method", "token", "binding-rule"]

_BY_NAME = {"policy": "policy/name", "role": "role/name", "auth-method": "auth-method"}


class ConsulAcl:
    """Calls of whoever sets a cluster up; the client itself brings the connection."""

    _transport: Transport

    def _get(self, path: str, kind: type[Any]) -> Any:
        raise NotImplementedError

    def _read(self, ask: Any, kind: type[Any]) -> Any:
        raise NotImplementedError

    def _written(self, ask: Any) -> Json:
        raise NotImplementedError

    def acl_object(self, kind: Literal["policy", "role", "auth-method"], name: str) -> Json | None:
        """A policy, role or way to log in with all it says, or None."""
        try:
            return cast(Json, self._get(f"/v1/acl/{_BY_NAME[kind]}/{quote(name, safe='')}", dict))
        except NotFoundError:
            return None

    def put_acl_object(self, kind: AclKind, body: Json, *, id: str = "") -> Json:  # noqa: A002
        """Make one, or with `id` (of a way to log in its name) let it be as `body` says.

        The answer to a token holds its secret: it is left out.
        """
        path = f"/v1/acl/{kind}" + (f"/{quote(id, safe='')}" if id else "")
        data = json.dumps(body)
        answer = self._written(lambda: self._transport.put(CB.json(), path, data=data))
        answer.pop("SecretID", None)
        return answer

    def acl_token(self, accessor: str, secret: Secret) -> tuple[Json, bool] | None:
        """A token without its secret, and whether that is `secret`; None where there is none."""
        try:
            token = cast(Json, self._get(f"/v1/acl/token/{quote(accessor, safe='')}", dict))
        except DeniedError as exc:
            if NO_SUCH_TOKEN.search(exc.message):
                return None
            raise
        said = str(token.pop("SecretID", ""))
        return token, hmac.compare_digest(said.encode(), secret.reveal().encode())

    def binding_rules(self, method: str) -> list[Json]:
        """What those get who log in this way."""
        path, params = "/v1/acl/binding-rules", [("authmethod", method)]
        found = self._read(lambda: self._transport.get(CB.json(), path, params), list)
        return cast(list[Json], found)

    def raft_servers(self) -> list[Json]:
        """The servers that decide together, as their leader has them; each has `ID` and `Voter`."""
        answer = self._get("/v1/operator/raft/configuration", dict)
        return cast(list[Json], answer.get("Servers") or [])
