"""What can be wrong with a request, as problem documents (RFC 9457).

Each kind has a stable relative `type`. These are the kinds of every server; one that has more adds
them to a mapping of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from toolkit.serving.bounded import bounded

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: the same words and the same status each time."""

    slug: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """Its relative URI."""
        return f"/problems/{self.slug}"


_KINDS = (
    Kind("malformed", 400, "The request is not HTTP, or its body is not JSON"),
    Kind("unidentified", 401, "Who asks could not be verified"),
    Kind("forbidden", 403, "The policy does not grant this"),
    Kind("not-found", 404, "There is no such thing"),
    Kind("method-not-allowed", 405, "The path does not take this method"),
    Kind("not-acceptable", 406, "None of the accepted media types can be answered"),
    Kind("too-slow", 408, "The request did not arrive in time"),
    Kind("conflict", 409, "The name is somebody else's, or holds what is in the way"),
    Kind("precondition-failed", 412, "It is not as the request expects it"),
    Kind("too-large", 413, "The body is larger than the server reads"),
    Kind("unsupported-media-type", 415, "The body's media type is not one that is read here"),
    Kind("invalid", 422, "The request was understood and is wrong"),
    Kind("too-many", 429, "Too many requests"),
    Kind("headers-too-large", 431, "The request's headers are larger than the server reads"),
    Kind("bug", 500, "An error of the server's own"),
    Kind("audit-broken", 500, "The audit is not as it was written"),
    Kind("outcome-unknown", 502, "Whether the change was made is not known"),
    Kind("unavailable", 503, "The server cannot answer this now"),
    Kind("audit-unavailable", 503, "The change cannot be recorded, so it was not made"),
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.slug: kind for kind in _KINDS})


def with_own(*kinds: Kind) -> Mapping[str, Kind]:
    """The kinds of every server and those of one, by status."""
    every = sorted((*_KINDS, *kinds), key=lambda kind: kind.status)
    return MappingProxyType({kind.slug: kind for kind in every})


class ProblemError(Exception):
    """A request ends with a problem document."""

    def __init__(
        self,
        kind: str | Kind,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ):
        """`kind`: of every server by its slug, or one of its own.

        `members`: what this kind adds, such as `owner` or `errors`.
        """
        super().__init__(detail)
        self.kind = KINDS[kind] if isinstance(kind, str) else kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def document(self, instance: str) -> dict[str, Any]:
        """The document; `instance` is the request's id."""
        return {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": bounded(self.detail, 2000),
            "instance": f"/requests/{instance}",
            **self.members,
        }
