"""The client of the kick server: records, plan, sync and audit, for a person with a Nomad token.

What its problems mean is in `kick_problems`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from toolkit.clients.errors_map import garbled
from toolkit.clients.kick_problems import PROBLEMS
from toolkit.clients.server import Json, Reply, Server

PER_PAGE = 200
AUDIT_PER_PAGE = 500
_MOST_PAGES = 10_000


class Kick(Server):
    """One connection to one kick server, for one thread."""

    keyed = True
    problems = PROBLEMS
    lost = (
        "it may have been done: `toolkit dns list` shows what is there, and it may be asked again"
    )

    def records(
        self, *, kind: str | None = None, zone: str | None = None, owner: str | None = None
    ) -> Iterator[Json]:
        """The records that the token may see; `kind` is their type, `owner` as `namespace/job`."""
        params = {"type": kind, "zone": zone, "owner": owner}
        yield from self._pages("/records", "records", params, PER_PAGE, "cursor")

    def record(self, name: str, *, kind: str | None = None, zone: str | None = None) -> Reply:
        """The records of one name; NotFoundError when the server keeps none."""
        return self.ask("GET", _record(name), {"type": kind, "zone": zone})

    def set_record(self, body: Mapping[str, Any]) -> Reply:
        """Let a name have a record; `changed` in the answer says whether it was not so already."""
        return self.ask("POST", "/records", body=body)

    def delete_record(
        self, name: str, *, kind: str | None = None, zone: str | None = None
    ) -> Reply:
        """Take a record away; NotFoundError when there is none."""
        return self.ask("DELETE", _record(name), {"type": kind, "zone": zone}, write=True)

    def plan(self) -> Json:
        """What the reconciler would change now, and what it refuses."""
        return self.ask("POST", "/plan", body={}, write=False).body

    def sync(self) -> Json:
        """One turn of the reconciler, now; what it did."""
        return self.ask("POST", "/sync", body={}).body

    def audit(self, **filters: str | int | None) -> Iterator[Json]:
        """Entries of the audit, oldest first; filters are the server's own parameters."""
        yield from self._pages("/audit", "entries", filters, AUDIT_PER_PAGE, "after")

    def audit_head(self) -> tuple[int, str]:
        """Number and hash of the newest entry of the audit; 0 when there is none."""
        head = self.ask("GET", "/audit", {"limit": 1, "last": 1}).body.get("head")
        if not isinstance(head, dict):
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return int(head.get("seq") or 0), str(head.get("hash") or "")

    def _pages(
        self,
        path: str,
        key: str,
        params: Mapping[str, str | int | None],
        size: int,
        cursor: str,
    ) -> Iterator[Json]:
        """Every item of a list that comes in pages; `cursor` names the parameter that goes on."""
        at: str | int | None = None
        for _ in range(_MOST_PAGES):
            here = {} if at is None else {cursor: at}
            page = self.ask("GET", path, {**params, "limit": size, **here}).body
            items = page.get(key)
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise garbled(self.endpoint, "is JSON of another kind", read=True).error
            yield from items
            following = page.get("next")
            if following is None:
                return
            if following == at:
                break
            at = following
        raise garbled(self.endpoint, "does not end", read=True).error


def _record(name: str) -> str:
    return f"/record/{quote(name, safe='')}"
