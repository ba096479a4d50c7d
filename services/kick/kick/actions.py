"""What an action of this server is: `toolkit.serving.actions`, with a Kick to work with."""

from __future__ import annotations

from kick.kick import Kick
from toolkit.serving import actions

Ask = actions.Ask[Kick]
Action = actions.Action[Kick]

RECORD = "application/vnd.kick.record+json"
STATUS = "application/vnd.kick.status+json"
