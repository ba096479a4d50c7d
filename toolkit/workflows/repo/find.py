"""The client of the environment's hook server, and what people call a repository there."""

from __future__ import annotations

from toolkit.clients.hook import HookServer
from toolkit.repos.names import check_name
from toolkit.workflows.finding import find
from toolkit.workflows.session import Session


def connect(session: Session, name: str | None = None) -> HookServer:
    """A client of the environment's hook server; nothing has been asked of it yet.

    `name`: of the repository that is meant. RefusedError when it can be none, or when there is no
    server that can be believed, and what to do about it.
    """
    if name is not None:
        check_name(name)
    return HookServer(find(session, session.target.hook, "hook"), sleep=session.world.sleep)


def remote(address: str, name: str) -> str:
    """What git is told of a repository: an address that holds no token."""
    return f"{address}/{name}.git"
