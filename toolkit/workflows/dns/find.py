"""The client of the environment's kick server."""

from __future__ import annotations

from toolkit.clients.kick import Kick
from toolkit.workflows.finding import find
from toolkit.workflows.session import Session


def connect(session: Session) -> Kick:
    """A client of the environment's kick server; nothing has been asked of it yet.

    RefusedError when there is none that can be believed, and what to do about it.
    """
    return Kick(find(session, session.target.kick, "kick"), sleep=session.world.sleep)
