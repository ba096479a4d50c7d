"""What a vendor's exception is made of: the answer or the exception inside, and its reason."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3


def unwrap(exc: BaseException) -> BaseException | requests.Response:
    """What is inside: python-nomad keeps the answer, or the exception, in exceptions of its own."""
    inner = getattr(exc, "nomad_resp", None)
    if isinstance(inner, requests.Response | BaseException):
        return inner
    if isinstance(exc, requests.RequestException) and exc.args:
        # Its TimeoutNomadException.
        first = exc.args[0]
        return first if isinstance(first, requests.RequestException) else exc
    return exc


def chain(exc: BaseException) -> Iterator[BaseException]:
    """`exc` and what it was made of: arguments, reasons and causes."""
    seen: set[int] = set()
    waiting: list[object] = [exc]
    while waiting:
        item = waiting.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        waiting += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]


def reason(root: BaseException) -> str:
    """The innermost reason in words; never a URL, which may carry a password."""
    items = list(chain(root))
    # A refused connection is a kind of late one to urllib3, hence the exact type.
    if any(type(item) is urllib3.exceptions.ConnectTimeoutError for item in items):
        return "no connection in time"
    for item in reversed(items):
        if type(item).__module__ == "socks" and not getattr(item, "socket_err", None):
            return f"the proxy says {_of_socks(str(item))}"
        if isinstance(item, OSError) and item.strerror and not isinstance(item, ssl.SSLError):
            return item.strerror[:1].lower() + item.strerror[1:]
        if isinstance(item, TimeoutError | urllib3.exceptions.ReadTimeoutError):
            return "no answer in time"
        if isinstance(item, ssl.SSLError):
            return (
                str(getattr(item, "reason", None) or "handshake failed").lower().replace("_", " ")
            )
    return type(root).__name__


def _of_socks(text: str) -> str:
    """`host unreachable`, of `0x04: Host unreachable`."""
    said = text.partition(": ")[2] or text
    return said[:1].lower() + said[1:]


def never_sent(root: BaseException) -> bool:
    """True when the connection was never made, so that nothing can have been carried out."""
    if isinstance(root, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    early = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.NameResolutionError,
        urllib3.exceptions.ConnectTimeoutError,
        ConnectionRefusedError,
        socket.gaierror,
    )
    return any(isinstance(item, early) for item in chain(root))
