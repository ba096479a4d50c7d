"""Problem documents (RFC 9457) of our own servers, told in our errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from toolkit.clients.errors_map import Failure, from_response, shorten
from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    ExitCode,
    InvalidRequestError,
    NotFoundError,
    ServerError,
)
from toolkit.spec.target import Endpoint

_KINDS: dict[str, type[ApiError]] = {
    "unidentified": DeniedError,
    "forbidden": DeniedError,
    "not-found": NotFoundError,
    "conflict": ConflictError,
    "ambiguous": ConflictError,
    "precondition-failed": ConflictError,
    "malformed": InvalidRequestError,
    "too-large": InvalidRequestError,
    "headers-too-large": InvalidRequestError,
    "unsupported-media-type": InvalidRequestError,
    "invalid": InvalidRequestError,
    "key-reused": InvalidRequestError,
}
_PASSING = {"too-many", "unavailable"}
"""Nothing was done, and the same may be asked again."""


@dataclass(frozen=True, slots=True)
class Problems:
    """What one server's problems mean beyond those that both have; keyed by the type's slug."""

    hints: Mapping[str, str]
    """What to do, where the server does not say."""
    kinds: Mapping[str, type[ApiError]] = field(default_factory=dict)
    codes: Mapping[str, ExitCode] = field(default_factory=dict)

    def read(self, endpoint: Endpoint, response: requests.Response, *, read: bool) -> Failure:
        """The failure that an answer with an error status stands for."""
        said = _document(response)
        if said is None:
            return from_response(
                endpoint, response.status_code, response.text[:4000], read=read, ours=False
            )
        slug = str(said["type"]).rpartition("/")[2]
        kind = self.kinds.get(slug) or _KINDS.get(slug, ServerError)
        error = kind(
            f"{endpoint.system} at {endpoint.address}: {_sentence(said)}",
            system=endpoint.system,
            address=endpoint.address,
            status=response.status_code,
            hint=self._hint(endpoint, slug, said, response.headers.get("Retry-After", "")),
            code=self.codes.get(slug),
        )
        return Failure(error, passing=slug in _PASSING)

    def _hint(
        self, endpoint: Endpoint, slug: str, said: Mapping[str, Any], later: str
    ) -> str | None:
        own = said.get("hint") or _hint_of_the_only(said.get("errors"))
        if slug == "unidentified" and not endpoint.token:
            hint = "set NOMAD_TOKEN; a local cluster has tokens once it is started with"
            hint += " `toolkit dev up --acl`"
        elif isinstance(own, str) and own:
            hint = shorten(own)
        else:
            hint = self.hints.get(slug, "")
        if later.isascii() and later.isdigit():
            hint += f"{'; ' if hint else ''}it asks to be asked again in {later} s"
        return hint or None


def _document(response: requests.Response) -> dict[str, Any] | None:
    if "problem+json" not in response.headers.get("Content-Type", ""):
        return None
    try:
        said = response.json()
    except ValueError:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("type"), str):
        return None
    return said


def _sentence(said: Mapping[str, Any]) -> str:
    """What is wrong; of several wrong fields each."""
    errors = said.get("errors")
    if isinstance(errors, list) and len(errors) > 1:
        fields = [each for each in errors if isinstance(each, dict)]
        listed = (f"{each.get('field', '')} {each.get('detail', '')}".strip() for each in fields)
        return shorten("; ".join(listed))
    return shorten(str(said.get("detail") or said.get("title") or "it refused"))


def _hint_of_the_only(errors: object) -> object:
    """What to do about the one field that is wrong."""
    match errors:
        case [{"hint": hint}]:
            return hint
    return None
