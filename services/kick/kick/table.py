"""The actions of this server; another kind of action is a further row."""

from __future__ import annotations

from kick import endpoints_audit, endpoints_records, endpoints_statuses, reconciler_actions
from kick.actions import Action

TABLE: tuple[Action, ...] = (
    *endpoints_records.ACTIONS,
    *endpoints_statuses.ACTIONS,
    *endpoints_audit.ACTIONS,
    *reconciler_actions.ACTIONS,
)
