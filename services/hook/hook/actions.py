"""What an action of this server is: `toolkit.serving.actions`, with a Hook to work with."""

from __future__ import annotations

from hook.hook import Hook
from toolkit.serving import actions

Ask = actions.Ask[Hook]
Action = actions.Action[Hook]

NDJSON = "application/x-ndjson"
