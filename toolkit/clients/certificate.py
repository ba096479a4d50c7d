"""The certificate that an address shows, checked as our requests check it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from toolkit.clients.errors_map import from_exception
from toolkit.clients.session import CONNECT_SECONDS
from toolkit.spec.target import Endpoint


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What a trusted certificate says."""

    ends_at: float
    """Seconds since the epoch."""
    names: tuple[str, ...]
    """Names and addresses that it is for."""
    issuer: str


def peer_certificate(endpoint: Endpoint, *, timeout: float = CONNECT_SECONDS) -> PeerCertificate:
    """The certificate at an `https` address; ApiError, TlsError when it is not to be trusted.

    `timeout` in seconds.
    """
    parts = urlsplit(endpoint.address)
    host = parts.hostname or ""
    try:
        context = ssl.create_default_context(
            cafile=endpoint.ca_file
            or (None if endpoint.ca_path else requests.utils.DEFAULT_CA_BUNDLE_PATH),
            capath=None if endpoint.ca_file else endpoint.ca_path,
        )
        if endpoint.cert_file is not None:
            context.load_cert_chain(endpoint.cert_file, endpoint.key_file)
        with (
            socket.create_connection((host, parts.port or 443), timeout) as raw,
            context.wrap_socket(raw, server_hostname=endpoint.tls_server_name or host) as wrapped,
        ):
            found: dict[str, Any] = dict(wrapped.getpeercert() or {})
    except OSError as exc:
        raise from_exception(endpoint, exc, read=True).error from exc
    return PeerCertificate(
        ends_at=float(ssl.cert_time_to_seconds(found["notAfter"])),
        names=tuple(name for _kind, name in found.get("subjectAltName", ())),
        issuer=_common_name(found.get("issuer", ())),
    )


def _common_name(parts: Any) -> str:
    pairs = [pair for part in parts for pair in part]
    return str(dict(pairs).get("commonName") or dict(pairs).get("organizationName") or "")
