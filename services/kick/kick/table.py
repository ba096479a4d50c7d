"""The actions of this server; another kind of action is a further row."""

from __future__ import annotations

from kick import endpoints_audit as audit
from kick import endpoints_records as records
from kick import endpoints_statuses as statuses
from kick.actions import Action

TABLE: tuple[Action, ...] = (*records.ACTIONS, *statuses.ACTIONS, *audit.ACTIONS)
