"""One POST to an address of the user's, bounded in time whatever the other side does."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import requests
import urllib3

from toolkit.clients.anatomy import reason
from toolkit.clients.session import open_session


def post(
    url: str, body: bytes, *, token: str | None = None, timeout: float, proxy: str | None = None
) -> str | None:
    """Send JSON; None when it was taken, else why it was not. Never raises, ends in `timeout` s.

    Only the host of `url` is ever named: the rest of it is often a secret.
    """
    said: list[str | None] = []

    def send() -> None:
        said.append(_send(url, body, token, timeout, proxy))

    # Timeouts of a connection are for each byte: a server that drips could hold us for hours.
    thread = threading.Thread(target=send, name="webhook", daemon=True)
    thread.start()
    thread.join(timeout)
    why = said[0] if said else f"no answer in {timeout:g} s"
    return None if why is None else f"{urlsplit(url).hostname}: {why}"


def _send(
    url: str, body: bytes, token: str | None, timeout: float, proxy: str | None
) -> str | None:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with (
            open_session(proxy=proxy) as session,
            session.post(
                url, data=body, headers=headers, timeout=timeout, stream=True, allow_redirects=False
            ) as answer,
        ):
            return None if 200 <= answer.status_code < 300 else f"HTTP {answer.status_code}"
    except requests.exceptions.Timeout:
        return f"no answer in {timeout:g} s"
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
        return reason(exc)
