"""The list of checksums that comes with a release."""

from __future__ import annotations

from toolkit.clients.http import ask
from toolkit.errors import UnreachableError

ANSWER_SECONDS = 4.0


def release_list(url: str, *, seconds: float = ANSWER_SECONDS) -> str:
    """The text at `url`; UnreachableError says why there is none. `seconds`: for all of it."""
    answer = ask(url.rpartition("/")[0], path=url.rpartition("/")[2], timeout=seconds)
    if not answer.ok or answer.error:
        why = answer.error or f"HTTP {answer.status}"
        raise UnreachableError(f"{url}: {why}", system="the release list", address=url)
    return answer.body.decode(errors="replace")
