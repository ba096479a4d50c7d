"""From the headers of a request to its verified caller."""

from __future__ import annotations

import time
from collections.abc import Callable

from toolkit.clients.nomad_identity import NomadIdentity
from toolkit.identity.header import read_credential
from toolkit.identity.limits import Limits
from toolkit.spec.identity import Caller


class Verifier:
    """Says who asks; one for a process, used by many threads."""

    def __init__(
        self,
        connect: Callable[[], NomadIdentity],
        audience: str,
        *,
        issuer: str | None = None,
        limits: Limits | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`connect` opens a client with the server's own token, for one thread at a time.

        `issuer`: what `iss` has to be, where Nomad's servers set one; None: it is not looked at.
        """
        self.audience = audience
        self._connect = connect
        self._issuer = issuer
        self._limits = limits or Limits()
        self._now = now
        self._clock = clock

    def verify(
        self, authorization: str | None, *, nomad_token: str | None = None, source: str = ""
    ) -> Caller:
        """The caller that one of the two headers proves; it blocks while Nomad is asked.

        `source`, such as the peer's address, is whose failed attempts are counted together.
        Raises IdentityError, whose reason `too-many` asks to come again later, or an ApiError when
        Nomad cannot be asked.
        """
        credential = read_credential(authorization, nomad_token)
        raise NotImplementedError(credential.kind)

    def close(self) -> None:
        """Close the connections."""
