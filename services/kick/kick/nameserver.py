"""A small DNS server on loopback that answers from zones in files, over UDP and TCP.

There are two views, each on a port of its own, as a client's address says nothing on one machine.
The public view knows the public zones. The private view is what an instance inside a VPC sees:
a private zone hides a public one of the same or a shorter name, whole, and public zones answer for
the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.spec.dns import Zone
from toolkit.spec.target import Visibility

Address = tuple[str, int]


class NameServer:
    """Serves zones from `start` to `close`, in a thread of its own."""

    def __init__(
        self,
        files: ZoneFiles,
        zones: Sequence[Zone],
        *,
        public: Address | None = ("127.0.0.1", 0),
        private: Address | None = None,
    ) -> None:
        """`public`, `private`: where each view is served; port 0 takes a free one, None none."""
        self._files, self._zones = files, tuple(zones)
        self._wanted = {"public": public, "private": private}

    def start(self) -> None:
        """Listen; ServerError says why an address cannot be had, or which zone is damaged."""
        raise NotImplementedError

    def address(self, view: Visibility) -> Address | None:
        """Where a view is served, for UDP and TCP alike; None when it is not."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop listening and end the thread."""
