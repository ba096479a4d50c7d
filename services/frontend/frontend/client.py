"""The one HTTP client of the process, for Consul and for the backends alike."""

from __future__ import annotations

import ssl

import httpx

from frontend.settings import Settings

TIMEOUT = httpx.Timeout(connect=1.0, read=2.0, write=1.0, pool=1.0)
"""Seconds. Short: there is a next instance to ask, and somebody waits for the page."""
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0)
"""An idle connection is dropped well before the backend drops it (75 s), for the reason that the
edge does so: a request must not meet a connection that is just being closed."""


class UnusableError(Exception):
    """The client cannot be made from these settings."""


def build_client(settings: Settings) -> httpx.AsyncClient:
    """A client that trusts what the settings name; proxies of the environment are not for it."""
    return httpx.AsyncClient(
        timeout=TIMEOUT, limits=LIMITS, trust_env=False, verify=_trust(settings)
    )


def _trust(settings: Settings) -> ssl.SSLContext:
    if not settings.consul.startswith("https://"):
        # Nobody speaks TLS: a context that trusts nobody spares loading every authority there is.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as exc:
        raise UnusableError(f"cannot read CONSUL_CACERT {settings.ca_file}: {exc}") from exc
