"""Nomad: nodes, variables, tokens and the agent itself."""

from __future__ import annotations

from typing import Any, cast

from toolkit.clients.errors_map import garbled
from toolkit.clients.nomad_wire import NomadWire
from toolkit.errors import NotFoundError

Json = dict[str, Any]


class NomadState(NomadWire):
    """Calls about the cluster and what it stores."""

    def nodes(self, *, resources: bool = False, where: str | None = None) -> list[Json]:
        """Stubs of all client nodes, or of those for which the filter `where` holds.

        The filter sees the whole node, its attributes and meta included, which a stub is without.
        """
        params = {"resources": "true" if resources else None, "filter": where}
        return cast(list[Json], self._json("nodes", kind=list, params=params))

    def ready_nodes(self) -> int:
        """How many nodes are ready and take new work."""
        return sum(
            1
            for node in self.nodes()
            if node.get("Status") == "ready" and node.get("SchedulingEligibility") == "eligible"
        )

    def node(self, id: str) -> Json:  # noqa: A002 - Nomad's own word
        """One node in full."""
        return cast(Json, self._json("node", id))

    def allocations_everywhere(self) -> list[Json]:
        """Stubs, with what they take, of what is not over in every namespace the token may read."""
        live = " and ".join(f'ClientStatus != "{word}"' for word in ("complete", "failed", "lost"))
        params = {
            "namespace": "*", "resources": "true", "task_states": "false", "filter": live,
        }  # fmt: skip
        return cast(list[Json], self._json("allocations", kind=list, params=params))

    def priorities(self) -> dict[tuple[str, str], int]:
        """Namespace and id -> priority of every job that the token may read."""
        stubs = cast(list[Json], self._json("jobs", kind=list, params={"namespace": "*"}))
        return {
            (str(stub.get("Namespace") or "default"), str(stub["ID"])): int(stub["Priority"])
            for stub in stubs
        }

    def scheduler_configuration(self) -> Json:
        """How the servers schedule: preemption, memory oversubscription, algorithm."""
        return cast(Json, self._json("operator", "scheduler", "configuration"))

    def namespace_specification(self) -> Json:
        """The namespace that the client talks about: quota, allowed node pools."""
        return cast(Json, self._json("namespace", self.namespace))

    def host_volume(self, id: str) -> Json | None:  # noqa: A002
        """A dynamic host volume of the namespace, or None."""
        try:
            return cast(Json, self._json("volume", "host", id))
        except NotFoundError:
            return None

    def variable(self, path: str) -> Json | None:
        """A Nomad variable with its items, or None."""
        try:
            return cast(Json, self._json("var", *path.split("/"), has="Path"))
        except NotFoundError:
            return None

    def put_variable(
        self, path: str, items: dict[str, str], *, check_index: int | None = None
    ) -> Json:
        """Write a variable; with `check_index` only if its ModifyIndex is that (0: new).

        ConflictError when it is not; the error does not show the other side's values.
        """
        body = {"Namespace": self.namespace, "Path": path, "Items": items}
        return cast(
            Json,
            self._json(
                "var", *path.split("/"), method="put", body=body, params={"cas": check_index}
            ),
        )

    def delete_variable(self, path: str, *, check_index: int | None = None) -> None:
        """Delete a variable, under the same condition; absent is fine."""
        self._ask("var", *path.split("/"), method="delete", params={"cas": check_index})

    def variables(self, prefix: str = "") -> list[Json]:
        """Metadata, no values, of the variables whose path starts with `prefix`."""
        return cast(list[Json], self._json("vars", kind=list, params={"prefix": prefix or None}))

    def agent_self(self) -> Json:
        """The answering agent's configuration, version and statistics."""
        answer = cast(Json, self._json("agent", "self"))
        if "config" not in answer:
            # A Consul has the same path.
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return answer

    def leader(self) -> str:
        """Address of the servers' leader; empty when there is none."""
        return cast(str, self._json("status", "leader", kind=str))

    def namespaces(self) -> list[Json]:
        """The namespaces that the token may see."""
        return cast(list[Json], self._json("namespaces", kind=list))

    def token_self(self) -> Json:
        """What the token may do; its secret is left out."""
        token = cast(Json, self._json("acl", "token", "self"))
        token.pop("SecretID", None)
        return token

    def put_acl_policy(self, name: str, rules: str, *, description: str = "", job: str) -> None:
        """Make or replace a policy that the tasks of one job of this namespace have.

        `rules` are HCL; the tasks have them by the identity that Nomad gives every task.
        """
        body = {
            "Name": name,
            "Description": description,
            "Rules": rules,
            "JobACL": {"Namespace": self.namespace, "JobID": job},
        }
        self._ask("acl", "policy", name, method="post", body=body)

    def bootstrap_acl(self, secret: str) -> Json:
        """Make the first management token, with `secret` (a UUID) as its secret.

        ConflictError when that was done before.
        """
        body = {"BootstrapSecret": secret}
        return cast(Json, self._json("acl", "bootstrap", method="post", body=body))
