"""The kinds of problems that only this server knows; docs/kick.md has the table of all."""

from __future__ import annotations

from toolkit.serving.problems import Kind, with_own

AMBIGUOUS = Kind("ambiguous", 409, "More than one record is meant")
KEY_REUSED = Kind("key-reused", 422, "The idempotency key came with another request before")
PROVIDER_REFUSED = Kind("provider-refused", 502, "The provider of the zone refused the change")

KINDS = with_own(AMBIGUOUS, KEY_REUSED, PROVIDER_REFUSED)
