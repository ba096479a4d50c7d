"""`toolkit repo credential`: git's question for a name and password, answered for one server only.

Git asks whichever helper its configuration names for an address. The token is handed over when
protocol and host are exactly those of the environment's own hook server, found as any other command
finds it; for every other address git is told nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolkit.errors import RefusedError
from toolkit.workflows.repo.find import connect
from toolkit.workflows.session import Session

USER = "toolkit"
"""Who pushes the server tells from the password."""
LONGEST = 65536
"""Characters of a question."""
STOP = "quit=1\n"
"""Lets git end instead of asking at the terminal, where nobody knows a better answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What git is told; nothing at all where it is not ours to say."""

    text: str = ""
    note: str = ""
    """For a person to read beside it."""

    def __repr__(self) -> str:
        return f"Answer({len(self.text)} characters, {self.note!r})"


def credential(open_session: Callable[[], Session], operation: str, question: str) -> Answer:
    """The answer to `get`; tokens are neither kept (`store`) nor forgotten (`erase`) here.

    `question`: lines of `key=value`. The session is opened only where it is needed.
    RefusedError without a token to hand over.
    """
    if operation != "get":
        return Answer()
    asked = _parse(question)
    session = open_session()
    with connect(session) as server:
        endpoint = server.endpoint
    meant = urlsplit(endpoint.address)
    if (asked.get("protocol"), asked.get("host")) != (meant.scheme, meant.netloc):
        where = f"{asked.get('protocol', '')}://{asked.get('host', '')}"
        return Answer(
            note=f"{where} is not the hook server of environment {session.target.environment},"
            f" which is at {endpoint.address}: no token was handed over"
        )
    token = endpoint.token.reveal() if endpoint.token else ""
    if not token:
        raise RefusedError(
            f"there is no Nomad token for environment {session.target.environment}",
            hint="set NOMAD_TOKEN; a local cluster has tokens once it is started with"
            " `toolkit dev up --acl`",
        )
    if not token.isascii() or not token.isprintable():
        raise RefusedError("the Nomad token is none: it has characters that no token has")
    return Answer(f"username={USER}\npassword={token}\n")


def _parse(question: str) -> dict[str, str]:
    """Up to the first empty line; of a key that comes twice the last counts, as git has it."""
    asked: dict[str, str] = {}
    for line in question[:LONGEST].split("\n"):
        if not line:
            break
        key, equals, value = line.partition("=")
        if equals:
            asked[key] = value
    return asked
