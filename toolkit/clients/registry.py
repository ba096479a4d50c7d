"""A registry of images by its own API (the distribution specification): what a tag stands for.

Layers are the engine's business; here only manifests are read. The digest is counted from what
came, never believed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3

from toolkit.clients import registry_auth
from toolkit.clients.anatomy import chain, reason
from toolkit.clients.session import open_session
from toolkit.errors import (
    ApiError,
    DeniedError,
    InvalidRequestError,
    ServerError,
    TlsError,
    UnreachableError,
)
from toolkit.spec.image import ImageName, Login, RegistryPlace, RemoteImage

SYSTEM = "the registry"
CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
LONGEST = 4 * 1024 * 1024
"""Bytes of a manifest, as the specification has it."""

_PIECE = 64 * 1024

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ABSENT = {"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"}
_WIRE = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


class Registry(Protocol):
    """Where an environment's images are."""

    def find(self, image: ImageName) -> RemoteImage | None:
        """What the tag stands for now; None where there is no such tag."""

    def prepare(self, image: ImageName) -> tuple[str, ...]:
        """Make the repository where it has to be made; what is to be said of it."""

    def login(self) -> Login | None:
        """Who pushes; None where the user's own tool knows, or nobody has to be anybody."""

    def close(self) -> None:
        """Close the connections."""


class HttpRegistry:
    """Any registry; plain HTTP is spoken to this machine only, as Docker does."""

    def __init__(
        self,
        place: RegistryPlace,
        *,
        read_seconds: float = READ_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Calls nobody yet; `read_seconds`: for the whole of one answer."""
        self._place = place
        self._seconds = read_seconds
        self._clock = clock
        self._session = open_session()
        scheme = "http" if registry_auth.is_here(urlsplit(f"//{place.host}").hostname) else "https"
        # The one whose API is not where its name says.
        host = "registry-1.docker.io" if place.host == "docker.io" else place.host
        self._base = f"{scheme}://{host}"

    def find(self, image: ImageName) -> RemoteImage | None:
        """Read the tag's manifest; an ApiError says why that could not be."""
        path = f"/v2/{image.repository}/manifests/{image.tag}"
        status, headers, body = self._get(path)
        if status == 401:
            given = registry_auth.answer(
                headers.get("WWW-Authenticate", ""), self._base, image.repository, self._place,
                self._token,
            )  # fmt: skip
            status, headers, body = self._get(path, given) if given else (status, headers, body)
        if status == 200:
            return read_manifest(body, headers.get("Docker-Content-Digest"), str(image))
        codes = _codes(body)
        if status == 404 and codes & _ABSENT:
            return None
        raise self._no(status, codes, image)

    def prepare(self, image: ImageName) -> tuple[str, ...]:
        """Nothing: a repository is made by the first push, or by whoever runs the registry."""
        del image
        return ()

    def login(self) -> Login | None:
        """With the user and the password that the environment has."""
        place = self._place
        if place.user is None or not place.password:
            return None
        return Login(place.host, place.user, place.password)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _get(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        accept = {"Accept": ", ".join(MANIFESTS), **(headers or {})}
        return self._fetch(self._base + path, accept)

    def _token(self, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        status, _, body = self._fetch(url, headers)
        return status, body

    def _fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        try:
            with self._session.get(
                url,
                headers={"Accept-Encoding": "identity", **headers},
                timeout=(CONNECT_SECONDS, self._seconds),
                stream=True,
                allow_redirects=False,
            ) as response:
                return response.status_code, response.headers, self._read(response)
        except _WIRE as exc:
            if any("certificate" in str(item).lower() for item in chain(exc)):
                raise TlsError(
                    f"{self._said} shows a certificate that is not trusted: {reason(exc)}",
                    system=SYSTEM, address=self._base,
                ) from exc  # fmt: skip
            raise UnreachableError(
                f"{self._said} does not answer: {reason(exc)}", system=SYSTEM, address=self._base,
                hint="look at `registry` of the environment",
            ) from exc  # fmt: skip

    def _read(self, response: requests.Response) -> bytes:
        got, deadline = bytearray(), self._clock() + self._seconds
        while len(got) <= LONGEST and (piece := response.raw.read1(_PIECE)):
            got += piece
            if self._clock() > deadline:
                raise TimeoutError
        return bytes(got)

    def _no(self, status: int, codes: set[str], image: ImageName) -> ApiError:
        said = f"{self._said} answered {status}" + (f" {min(codes)}" if codes else "")
        more: dict[str, Any] = {"system": SYSTEM, "address": self._base, "status": status}
        if status in {401, 403}:
            hint = "set `registry_user` in toolkit.toml and TOOLKIT_REGISTRY_PASSWORD"
            if self._place.user and self._place.password:
                hint = "check `registry_user` and TOOLKIT_REGISTRY_PASSWORD"
            return DeniedError(f"{self._said} does not let us look at {image}", hint=hint, **more)
        if status == 404 or 300 <= status < 400:
            return ServerError(
                f"{self._said} does not answer as a registry does (status {status})",
                hint="look at `registry` of the environment", **more,
            )  # fmt: skip
        if status < 500 and status != 429:
            return InvalidRequestError(f"{said} about {image}", **more)
        return ServerError(said, hint="wait a little, then again", **more)

    @property
    def _said(self) -> str:
        return f"the registry {self._place.host}"


def read_manifest(body: bytes, said: str | None, image: str) -> RemoteImage:
    """What a manifest says; ServerError where it is none, or not the one that it is said to be."""
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if said is not None and said != digest:
        raise ServerError(
            f"the registry says that {image} is {said}, and sends {digest}",
            system=SYSTEM,
            hint="something between changes what it sends",
        )
    try:
        if len(body) > LONGEST:
            raise ValueError
        manifest = json.loads(body)
        config = (manifest.get("config") or {}).get("digest")
        if manifest["schemaVersion"] != 2:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ServerError(
            f"what the registry has under {image} is no image's manifest", system=SYSTEM
        ) from exc
    return RemoteImage(digest, None if config is None else str(config))


def _codes(body: bytes) -> set[str]:
    try:
        return {str(each["code"]) for each in json.loads(body)["errors"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()
