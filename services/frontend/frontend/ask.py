"""One backend's values, from whichever instance gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from frontend.directory import Directory, Instance, NoListError

LONGEST_SEARCH = 6.0
"""Seconds for all attempts of one page together."""


@dataclass(frozen=True, slots=True)
class BackendAnswer:
    """What a backend said of itself."""

    release: str
    allocation: str
    node: str
    address: str
    tried: int
    """How many instances were asked, this one included."""
    excuse: str = ""
    """Why an older list of instances was used; empty when Consul answered."""


class NoBackendError(Exception):
    """Nobody answered; the message is the whole story in one clause."""


class AttemptError(Exception):
    """One instance did not answer as a backend does."""


class Asker:
    """Asks the instances in turn, beginning with another one each time."""

    def __init__(self, client: httpx.AsyncClient, directory: Directory):
        self._client = client
        self._directory = directory
        self._turn = 0

    async def find_answer(self) -> BackendAnswer:
        """The first answer; raises `NoBackendError` after `LONGEST_SEARCH` seconds at most."""
        try:
            async with asyncio.timeout(LONGEST_SEARCH):
                return await self._search()
        except TimeoutError as exc:
            raise NoBackendError(f"no backend answered within {LONGEST_SEARCH:g} s") from exc

    async def _search(self) -> BackendAnswer:
        failures: list[str] = []
        # Twice, because between Consul's answer and our request a deploy may have replaced all
        # that were listed; a third list would only say that something else is wrong.
        for _ in range(2):
            try:
                listing = await self._directory.look()
            except NoListError as exc:
                raise NoBackendError("; ".join([*failures, str(exc)])) from exc
            for instance in self._in_turn(listing.instances):
                try:
                    values = await self._ask(instance)
                except AttemptError as exc:
                    failures.append(str(exc))
                    continue
                return BackendAnswer(
                    release=str(values["release"]),
                    allocation=str(values.get("allocation", "")),
                    node=str(values.get("node", "")),
                    address=f"{instance.host}:{instance.port}",
                    tried=len(failures) + 1,
                    excuse=listing.excuse,
                )
            if not listing.instances:
                break
        raise NoBackendError("; ".join(failures) or "no backend passes its check in Consul")

    def _in_turn(self, instances: Sequence[Instance]) -> list[Instance]:
        self._turn += 1
        first = self._turn % len(instances) if instances else 0
        return [*instances[first:], *instances[:first]]

    async def _ask(self, instance: Instance) -> dict[str, object]:
        place = f"{instance.host}:{instance.port}"
        try:
            answer = await self._client.get(instance.url)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise AttemptError(f"{place} does not answer ({type(exc).__name__})") from exc
        if answer.status_code != 200:
            raise AttemptError(f"{place} answered {answer.status_code}")
        try:
            values = answer.json()
        except ValueError as exc:
            raise AttemptError(f"{place} did not answer in JSON") from exc
        if not isinstance(values, dict) or "release" not in values:
            raise AttemptError(f"{place} did not say its release")
        return values
