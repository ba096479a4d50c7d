"""The actions of this server; another kind of action is a further row."""

from __future__ import annotations

from kick.actions import Action

TABLE: tuple[Action, ...] = ()
