"""The IAM policy of the kick server's role, rendered from the policy that it enforces itself."""

from __future__ import annotations

from typing import Any

from toolkit.spec.kick import KickConfig


def kick_role_policy(config: KickConfig) -> dict[str, Any]:
    """The policy document: just what the rules of kick.toml can lead to, zone by zone."""
    raise NotImplementedError
