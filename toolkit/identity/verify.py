"""From the headers of a request to its verified caller."""

from __future__ import annotations

import time
from collections.abc import Callable

from toolkit.clients.nomad_identity import NomadIdentity
from toolkit.identity.alive import Alive
from toolkit.identity.asking import Asker
from toolkit.identity.compact import take_apart
from toolkit.identity.header import read_credential
from toolkit.identity.keyring import Keyring
from toolkit.identity.limits import Limits
from toolkit.identity.person import Persons
from toolkit.identity.workload import Expected, verify_workload
from toolkit.spec.identity import Caller, Workload
from toolkit.spec.target import Secret


class Verifier:
    """Says who asks; one for a process, used by many threads."""

    def __init__(
        self,
        connect: Callable[[], NomadIdentity],
        audience: str,
        *,
        issuer: str | None = None,
        basic: bool = False,
        limits: Limits | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`connect` opens a client with the server's own token, for one thread at a time.

        `issuer`: what `iss` has to be, where Nomad's servers set one; None: it is not looked at.
        `basic`: a token may come as the password of HTTP's Basic scheme.
        """
        limits = limits or Limits()
        self._expected = Expected(audience, issuer)
        self._basic = basic
        self._limits = limits
        self._now = now
        # One each: what Nomad fails to say of one thing is no reason not to ask after another.
        askers = [Asker(connect, pause=limits.pause, clock=clock) for _ in range(3)]
        self._askers = tuple(askers)
        self._keyring = Keyring(askers[0], limits, clock)
        self._alive = Alive(askers[1], limits, clock)
        self._persons = Persons(askers[2], limits, clock)

    def verify(
        self, authorization: str | None, *, nomad_token: str | None = None, source: str = ""
    ) -> Caller:
        """The caller that one of the two headers proves; it blocks while Nomad is asked.

        `source`, such as the peer's address, is whose failed attempts are counted together.
        Raises IdentityError, whose reason `too-many` asks to come again later, or an ApiError when
        Nomad cannot be asked.
        """
        credential = read_credential(authorization, nomad_token, basic=self._basic)
        if credential.kind == "acl":
            return self._persons.person(credential.token, source)
        return self._workload(credential.token)

    def close(self) -> None:
        """Close the connections."""
        for asker in self._askers:
            asker.close()

    def _workload(self, token: Secret) -> Workload:
        compact = take_apart(token)
        key = self._keyring.key(compact.key)
        workload = verify_workload(compact, key, self._expected, self._limits, self._now())
        self._alive.check(workload)
        return workload
