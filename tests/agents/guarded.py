"""A project whose agents ask for tokens, and tokens of every strength."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.agents.shop import Shop


@dataclass
class Guarded(Shop):
    """A project whose agents ask for tokens; what is looked at is looked at with their own."""

    given: dict[str, str] = field(default_factory=dict)

    def nomad(self, path: str, body: Any = None, method: str | None = None) -> Any:
        state = self.cluster.state
        return ask(state.nomad_address + path, body, method, "X-Nomad-Token", state.nomad_token)

    def consul(self, path: str, body: Any = None, method: str | None = None) -> Any:
        state = self.cluster.state
        return ask(state.consul_address + path, body, method, "X-Consul-Token", state.consul_token)

    def environ(self) -> dict[str, str]:
        return {**super().environ(), **self.given}

    def nomad_token(self, rules: str) -> dict[str, Any]:
        """A new client token with a policy of its own."""
        name = f"policy-{uuid.uuid4()}"
        self.nomad(f"/v1/acl/policy/{name}", {"Name": name, "Rules": rules}, "POST")
        body = {"Name": name, "Type": "client", "Policies": [name]}
        token = self.nomad("/v1/acl/token", body, "POST")
        assert isinstance(token, dict)
        return token

    def consul_token(self, rules: str) -> str:
        """The secret of a new token with a policy of its own."""
        name = f"policy-{uuid.uuid4()}"
        self.consul("/v1/acl/policy", {"Name": name, "Rules": rules})
        return str(self.consul("/v1/acl/token", {"Policies": [{"Name": name}]})["SecretID"])

    def as_nobody(self) -> None:
        """The environment's own tokens are not used: it is an address like any other's."""
        state = self.cluster.state
        (self.root / "toolkit.toml").write_text(
            f'[environments.dev]\nnomad = "{state.nomad_address}"\n'
            f'consul = "{state.consul_address}"\ndriver = "raw_exec"\n'
        )


def ask(url: str, body: Any, method: str | None, header: str, token: str) -> Any:
    """One request with a token; None for 404."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {header: token}, method=method or ("PUT" if data else "GET")
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return None
            raise AssertionError(f"{url}: {error.code} {error.read()!r}") from error
    return json.loads(text) if text.strip() else None
