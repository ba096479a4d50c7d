"""How a registry wants to be shown who asks: a password, or a token that another server gives."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from toolkit.errors import DeniedError, ServerError
from toolkit.spec.image import RegistryPlace

SYSTEM = "the registry"
_PARAMETER = re.compile(r'([A-Za-z]+)="([^"]*)"')

Fetch = Callable[[str, Mapping[str, str]], tuple[int, bytes]]
"""URL and headers -> status and body."""


def answer(
    challenge: str, base: str, repository: str, place: RegistryPlace, fetch: Fetch
) -> dict[str, str] | None:
    """The headers for a second try; None where there is nothing to show.

    `base`: the registry's own address. DeniedError where the token's server says no.
    """
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        return _basic(place)
    if scheme.lower() != "bearer":
        return None
    parameters = {name.lower(): value for name, value in _PARAMETER.findall(rest)}
    realm = parameters.get("realm", "")
    _refuse_plain(realm, base)
    scope = parameters.get("scope") or f"repository:{repository}:pull"
    asked = {"scope": scope}
    if "service" in parameters:
        asked["service"] = parameters["service"]
    joint = "&" if urlsplit(realm).query else "?"
    status, body = fetch(f"{realm}{joint}{urlencode(asked)}", _basic(place) or {})
    if status in {401, 403}:
        raise DeniedError(
            f"the registry {place.host} does not know {place.user or 'who asks'}",
            system=SYSTEM,
            status=status,
            hint="check `registry_user` and TOOLKIT_REGISTRY_PASSWORD",
        )
    try:
        said = json.loads(body)
        token = said.get("token") or said["access_token"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ServerError(
            f"the registry {place.host} gave no token to ask with (status {status})",
            system=SYSTEM,
            status=status,
        ) from exc
    return {"Authorization": f"Bearer {token}"}


def _basic(place: RegistryPlace) -> dict[str, str] | None:
    if place.user is None or not place.password:
        return None
    pair = f"{place.user}:{place.password.reveal()}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _refuse_plain(realm: str, base: str) -> None:
    """A password goes nowhere without TLS because a registry says so, but to a registry here."""
    parts = urlsplit(realm)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_here(parts.hostname) and is_here(urlsplit(base).hostname):
        return
    raise ServerError(
        "the registry names no server with TLS that would give a token", system=SYSTEM
    )


def is_here(host: str | None) -> bool:
    """True for this machine's loopback, to which Docker too speaks without TLS; no port in it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
