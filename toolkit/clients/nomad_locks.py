"""Nomad: variables that one client at a time holds, and that free themselves.

A lock is known by an id that whoever acquires it chooses (a UUID). So acquiring is the same done
twice as once, and a request whose reply was lost may be sent again. Nomad shows the id to
management tokens only: for anybody else a locked variable looks like any other.
"""

from __future__ import annotations

from typing import Any, cast

from toolkit.clients.nomad_wire import NomadWire
from toolkit.clients.page import Page
from toolkit.clients.session import plain_timeout

Json = dict[str, Any]

ANSWER_SECONDS = 5.0
"""A renewal that takes longer is as good as none."""


class NomadLocks(NomadWire):
    """Calls about locks; `path` is that of the variable."""

    def acquire_lock(
        self,
        path: str,
        id: str,  # noqa: A002
        items: dict[str, str],
        *,
        ttl: float,
        delay: float,
    ) -> bool:
        """Take the lock and write `items`, or do so again; False where Nomad knows no locks.

        ConflictError while another id holds it. `ttl` and `delay` are in seconds.
        """
        lock = {"ID": id, "TTL": f"{ttl:g}s", "LockDelay": f"{delay:g}s"}
        answer = cast(Json, self._lock("acquire", path, lock, items, has="Path"))
        return bool((answer.get("Lock") or {}).get("ID") == id)

    def renew_lock(self, path: str, id: str) -> None:  # noqa: A002
        """Hold it for another TTL.

        ConflictError when it is free or another id's, NotFoundError when the variable is gone.
        """
        self._lock("renew", path, {"ID": id})

    def release_lock(self, path: str, id: str) -> None:  # noqa: A002
        """Free it; its items stay. ConflictError when another id holds it."""
        self._lock("release", path, {"ID": id})

    def watch_variable(self, path: str, *, index: int, wait: float) -> Page:
        """The variable with its items, once it changes: taking and freeing its lock count."""
        return self._page("var", *path.split("/"), index=index, wait=wait, kind=dict)

    def _lock(
        self,
        what: str,
        path: str,
        lock: Json,
        items: dict[str, str] | None = None,
        *,
        has: str | None = None,
    ) -> Any:
        body: Json = {"Namespace": self.namespace, "Path": path, "Lock": lock}
        if items is not None:
            body["Items"] = items
        return self._json(
            "var", *path.split("/"),
            method="put", body=body, params={f"lock-{what}": ""}, has=has,
            timeout=plain_timeout(ANSWER_SECONDS),
        )  # fmt: skip
