"""A shop whose services are reached through Traefik; what it routes to is read from its API."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.agents.shop import Shop, ask, header


class Front(Shop):
    """A project on a cluster that has an edge."""

    @property
    def public(self) -> str:
        """Where requests enter."""
        return f"http://127.0.0.1:{self.cluster.state.ports.edge_public}"

    @property
    def api(self) -> str:
        """Traefik's own API."""
        return f"http://127.0.0.1:{self.cluster.state.ports.traefik_api}"

    def routers(self, name: str) -> list[dict[str, Any]]:
        """Traefik's routers of a job, by their rule."""
        found = ask(f"{self.api}/api/http/routers")
        return [router for router in found if f"`{name}.localhost`" in router["rule"]]

    def servers(self, name: str) -> dict[str, str]:
        """What Traefik routes a job's requests to: `host:port` -> status."""
        [router] = self.routers(name)
        service = ask(f"{self.api}/api/http/services/{router['service']}@consulcatalog")
        states: dict[str, str] = service["serverStatus"]
        return {url.removeprefix("http://"): state for url, state in states.items()}

    def through(self, name: str) -> str:
        """The release that one request through the edge is answered by."""
        return header(self.public + "/", f"{name}.localhost")

    @contextmanager
    def visited(self, name: str) -> Iterator[Counter[str]]:
        """Requests through the edge, one after another, for as long as the block takes."""
        answers: Counter[str] = Counter()
        over = threading.Event()

        def visit() -> None:
            while not over.is_set():
                try:
                    answers[self.through(name)] += 1
                except OSError as error:
                    answers[f"{type(error).__name__}: {error}"] += 1
                # A breath: what is measured is what fails, not how many there are.
                over.wait(0.01)

        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            yield answers
        finally:
            over.set()
            visitor.join()
