"""The client of Consul's HTTP API: only the calls that we use, through python-consul2.

Every method raises `ApiError` and nothing else, see `errors_map`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

from consul.base import CB, ConsulException

from toolkit.clients.consul_acl import ConsulAcl
from toolkit.clients.consul_wire import Parts, Transport
from toolkit.clients.errors_map import garbled, unhealthy
from toolkit.clients.page import Page, next_index
from toolkit.clients.patience import Patience
from toolkit.clients.session import LEAST_WAIT_SECONDS
from toolkit.errors import ServerError
from toolkit.spec.target import Endpoint

Json = dict[str, Any]


@dataclass(frozen=True)
class ServicePage(Page):
    """The instances of a service, as far as the token may see them."""

    filtered: bool = False
    """True: the token hid something; an instance that is not listed may still be there."""


class Consul(ConsulAcl):
    """One connection to one Consul; `clone()` it for another thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        datacenter: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        patience: Patience | None = None,
    ) -> None:
        """`datacenter`: another one than the agent's; `sleep` pauses before a read's retry.

        `patience`: how long an answer may take.
        """
        self.endpoint = endpoint
        self.datacenter = datacenter
        self._sleep = sleep
        self._patience = patience or Patience()
        self._transport = Transport(endpoint, sleep, self._patience)
        self._parts = Parts(self._transport, datacenter)
        self._sees: bool | None = None

    def __repr__(self) -> str:
        return f"Consul({self.endpoint.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def clone(self) -> Consul:
        """The same client with a connection of its own, for another thread."""
        return self.waiting(self._patience)

    def waiting(self, patience: Patience) -> Consul:
        """The same client with a connection and a patience of its own."""
        return Consul(
            self.endpoint, datacenter=self.datacenter, sleep=self._sleep, patience=patience
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def leader(self) -> str:
        """Address of the servers' leader; empty when there is none."""
        return cast(str, self._read(self._parts.status.leader, str))

    def agent_self(self) -> Json:
        """The answering agent's configuration and version."""
        answer = cast(Json, self._read(self._parts.agent.self, dict))
        if "Config" not in answer:
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return answer

    def peers(self) -> list[str]:
        """Addresses of the servers in the consensus."""
        return [str(peer) for peer in self._get("/v1/status/peers", list)]

    def members(self) -> list[Json]:
        """The agents as gossip sees them, as far as the token may see."""
        return cast(list[Json], self._get("/v1/agent/members", list))

    def autopilot_health(self) -> Json:
        """Whether the servers are healthy; of servers in trouble only that they are."""
        try:
            return cast(Json, self._get("/v1/operator/autopilot/health", dict))
        except ServerError as exc:
            return unhealthy(exc)

    def token_self(self) -> Json:
        """Who the token is; its secret is left out. InvalidRequestError when ACLs are off."""
        token = cast(Json, self._get("/v1/acl/token/self", dict))
        token.pop("SecretID", None)
        return token

    def auth_methods(self) -> list[str]:
        """Names of the ways to log in."""
        return [str(item.get("Name")) for item in self._get("/v1/acl/auth-methods", list)]

    def authorize(self, wanted: Sequence[tuple[str, str, str]]) -> list[bool]:
        """Whether the token may, for each resource, name and access: `("service", "web", "read")`.

        A question, though it is a POST: Consul's own web page asks it. InvalidRequestError when
        ACLs are off.
        """
        body = json.dumps(
            [{"Resource": kind, "Segment": name, "Access": right} for kind, name, right in wanted]
        )
        path, headers = "/v1/internal/acl/authorize", {"Content-Type": "application/json"}
        found = self._read(
            lambda: self._transport.post(CB.json(), path, data=body, headers=headers), list
        )
        return [bool(item["Allow"]) for item in found]

    def _get(self, path: str, kind: type[Any]) -> Any:
        return self._read(lambda: self._transport.get(CB.json(), path), kind)

    def services(self) -> dict[str, list[str]]:
        """Names of all services that the token may see, with their tags."""
        _index, services = self._read(self._parts.catalog.services, tuple)
        if not isinstance(services, dict):
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return cast(dict[str, list[str]], services)

    def service(self, name: str, *, index: int = 0, wait: float = 0.0) -> ServicePage:
        """The instances of a service with node and checks, whether they pass or not.

        With `index` it blocks until something is newer, or for `wait` seconds.
        """
        milliseconds = int(max(wait, LEAST_WAIT_SECONDS) * 1000)

        def ask() -> Any:
            return self._parts.health.service(
                name, index=index or None, wait=f"{milliseconds}ms" if index else None
            )

        answered, entries = self._read(ask, tuple)
        if not isinstance(entries, list):
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        try:
            found, changed = next_index(index, answered)
        except ValueError as exc:
            raise garbled(self.endpoint, "has no index", read=True).error from exc
        hidden = self._transport.headers.get("X-Consul-Results-Filtered-By-ACLs", "")
        filtered = hidden.lower() == "true" or (not entries and not self._sees_services())
        return ServicePage(found, entries, changed, filtered=filtered)

    def checks(self, *, index: int = 0, wait: float = 0.0) -> ServicePage:
        """Every check of every node and instance; blocks like `service`."""
        milliseconds = int(max(wait, LEAST_WAIT_SECONDS) * 1000)
        # The library's own call leaves the wait to the server while nothing is waited for.
        params = [("index", index), ("wait", f"{milliseconds}ms")] if index else []
        answered, found = self._read(
            lambda: self._transport.get(CB.json(index=True), "/v1/health/state/any", params), tuple
        )
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        try:
            following, changed = next_index(index, answered)
        except ValueError as exc:
            raise garbled(self.endpoint, "has no index", read=True).error from exc
        hidden = self._transport.headers.get("X-Consul-Results-Filtered-By-ACLs", "")
        # Each node has a check of its own: whoever sees none of them sees nothing.
        blind = not any(each.get("CheckID") == "serfHealth" for each in found)
        return ServicePage(following, found, changed, filtered=hidden.lower() == "true" or blind)

    def agent_checks(self, service_id: str) -> list[Json]:
        """The checks of one instance as the answering agent has them; empty elsewhere.

        They have output that the catalog gets minutes later.
        """
        params = [("filter", f"ServiceID == {json.dumps(service_id)}")]
        # The library's own call knows no filter.
        answer = self._read(
            lambda: self._transport.get(CB.json(), "/v1/agent/checks", params), dict
        )
        return [check for check in answer.values() if isinstance(check, dict)]

    def _sees_services(self) -> bool:
        """Whether "none" can be believed: Consul does not tell who comes without a token.

        Its servers always list themselves, so whoever does not see them sees nothing.
        """
        if self.endpoint.token:
            return True
        if self._sees is None:
            _index, servers = self._read(lambda: self._parts.health.service("consul"), tuple)
            self._sees = bool(servers)
        return self._sees

    def deregister(self, node: str, service_id: str) -> None:
        """Take an instance out of the catalog; an agent that has it puts it back."""
        self._parts.catalog.deregister(node, service_id=service_id)

    def deregister_local(self, service_id: str) -> None:
        """Take an instance out of the answering agent, and so out of the catalog."""
        self._parts.agent.service.deregister(service_id)

    def bootstrap_acl(self, secret: str) -> Json:
        """Make the first management token, with `secret` (a UUID) as its secret.

        ConflictError or DeniedError when that was done before.
        """
        body = json.dumps({"BootstrapSecret": secret})
        # The library's own call sends no body.
        return self._written(lambda: self._transport.put(CB.json(), "/v1/acl/bootstrap", data=body))

    def put_policy(self, name: str, rules: str, *, description: str = "") -> Json:
        """Make an ACL policy from HCL rules."""
        return self._written(
            lambda: self._parts.policy.create(name, description=description, rules=rules)
        )

    def put_token(
        self,
        *,
        description: str,
        policies: Sequence[str],
        secret: str | None = None,
    ) -> Json:
        """Make a token with the named policies; `SecretID` of the answer is the token itself."""
        payload: Json = {
            "Description": description,
            "Policies": [{"Name": policy} for policy in policies],
        }
        if secret is not None:
            payload["SecretID"] = secret
        return self._written(lambda: self._parts.tokens.create(payload))

    def _read(self, ask: Callable[[], Any], kind: type[Any]) -> Any:
        return self._checked(ask, kind, read=True)

    def _written(self, ask: Callable[[], Any]) -> Json:
        return cast(Json, self._checked(ask, dict, read=False))

    def _checked(self, ask: Callable[[], Any], kind: type[Any], *, read: bool) -> Any:
        """The library's answer; KeyError is how it says that the index header is missing."""
        try:
            answer = ask()
        except KeyError as exc:
            raise garbled(self.endpoint, "has no index", read=read).error from exc
        except ValueError as exc:
            raise garbled(self.endpoint, "is not JSON", read=read).error from exc
        except ConsulException as exc:
            raise garbled(self.endpoint, "is not Consul's", read=read).error from exc
        if not isinstance(answer, kind):
            raise garbled(self.endpoint, "is JSON of another kind", read=read).error
        return answer
