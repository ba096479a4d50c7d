"""The actions of this server; another kind of action is a further row."""

from __future__ import annotations

from hook import endpoints_builds, endpoints_deployments, endpoints_hooks, endpoints_repos
from hook.actions import Action

TABLE: tuple[Action, ...] = (
    *endpoints_repos.ACTIONS,
    *endpoints_deployments.ACTIONS,
    *endpoints_hooks.ACTIONS,
    *endpoints_builds.ACTIONS,
)
