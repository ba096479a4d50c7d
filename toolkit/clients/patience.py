"""How long a read that does not block waits for its answer."""

from __future__ import annotations

import requests
import urllib3

from toolkit.clients.anatomy import chain
from toolkit.clients.session import READ_SECONDS, Timeout, plain_timeout

GLANCE_SECONDS = 5.0
AGAIN_SECONDS = 1.0
"""What a system that kept silent gets for the next question: it may be well again."""


class Patience:
    """The time that one system is given; shared by the clones of a client."""

    def __init__(self, seconds: float = READ_SECONDS, again: float | None = None) -> None:
        """`again`: seconds once a question got no answer, until one gets it; else the same."""
        self._seconds = seconds
        self._again = seconds if again is None else again
        self.silent = False

    def timeout(self) -> Timeout:
        """Seconds to connect and seconds without a byte."""
        seconds = self._again if self.silent else self._seconds
        connect, read = plain_timeout(seconds)
        return (min(connect, seconds), read)

    def failed(self, exc: BaseException) -> None:
        """A question ended in `exc`: only when its time was over, that was silence."""
        # Not urllib3's own TimeoutError: a refused connection is one of them.
        late = requests.exceptions.Timeout | urllib3.exceptions.ReadTimeoutError
        self.silent = any(isinstance(each, late) for each in chain(exc))

    def answered(self) -> None:
        """Something came back, whatever it says."""
        self.silent = False


def glance() -> Patience:
    """For one look at what is there: nobody waits half a minute to learn that it is silent."""
    return Patience(GLANCE_SECONDS, AGAIN_SECONDS)
