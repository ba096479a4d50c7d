"""Addresses as people write them -> one spelling, so that equal ones compare equal."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.ASCII)
_REGISTRY = re.compile(
    r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(:[0-9]{1,5})?", re.ASCII
)
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
"""What images' names look like, without registry and tag."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""In a server's file, a variable of its task: where things are, often only Nomad says."""


def parse_address(text: str, *, port: int, tls: bool = False) -> str:
    """`http://host:port` for an API; ValueError with a reason.

    Without a scheme it is http (https with `tls`) and `port`; with one, the scheme's own port.
    """
    scheme, host, number = _parse(text, tls=tls)
    if number is None:
        number = _PORTS[scheme] if _SCHEME.match(text.strip()) else port
    return f"{scheme}://{host}:{number}"


def parse_entrance(text: str) -> str:
    """`http://host` or `http://host:port` where requests enter; ValueError with a reason."""
    scheme, host, number = _parse(text, tls=False)
    default = number is None or number == _PORTS[scheme]
    return f"{scheme}://{host}" + ("" if default else f":{number}")


def parse_proxy(text: str) -> str:
    """`http://host:port`, or `socks5h://host:port`, which looks up names on its own side.

    ValueError with a reason.
    """
    found = _SCHEME.match(text.strip())
    if found is None or found[1].lower() in _PORTS:
        return parse_entrance(text)
    if found[1].lower() != "socks5h":
        hint = ": names would be looked up here" if found[1].lower().startswith("socks") else ""
        raise ValueError(
            f'must start with http://, https:// or socks5h://, not "{found[1]}://"{hint}'
        )
    _, host, number = _parse(f"http://{found[2]}", tls=False)
    return f"socks5h://{host}:{number or 1080}"


def parse_registry(text: str) -> str:
    """`host`, `host:port` or either with a path below; ValueError with a reason."""
    text = text.strip().removesuffix("/")
    if "://" in text:
        raise ValueError("must be without a scheme: a registry speaks TLS, but on this machine")
    if "@" in text:
        raise ValueError("must not hold a user or a digest")
    host, _, path = text.partition("/")
    if not _REGISTRY.fullmatch(host):
        raise ValueError("must begin with a host in small letters: registry.example/shop")
    if path and not REPOSITORY.fullmatch(path):
        raise ValueError("has a path that no repository may have: small letters, digits, . _ -")
    return text


def is_same_place(one: str, other: str) -> bool:
    """True when two parsed addresses lead to the same place."""
    return _canonical(one) == _canonical(other)


def _canonical(address: str) -> str:
    return address.replace("://localhost:", "://127.0.0.1:").replace("://[::1]:", "://127.0.0.1:")


def _parse(text: str, *, tls: bool) -> tuple[str, str, int | None]:
    text = text.strip()
    if text.startswith(("unix:", "/")):
        raise ValueError("is a unix socket, which toolkit does not speak to; say http://host:port")
    scheme, rest = "https" if tls else "http", text
    if found := _SCHEME.match(text):
        scheme, rest = found[1].lower(), found[2]
        if scheme not in _PORTS:
            raise ValueError(f'must start with http:// or https://, not "{scheme}://"')
        if tls:
            scheme = "https"
    if "@" in rest:
        raise ValueError("must not hold a user or a password")
    if re.search(r"[\s\x00-\x1f\x7f\\]", rest):
        raise ValueError("must not hold spaces or control characters")
    if rest.count(":") > 1 and not rest.startswith("["):
        rest = f"[{rest.rstrip('/')}]"  # a bare IPv6 address
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, number = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("has no valid host and port") from error
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must not hold a path")
    if number == 0:
        raise ValueError("has no valid host and port")
    return scheme, _host(host, ipv6=rest.startswith("[")), number


def _host(host: str, *, ipv6: bool) -> str:
    if ipv6:
        import ipaddress

        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError as error:
            raise ValueError("has no valid IPv6 address") from error
    if not _HOST.fullmatch(host):
        raise ValueError("has no valid host")
    return host
