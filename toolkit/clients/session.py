"""How a connection is made: TLS, proxy, timeouts; nothing taken from the process environment."""

from __future__ import annotations

from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from toolkit.clients.unix_socket import BASE, UnixSocketAdapter, socket_path
from toolkit.spec.target import Endpoint

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
LEAST_WAIT_SECONDS = 0.001
"""A blocking query without a wait would take the server's default of minutes."""
WAIT_MARGIN_SECONDS = 10.0
"""On top of a blocking query's own time: a busy server, a slow line."""

Timeout = tuple[float, float]


def plain_timeout(read: float = READ_SECONDS) -> Timeout:
    """Seconds to connect and seconds without a byte, for a call that does not block."""
    return (CONNECT_SECONDS, read)


def blocking_timeout(wait: float) -> Timeout:
    """The same for a blocking query of `wait` seconds; servers add up to a sixteenth to it."""
    return (CONNECT_SECONDS, wait * 17 / 16 + WAIT_MARGIN_SECONDS)


class DirectSession(requests.Session):
    """A session that reads no environment and follows no redirect.

    A redirect would carry our token header to wherever it points, and none of the APIs needs one.
    """

    def __init__(self) -> None:
        super().__init__()
        # Otherwise HTTP_PROXY, REQUESTS_CA_BUNDLE and ~/.netrc would have a say.
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: the redirect itself is the answer."""
        return None


class NamedTlsAdapter(HTTPAdapter):
    """Asks for, and checks the certificate against, a name that is not the address's host."""

    def __init__(self, server_name: str):
        self._server_name = server_name
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **kwargs: Any
    ) -> None:
        """See `HTTPAdapter`."""
        super().init_poolmanager(connections, maxsize, block, **kwargs, **self._names())

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """See `HTTPAdapter`."""
        return super().proxy_manager_for(proxy, **kwargs, **self._names())

    def _names(self) -> dict[str, Any]:
        return {"server_hostname": self._server_name, "assert_hostname": self._server_name}


def verification(endpoint: Endpoint) -> bool | str:
    """What requests calls `verify`: a file or folder of certificates, or whether to check."""
    if not endpoint.verify:
        return False
    return endpoint.ca_file or endpoint.ca_path or True


def certificate(endpoint: Endpoint) -> tuple[str, str] | str | None:
    """What requests calls `cert`: ours, for a server that asks for one."""
    if endpoint.cert_file is None:
        return None
    if endpoint.key_file is None:
        return endpoint.cert_file
    return (endpoint.cert_file, endpoint.key_file)


def base_address(endpoint: Endpoint) -> str:
    """What a request's URL begins with, in a session of `session_for`."""
    return endpoint.address.rstrip("/") if socket_path(endpoint.address) is None else BASE


def open_session(
    *,
    verify: bool | str = True,
    cert: tuple[str, str] | str | None = None,
    proxy: str | None = None,
    server_name: str | None = None,
) -> DirectSession:
    """A session for one thread."""
    session = DirectSession()
    session.headers["User-Agent"] = "toolkit"
    session.verify = verify
    session.cert = cert
    if proxy is not None:
        session.proxies = {"http": proxy, "https": proxy}
    if server_name is not None:
        session.mount("https://", NamedTlsAdapter(server_name))
    if verify is False:
        # Said once by the configuration that asked for it, not at every request.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


def session_for(endpoint: Endpoint) -> DirectSession:
    """A session for one thread that talks to `endpoint`; it carries no token yet."""
    path = socket_path(endpoint.address)
    if path is not None:
        # No TLS, no proxy, and no way to any other place.
        session = open_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, UnixSocketAdapter(path))
        return session
    return open_session(
        verify=verification(endpoint),
        cert=certificate(endpoint),
        proxy=endpoint.proxy,
        server_name=endpoint.tls_server_name,
    )
