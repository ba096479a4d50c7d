"""The kinds of problems that only this server knows; docs/hook.md has the table of all."""

from __future__ import annotations

from toolkit.serving.problems import Kind, with_own

REFUSED = Kind("refused", 409, "A rule of the server's says no to this")
NOMAD_REFUSED = Kind("nomad-refused", 502, "Nomad refused the token that came with the request")

KINDS = with_own(REFUSED, NOMAD_REFUSED)
