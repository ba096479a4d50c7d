"""Nomad's jobs and what they declare: one list, and a call for each that asks and has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from toolkit.clients.nomad import Nomad
from toolkit.clients.page import Page
from toolkit.dns.reconcile_read import HOSTNAME, read_job
from toolkit.errors import DeniedError, NotFoundError
from toolkit.spec.discovery import JobKey, SeenJob

Json = dict[str, Any]
MANY = 50
SIDE_BY_SIDE = 4
"""Connections for many specifications; Nomad serves a hundred of one address at most."""


class Specifications:
    """What is known of jobs from one answer of Nomad to the next, over all connections."""

    def __init__(self) -> None:
        self._listed: dict[JobKey, int] = {}
        self._known: dict[JobKey, tuple[int, Json | None, str]] = {}

    def read(self, nomad: Nomad, stubs: Sequence[Json]) -> dict[JobKey, SeenJob]:
        """The jobs of a list, with what they declare; raises ApiError."""
        listed = {_key(stub): _changed(stub) for stub in stubs}
        # The list also changes with every instance, and then nobody declares anything else.
        if listed != self._listed or any(unread for _, _, unread in self._known.values()):
            self._read(nomad)
            self._listed = listed
        return {(job := self._job(stub)).key: job for stub in stubs}

    def _read(self, nomad: Nomad) -> None:
        found = nomad.jobs_with_meta(HOSTNAME)
        asking = {_key(stub): _changed(stub) for stub in found if read_job(stub, None).alive}
        known = {key: spec for key, spec in self._known.items() if asking.get(key) == spec[0]}
        unknown = [key for key in asking if key not in known or known[key][2]]
        for key, (spec, unread) in _read_all(nomad, unknown).items():
            known[key] = (asking[key], spec, unread)
        self._known = known

    def _job(self, stub: Mapping[str, Any]) -> SeenJob:
        _, spec, unread = self._known.get(_key(stub), (0, None, ""))
        return read_job(stub, spec, unread=unread)


class Jobs:
    """The source of a feed whose answers are jobs by namespace and ID."""

    def __init__(self, nomad: Nomad, known: Specifications):
        self._nomad = nomad
        self._known = known

    def ask(self, index: int, wait: float) -> Page:
        """The jobs, whole; raises ApiError when any of it cannot be had."""
        page = self._nomad.jobs_everywhere(index=index, wait=wait)
        return replace(page, value=self._known.read(self._nomad, page.value))

    def close(self) -> None:
        """Close the connection."""
        self._nomad.close()


def _read_all(nomad: Nomad, keys: list[JobKey]) -> dict[JobKey, tuple[Json | None, str]]:
    """The specifications of these jobs; many of them, as after a start, side by side."""
    if len(keys) < MANY:
        return {key: _read_one(nomad, key) for key in keys}

    def some(first: int) -> dict[JobKey, tuple[Json | None, str]]:
        with nomad.clone() as mine:
            return {key: _read_one(mine, key) for key in keys[first::SIDE_BY_SIDE]}

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        parts = list(pool.map(some, range(SIDE_BY_SIDE)))
    return {key: found for part in parts for key, found in part.items()}


def _read_one(nomad: Nomad, key: JobKey) -> tuple[Json | None, str]:
    """A specification, or why there is none."""
    try:
        return nomad.job_in(*key), ""
    except NotFoundError:
        return None, "it went while it was read"
    except DeniedError as error:
        return None, f"what it asks for cannot be read: {error.message}"


def _key(stub: Mapping[str, Any]) -> JobKey:
    return str(stub.get("Namespace") or "default"), str(stub["ID"])


def _changed(stub: Mapping[str, Any]) -> int:
    """Rises with every change of the specification, a stop among them."""
    return int(stub.get("JobModifyIndex") or 0)
