"""The client of Traefik's own API: what one Traefik routes to, and whether it is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self, cast

import requests

from toolkit.clients.errors_map import (
    WIRE_ERRORS,
    Failure,
    from_exception,
    from_response,
    garbled,
)
from toolkit.clients.patience import Patience
from toolkit.clients.retry import ask_again
from toolkit.clients.session import session_for
from toolkit.clients.traefik_metrics import service_counts
from toolkit.errors import ApiError, NotFoundError
from toolkit.spec.analysis import ServiceCount
from toolkit.spec.target import Endpoint

Json = dict[str, Any]

PROVIDER = "consulcatalog"
_PER_PAGE = 100
_MOST_PAGES = 1000
_READ_SECONDS = 10.0


class Traefik:
    """One connection to one Traefik's API; `clone()` it for another thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        sleep: Callable[[float], None] = time.sleep,
        patience: Patience | None = None,
    ) -> None:
        """`sleep` pauses before a read is tried again; `patience`: how long one may take."""
        self.endpoint = endpoint
        self._sleep = sleep
        self._patience = patience or Patience(_READ_SECONDS)
        self._session = session_for(endpoint)
        if endpoint.username is not None:
            password = endpoint.token.reveal() if endpoint.token else ""
            self._session.auth = (endpoint.username, password)

    def __repr__(self) -> str:
        return f"Traefik({self.endpoint.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def clone(self) -> Traefik:
        """The same client with a connection of its own, for another thread."""
        return Traefik(self.endpoint, sleep=self._sleep, patience=self._patience)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def services(self) -> dict[str, dict[str, str]]:
        """HTTP services from Consul: name without provider -> server URL -> `UP` or `DOWN`.

        A service that Traefik has but does not use counts as `DOWN`.
        """
        found: dict[str, dict[str, str]] = {}
        for service in self._list("/api/http/services"):
            name, _, provider = str(service.get("name", "")).partition("@")
            if provider != PROVIDER:
                continue
            servers = service.get("serverStatus") or {}
            used = service.get("status", "enabled") != "disabled"
            found[name] = {url: str(state) if used else "DOWN" for url, state in servers.items()}
        return found

    def routers(self) -> list[Json]:
        """All HTTP routers, of all providers."""
        return self._list("/api/http/routers")

    def entry_points(self) -> list[Json]:
        """All entry points with their addresses."""
        return self._list("/api/entrypoints")

    def overview(self) -> Json:
        """Counts of what it has, with errors and warnings, and the providers that it reads."""
        answer = self._json("/api/overview", {})[0]
        if not isinstance(answer, dict) or "http" not in answer:
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return cast(Json, answer)

    def version(self) -> str:
        """Traefik's version, such as `3.7.15`."""
        answer = self._json("/api/version", {})[0]
        if not isinstance(answer, dict) or "Version" not in answer:
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return str(answer["Version"])

    def _list(self, path: str) -> list[Json]:
        items: list[Json] = []
        page = 1
        for _ in range(_MOST_PAGES):
            answer, headers = self._json(path, {"page": page, "per_page": _PER_PAGE})
            if not isinstance(answer, list):
                raise garbled(self.endpoint, "is JSON of another kind", read=True).error
            items += cast(list[Json], answer)
            following = headers.get("X-Next-Page", "1")
            # After its last page Traefik names the first one.
            if not following.isdigit() or int(following) <= page:
                return items
            page = int(following)
        raise garbled(self.endpoint, "does not end", read=True).error

    def metrics(self) -> dict[str, ServiceCount]:
        """What it counted since it started, by service from Consul; NotFoundError without metrics.

        Traefik counts a service, never a server of it.
        """
        try:
            text = self._get("/metrics", {}).text
        except ApiError as exc:
            if exc.status != 404:
                raise
            raise NotFoundError(
                f"Traefik at {self.endpoint.address} has no metrics",
                system="Traefik",
                address=self.endpoint.address,
                status=404,
                hint="start it with --metrics.prometheus, at the entry point of its API",
            ) from exc
        try:
            return service_counts(text, PROVIDER)
        except ValueError as exc:
            raise garbled(self.endpoint, "is no list of metrics", read=True).error from exc

    def _json(self, path: str, params: dict[str, int]) -> tuple[Any, Any]:
        response = self._get(path, params)
        try:
            return response.json(), response.headers
        except ValueError as exc:
            raise garbled(self.endpoint, "is not JSON", read=True).error from exc

    def _get(self, path: str, params: dict[str, int]) -> requests.Response:
        def attempt() -> requests.Response | Failure:
            try:
                response = self._session.get(
                    self.endpoint.address.rstrip("/") + path,
                    params=params,
                    timeout=self._patience.timeout(),
                )
            except WIRE_ERRORS as exc:
                self._patience.failed(exc)
                return from_exception(self.endpoint, exc, read=True)
            self._patience.answered()
            if response.status_code >= 300:
                return from_response(
                    self.endpoint, response.status_code, response.text, read=True, ours=False
                )
            return response

        return ask_again(attempt, read=True, sleep=self._sleep)
