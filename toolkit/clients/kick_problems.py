"""Problem documents (RFC 9457) of the kick server, told in our errors."""

from __future__ import annotations

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

_HINTS = {
    "unidentified": "the token in NOMAD_TOKEN is not known there, or is nobody's",
    "forbidden": "kick.toml of the job kick says who may set what",
    "conflict": "only its owner changes it, or a person whose rule in kick.toml may overrule",
    "ambiguous": "say which one with --type, and with --zone where both zones have the name",
    "precondition-failed": "somebody changed it in between: look again, then decide",
    "audit-unavailable": "free space where the kick server keeps its audit: it refuses every"
    " change until it can record it; `toolkit logs kick` says more",
    "audit-broken": "keep the files of the audit as they are, and find out who may write there",
    "provider-refused": "nothing was changed; the provider's own words are above",
    "outcome-unknown": "`toolkit dns list` shows what is there; the same may be asked again",
    "bug": "`toolkit logs kick` has more of it",
}
_CODES = {"outcome-unknown": ExitCode.UNKNOWN, "audit-broken": ExitCode.UNVERIFIED}


def problem_in(endpoint: Endpoint, response: requests.Response, *, read: bool) -> Failure:
    """The failure that an answer with an error status stands for."""
    said = _document(response)
    if said is None:
        return from_response(
            endpoint, response.status_code, response.text[:4000], read=read, ours=False
        )
    slug = str(said["type"]).rpartition("/")[2]
    kind = _KINDS.get(slug, ServerError)
    error = kind(
        f"Kick at {endpoint.address}: {_sentence(said)}",
        system="Kick",
        address=endpoint.address,
        status=response.status_code,
        hint=_hint(endpoint, slug, said, response.headers.get("Retry-After", "")),
        code=_CODES.get(slug),
    )
    return Failure(error, passing=slug in _PASSING)


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


def _sentence(said: dict[str, Any]) -> str:
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


def _hint(endpoint: Endpoint, slug: str, said: dict[str, Any], later: str) -> str | None:
    own = said.get("hint") or _hint_of_the_only(said.get("errors"))
    if slug == "unidentified" and not endpoint.token:
        hint = "set NOMAD_TOKEN; a local cluster has tokens once it is started with"
        hint += " `toolkit dev up --acl`"
    elif isinstance(own, str) and own:
        hint = shorten(own)
    else:
        hint = _HINTS.get(slug, "")
    if later.isascii() and later.isdigit():
        hint += f"{'; ' if hint else ''}it asks to be asked again in {later} s"
    return hint or None
